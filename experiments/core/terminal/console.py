"""Console that commands print on."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH = 110
"""Columns to print where no terminal says how many it has."""


def open_console(*, quiet: bool) -> Console:
    """Opens the console: as wide as the terminal, and wide enough for every table where there is none.

    Text is printed as it is: causes, paths and intervals have brackets and colons that mean nothing to rich.
    """
    # The stream of now: what an environment prints may go elsewhere while it is checked.
    console = Console(file=sys.stdout, quiet=quiet, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and not console.is_jupyter:
        console.width = WIDTH
    return console

"""Ledger of the blocks of test seeds that sweeps have taken, in the experiment's results folder.

Whoever changes an experiment by what a confirmation said, and confirms again on the same seeds, meets the
same luck again. So each sweep takes a block of its own: a file that only one process can create.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from analysis.sweep import SEEN_FOLDER
from experiments.core.declaration import BLOCKS


class Look(NamedTuple):
    """Look at test seeds."""

    block: int = 0
    """Block that it takes."""
    looks: int = 1
    """How many there have been by then, this one included."""


def take_look(experiment: Path, sweep: str, root: int, others: Collection[tuple[int, int]] = ()) -> Look:
    """Takes the first block of test seeds that no sweep of the experiment, and no ancestor, has taken.

    Args:
        experiment: Results folder of the experiment.
        sweep: Name of the sweep that takes it.
        root: Root of its seeds.
        others: Roots and blocks of further sweeps that must not be met again, such as those it starts from.

    Returns:
        The block. After `BLOCKS` of them they are taken again, in turn; the number of looks still tells.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = experiment / SEEN_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    seen = {path.stem for path in folder.glob("*.json")}
    elsewhere = {f"{other}_{block}" for other, block in others}
    number = 0
    while True:
        name = f"{root}_{number}"
        if name not in seen | elsewhere:
            try:
                with (folder / f"{name}.json").open("x", encoding="utf-8") as file:
                    file.write(json.dumps({"sweep": sweep, "root": root, "block": number % BLOCKS}) + "\n")
            except FileExistsError:
                seen.add(name)  # another sweep was faster
            else:
                return Look(number % BLOCKS, 1 + len(seen | elsewhere))
        number += 1

"""Error handling of the commands of envs: one line instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import gymnasium as gym


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Ends the program with exit status 2 and one line where what the user gave was wrong."""
    try:
        yield
    except (ValueError, OSError, gym.error.DependencyNotInstalled) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        raise SystemExit(2) from None

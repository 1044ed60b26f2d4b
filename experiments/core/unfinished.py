"""How far a run has come, in one file of its folder, so that a killed sweep goes on from there.

The file is whole or not there. Its first line is JSON for the driver, which writes the run's records anew
from it; the rest is the trainer's state, which only the run itself reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray import cloudpickle

FILE = "unfinished.ckpt"
"""The file's name; a run that ended has none."""

Results = list[dict[str, Any]]
"""Everything a run has reported, one mapping an evaluation."""


def save(folder: Path, results: Sequence[dict[str, Any]], state: Any) -> None:
    """Writes the file, in place of the one before.

    Args:
        folder: The run's.
        results: Everything it has reported.
        state: All that the rest of it depends on.
    """
    part = folder / (FILE + ".part")
    # Python's JSON keeps every digit of a float, and NaN.
    part.write_bytes(json.dumps(results).encode("utf-8") + b"\n" + cloudpickle.dumps(state))
    part.replace(folder / FILE)


def load(folder: Path) -> tuple[Results, Any] | None:
    """What the run had reported, and its state; None if it has never been saved."""
    path = folder / FILE
    if not path.exists():
        return None
    with path.open("rb") as lines:
        return json.loads(lines.readline()), cloudpickle.load(lines)


def results_of(folder: Path) -> Results | None:
    """What the run had reported, without its state; None if it has never been saved."""
    path = folder / FILE
    if not path.exists():
        return None
    with path.open("rb") as lines:
        results: Results = json.loads(lines.readline())
        return results


def discard(folder: Path) -> None:
    """Removes the file of a run that has ended."""
    (folder / FILE).unlink(missing_ok=True)

"""How far a run has come, in one file of its folder, so that a killed sweep goes on from there.

The file is whole or not there. Its first line is JSON for the driver, which writes the run's records anew
from it; the rest is the trainer's state, which only the run itself reads.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ray import cloudpickle

FILE = "unfinished.ckpt"
"""The file's name; a run that ended has none."""


@dataclass(kw_only=True)
class Progress:
    """Where a trial stands, besides its trainer's state."""

    steps: int = 0
    """Environment steps trained."""
    points: int = 0
    """Evaluation points passed."""
    wall_s: float = 0.0
    """Seconds spent on training and evaluation."""
    scores: list[float] = field(default_factory=list)
    """Scores in the objective's window, oldest first."""
    results: list[dict[str, Any]] = field(default_factory=list)
    """Everything reported so far, one mapping an evaluation."""


def save(folder: Path, progress: Progress, state: Any) -> None:
    """Writes the file, in place of the one before.

    Args:
        folder: The run's.
        progress: Where the trial stands.
        state: Its trainer's state.
    """
    unfinished = folder / (FILE + ".part")
    unfinished.write_bytes(_encoded(progress) + b"\n" + cloudpickle.dumps(state))
    unfinished.replace(folder / FILE)


def load(folder: Path) -> tuple[Progress, Any] | None:
    """Where the trial stood and its trainer's state; None if it has never been saved."""
    path = folder / FILE
    if not path.exists():
        return None
    with path.open("rb") as lines:
        progress = _decoded(lines.readline())
        return progress, cloudpickle.load(lines)


def progress_of(folder: Path) -> Progress | None:
    """Where the trial stood, without its trainer's state; None if it has never been saved."""
    path = folder / FILE
    if not path.exists():
        return None
    with path.open("rb") as lines:
        return _decoded(lines.readline())


def discard(folder: Path) -> None:
    """Removes the file of a run that has ended."""
    (folder / FILE).unlink(missing_ok=True)


def write_progress(path: Path, progress: Progress) -> None:
    """Writes the first line alone, beside a checkpoint that holds the trainer's state."""
    path.write_bytes(_encoded(progress))


def read_progress(path: Path) -> Progress:
    """Reads what :func:`write_progress` wrote."""
    return _decoded(path.read_bytes())


def _encoded(progress: Progress) -> bytes:
    # Python's JSON keeps every digit of a float, and NaN.
    return json.dumps(asdict(progress)).encode("utf-8")


def _decoded(line: bytes) -> Progress:
    return Progress(**json.loads(line))

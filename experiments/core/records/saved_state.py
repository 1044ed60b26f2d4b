"""Saved state of a run, in one file of its folder, from which a killed sweep continues.

The file is whole or not there. Its first line is JSON for the driver, which writes the run's records anew
from it; the rest is the trainer's state, which only the run itself reads. A run that cannot go on from its
file refuses it before the driver looks: what is in the file afterwards is what both go by.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.sweep import UNFINISHED_FILE, place_aside, saved_head, write_bytes

FORMAT = 3
"""Number of the form in which a run saves itself: where the form changes it rises, and no run goes on from an
older one."""
LIBRARIES = ("gymnasium", "numpy", "ray", "torch")
"""Whose objects are pickled in a state, so that their versions count."""

Results = list[dict[str, Any]]
"""Everything a run has reported, one mapping an evaluation."""


class VersionError(Exception):
    """A run's state was written by other versions of what is pickled in it."""


def save(folder: Path, results: Sequence[dict[str, Any]], state: Any) -> None:
    """Writes the file, in place of the one before.

    Args:
        folder: The run's.
        results: Everything it has reported.
        state: All that the rest of it depends on.
    """
    from ray import cloudpickle  # here, since whoever only reads needs no Ray

    _write(folder, {"written_by": _versions(), "results": list(results)}, cloudpickle.dumps(state))


def load(folder: Path) -> tuple[Results, Any] | None:
    """What the run had reported, and its state; None if it has never been saved, or its file was refused.

    Raises:
        DamagedError: The file is not what a run writes.
        VersionError: Other versions wrote it.
        Exception: Whatever unpickling a state may raise.
    """
    head = saved_head(folder)
    if head is None or head.results is None:
        return None
    _check_versions(head.written_by)
    from ray import cloudpickle

    with (folder / UNFINISHED_FILE).open("rb") as lines:
        lines.readline()
        return head.results, cloudpickle.load(lines)


def refuse(folder: Path, cause: str) -> None:
    """Sets the file aside; until the run saves itself again, its place says that and why it begins anew."""
    aside = (folder / UNFINISHED_FILE).rename(place_aside(folder / UNFINISHED_FILE))
    _write(folder, {"refused": f"{cause}; it is set aside as {aside.name}"}, b"")


def discard(folder: Path) -> None:
    """Removes the file of a run that has ended."""
    (folder / UNFINISHED_FILE).unlink(missing_ok=True)


def _write(folder: Path, head: dict[str, Any], rest: bytes) -> None:
    # Python's JSON keeps every digit of a float, and NaN.
    write_bytes(folder / UNFINISHED_FILE, json.dumps(head).encode("utf-8") + b"\n" + rest)


def _check_versions(before: Mapping[str, str]) -> None:
    for name, now in _versions().items():
        if before.get(name) != now:
            raise VersionError(f"{name} {before.get(name, '?')} wrote it, and this is {now}")


@cache
def _versions() -> dict[str, str]:
    """What a state depends on besides the run itself, by name."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"format": str(FORMAT), "python": python, **{name: version(name) for name in LIBRARIES}}

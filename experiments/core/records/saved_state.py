"""How far a run has come, in one file of its folder, so that a killed sweep goes on from there.

The file is whole or not there. Its first line is JSON for the driver, which writes the run's records anew
from it; the rest is the trainer's state, which only the run itself reads. A run that cannot go on from its
file refuses it before the driver interim_analyses: what is in the file afterwards is what both go by.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.sweep import UNFINISHED_FILE, write_bytes

FORMAT = 2
"""Number of the form in which a run saves itself: where the form changes it rises, and no run goes on from an
older one."""
LIBRARIES = ("gymnasium", "numpy", "ray", "torch")
"""Whose objects are pickled in a state, so that their versions count."""

Results = list[dict[str, Any]]
"""Everything a run has reported, one mapping an evaluation."""


class UnreadableError(Exception):
    """A run's file is damaged, or other versions wrote it."""


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
        UnreadableError: The file is damaged, or other versions wrote it.
        Exception: Whatever unpickling a state may raise.
    """
    path = folder / UNFINISHED_FILE
    if not path.exists():
        return None
    from ray import cloudpickle

    with path.open("rb") as lines:
        head = _head(lines.readline())
        if "refused" in head:
            return None
        _check_versions(head.get("written_by"))
        return head["results"], cloudpickle.load(lines)


def results_of(folder: Path) -> Results | None:
    """What the run had reported, without its state; None where it does not go on from anything."""
    head = _head_of(folder)
    return None if head is None else head.get("results")


def refuse(folder: Path, cause: str) -> None:
    """Says in the file's place that the run begins anew, and why, until it saves itself again."""
    _write(folder, {"refused": cause}, b"")


def refusal_of(folder: Path) -> str | None:
    """Why a run that had been saved begins anew; None if it does not."""
    head = _head_of(folder)
    return None if head is None else head.get("refused")


def discard(folder: Path) -> None:
    """Removes the file of a run that has ended."""
    (folder / UNFINISHED_FILE).unlink(missing_ok=True)


def _write(folder: Path, head: dict[str, Any], rest: bytes) -> None:
    # Python's JSON keeps every digit of a float, and NaN.
    write_bytes(folder / UNFINISHED_FILE, json.dumps(head).encode("utf-8") + b"\n" + rest)


def _head_of(folder: Path) -> dict[str, Any] | None:
    """The first line of a run's file; None if there is none that can be read."""
    try:
        with (folder / UNFINISHED_FILE).open("rb") as lines:
            return _head(lines.readline())
    except (FileNotFoundError, UnreadableError):
        return None


def _head(line: bytes) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except ValueError as error:
        raise UnreadableError("it is damaged") from error
    # The first form was a bare list of results.
    if not isinstance(head, dict):
        raise UnreadableError("an earlier version of the suite wrote it")
    return head


def _check_versions(written_by: Any) -> None:
    now = _versions()
    if written_by == now:
        return
    before = written_by if isinstance(written_by, dict) else {}
    name = next(name for name in now if before.get(name) != now[name])
    raise UnreadableError(f"{name} {before.get(name, '?')} wrote it, and this is {now[name]}")


@cache
def _versions() -> dict[str, str]:
    """What a state depends on besides the run itself, by name."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"format": str(FORMAT), "python": python, **{name: version(name) for name in LIBRARIES}}

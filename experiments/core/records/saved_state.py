"""Saved state of a run, in one file of its folder, from which a killed sweep continues.

The file is whole or not there. Its first line is JSON for the driver, which writes the run's records anew
from it; the rest is the trainer's state, a pickle, which only the run itself reads, and only if the
driver's user wrote it or trusts whoever did. A run that cannot go on from its
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

from analysis.sweep import (
    UNFINISHED_FILE,
    DamagedError,
    content_of,
    place_aside,
    run_folders,
    saved_head,
    write_bytes,
)
from experiments.core.errors import UserError
from experiments.core.signing import is_signed, signature_of

FORMAT = 3
"""Number of the form in which a run saves itself: where the form changes it rises, and no run goes on from an
older one."""
LARGEST = 2**31
"""Bytes that a saved state may have."""
LIBRARIES = ("gymnasium", "numpy", "ray", "torch")
"""Whose objects are pickled in a state, so that their versions count."""

Results = list[dict[str, Any]]
"""Everything a run has reported, one mapping an evaluation."""


class VersionError(Exception):
    """A run's state was written by other versions of what is pickled in it."""


class ForeignStateError(Exception):
    """Nobody with the user's key wrote a run's state, and unpickling it could run anything."""


def save(folder: Path, results: Sequence[dict[str, Any]], state: Any, *, key: bytes) -> None:
    """Writes the file, in place of the one before.

    Args:
        folder: The run's.
        results: Everything it has reported.
        state: All that the rest of it depends on.
        key: The user's, by which the state is known again.
    """
    from ray import cloudpickle  # here, since whoever only reads needs no Ray

    pickled = cloudpickle.dumps(state)
    head = {"written_by": versions(), "signature": signature_of(pickled, key), "results": list(results)}
    _write(folder, head, pickled)


def load(folder: Path, *, key: bytes, trust: bool = False) -> tuple[Results, Any] | None:
    """What the run had reported, and its state; None if it has never been saved, or its file was refused.

    Args:
        folder: The run's.
        key: The user's.
        trust: Whether to load a state that was written without the key.

    Raises:
        DamagedError: The file is not what a run writes.
        VersionError: Other versions wrote it.
        ForeignStateError: Somebody else wrote it, who is not trusted.
        Exception: Whatever unpickling a state may raise.
    """
    head = saved_head(folder)
    if head is None or head.results is None:
        return None
    _check_versions(head.written_by)
    pickled = _pickled(folder)
    if not (trust or is_signed(pickled, head.signature, key)):
        raise ForeignStateError("it was not written with this user's key")
    from ray import cloudpickle

    return head.results, cloudpickle.loads(pickled)


def check_own(phase_folder: Path, *, key: bytes) -> None:
    """Checks that whatever the runs of a phase would go on from was written with the user's key.

    Raises:
        UserError: It was not.
    """
    for folder in run_folders(phase_folder).values():
        try:
            head = saved_head(folder)
            if head is None or head.results is None:
                continue
            _check_versions(head.written_by)
            own = is_signed(_pickled(folder), head.signature, key)
        except (DamagedError, VersionError):
            continue  # no run goes on from it
        if not own:
            raise UserError(
                f"{folder / UNFINISHED_FILE} was not written with your key, and going on from it would run "
                "whatever code lies in it; if the folder is yours, from another machine or an earlier "
                "release, say --trust; else remove the file, and the run restarts"
            )


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


def _pickled(folder: Path) -> bytes:
    content = content_of(folder / UNFINISHED_FILE, largest=LARGEST)
    return b"" if content is None else content.partition(b"\n")[2]


def _check_versions(before: Mapping[str, str]) -> None:
    for name, now in versions().items():
        if before.get(name) != now:
            raise VersionError(f"{name} {before.get(name, '?')} wrote it, and this is {now}")


@cache
def versions() -> dict[str, str]:
    """What a state depends on besides the run itself, by name."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"format": str(FORMAT), "python": python, **{name: version(name) for name in LIBRARIES}}

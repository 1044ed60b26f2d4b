"""Cause by which the process of a run ended itself, from that process to the one that records it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from analysis.sweep import LOST_FILE, OUTPUT_FILE, write_text
from analysis.text import printable


def open_dump(folder: Path) -> int:
    """Opens the file in which a process leaves what it calls, should it end where no Python code runs.

    Args:
        folder: The run's folder.

    Returns:
        A file descriptor, for :mod:`faulthandler`; what is written there becomes the cause.
    """
    folder.mkdir(exist_ok=True)
    return os.open(folder / LOST_FILE, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)


def write_cause_of_loss(folder: Path, cause: str) -> None:
    """Writes why a run is lost; what cannot be written is lost with it, as the process is about to end."""
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        write_text(folder / LOST_FILE, f"{cause}\n")


def cause_of_loss(folder: Path) -> str | None:
    """Returns why a run was lost; None if its process did not say."""
    try:
        text = (folder / LOST_FILE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    # Importing gymnasium would take longer than all else that is done with records.
    from envs.lanes import crash_in_dump, is_of_a_timeout, place_in_dump

    crash, place = crash_in_dump(text), place_in_dump(text)
    at = f" ({place})" if place else ""
    if crash is not None:
        return f"its process crashed: {crash}{at}"
    if is_of_a_timeout(text):
        return f"a call that holds Python's lock has not come back{at}"
    return printable(text.partition("\n")[0]) or None


def forget_loss(folder: Path) -> None:
    """Removes the cause of a loss, as the run goes on; not the file that its process has just opened."""
    _remove(folder / LOST_FILE, empty=False)


def remove_empty_files(folder: Path) -> None:
    """Removes the files that a run's process had opened and left empty, as it is over."""
    for name in LOST_FILE, OUTPUT_FILE:
        _remove(folder / name, empty=True)


def _remove(file: Path, *, empty: bool) -> None:
    with suppress(OSError):
        if (file.stat().st_size == 0) == empty:
            file.unlink()

"""Check of a sweep folder before anything is written into it: whatever is written stays in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from analysis.sweep.manifest import NotASweepError


def check_writes_stay_inside(folder: Path) -> None:
    """Checks that a sweep folder has nothing in it but folders, files and links to either of its own.

    Through a link, a sweep would write, move or remove what lies elsewhere; on a pipe it would wait. The
    folder itself may be a link, as may those above it: whoever gives its name has made them.

    Raises:
        NotASweepError: It has something else, or cannot be looked through.
    """
    inside = Path(os.path.realpath(folder))
    waiting = [os.fspath(folder)] if folder.is_dir() else []
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                waiting += [entry.path for entry in entries if _is_own_folder(entry, inside)]
        except OSError as error:
            raise NotASweepError(f"{place} cannot be read ({error.strerror}): make it readable") from error


def _is_own_folder(entry: os.DirEntry[str], inside: Path) -> bool:
    """Returns whether an entry of a folder is a folder, and no link to one.

    Raises:
        NotASweepError: It is a link that leads out, or neither a folder nor a file.
    """
    if entry.is_symlink():
        if not Path(os.path.realpath(entry.path)).is_relative_to(inside):
            raise NotASweepError(
                f"{entry.path} is a link that leads out of the sweep folder, and nothing is written through "
                "it: remove it, or put what it leads to in its place"
            )
        return False
    if not entry.is_dir() and not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
        raise NotASweepError(f"{entry.path} is neither a file nor a folder: remove it")
    return entry.is_dir()

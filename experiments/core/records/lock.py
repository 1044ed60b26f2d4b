"""Lock of a folder for the one process that works in it, which says who that is.

It is the kernel's, on a file with the holder's name. The kernel locks of `filelock` do not say who holds them
and leave their file behind; its other ones say it, and outlive a process that is killed.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from analysis.sweep import LOCK_FILE
from experiments.core.errors import UserError
from experiments.core.program import this_command


@contextmanager
def sole_use(folder: Path, *, way_out: str) -> Iterator[None]:
    """Keeps every other process that asks for it out of a folder, which is made if it is not there.

    The kernel lets the next one in when this process ends, however it ends.

    Args:
        folder: Removed in the end if it is empty then.
        way_out: What a user can do besides waiting, for the message.

    Raises:
        UserError: Another process works in it, or it cannot be written.
    """
    with _locked(folder, way_out) as lock:
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()} ({this_command()})")
        lock.flush()
        try:
            yield
        finally:
            # Before the lock is given up: whoever has opened the file by then sees that it is gone.
            # Where it cannot be removed any more, nobody holds it, and it locks nothing.
            with suppress(OSError):
                (folder / LOCK_FILE).unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                folder.rmdir()


def _locked(folder: Path, way_out: str) -> TextIO:
    """The folder's lock file, open and locked."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / LOCK_FILE).open("a+", encoding="utf-8")
        except FileNotFoundError:
            continue  # whoever had the folder has just removed it, as it was empty
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            with lock:
                lock.seek(0)
                holder = lock.read() or "another process"
            raise UserError(
                f"{folder} is in use by {holder}: wait for its end or stop it, or {way_out}"
            ) from error
        except OSError:
            return lock  # the file system has no locks: that nothing else works here is up to the user
        if os.fstat(lock.fileno()).st_nlink:
            return lock
        lock.close()  # whoever had it removed it after it was opened here


def unwritable(folder: Path, error: OSError) -> UserError:
    """Returns the error of a folder that cannot be written."""
    return UserError(f"{folder} cannot be written ({error.strerror}): choose a folder that can")

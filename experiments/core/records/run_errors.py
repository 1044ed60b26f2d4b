"""Error by which a run ended, from what Tune wrote of it: its cause in one line, and whose it is."""

from __future__ import annotations

import builtins
import errno
import os
import re
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

from experiments.core.errors import UserError

STORAGE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
"""Errors of a disk, after which no other run could write either."""
MACHINE_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of the machine that another process may not meet."""
FRAME = re.compile(r'\s+File ".*", line \d+')
"""A call in a traceback."""
FAILURE = re.compile(r"^Failure # \d+ ", re.MULTILINE)
"""Beginning of what Tune writes of each end by an error."""
MEMORY = re.compile(r"was (\S+) used / (\S+) limit")
"""What Ray's memory monitor says of the node."""
OS_ERROR = re.compile(r"(\w+): \[Errno (\d+)\].*?(?:: '(.*)')?")
"""An error of the operating system, with the file if it has one."""
MEMORY_ERROR = re.compile(r"[\w.]*MemoryError\b")


@dataclass(frozen=True, kw_only=True)
class RunError:
    """Error by which a run ended."""

    cause: str
    """What happened, in one line: the exception with its whole message, or what is known of the process."""
    is_loss: bool = False
    """Whether the process or its machine is the cause, not the configuration."""
    of_storage: OSError | None = None
    """Error of the disk, if that is the cause."""


def run_error(error_file: str | None) -> RunError:
    """Reads what Tune wrote of an error.

    Args:
        error_file: Where. Tune copies it to the storage only later, so it is read where Tune wrote it.
    """
    written = Path(error_file or "")
    text = written.read_text(encoding="utf-8") if written.is_file() else ""
    # A run that was lost before has left its cause above the present one.
    text = text[max((found.start() for found in FAILURE.finditer(text)), default=0) :]
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    frames = [i for i, line in enumerate(lines) if FRAME.match(line)]
    if not frames:  # nothing was raised: it is Ray that tells of an end
        return RunError(cause=_death(text), is_loss=True)
    # The source below the last frame is indented; the exception, of one line or more, begins at the margin.
    below = lines[frames[-1] + 1 :]
    exception = list(dropwhile(lambda line: line[0].isspace(), below)) or lines[-1:]
    return _raised(" ".join(" ".join(exception).split()))


def _raised(exception: str) -> RunError:
    from envs.lanes import EnvironmentRaisedError  # here, since gymnasium takes longer than all else

    error = os_error_in(exception)
    if error is not None and error.errno in STORAGE_ERRORS:
        return RunError(cause=exception, is_loss=True, of_storage=error)
    if (error is not None and error.errno in MACHINE_ERRORS) or MEMORY_ERROR.match(exception):
        return RunError(cause=exception, is_loss=True)
    # These say what they are by themselves.
    for kind in (UserError, EnvironmentRaisedError):
        exception = exception.removeprefix(f"{kind.__module__}.{kind.__name__}: ")
    return RunError(cause=exception)


def os_error_in(told: str) -> OSError | None:
    """Returns the error of the operating system in a traceback's last line; None if it is another one."""
    found = OS_ERROR.fullmatch(told.strip().rpartition("\n")[2])
    kind = None if found is None else getattr(builtins, found[1], None)
    if found is None or not (isinstance(kind, type) and issubclass(kind, OSError)):
        return None
    return OSError(int(found[2]), os.strerror(int(found[2])), *filter(None, [found[3]]))


def _death(told: str) -> str:
    """Returns what Ray knows of the end of a process; one that crashes leaves its cause by itself."""
    if "low on memory" in told:
        used = MEMORY.search(told)
        return f"out of memory{f', {used[1]} of {used[2]} were used' if used else ''}"
    if "its worker process has died" in told:
        return "its process died (killed, or ended by os._exit)"
    return "its node died" if "its node has died" in told else "its process died"

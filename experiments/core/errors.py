"""Exceptions for the user, shown as one line."""

from __future__ import annotations

import errno


class UserError(Exception):
    """Error in what was given: the message says what was given, what was expected, and the way out."""


class AllRunsFailedError(UserError):
    """Failure of every run, so that there is nothing to report: the message has the first cause."""


def unexpected(error: Exception) -> UserError:
    """Makes the error that tells of one which nobody expected: of the machine, or of anyone's code."""
    from envs.lanes import told  # here, since NumPy is not needed to declare an experiment

    if isinstance(error, OSError) and error.strerror and error.filename:
        way_out = _WAYS_OUT.get(error.errno or 0, "see that it is there and can be used")
        return UserError(f"{error.filename}: {error.strerror}; {way_out}")
    if isinstance(error, OSError) and error.errno in _WAYS_OUT:
        return UserError(f"{error.strerror}; {_WAYS_OUT[error.errno]}")
    return UserError(f"{told(error)}; --debug shows the traceback")


_GOES_ON = "; what is written so far is kept, and the same command goes on"
_WAYS_OUT = {
    errno.ENOSPC: f"free some space, or choose another folder with --storage{_GOES_ON}",
    errno.EDQUOT: f"free some space, or choose another folder with --storage{_GOES_ON}",
    errno.EROFS: f"make it writable, or choose a folder that is with --storage{_GOES_ON}",
    errno.EACCES: "choose a folder that can be written with --storage",
    errno.EIO: f"see that the disk works, or choose another one with --storage{_GOES_ON}",
    errno.ENOENT: f"see that it is there, and not moved or unmounted{_GOES_ON}",
    errno.EMFILE: f"let a process open more files, say with ulimit -n 4096{_GOES_ON}",
}

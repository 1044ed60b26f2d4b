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


_WAYS_OUT = {
    errno.ENOSPC: "free some space, or choose another folder with --storage; what is written so far is kept",
    errno.EDQUOT: "free some space, or choose another folder with --storage; what is written so far is kept",
    errno.EROFS: "choose a folder that can be written with --storage",
    errno.EACCES: "choose a folder that can be written with --storage",
}

"""Exceptions for the user, shown as one line."""


class UserError(Exception):
    """Error in what was given: the message says what was given, what was expected, and the way out."""


class AllRunsFailedError(UserError):
    """Failure of every run, so that there is nothing to report: the message has the first cause."""

"""The one kind of error that a user sees as a single line."""


class UserError(Exception):
    """Something given was wrong: the message says what was given, what was expected, and the way out."""

"""Exception for training whose numbers are no longer finite."""

from __future__ import annotations


class DivergenceError(FloatingPointError):
    """A loss, gradient or weight is not finite: the trial cannot go on.

    Attributes:
        what: "loss", "gradient" or "weights", the first that was found not finite.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"non-finite {what}: training diverged; try a lower learning rate or gradient clipping"
        )
        self.what = what

    def __reduce__(self) -> tuple[type[DivergenceError], tuple[str]]:
        """Pickles by the argument, so that the error crosses process boundaries."""
        return DivergenceError, (self.what,)

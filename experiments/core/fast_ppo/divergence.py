"""Exception for training whose numbers are no longer finite."""

from __future__ import annotations


class DivergenceError(FloatingPointError):
    """A loss, gradient or weight is not finite, or what the environment gives: the trial cannot go on.

    Attributes:
        what: "loss", "gradient" or "weights", the first that was found not finite; or what the environment
            gave, and when.
        advice: What can be done about it.
    """

    def __init__(
        self,
        what: str,
        advice: str = "training diverged; try a lower learning rate or gradient clipping",
    ) -> None:
        super().__init__(f"non-finite {what}: {advice}")
        self.what, self.advice = what, advice

    def __reduce__(self) -> tuple[type[DivergenceError], tuple[str, str]]:
        """Pickles by the arguments, so that the error crosses process boundaries."""
        return DivergenceError, (self.what, self.advice)

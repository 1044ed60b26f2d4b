"""Validation of what users give: numbers in their range, and suggestions for unknown names."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable


def check_number(
    given: str, value: object, low: float, high: float = math.inf, *, whole: bool, above: bool = False
) -> None:
    """Refuses what is not a finite number of a range.

    Args:
        given: The number as the message calls it, such as "Trading fee_rate=2".
        value: The number.
        low: The smallest value allowed.
        high: The largest value allowed.
        whole: Whether it has to be a whole number.
        above: Whether `low` itself is excluded.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, int if whole else int | float) and not isinstance(value, bool):
        within = (low < value if above else low <= value) and value <= high
        if within and value != math.inf:
            return
    what = "a whole number" if whole else "a number"
    lower = f"above {low:g}" if above else f"from {low:g}"
    upper = "" if math.isinf(high) else f" to {high:g}"
    raise ValueError(f"{given}: expected {what} {lower}{upper}")


def did_you_mean(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Returns how a sentence on an unknown name ends: "; did you mean 'lr'?", or "." if nothing is alike.

    Args:
        name: What was given.
        known: What could have been meant; upper and lower case count alike.
        likeness: How alike a known name has to be, 0 to 1; less for long names that differ in one part.
    """
    plain = {each.lower(): each for each in known}
    nearest = difflib.get_close_matches(name.lower(), plain, n=1, cutoff=likeness)
    return f"; did you mean {plain[nearest[0]]!r}?" if nearest else "."

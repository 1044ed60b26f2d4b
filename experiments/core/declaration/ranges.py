"""Range check of declared numbers."""

from __future__ import annotations

import math

from experiments.core.errors import UserError


def check_number(
    given: str, value: object, low: float, high: float = math.inf, *, whole: bool = True, above: bool = False
) -> None:
    """Refuses what is not a finite number of a range.

    Args:
        given: The number as the message calls it, such as "lanes=0" or "--trials 0".
        value: The number.
        low: The smallest value allowed.
        high: The largest value allowed.
        whole: Whether it has to be a whole number.
        above: Whether `low` itself is excluded.

    Raises:
        UserError: It is not.
    """
    if isinstance(value, int if whole else int | float) and not isinstance(value, bool):
        within = (low < value if above else low <= value) and value <= high
        if within and value != math.inf:
            return
    if above:
        limits = f"above {low:g}" + ("" if math.isinf(high) else f", at most {high:g}")
    else:
        limits = f"{low:g}" + (" or more" if math.isinf(high) else f" to {high:.12g}")
    raise UserError(f"{given}: expected a {'whole ' if whole else ''}number, {limits}")

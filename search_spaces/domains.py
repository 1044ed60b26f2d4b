"""Domains of hyperparameters: what may be in one, and whether a value is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

Scalar = bool | int | float | str | None
"""What a sampled value may be: Optuna, TensorBoard's HPARAMS tab, CSV and YAML all carry scalars alike.

None means that something is switched off, where the trainer knows it.
"""


def describe(domain: BaseDistribution) -> str:
    """Describes a domain in a few words, for tables and messages."""
    if isinstance(domain, CategoricalDistribution):
        return "one of " + ", ".join(str(value) for value in domain.choices)
    assert isinstance(domain, FloatDistribution | IntDistribution)
    return f"{domain.low:g} to {domain.high:g}" + (" (log)" if domain.log else "")


def check_choices(name: str, choices: Iterable[Any]) -> None:
    """Refuses choices that are no scalars.

    Raises:
        ValueError: With the first of them.
    """
    for choice in choices:
        if not isinstance(choice, Scalar):
            raise ValueError(
                f"{name}: the choice {choice!r} is a {type(choice).__name__}, expected a number, a text, a "
                "truth value or None; name what is none of them, as layouts are"
            )


def ends(name: str, low: Any, high: Any, *, log: bool = False, whole: bool = False) -> tuple[Any, Any]:
    """Returns the ends of a domain as plain numbers.

    Raises:
        ValueError: They are no numbers, not in order, or not above 0 on a log scale.
    """
    low, high = plain(low), plain(high)
    for end in (low, high):
        is_number = isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end)
        if not is_number or (whole and end != int(end)):
            raise ValueError(
                f"{name} from {low!r} to {high!r}: expected {'whole' if whole else 'finite'} numbers"
            )
    if low > high:
        raise ValueError(f"{name} from {low:g} to {high:g}: expected the lower end first")
    if log and low <= 0:
        raise ValueError(
            f"{name} from {low:g} to {high:g} on a log scale: expected ends above 0, say {high / 1e3:g}"
        )
    return (int(low), int(high)) if whole else (low, high)


def plain(value: Any) -> Any:
    """Returns a scalar of NumPy's as one of Python's; anything else as it is."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def contains(domain: BaseDistribution, value: Any) -> bool:
    """Returns whether a value lies in a domain, and is of its kind."""
    if isinstance(domain, CategoricalDistribution):
        return any(value == c and isinstance(value, bool) == isinstance(c, bool) for c in domain.choices)
    assert isinstance(domain, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    whole = isinstance(domain, FloatDistribution) or float(value).is_integer()
    return whole and domain.low <= value <= domain.high

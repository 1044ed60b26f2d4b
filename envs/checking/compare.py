"""Bitwise comparison of what environments return, whatever its structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def difference(first: Any, second: Any) -> str | None:
    """Says where two values differ, in type, dtype, shape or value; NaN equals NaN.

    Args:
        first: An observation, an info, or any nesting of arrays, numbers and containers.
        second: What it is compared with.

    Returns:
        The first difference, for example "['load'][2]: 0.5 against 0.25"; None where there is none.
    """
    if type(first) is not type(second):
        return f": {type(first).__name__} {first!r} against {type(second).__name__} {second!r}"
    if isinstance(first, np.ndarray):
        return _array_difference(first, second)
    if isinstance(first, Mapping):
        if first.keys() != second.keys():
            return f": names {sorted(first)} against {sorted(second)}"
        return _first_part((f"[{name!r}]", first[name], second[name]) for name in first)
    if isinstance(first, Sequence) and not isinstance(first, str | bytes):
        if len(first) != len(second):
            return f": {len(first)} parts against {len(second)}"
        parts = zip(first, second, strict=True)
        return _first_part((f"[{index}]", one, other) for index, (one, other) in enumerate(parts))
    if is_dataclass(first):
        names = [field.name for field in fields(first)]
        return _first_part((f".{name}", getattr(first, name), getattr(second, name)) for name in names)
    try:
        # Only NaN differs from itself.
        equal = first == second or (first != first and second != second)
        return None if equal else f": {first!r} against {second!r}"
    except Exception:  # of a user's class, and nothing that could be told apart
        return None


def _first_part(parts: Any) -> str | None:
    for where, one, other in parts:
        found = difference(one, other)
        if found is not None:
            return f"{where}{found}"
    return None


def _array_difference(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> str | None:
    if first.dtype != second.dtype or first.shape != second.shape:
        return f": {first.dtype}{list(first.shape)} against {second.dtype}{list(second.shape)}"
    if first.dtype == object:
        return difference(first.tolist(), second.tolist())
    unequal = first != second
    if first.dtype.kind in "fc":
        unequal &= ~(np.isnan(first) & np.isnan(second))
    if not unequal.any():
        return None
    where = np.unravel_index(int(np.argmax(unequal)), first.shape)
    index = "".join(f"[{int(i)}]" for i in where)
    return f"{index}: {first[where]} against {second[where]}"

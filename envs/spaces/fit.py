"""The fit of a value to its space, as batching and encoding need it, which is less than `contains` asks.

Lists, other numeric types and numbers beyond a Box's bounds can be trained with; another shape, a choice that
does not exist or a missing name cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from envs.spaces.custom import as_box

Check = Callable[[Any], str | None]
"""Says what is wrong with a value, or None."""


def fitting(space: gym.Space[Any]) -> Check:
    """Returns the check of a space's values.

    Args:
        space: Any space.

    Returns:
        A function that says how a value does not fit, with what it is and what was expected; None if it fits.
    """
    if isinstance(space, spaces.Box):
        return _numbers(space)
    if isinstance(space, spaces.MultiDiscrete):
        low, choices = cast("Any", space.start), cast("Any", space.nvec)
        return _numbers(space, low, low + choices - 1)
    if isinstance(space, spaces.MultiBinary):
        return _numbers(space, 0, 1)
    if isinstance(space, spaces.Discrete):
        return _choice(int(space.start), int(space.start) + int(space.n) - 1)
    if isinstance(space, spaces.Dict):
        return _named({name: fitting(part) for name, part in space.spaces.items()})
    if isinstance(space, spaces.Tuple):
        return _listed([fitting(part) for part in space.spaces])
    if as_box(space) is not None:
        return _numbers(space)
    return lambda value: None  # what encodes texts, sequences and graphs has words of its own


def _numbers(space: gym.Space[Any], low: Any = None, high: Any = None) -> Check:
    """Returns the check of an array's shape, and that rounding makes its numbers those of the space."""
    shape, dtype = space.shape, np.dtype(space.dtype)

    def check(value: Any) -> str | None:
        array = value
        if type(value) is not np.ndarray:
            try:
                array = np.asarray(value)
            except ValueError:  # lists of different lengths
                return f"{_shown(value)}, expected numbers of shape {shape}"
        if array.dtype.kind not in "fiub":
            return f"{_shown(value)}, expected numbers of shape {shape}"
        if array.shape != shape:
            return f"of shape {array.shape}, expected shape {shape}"
        if array.dtype != dtype and not np.can_cast(array.dtype, dtype, "same_kind"):
            return f"of type {array.dtype}, expected {dtype}"
        if low is not None and not ((array >= low) & (array <= high)).all():
            return f"{_shown(value)}, expected a member of {space}"
        return None

    return check


def _choice(low: int, high: int) -> Check:
    def check(value: Any) -> str | None:
        whole = isinstance(value, int | np.integer) or (
            isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu"
        )
        if whole and low <= value <= high:
            return None
        return f"{_shown(value)}, expected a whole number from {low} to {high}"

    return check


def _named(parts: dict[str, Check]) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, Mapping) or not value.keys() >= parts.keys():
            return f"{_shown(value)}, expected a dict with {', '.join(map(str, parts))}"
        for name, part in parts.items():
            found = part(value[name])
            if found is not None:
                return f"with {name!r} {found}"
        return None

    return check


def _listed(parts: list[Check]) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, tuple | list) or len(value) != len(parts):
            return f"{_shown(value)}, expected a tuple of {len(parts)}"
        for index, (part, each) in enumerate(zip(parts, value, strict=True)):
            found = part(each)
            if found is not None:
                return f"with part {index} {found}"
        return None

    return check


def _shown(value: Any) -> str:
    """Returns a value on one line, not longer than a person reads, with its type."""
    text = " ".join(repr(value).split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"{text} of type {type(value).__name__}"

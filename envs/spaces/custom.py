"""Spaces of kinds that Gymnasium does not know, which packages of environments define for themselves."""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
import numpy as np
from gymnasium import spaces

KNOWN = (
    spaces.Box,
    spaces.Dict,
    spaces.Discrete,
    spaces.Graph,
    spaces.MultiBinary,
    spaces.MultiDiscrete,
    spaces.OneOf,
    spaces.Sequence,
    spaces.Text,
    spaces.Tuple,
)
"""Kinds of Gymnasium's own."""


def as_box(space: gym.Space[Any]) -> spaces.Box | None:
    """Returns the Box without bounds that holds the members of a space of another kind.

    Args:
        space: Of any kind; one that states a shape and a type of numbers has arrays of them as its members.

    Returns:
        None where the space is one of Gymnasium's, or states no shape and type of numbers.
    """
    if isinstance(space, KNOWN) or space.shape is None or space.dtype is None:
        return None
    if space.dtype.kind == "f":
        return spaces.Box(-np.inf, np.inf, space.shape, cast("Any", space.dtype.type))
    if space.dtype.kind in "iu":
        limits = np.iinfo(space.dtype)
        return spaces.Box(limits.min, limits.max, space.shape, cast("Any", space.dtype.type))
    return None


def alike(one: gym.Space[Any], other: gym.Space[Any]) -> bool:
    """Returns whether two spaces are equal, as far as those of a batch must be.

    Kinds that Gymnasium does not know often compare by identity; two of one class, shape and type are alike.
    """
    if isinstance(one, spaces.Dict) and isinstance(other, spaces.Dict):
        same = one.spaces.keys() == other.spaces.keys()
        return same and all(alike(part, other[key]) for key, part in one.items())
    if isinstance(one, spaces.Tuple) and isinstance(other, spaces.Tuple):
        return len(one) == len(other) and all(map(alike, one.spaces, other.spaces))
    if isinstance(one, KNOWN):
        return bool(one == other)
    return type(one) is type(other) and one.shape == other.shape and one.dtype == other.dtype

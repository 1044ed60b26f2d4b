"""Size limits of an encoding: sizes that a space leaves open, and the longest one-hot code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from envs.spaces.text import shortened
from envs.validation import check_number

ONE_HOT_LIMIT = 4096
"""The longest one-hot code of one space; a space that needs more gets binary digits."""
SIZE_LIMIT = 2**20
"""The longest observation vector: 4 MiB of float32 for every lane."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes given to spaces that have none of their own."""

    max_items: int = 32
    """Items of a Sequence; one of `Sequence.sample()` is longer once in 10,000 draws."""
    max_nodes: int = 10
    """Nodes of a Graph; as many as `Graph.sample()` makes."""
    max_edges: int = 90
    """Edges of a Graph; `Graph.sample()` makes fewer."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_number(f"{name}={value!r}", value, 1, whole=True)


class UnsupportedSpaceError(ValueError):
    """A space that has no encoding; the message says what to use instead."""


class UnknownKindError(UnsupportedSpaceError):
    """A space of a kind that Gymnasium does not know, and that states no shape and type of numbers.

    Args:
        space: The space.
    """

    def __init__(self, space: gym.Space[Any]) -> None:
        self.kind = f"{type(space).__module__}.{type(space).__name__}"
        """Its class."""
        super().__init__(
            f"no encoding for {shortened(space)} ({self.kind}): expected a space of gymnasium.spaces; "
            "describe the same values with a Box or a Dict"
        )


def allowed_size(space: gym.Space[Any], size: int) -> int:
    """Returns the size of a space's code.

    Raises:
        UnsupportedSpaceError: The code is empty or too long for a network.
    """
    if size > SIZE_LIMIT:
        raise UnsupportedSpaceError(
            f"{shortened(space)} needs {size:,} numbers: expected at most {SIZE_LIMIT:,}; lower max_items, "
            "max_nodes or max_edges, or observe less"
        )
    return size

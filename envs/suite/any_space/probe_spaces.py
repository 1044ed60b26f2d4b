"""Named spaces of every kind, shape and type, with which training in any space is tested."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from envs.spaces import from_description, from_text, to_text

SpaceTable = Mapping[str, gym.Space[Any]]


def _array_spaces() -> dict[str, gym.Space[Any]]:
    return {
        "box-rank-0": spaces.Box(-2.0, 2.0, ()),
        "box": spaces.Box(np.array([-1.0, 0.0, -30.0]), np.array([1.0, 500.0, 30.0]), dtype=np.float64),
        "box-rank-2": spaces.Box(-1.0, 1.0, (2, 3)),
        "box-rank-3": spaces.Box(0.0, 100.0, (2, 2, 2)),
        "box-unbounded": spaces.Box(-np.inf, np.inf, (3,)),
        "box-half-bounded": spaces.Box(np.array([0.0, -np.inf]), np.array([np.inf, 5.0]), dtype=np.float64),
        "box-integer": spaces.Box(-3, 3, (3,), np.int32),
        "box-wide-integer": spaces.Box(-1000, 100_000, (2,), np.int64),
        "box-uint8": spaces.Box(0, 255, (2, 2), np.uint8),
        "discrete": spaces.Discrete(5),
        "discrete-start": spaces.Discrete(5, start=-2),
        "multi-binary": spaces.MultiBinary(4),
        "multi-binary-rank-2": spaces.MultiBinary([2, 2]),
        "multi-discrete": spaces.MultiDiscrete([2, 3, 4]),
        "multi-discrete-rank-2": spaces.MultiDiscrete(
            np.array([[2, 3], [4, 2]]), start=np.array([[0, -1], [5, 1]])
        ),
    }


def _observations() -> dict[str, gym.Space[Any]]:
    text = spaces.Text(6, min_length=0, charset="abcde")
    graph = spaces.Graph(spaces.Box(-1.0, 1.0, (2,)), spaces.Discrete(3))
    variants = spaces.OneOf([spaces.Discrete(3), spaces.Box(-1.0, 1.0, (2,)), spaces.Text(2, charset="xyz")])
    return _array_spaces() | {
        "image": spaces.Box(0, 255, (8, 8, 3), np.uint8),
        "text": text,
        "dict": spaces.Dict({"level": spaces.Discrete(4), "position": spaces.Box(-1.0, 1.0, (2,))}),
        "tuple": spaces.Tuple(
            [spaces.Discrete(3, start=1), spaces.MultiBinary(3), spaces.Box(0, 9, (1,), np.int8)]
        ),
        "sequence": spaces.Sequence(spaces.Discrete(4)),
        "sequence-stacked": spaces.Sequence(spaces.Box(-1.0, 1.0, (2,)), stack=True),
        "graph": graph,
        "graph-without-edges": spaces.Graph(spaces.Discrete(4), None),
        "one-of": variants,
        "nested": spaces.Dict(
            {
                "camera": spaces.Box(0, 255, (3, 3), np.uint8),
                "inbox": spaces.Sequence(spaces.Dict({"kind": variants, "words": text})),
                "map": graph,
                "mode": spaces.Tuple([spaces.Discrete(3, start=-1), spaces.Box(-np.inf, np.inf, ())]),
            }
        ),
    }


def _actions() -> dict[str, gym.Space[Any]]:
    return _array_spaces() | {
        "dict": spaces.Dict({"push": spaces.Box(-1.0, 1.0, (2,)), "switch": spaces.Discrete(2, start=1)}),
        "tuple": spaces.Tuple([spaces.MultiBinary(2), spaces.Discrete(3)]),
        "nested": spaces.Dict(
            {
                "arm": spaces.Tuple(
                    [spaces.Box(-1.0, 1.0, (1, 2)), spaces.MultiDiscrete(np.array([[2, 3]]))]
                ),
                "gear": spaces.Box(-1, 3, (1,), np.int8),
                "throttle": spaces.Box(0, 255, (1,), np.uint8),
            }
        ),
    }


OBSERVATION_SPACES: SpaceTable = MappingProxyType(_observations())
"""Every kind of observation space by name."""
ACTION_SPACES: SpaceTable = MappingProxyType(_actions())
"""Every kind of action space by name."""


def resolve(given: Any, table: SpaceTable) -> str:
    """Writes a space in the one way there is: its name where the table has it, otherwise its text.

    Args:
        given: A Gymnasium space, a name of the table, the text of a space, or that text parsed.
        table: Known spaces by name.

    Raises:
        ValueError: It is neither, or describes no space.
    """
    if isinstance(given, str) and given in table:
        return given
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        raise ValueError(
            f"space {given!r}: expected a Gymnasium space, its text, or one of {', '.join(table)}"
        )
    space = given
    if isinstance(given, str):
        space = from_text(given)
    elif not isinstance(given, gym.Space):
        space = from_description(given)
    text = to_text(space)
    return next((name for name, known in table.items() if to_text(known) == text), text)


def space_of(written: str, table: SpaceTable) -> gym.Space[Any]:
    """Makes the space that :func:`resolve` wrote; a new one, since spaces hold a generator of their own."""
    return from_text(to_text(table[written]) if written in table else written)

"""Keyboard controls of an action space: every number of an action is a dial that keys turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

ARROWS = ("up", "down", "left", "right")
BOX_STOPS = 5
"""How many evenly spaced values of a continuous number can be chosen."""
UNBOUNDED = 2.0
"""How far from zero, or from the other bound, the stops of a number without a bound reach."""


@dataclass(frozen=True)
class Dial:
    """One number of an action and the values that it can be turned to."""

    name: str
    """Where in the action it is; empty where it is the whole action."""
    values: tuple[Any, ...]
    """The values that it can be turned to, in order."""


class Controls:
    """Keyboard controls that turn keys into actions of a space.

    An action of one number with at most nine values is chosen and carried out by one key. Any other is set
    with the arrow keys, dial by dial, and carried out with Enter.

    Args:
        space: The action space.
        names: What each value of an action of one number does, in a word; may be empty. Actions named "up",
            "down", "left" and "right" have the arrow keys, too.

    Raises:
        ValueError: A person cannot choose from such a space by keys.
    """

    def __init__(self, space: spaces.Space[Any], names: Sequence[str] = ()) -> None:
        self._space = space
        self._names = names
        self._dials = _dials(space)
        self._turned = [len(dial.values) // 2 for dial in self._dials]
        self._selected = 0
        self._direct = len(self._dials) == 1 and len(self._dials[0].values) <= 9

    def press(self, key: str) -> Any | None:
        """Presses a key, named as in pygame; returns the action it carries out, if it does."""
        if self._direct:
            position = self._position(key)
            return None if position is None else self._action([position])
        if key in ("up", "down"):
            self._selected = (self._selected + (1 if key == "down" else -1)) % len(self._dials)
        elif key in ("left", "right"):
            last = len(self._dials[self._selected].values) - 1
            turned = self._turned[self._selected] + (1 if key == "right" else -1)
            self._turned[self._selected] = min(max(turned, 0), last)
        elif key == "return":
            return self._action(self._turned)
        return None

    @property
    def help(self) -> str:
        """Says what the keys do now, in one line."""
        if self._direct:
            values = self._dials[0].values
            labels = self._names or [_label(value) for value in values]
            return "   ".join(
                f"[{label}]" if label in ARROWS else f"[{number}] {label}"
                for number, label in enumerate(labels, start=1)
            )
        dial = self._dials[self._selected]
        which = f"{dial.name or 'action'} ({self._selected + 1} of {len(self._dials)})"
        value = _label(dial.values[self._turned[self._selected]])
        return f"{which} = {value}   [up][down] select   [left][right] change   [Enter] act"

    def _position(self, key: str) -> int | None:
        if key in ARROWS and key in self._names:
            return self._names.index(key)
        if key.isdecimal() and 1 <= int(key) <= len(self._dials[0].values):
            return int(key) - 1
        return None

    def _action(self, turned: Sequence[int]) -> Any:
        values = (dial.values[position] for dial, position in zip(self._dials, turned, strict=True))
        return _compose(self._space, values)


def _dials(space: spaces.Space[Any], name: str = "") -> list[Dial]:
    """Returns the numbers that an action is made of, in the order in which `_compose` takes them."""
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return [Dial(name, tuple(range(start, start + int(space.n))))]
    if isinstance(space, spaces.Dict):
        return [dial for key, part in space.items() for dial in _dials(part, f"{name}.{key}".strip("."))]
    if isinstance(space, spaces.Tuple):
        return [dial for place, part in enumerate(space) for dial in _dials(part, f"{name}[{place}]")]
    if isinstance(space, spaces.Box | spaces.MultiBinary | spaces.MultiDiscrete):
        single = space.shape == () or np.prod(space.shape) == 1
        return [
            Dial(name if single else f"{name}{list(place)}", _stops(space, place))
            for place in np.ndindex(space.shape)
        ]
    raise ValueError(
        f"an action of {space} cannot be chosen by keys: expected numbers, Dict or Tuple of them"
    )


def _stops(space: spaces.Space[Any], place: tuple[int, ...]) -> tuple[Any, ...]:
    if isinstance(space, spaces.MultiBinary):
        return (0, 1)
    if isinstance(space, spaces.MultiDiscrete):
        start = int(np.asarray(space.start, dtype=np.int64)[place])
        return tuple(range(start, start + int(space.nvec[place])))
    assert isinstance(space, spaces.Box)
    low, high = float(space.low[place]), float(space.high[place])
    low = low if np.isfinite(low) else min(high, 0.0) - UNBOUNDED
    high = high if np.isfinite(high) else max(low, 0.0) + UNBOUNDED
    stops = np.linspace(low, high, BOX_STOPS)
    return tuple(np.unique(np.rint(stops) if np.issubdtype(space.dtype, np.integer) else stops).tolist())


def _compose(space: spaces.Space[Any], values: Iterator[Any]) -> Any:
    """Makes an action of the space from the values of its dials."""
    if isinstance(space, spaces.Discrete):
        return np.int64(next(values))
    if isinstance(space, spaces.Dict):
        return {key: _compose(part, values) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_compose(part, values) for part in space)
    assert space.shape is not None
    numbers = [next(values) for _ in np.ndindex(space.shape)]
    return np.array(numbers, dtype=space.dtype).reshape(space.shape)


def _label(value: Any) -> str:
    return f"{value:g}"

"""Decoder from a policy's choices and numbers to the actions of any space that PPO can act in.

A policy network can draw choices (categorical) and numbers (Gaussian). An action space is taken apart into
these, in the space's order, and offered as the smallest space that holds them:

| the action space has | offered as |
| --- | --- |
| one choice | `Discrete(n)` |
| several choices | `MultiDiscrete([n, ...])` |
| numbers | `Box` of rank 1, float32 |
| both | `Tuple((Discrete or MultiDiscrete, Box))` |

| space | taken apart into |
| --- | --- |
| Discrete, MultiDiscrete, MultiBinary | one choice an element, from 0 |
| Box of whole numbers, at most 32 an element | one choice an element |
| any other Box | one number an element, see :class:`NumberAction` |
| Dict, Tuple | those of its parts |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.spaces.batching import member
from envs.spaces.encoding_limits import UnsupportedSpaceError
from envs.spaces.text import shortened

Array = NDArray[Any]

CHOICES_LIMIT = 4096
"""The most values of one choice; each needs an output of the network and hundreds of tries."""
FEW_WHOLE_NUMBERS = 32
"""Up to so many whole numbers are offered as a choice, more as a number that is rounded."""
LARGEST_BOUND = 2.0**53
"""A bound beyond it, where float64 no longer counts by ones, stands for none."""

INSTEAD = {
    spaces.Text: "a MultiDiscrete with one choice of a character for each place",
    spaces.Sequence: "a Tuple of Discrete (how many items) and as many item spaces as there can be",
    spaces.Graph: "a MultiBinary matrix of links and a Box or MultiDiscrete for the nodes",
    spaces.OneOf: "a Tuple of Discrete (the branch) and all branches, of which the others are ignored",
}


class ActionDecoder:
    """Decoder from actions of the offered space to members of the environment's own.

    Args:
        space: The environment's action space.

    Raises:
        UnsupportedSpaceError: PPO cannot act in it; the message says what to use instead.
    """

    def __init__(self, space: gym.Space[Any]) -> None:
        self._target = space
        self._part = _part_of(space)
        choices, low, high = self._part.choices, self._part.low, self._part.high
        parts: list[gym.Space[Any]] = []
        if len(choices) == 1:
            parts.append(spaces.Discrete(choices[0]))
        elif choices:
            parts.append(spaces.MultiDiscrete(choices))
        if low:
            parts.append(spaces.Box(np.array(low, dtype=np.float32), np.array(high, dtype=np.float32)))
        if not parts:
            raise UnsupportedSpaceError(
                f"{shortened(space)} offers nothing to do: expected at least one element"
            )
        self.space = parts[0] if len(parts) == 1 else spaces.Tuple(parts)
        """What the policy acts in."""

    def decode(self, action: Any) -> Any:
        """Makes one action of the environment from one of :attr:`space`.

        Raises:
            ValueError: It has the wrong shape, or a number in it is NaN.
        """
        batch = (
            tuple(np.asarray(part)[None] for part in action)
            if isinstance(self.space, spaces.Tuple)
            else np.asarray(action)[None]
        )
        return member(self._target, self.decode_batch(batch), 0)

    def decode_batch(self, actions: Any) -> Any:
        """Makes a batch of the environment's actions, each lane as :meth:`decode` gives it."""
        given = actions if isinstance(self.space, spaces.Tuple) else (actions,)
        columns = [np.asarray(part).reshape(len(part), -1) for part in given]
        lanes, has_choices = len(columns[0]), bool(self._part.choices)
        choices = columns[0] if has_choices else np.zeros((lanes, 0), dtype=np.int64)
        numbers = columns[-1] if self._part.low else np.zeros((lanes, 0))
        if choices.shape[1] != len(self._part.choices) or numbers.shape[1] != len(self._part.low):
            shapes = " and ".join(str(np.shape(part)) for part in given)
            raise ValueError(f"actions of shape {shapes}: expected one {self.space} a lane")
        if choices.dtype.kind not in "iu":
            raise ValueError(f"choices of type {choices.dtype}: expected whole numbers ({self.space})")
        if np.isnan(numbers).any():
            lane = int(np.isnan(numbers).any(axis=1).argmax())
            raise ValueError(f"action {numbers[lane]} in lane {lane} is not a number: expected {self.space}")
        return self._part.read(choices, numbers)


class _Part(ABC):
    """Decomposition of a space, or of a part of one, into choices and numbers."""

    choices: list[int]
    """How many values each choice has."""
    low: list[float]
    """The smallest value offered of each number."""
    high: list[float]
    """The largest value offered of each number."""

    @abstractmethod
    def read(self, choices: Array, numbers: Array) -> Any:
        """Makes the batch of the space that choices [N, C] and numbers [N, K] stand for."""


def _part_of(space: gym.Space[Any]) -> _Part:
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        counts = space.n if isinstance(space, spaces.Discrete) else space.nvec
        return _Choices(space, np.ravel(counts), np.asarray(space.start))
    if isinstance(space, spaces.MultiBinary):
        return _Choices(space, np.full(int(np.prod(space.shape)), 2), np.zeros(space.shape, dtype=np.int64))
    if isinstance(space, spaces.Box):
        if space.low.dtype.kind != "f" and space.is_bounded():
            counts = [
                int(high) - int(low) + 1 for low, high in zip(space.low.flat, space.high.flat, strict=True)
            ]
            if max(counts, default=1) <= FEW_WHOLE_NUMBERS:
                return _Choices(space, np.array(counts), space.low)
        return NumberAction(space)
    if isinstance(space, spaces.Dict):
        return _Compound({key: _part_of(part) for key, part in space.items()}, as_tuple=False)
    if isinstance(space, spaces.Tuple):
        return _Compound(dict(enumerate(map(_part_of, space.spaces))), as_tuple=True)
    for kind, instead in INSTEAD.items():
        if isinstance(space, kind):
            raise UnsupportedSpaceError(f"PPO cannot act in {shortened(space)}; use {instead}")
    raise UnsupportedSpaceError(
        f"PPO cannot act in {shortened(space)} ({type(space).__module__}.{type(space).__name__}); use a Box, "
        "Discrete, MultiDiscrete or MultiBinary, or a Dict or Tuple of them"
    )


class _Choices(_Part):
    """One choice for each element of an array."""

    def __init__(self, space: gym.Space[Any], counts: Array, starts: Array) -> None:
        self.choices, self.low, self.high = [int(count) for count in counts], [], []
        if max(self.choices, default=1) > CHOICES_LIMIT:
            raise UnsupportedSpaceError(
                f"{shortened(space)} offers {max(self.choices):,} values at once: expected at most "
                f"{CHOICES_LIMIT:,}; use a MultiDiscrete of its digits, or a Box of whole numbers"
            )
        self._starts, self._dtype = starts, space.dtype

    def read(self, choices: Array, numbers: Array) -> Array:
        """Counts from each element's start."""
        del numbers
        values = choices.reshape(len(choices), *self._starts.shape).astype(self._dtype)
        # Added in the space's own type: a start at its end would overflow in another.
        total: Array = np.add(values, self._starts, dtype=self._dtype, casting="unsafe")
        return total


class NumberAction(_Part):
    """A Box of any shape and type, element by element, from numbers x of order one.

    - bounded on both sides: -1 stands for the lower bound, 1 for the upper, and what lies beyond for the
      nearer of them;
    - bounded on one side: the bound plus (or minus) log(1 + exp(x));
    - unbounded: x itself.

    Whole numbers are the result rounded; of a bounded element each takes an equal share of -1 to 1.
    """

    def __init__(self, space: spaces.Box) -> None:
        self._space, self._whole = space, space.low.dtype.kind != "f"
        self._floor, self._ceiling = (
            space.low.astype(np.float64).ravel(),
            space.high.astype(np.float64).ravel(),
        )
        below, above = finite_sides(space)
        self._between, self._above, self._below = below & above, below & ~above, above & ~below
        self.choices = []
        self.low = [-1.0 if bounded else -np.inf for bounded in self._between]
        self.high = [1.0 if bounded else np.inf for bounded in self._between]
        # A whole number owns the half unit on either side of it, the two ends included.
        margin = 0.5 if self._whole else 0.0
        self._start = np.where(self._between, self._floor, 0.0) - margin
        self._width = np.where(self._between, self._ceiling, 0.0) + margin - self._start

    def read(self, choices: Array, numbers: Array) -> Array:
        """Stretches, bends or passes on each number, then keeps it inside the space."""
        del choices
        x = numbers.astype(np.float64)
        shares = (np.clip(x, -1.0, 1.0) + 1.0) / 2.0
        values = np.where(self._between, self._start + shares * self._width, x)
        if self._above.any() or self._below.any():
            # log(1 + exp(x)) as it is computed without overflow.
            distance = np.logaddexp(0.0, x)
            values = np.where(self._above, self._floor + distance, values)
            values = np.where(self._below, self._ceiling - distance, values)
        if self._whole:
            # Ends of whole-number types may have no float64 of their own, so the bounds are compared whole.
            limit = np.iinfo(np.int64)
            values = np.clip(np.rint(values), -LARGEST_BOUND, min(LARGEST_BOUND, limit.max)).astype(np.int64)
        return self._inside(values.reshape(len(values), *self._space.shape))

    def _inside(self, values: Array) -> Array:
        space = self._space
        if self._whole:
            if space.dtype == np.uint64:
                values = np.maximum(values, 0).astype(np.uint64)
            whole: Array = np.clip(values, space.low, space.high).astype(space.dtype)
            return whole
        # Rounding to float32 may step over a bound, so the result is cut in the space's own type.
        cut: Array = np.clip(values.astype(space.dtype), space.low, space.high)
        return cut


class _Compound(_Part):
    """Dict and Tuple: the parts' choices and numbers one after the other."""

    def __init__(self, parts: dict[Any, _Part], *, as_tuple: bool) -> None:
        self._parts, self._as_tuple = parts, as_tuple
        self.choices = [count for part in parts.values() for count in part.choices]
        self.low = [low for part in parts.values() for low in part.low]
        self.high = [high for part in parts.values() for high in part.high]

    def read(self, choices: Array, numbers: Array) -> Any:
        """Hands every part its own columns."""
        batch, choice, number = {}, 0, 0
        for key, part in self._parts.items():
            choice_end, number_end = choice + len(part.choices), number + len(part.low)
            batch[key] = part.read(choices[:, choice:choice_end], numbers[:, number:number_end])
            choice, number = choice_end, number_end
        return tuple(batch.values()) if self._as_tuple else batch


def finite_sides(space: spaces.Box) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Says which elements really have a lower bound, and which an upper one, flat.

    A declared bound beyond 2**53 (the end of float32 or int64, as in many spaces) is none.
    """
    low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
    below = space.bounded_below.ravel() & (np.abs(low) <= LARGEST_BOUND)
    above = space.bounded_above.ravel() & (np.abs(high) <= LARGEST_BOUND)
    return below, above

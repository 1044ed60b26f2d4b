"""Codes of arrays, choices, bits and characters as numbers of order one, from which all others are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.spaces.encoding_limits import ONE_HOT_LIMIT, allowed_size
from envs.spaces.text import shortened

Floats = NDArray[np.float32]

WIDEST_RANGE = 2.0**24
"""As many steps as float32 tells apart between -1 and 1; a wider range counts as unbounded."""
ORDER_ONE = (0.1, 10.0)
"""A float element whose larger bound lies in here is of order one as it is."""


class Part(ABC):
    """The code of a space, or of a part of one."""

    size: int
    """How many numbers it has."""

    @abstractmethod
    def bounds(self) -> tuple[Floats, Floats]:
        """Returns the smallest and the largest value of each number, [size] each."""

    @abstractmethod
    def write(self, values: Any, out: Floats) -> None:
        """Writes the code of a batch.

        Args:
            values: A batch of N members of the space.
            out: Where to write, [N, size], zeros so far.
        """


class NumberPart(Part):
    """A Box of any shape and type, element by element.

    - float with bounds of order one: as it is;
    - bounded: -1 at the lower bound, 1 at the upper (uint8 images, counts up to 2**24);
    - unbounded, or bounded so widely that float32 would lose its steps: x -> sign(x) log(1 + |x|), which is x
      itself near zero and 14 at a million.
    """

    def __init__(self, space: spaces.Box) -> None:
        self.size = allowed_size(space, int(np.prod(space.shape)))
        low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
        with np.errstate(over="ignore", invalid="ignore"):
            width = high - low
        largest = np.maximum(np.abs(low), np.abs(high))
        fine = (largest >= ORDER_ONE[0]) & (largest <= ORDER_ONE[1]) & (space.low.dtype.kind == "f")
        scaled = (width <= WIDEST_RANGE) & ~fine
        self._squashed = ~(width <= WIDEST_RANGE)
        self._any_squashed = bool(self._squashed.any())
        # The halves are added so that the sum of two large bounds cannot overflow.
        self._middle = np.where(scaled, np.where(scaled, low, 0) / 2 + np.where(scaled, high, 0) / 2, 0.0)
        self._half = np.where(scaled & (width > 0), width / 2, 1.0)
        # Small whole numbers are exact in float32, which halves the time that an image takes.
        small = space.low.dtype.kind in "iub" and space.low.dtype.itemsize <= 2
        self._dtype = np.dtype(np.float32 if small else np.float64)
        self._middle, self._half = self._middle.astype(self._dtype), self._half.astype(self._dtype)
        self._low, self._high = low, high

    @property
    def unchanged(self) -> bool:
        """Whether every element's code is the element itself."""
        return not self._any_squashed and not self._middle.any() and bool((self._half == 1).all())

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns the codes of the space's own bounds."""
        both = np.zeros((2, self.size), dtype=np.float32)
        self.write(np.stack([self._low, self._high]), both)
        return both[0], both[1]

    def write(self, values: Any, out: Floats) -> None:
        """Scales or squashes every element."""
        numbers = np.asarray(values).reshape(len(out), self.size).astype(self._dtype)
        if self._any_squashed:
            wide = numbers[:, self._squashed]
            numbers[:, self._squashed] = np.copysign(np.log1p(np.abs(wide)), wide)
        numbers -= self._middle
        numbers /= self._half
        out[:] = numbers


class Categories(Part):
    """Choices from finite sets: one-hot, or binary digits where that would need too many numbers.

    Args:
        space: The space they belong to, for messages.
        counts: How many values each of the C choices has, [C].
        starts: Their smallest values, [C].
        optional: Whether a choice may be absent, given as one below its smallest value: coded as zeros.
    """

    def __init__(
        self,
        space: gym.Space[Any],
        counts: NDArray[Any],
        starts: NDArray[Any],
        *,
        optional: bool = False,
    ) -> None:
        self._space = space
        self._counts, self._starts = counts.astype(np.int64), starts.astype(np.int64)
        self._lowest = -1 if optional else 0
        self._one_hot = sum(int(count) for count in counts) <= ONE_HOT_LIMIT
        # A digit code of zeros is the absent choice's, so the present ones count from 1.
        digits = [max(int(count - 1 - self._lowest).bit_length(), 1) for count in self._counts]
        widths = self._counts if self._one_hot else np.array(digits, dtype=np.int64)
        self.size = allowed_size(space, int(widths.sum()))
        self._offsets = np.cumsum(widths) - widths
        self._choice_of_digit = np.repeat(np.arange(len(widths)), widths)
        self._place_of_digit = np.arange(self.size) - self._offsets[self._choice_of_digit]

    @classmethod
    def of(cls, space: spaces.Discrete[Any] | spaces.MultiDiscrete) -> Categories:
        """Makes the code of a space of choices, whatever its rank and start."""
        counts = space.n if isinstance(space, spaces.Discrete) else space.nvec
        return cls(space, np.ravel(counts), np.ravel(space.start))

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns 0 and 1."""
        return np.zeros(self.size, dtype=np.float32), np.ones(self.size, dtype=np.float32)

    def write(self, values: Any, out: Floats) -> None:
        """Marks each choice's value.

        Raises:
            ValueError: A value is not among the choices.
        """
        indices = np.asarray(values).reshape(len(out), len(self._counts)).astype(np.int64) - self._starts
        wrong = (indices < self._lowest) | (indices >= self._counts)
        if wrong.any():
            lane, choice = np.argwhere(wrong)[0]
            given = indices[lane, choice] + self._starts[choice]
            raise ValueError(
                f"observation {given} in lane {lane}: expected a member of {shortened(self._space)}"
            )
        if not self._one_hot:
            digits = (indices - self._lowest)[:, self._choice_of_digit] >> self._place_of_digit
            out[:] = digits & 1
            return
        lane, choice = np.nonzero(indices >= 0)
        out[lane, self._offsets[choice] + indices[lane, choice]] = 1


class Binary(Part):
    """MultiBinary: every bit as it is."""

    def __init__(self, space: spaces.MultiBinary) -> None:
        self.size = allowed_size(space, int(np.prod(space.shape)))

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns 0 and 1."""
        return np.zeros(self.size, dtype=np.float32), np.ones(self.size, dtype=np.float32)

    def write(self, values: Any, out: Floats) -> None:
        """Copies the bits."""
        out[:] = np.asarray(values).reshape(len(out), self.size)


class Text(Part):
    """Text: one optional choice from the sorted character set for each place."""

    def __init__(self, space: spaces.Text) -> None:
        self._space = space
        # Sorted, since the order of a set of characters changes from one process to the next.
        alphabet = sorted(space.character_set)
        self._codes = {character: code for code, character in enumerate(alphabet)}
        counts = np.full(space.max_length, len(alphabet))
        self._places = Categories(space, counts, np.zeros_like(counts), optional=True)
        self.size = self._places.size

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns 0 and 1."""
        return self._places.bounds()

    def write(self, values: Any, out: Floats) -> None:
        """Spells each lane's text.

        Raises:
            ValueError: A text is too long or has a character outside the set.
        """
        codes = np.full((len(out), self._space.max_length), -1)
        for lane, text in enumerate(values):
            if not self._space.contains(text):
                raise ValueError(f"observation {text!r} in lane {lane}: expected a member of {self._space}")
            codes[lane, : len(text)] = [self._codes[character] for character in text]
        self._places.write(codes, out)

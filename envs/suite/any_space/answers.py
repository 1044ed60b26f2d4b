"""Right answers of the memory task for any action space, and how close an action comes to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.spaces import ARRAY_SPACES, finite_sides

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoxWindow:
    """Window in which a Box's numbers are asked for, element by element, flat.

    The whole range where it is bounded; where a side is open, a range of 4 (2 next to a single bound), so
    that it is of order one.
    """

    low: Floats
    """Lower ends, [size]."""
    high: Floats
    """Upper ends, [size]."""
    whole: bool
    """Whether the numbers are whole."""

    @classmethod
    def of(cls, space: spaces.Box) -> BoxWindow:
        """Returns the window of a Box."""
        low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
        below, above = finite_sides(space)
        lowest = np.where(below, low, np.where(above, high, 0.0) - 2)
        highest = np.where(above, high, np.where(below, low, 0.0) + 2)
        return cls(lowest, highest, space.low.dtype.kind != "f")


@dataclass(frozen=True)
class Answers:
    """Action space as C elements, each asked for the right choice or for a number.

    Glossary: M messages, C elements of the action, L lanes.
    """

    space: gym.Space[Any]
    """The action space."""
    is_choice: NDArray[np.bool_]
    """[C]"""
    whole: NDArray[np.bool_]
    """Whether a number is whole, [C]."""
    low: Floats
    """[C], the first choice or the lower end of a number's window."""
    high: Floats
    """[C], the last choice or the upper end of a number's window."""

    @classmethod
    def of(cls, space: gym.Space[Any]) -> Answers:
        """Returns the elements of an action space in its own order."""
        is_choice, whole, low, high = (
            np.concatenate(column) for column in zip(*_elements(space), strict=True)
        )
        return cls(space, is_choice, whole, low, high)

    def targets(self, count: int) -> Floats:
        """Returns the right answers to M messages, [M, C]; neighbouring elements have different ones."""
        turn = np.arange(count)[:, None] + np.arange(len(self.low))
        choice = self.low + turn % np.maximum(self.high - self.low + 1, 1)
        quarter = (self.high - self.low) / 4
        quarter = np.where(self.whole, np.floor(quarter), quarter)
        number = np.where(turn % 2, self.high - quarter, self.low + quarter)
        targets: Floats = np.where(self.is_choice, choice, number)
        return targets

    def closeness(self, actions: Any, targets: Floats) -> Floats:
        """Scores each lane's action, [L]: the mean over elements, 1 for each that is exactly right.

        Args:
            actions: A batch of L actions.
            targets: The right answers, [L, C].
        """
        columns = _columns(self.space, actions, len(targets))
        given = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
        right = self.element_closeness(given, targets)
        if right.shape[1] == 1:
            return right[:, 0]
        means: Floats = right.mean(axis=1)
        return means

    def element_closeness(self, given: Floats, targets: Floats) -> Floats:
        """Scores elements, [..., C]: a choice 1 or 0, a number 1 - (distance in window widths) ** 2."""
        correct: Floats = (given == targets).astype(np.float64)
        if self._only_choices:
            return correct
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        distance = (np.clip(given, self.low, self.high) - targets) / width
        right: Floats = np.where(self.is_choice, correct, 1.0 - distance * distance)
        return right

    @cached_property
    def _only_choices(self) -> bool:
        return bool(self.is_choice.all())

    def random_closeness(self, targets: Floats) -> float:
        """Returns the expectation for uniform choices, and numbers uniform in their windows, exactly."""
        width = self.high - self.low
        counts = width + 1
        # Variance of a uniform number, or of a uniform whole number.
        variance = np.where(self.whole, (counts * counts - 1) / 12, width * width / 12)
        bias = (self.low + self.high) / 2 - targets
        number = 1.0 - (variance + bias * bias) / np.where(width > 0, width, 1.0) ** 2
        return float(np.where(self.is_choice, 1.0 / counts, number).mean())

    def blind(self, targets: Floats) -> Floats:
        """Returns the single action, [C], that is right most when the message is not seen."""
        best: Floats = np.clip(targets.mean(axis=0), self.low, self.high)
        best = np.where(self.whole, np.rint(best), best)
        for element in np.flatnonzero(self.is_choice):
            values, counts = np.unique(targets[:, element], return_counts=True)
            best[element] = values[counts.argmax()]
        return best

    def random(self, lanes: int, rng: np.random.Generator) -> Floats:
        """Draws uniform answers, [L, C]."""
        drawn = rng.random((lanes, len(self.low)))
        discrete = self.is_choice | self.whole
        steps = np.floor(drawn * (self.high - self.low + 1))
        answers: Floats = self.low + np.where(discrete, steps, drawn * (self.high - self.low))
        return answers

    def batch(self, answers: Floats) -> Any:
        """Turns answers [L, C] into a batch of actions."""
        return _batch_of(self.space, answers, 0)[0]


def _elements(space: gym.Space[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any], Floats, Floats]]:
    """Yields, for each array in an action space, two flags (choice, whole), lowest and highest values."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        for part in space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces:
            yield from _elements(part)
        return
    size = int(np.prod(space.shape or ()))
    if isinstance(space, spaces.Box):
        window = BoxWindow.of(space)
        yield np.zeros(size, dtype=np.bool_), np.full(size, window.whole), window.low, window.high
        return
    low, counts = np.zeros(size), np.full(size, 2.0)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        low = np.ravel(space.start).astype(np.float64)
        counts = np.ravel(space.n if isinstance(space, spaces.Discrete) else space.nvec).astype(np.float64)
    yield np.ones(size, dtype=np.bool_), np.ones(size, dtype=np.bool_), low, low + counts - 1


def _columns(space: gym.Space[Any], actions: Any, lanes: int) -> list[Floats]:
    if isinstance(space, spaces.Dict):
        return [column for key, part in space.items() for column in _columns(part, actions[key], lanes)]
    if isinstance(space, spaces.Tuple):
        parts = enumerate(space.spaces)
        return [column for i, part in parts for column in _columns(part, actions[i], lanes)]
    return [np.asarray(actions).reshape(lanes, -1).astype(np.float64)]


def _batch_of(space: gym.Space[Any], answers: Floats, start: int) -> tuple[Any, int]:
    """Returns the part of the answers from a column on that belongs to a space, and the column after it."""
    if isinstance(space, ARRAY_SPACES):
        end = start + int(np.prod(space.shape or ()))
        values = answers[:, start:end].reshape(len(answers), *(space.shape or ()))
        return values.astype(space.dtype), end
    made: dict[Any, Any] = {}
    parts = space.items() if isinstance(space, spaces.Dict) else enumerate(space)  # type: ignore[arg-type]
    for key, part in parts:
        made[key], start = _batch_of(part, answers, start)
    return (made if isinstance(space, spaces.Dict) else tuple(made.values())), start

"""Random numbers of episodes, drawn for many episodes at once instead of by one call a lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

EPISODES = 128
"""Episodes that are drawn at once; a call of a generator costs as much as sixty numbers from it."""


class DrawnAhead:
    """Source of uniform numbers in [0, 1) for each lane's episodes, the same as if each episode drew its own.

    A generator gives the same numbers one by one and in a block, so a lane's k-th episode after seeding has
    its generator's k-th `count` numbers, however many lanes there are. A lane that comes with another
    generator, as after `reset(seed=...)`, begins a new block.

    Args:
        num_lanes: N, how many episodes run side by side.
        count: How many numbers an episode needs.
        prepare: Turns uniform numbers [E, count] into what E episodes need, [E, K]; None leaves them as they
            are.
    """

    def __init__(
        self,
        num_lanes: int,
        count: int,
        prepare: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    ) -> None:
        self._prepare = prepare
        self._count = count
        width = count if prepare is None else prepare(np.zeros((1, count))).shape[1]
        # [N * EPISODES, K], a lane's block after the other; [N], the row that a lane's next episode gets.
        self._numbers = np.empty((num_lanes * EPISODES, width))
        self._ends = (np.arange(num_lanes) + 1) * EPISODES
        self._next = self._ends.copy()
        self._rngs = np.full(num_lanes, None, dtype=object)

    def take(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> NDArray[np.float64]:
        """Returns the prepared numbers of the episodes that begin now, [L, K].

        Args:
            lanes: The lanes that begin, [L].
            rngs: Their generators, L of them.
        """
        # Lists compare their members by identity first, in a fiftieth of a loop's time.
        if self._rngs[lanes].tolist() != rngs:
            for lane, rng in zip(lanes.tolist(), rngs, strict=True):
                if self._rngs[lane] is not rng:
                    self._rngs[lane], self._next[lane] = rng, self._ends[lane]
        rows = self._next[lanes]
        empty = rows == self._ends[lanes]
        if np.count_nonzero(empty):
            for lane in lanes[empty].tolist():
                first, end = lane * EPISODES, (lane + 1) * EPISODES
                drawn = self._rngs[lane].random((EPISODES, self._count))
                self._numbers[first:end] = drawn if self._prepare is None else self._prepare(drawn)
                self._next[lane] = first
            rows = self._next[lanes]
        self._next[lanes] = rows + 1
        return self._numbers.take(rows, axis=0)

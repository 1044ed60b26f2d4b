"""Solver for known prices: the return of perfect foresight, by dynamic programming.

A trader who puts all or nothing into a stock multiplies the wealth step by step. With divisible shares and n
steps left the wealth grows by a factor f(n, r, position), where r is the row of the present price p:

    G1(r) = p[r + 1] / p[r] * f(n - 1, r + 1, in)      value of spending the step in the stock
    G0(r) = f(n - 1, r + 1, out)                       value of spending it in cash
    f(n, r, out) = max(G0, G1 / (1 + fee))             buying costs the fee out of the same cash
    f(n, r, in)  = max(G1, G0 (1 - fee))

with f(0, ., .) = 1: the recursion of :mod:`envs.suite.market.optimum` without its expectation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Decide = Callable[[int, Floats], Floats]
"""Maps the steps left and `gain` [position, choice, R] to the factor [position, R]."""


class Hindsight:
    """Solution of known prices: the best trades, and the return of random ones.

    Args:
        prices: [R], in time order.
        steps: T, how long an episode lasts.
        fee_rate: Share of every trade's value that is paid as a fee.
    """

    def __init__(self, prices: Floats, steps: int, fee_rate: float) -> None:
        self._growth = np.append(prices[1:] / prices[:-1], 1.0)
        self._steps, self._fee_rate = steps, fee_rate
        # [T + 1, position, R]: whether to be invested with n steps left.
        self._invest = np.zeros((steps + 1, 2, len(prices)), dtype=np.bool_)
        self._backwards(self._choose_best)
        # A random action leaves the position as it is in two of three cases.
        weight = np.array([[1 / 3], [2 / 3]])
        factor = self._backwards(lambda left, gain: (1 - weight) * gain[:, 0] + weight * gain[:, 1])
        self.random_returns: Floats = factor[0] - 1.0
        """Expected return of uniformly random actions from every row on, [R]; right where T rows follow."""

    def invests(
        self, steps_left: NDArray[np.int64], rows: NDArray[np.int64], holding: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Returns whether a trader who knows all prices wants to be in the stock; all arrays [N]."""
        return self._invest[steps_left, holding.astype(np.int64), rows]

    def _backwards(self, decide: Decide) -> Floats:
        """Computes the wealth factor [position, R] with all T steps left, under a way to decide."""
        factor = np.ones((2, len(self._growth)))
        for left in range(1, self._steps + 1):
            # Beyond the last row nothing is known; no episode of T steps that fits gets there.
            following = np.append(factor[:, 1:], factor[:, -1:], axis=1)
            cash, stock = following[0], self._growth * following[1]
            gain = np.array([[cash, stock / (1 + self._fee_rate)], [(1 - self._fee_rate) * cash, stock]])
            factor = decide(left, gain)
        return factor

    def _choose_best(self, left: int, gain: Floats) -> Floats:
        self._invest[left] = gain[:, 1] > gain[:, 0]
        best: Floats = gain.max(axis=1)
        return best

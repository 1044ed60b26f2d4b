"""What is a market worth to somebody who knows its law? Dynamic programming over log-price and position.

A trader who puts all or nothing into a stock multiplies the wealth step by step, so with divisible shares
the expected final wealth is wealth times a factor f(t, x, position) of time, log-price and position alone:

    G1(x) = E[exp(x' - x) f(t + 1, x', in)]        value of spending the step in the stock
    G0(x) = E[f(t + 1, x', out)]                   value of spending it in cash
    f(t, x, out) = max(G0, G1 / (1 + fee))         buying costs the fee out of the same cash
    f(t, x, in)  = max(G1, G0 (1 - fee))

with f(T, ., .) = 1. Expectations over x' are Gauss-Hermite quadrature with linear interpolation on a grid.
Bellman (1957), Dynamic Programming, chapter 3; Judd (1998), Numerical Methods in Economics, section 7.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

GRID_STEPS_PER_SPREAD = 40
GRID_SPREADS = 7
"""The grid reaches this many standard deviations of the price to each side."""
QUADRATURE_NODES = 15

Floats = NDArray[np.float64]
InvestRule = Callable[[Floats], NDArray[np.bool_]]
"""Says for log-prices [G] whether to be invested, whatever the time and the position."""


def invest_always(x: Floats) -> NDArray[np.bool_]:
    """Buy and hold."""
    return np.ones(x.shape, dtype=np.bool_)


def invest_below_mean(x: Floats) -> NDArray[np.bool_]:
    """The textbook rule for prices that revert to their mean."""
    return x < 0


@dataclass(frozen=True)
class Market:
    """The law of a price and the cost of trading it; units as in the trading environment's parameters."""

    steps: int
    volatility: float
    drift: float
    mean_reversion: float
    fee_rate: float

    @property
    def spread(self) -> float:
        """Standard deviation of the log-price: stationary with mean reversion, else at the last step."""
        kappa = self.mean_reversion
        variance_ratio = 1.0 / (kappa * (2.0 - kappa)) if kappa else self.steps
        return self.volatility * math.sqrt(variance_ratio)


class Solution:
    """The optimal policy of a market, and the exact returns of simple ones."""

    def __init__(self, market: Market) -> None:
        self.market = market
        half = GRID_STEPS_PER_SPREAD * GRID_SPREADS
        self._x: Floats = market.spread * np.arange(-half, half + 1) / GRID_STEPS_PER_SPREAD
        self._in_stock, self._in_cash = _expectations(market, self._x)
        # [T, position, G]: whether to be invested during step t.
        self._invest = np.zeros((market.steps, 2, len(self._x)), dtype=np.bool_)
        factor = self._backwards(lambda t, gain: self._choose_best(t, gain))
        exact = market.mean_reversion == 0.0
        self.optimum = _random_walk_optimum(market) if exact else factor - 1.0
        """The best expected return, as a fraction of the initial wealth."""
        self.source = (
            "closed form: hold the stock throughout if that pays, else cash"
            if exact
            else "dynamic programming over log-price and position"
        )
        # A random action leaves the position as it is in two of three cases.
        self.random_return = self._backwards(lambda t, gain: _mix(gain, np.array([[1 / 3], [2 / 3]]))) - 1.0
        """The expected return of uniformly random actions."""

    def invests(self, time: NDArray[np.int64], x: Floats, holding: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether the optimal policy wants to be in the stock; all arrays [N].

        Args:
            time: Steps taken so far, below the number of steps; later ones count as the last.
            x: Log of the price over its start.
            holding: Whether shares are held now.
        """
        step = self._x[1] - self._x[0]
        cell = np.clip(np.rint((x - self._x[0]) / step).astype(np.int64), 0, len(self._x) - 1)
        last = self.market.steps - 1
        return self._invest[np.minimum(time, last), holding.astype(np.int64), cell]

    def expected_return(self, rule: InvestRule) -> float:
        """The expected return of a rule that looks at the log-price alone."""
        weight = rule(self._x).astype(np.float64)
        return self._backwards(lambda t, gain: _mix(gain, weight)) - 1.0

    def _backwards(self, decide: Callable[[int, Floats], Floats]) -> float:
        """Wealth factor at the start, flat and at the mean, under a way to decide.

        Args:
            decide: Maps time and `gain` [position, choice, G] (wealth factor of being out of or in the stock
                during the step) to the factor [position, G].
        """
        fee = self.market.fee_rate
        factor = np.ones((2, len(self._x)))
        for t in reversed(range(self.market.steps)):
            cash, stock = self._in_cash @ factor[0], self._in_stock @ factor[1]
            gain = np.array([[cash, stock / (1 + fee)], [(1 - fee) * cash, stock]])
            factor = decide(t, gain)
        return float(factor[0, len(self._x) // 2])

    def _choose_best(self, t: int, gain: Floats) -> Floats:
        self._invest[t] = gain[:, 1] > gain[:, 0]
        return gain.max(axis=1)


@lru_cache(maxsize=32)
def solve(market: Market) -> Solution:
    """Solves a market; equal markets are solved once."""
    return Solution(market)


def _mix(gain: Floats, invested: Floats) -> Floats:
    """Factor [position, G] when the stock is held with probability `invested` ([position, G] or [G])."""
    return (1.0 - invested) * gain[:, 0] + invested * gain[:, 1]


def _random_walk_optimum(market: Market) -> float:
    growth = math.exp(market.drift * market.steps) / (1.0 + market.fee_rate)
    return max(growth, 1.0) - 1.0


def _expectations(market: Market, x: Floats) -> tuple[Floats, Floats]:
    """Matrices [G, G] that take f(t + 1, .) to its expectation, with and without the stock's growth."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    weights = weights / weights.sum()
    drift = market.drift - market.volatility**2 / 2
    in_stock, in_cash = np.zeros((len(x), len(x))), np.zeros((len(x), len(x)))
    rows = np.arange(len(x))
    for node, weight in zip(nodes, weights, strict=True):
        x_next = x + drift - market.mean_reversion * x + market.volatility * node
        position = np.clip((x_next - x[0]) / (x[1] - x[0]), 0, len(x) - 1)
        left = np.minimum(position.astype(np.int64), len(x) - 2)
        right_share = position - left
        growth = np.exp(x_next - x)
        for column, share in ((left, 1.0 - right_share), (left + 1, right_share)):
            in_cash[rows, column] += weight * share
            in_stock[rows, column] += weight * share * growth
    return in_stock, in_cash

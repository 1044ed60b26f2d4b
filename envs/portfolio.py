"""What does an all-or-nothing trader own, and what did the trades cost? The accounts of every market."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.dynamics import Dynamics, Lanes, Transition
from envs.market_picture import MarketFrame, draw_market
from envs.parameters import Parameters
from envs.rendering import Canvas

HOLD, BUY, SELL = 0, 1, 2
STEPS_PER_YEAR = 252
"""Trading days in a year, for the annualised Sharpe ratio."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TraderParameters(Parameters):
    """What a trader starts with, for how long, and what trading costs."""

    initial_cash: float = 10_000.0
    """Cash at the start, in currency units; above 0."""
    max_steps: int = 200
    """Steps until the market closes; one step is one trading day."""
    fee_rate: float = 0.0
    """Share of every trade's value that is paid as a fee; 0 to 0.5."""

    def __post_init__(self) -> None:
        self.check("initial_cash", 0, above=True)
        self.check("max_steps", 1, 100_000)
        self.check("fee_rate", 0, 0.5)


T = TypeVar("T", bound=TraderParameters)


class Portfolio(Dynamics[T]):
    """Trades whole shares of one stock at prices that a subclass supplies, and keeps the accounts.

    A subclass calls :meth:`open_accounts` when an episode begins and adds what its market shows.
    """

    action_names: ClassVar[tuple[str, ...]] = ("hold", "buy all", "sell all")
    return_unit: ClassVar[str] = "fraction of the initial cash"

    def __init__(self, parameters: T, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        self.action_space = spaces.Discrete(3)
        self.lane = np.arange(num_lanes)
        """Every lane's index, [N]."""
        self.time = np.zeros(num_lanes, dtype=np.int64)
        """Steps taken in the present episode, [N]."""
        self.shares = np.zeros(num_lanes)
        """Whole shares held, [N]."""
        self._cash = np.zeros(num_lanes)
        self._peak = np.zeros(num_lanes)
        self._drawdown = np.zeros(num_lanes)
        self._traded = np.zeros(num_lanes)
        self._growth_sum = np.zeros(num_lanes)
        self._growth_squares = np.zeros(num_lanes)
        # [N, T + 1, 2]: shares and portfolio value at every time, written for pictures only.
        self._history = np.zeros((num_lanes, parameters.max_steps + 1, 2))

    @abstractmethod
    def price(self, lane: NDArray[np.intp], time: NDArray[np.int64]) -> Floats:
        """The price of a share in the given lanes at the given times of their episodes, all [L]."""

    @abstractmethod
    def usual_prices(self, lane: int) -> tuple[float, float]:
        """The range that a picture's price axis shows at least; it must not tell the future."""

    @property
    def mean_price(self) -> float | None:
        """The price that the market reverts to; None where there is none."""
        return None

    def open_accounts(self, lanes: NDArray[np.intp]) -> None:
        """Hands out the initial cash."""
        initial_cash = self.parameters.initial_cash
        self.time[lanes] = 0
        self._cash[lanes] = self._peak[lanes] = initial_cash
        for total in (self.shares, self._drawdown, self._traded, self._growth_sum, self._growth_squares):
            total[lanes] = 0.0
        if self.recording:
            self._history[lanes, 0] = (0.0, initial_cash)

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Trades at the present price, then lets the price move."""
        p = self.parameters
        time, lane = self.time[lanes], self.lane[lanes]
        price, next_price = self.price(lane, time), self.price(lane, time + 1)
        cash, shares = self._cash[lanes], self.shares[lanes]
        before = cash + shares * price

        affordable = np.floor(cash / (price * (1.0 + p.fee_rate)))
        change = np.where(actions == BUY, affordable, np.where(actions == SELL, -shares, 0.0))
        traded = np.abs(change) * price
        # Rounding in the price of a purchase may leave cash a hair below zero.
        cash = np.maximum(cash - change * price - p.fee_rate * traded, 0.0)
        shares = shares + change
        after = cash + shares * next_price

        growth = after / before - 1.0
        peak = np.maximum(self._peak[lanes], after)
        self._cash[lanes], self.shares[lanes], self._peak[lanes] = cash, shares, peak
        self._drawdown[lanes] = np.maximum(self._drawdown[lanes], 1.0 - after / peak)
        self._traded[lanes] += traded
        self._growth_sum[lanes] += growth
        self._growth_squares[lanes] += growth * growth
        self.time[lanes] = time = time + 1
        if self.recording:
            self._history[lane, time, 0], self._history[lane, time, 1] = shares, after

        rewards = (after - before) / p.initial_cash
        return Transition(rewards, time == p.max_steps, np.zeros(len(time), dtype=np.bool_))

    def observe_account(self) -> tuple[Floats, Floats]:
        """Share of the portfolio's value held in stock, and share of the episode left; 0 to 1, each [N]."""
        stock = self.shares * self.price(self.lane, self.time)
        return stock / (stock + self._cash), 1.0 - self.time / self.parameters.max_steps

    def summarise(self, lanes: NDArray[np.intp]) -> dict[str, Floats]:
        """The trader's figures of the episodes that have just ended."""
        p = self.parameters
        last_price = self.price(lanes, self.time[lanes])
        value = self._cash[lanes] + self.shares[lanes] * last_price
        mean = self._growth_sum[lanes] / p.max_steps
        variance = np.maximum(self._growth_squares[lanes] / p.max_steps - mean**2, 0.0)
        # A portfolio that never moved has no Sharpe ratio; rounding may leave a trace of variance.
        moved = variance > 1e-18
        sharpe = np.full(len(lanes), np.nan)
        sharpe[moved] = mean[moved] / np.sqrt(variance[moved]) * np.sqrt(STEPS_PER_YEAR)
        first_cost = self.price(lanes, np.zeros(len(lanes), dtype=np.int64)) * (1.0 + p.fee_rate)
        held = np.floor(p.initial_cash / first_cost)
        buy_and_hold = p.initial_cash + held * (last_price - first_cost)
        return {
            "portfolio_value": value,
            "sharpe_ratio": sharpe,
            "max_drawdown": self._drawdown[lanes],
            "turnover": self._traded[lanes] / p.initial_cash,
            "fees_paid": self._traded[lanes] * p.fee_rate,
            "excess_return": (value - buy_and_hold) / p.initial_cash,
        }

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Price, trades and portfolio value so far."""
        draw_market(canvas, self._frame(lane))

    def describe(self, lane: int) -> str:
        """Time, position and portfolio in one line."""
        return self._frame(lane).summary

    def _frame(self, lane: int) -> MarketFrame:
        times = np.arange(self.time[lane] + 1)
        return MarketFrame(
            prices=self.price(np.full(len(times), lane), times),
            shares=self._history[lane, times, 0],
            values=self._history[lane, times, 1],
            max_steps=self.parameters.max_steps,
            usual_prices=self.usual_prices(lane),
            mean_price=self.mean_price,
        )

"""Accounts of an all-or-nothing trader, shared by all markets: cash, shares, fees and the summary."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.base import Canvas, Dynamics, Lanes, Parameters, Transition
from envs.suite.market.picture import MarketFrame, draw_market

HOLD, BUY, SELL = 0, 1, 2
STEPS_PER_YEAR = 252
"""Trading days in a year, for the annualised Sharpe ratio."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TraderParameters(Parameters):
    """Parameters of a trader: initial cash, length of an episode, and fees."""

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
    """Base of the markets: trades whole shares of one stock at prices that a subclass supplies.

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
        # What the last step computed and the next one needs again, [N].
        self._price, self._stock, self._value = np.zeros((3, num_lanes))
        # [N, T + 1]: shares and portfolio value at every time so far. To keep them costs less than to add the
        # summary up in every step.
        self._share_history, self._value_history = np.zeros((2, num_lanes, parameters.max_steps + 1))

    @abstractmethod
    def price(self, lane: NDArray[np.intp], time: NDArray[np.int64]) -> Floats:
        """Returns the price of a share in the given lanes at the given times, whose shapes broadcast."""

    @abstractmethod
    def usual_prices(self, lane: int) -> tuple[float, float]:
        """Returns the range that a picture's price axis shows at least; it must not tell the future."""

    @property
    def mean_price(self) -> float | None:
        """The price that the market reverts to; None where there is none."""
        return None

    def open_accounts(self, lanes: NDArray[np.intp]) -> None:
        """Hands out the initial cash."""
        initial_cash = self.parameters.initial_cash
        self.time[lanes] = 0
        self._price[lanes] = self.price(lanes, self.time[lanes])
        self.shares[lanes] = self._stock[lanes] = 0.0
        self._cash[lanes] = self._value[lanes] = self._value_history[lanes, 0] = initial_cash

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Trades at the present price, then lets the price move."""
        p = self.parameters
        lane, time = self.lane[lanes], self.time[lanes] + 1
        price, next_price = self._price[lanes], self.price(lane, time)
        cash, shares = self._cash[lanes], self.shares[lanes]

        affordable = np.floor(cash / (price * (1.0 + p.fee_rate)))
        change = np.where(actions == BUY, affordable, np.where(actions == SELL, -shares, 0.0))
        cost = change * price
        # Rounding in the price of a purchase may leave cash a hair below zero.
        cash = np.maximum(cash - cost - p.fee_rate * np.abs(cost), 0.0)
        shares = shares + change
        stock = shares * next_price
        value = cash + stock
        rewards = (value - self._value[lanes]) / p.initial_cash

        self.time[lanes], self._cash[lanes], self.shares[lanes] = time, cash, shares
        self._price[lanes], self._stock[lanes], self._value[lanes] = next_price, stock, value
        self._share_history[lane, time] = shares
        self._value_history[lane, time] = value
        return Transition(rewards, time == p.max_steps, np.zeros(len(time), dtype=np.bool_))

    def observe_account(self) -> tuple[Floats, Floats]:
        """Returns the shares of the portfolio held in stock and of the episode left; 0 to 1, each [N]."""
        return self._stock / self._value, 1.0 - self.time / self.parameters.max_steps

    def present(self, lane: int) -> dict[str, float]:
        """Returns the step, the price, the whole shares held, the cash, and what both are worth."""
        return {
            "step": float(self.time[lane]),
            "price": float(self._price[lane]),
            "shares": float(self.shares[lane]),
            "cash": float(self._cash[lane]),
            "portfolio_value": float(self._value[lane]),
        }

    def summarise(self, lanes: NDArray[np.intp]) -> dict[str, Floats]:
        """Returns the trader's figures of the episodes that have just ended."""
        p = self.parameters
        values = self._value_history[lanes]
        growths = values[:, 1:] / values[:, :-1] - 1.0
        mean, deviation = growths.mean(axis=1), growths.std(axis=1)
        # A portfolio that never moved has no Sharpe ratio; rounding may leave a trace of a deviation.
        moved = deviation > 1e-9
        sharpe = np.full(len(lanes), np.nan)
        sharpe[moved] = mean[moved] / deviation[moved] * np.sqrt(STEPS_PER_YEAR)
        # [L, T]: the price at which each step traded.
        prices = self.price(lanes[:, np.newaxis], np.arange(p.max_steps))
        traded = (np.abs(np.diff(self._share_history[lanes], axis=1)) * prices).sum(axis=1)
        first_cost = prices[:, 0] * (1.0 + p.fee_rate)
        held = np.floor(p.initial_cash / first_cost)
        buy_and_hold = p.initial_cash + held * (self._price[lanes] - first_cost)
        return {
            "portfolio_value": values[:, -1],
            "sharpe_ratio": sharpe,
            "max_drawdown": (1.0 - values / np.maximum.accumulate(values, axis=1)).max(axis=1),
            "turnover": traded / p.initial_cash,
            "fees_paid": traded * p.fee_rate,
            "excess_return": (values[:, -1] - buy_and_hold) / p.initial_cash,
        }

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Draws price, trades and portfolio value so far."""
        draw_market(canvas, self._frame(lane))

    def describe(self, lane: int) -> str:
        """Describes time, position and portfolio in one line."""
        return self._frame(lane).summary

    def _frame(self, lane: int) -> MarketFrame:
        times = np.arange(self.time[lane] + 1)
        return MarketFrame(
            prices=self.price(np.full(len(times), lane), times),
            shares=self._share_history[lane, times],
            values=self._value_history[lane, times],
            max_steps=self.parameters.max_steps,
            usual_prices=self.usual_prices(lane),
            mean_price=self.mean_price,
        )

"""The suite's markets as they are usually written: plain scalar Gymnasium environments.

For the benchmark only, like :mod:`benchmarks.contestants.scalar_environments`.
"""

import itertools
import math
import statistics
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from envs.suite.market import TradingHistorical

Step = tuple[Any, float, bool, bool, dict[str, Any]]


class ScalarTrader(gym.Env[Any, int]):
    """Hold, buy or sell one stock; how its price moves is a subclass'."""

    def __init__(self, p: Any, window: int) -> None:
        self._p = p
        low, high = [*[-5.0] * window, 0.0, 0.0], [*[5.0] * window, 1.0, 1.0]
        self.observation_space = spaces.Box(np.array(low, np.float32), np.array(high, np.float32))
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Cash, and the first price."""
        super().reset(seed=seed)
        self._time, self._cash, self._shares = 0, self._p.initial_cash, 0.0
        self._first_price = self._price = self._open()
        self._peak, self._drawdown, self._traded = self._cash, 0.0, 0.0
        self._growths: list[float] = []
        return self._observe(), {}

    def step(self, action: int) -> Step:
        """Trades, then lets the price move."""
        p = self._p
        before = self._cash + self._shares * self._price
        if action == 1:
            change = float(math.floor(self._cash / (self._price * (1 + p.fee_rate))))
        elif action == 2:
            change = -self._shares
        else:
            change = 0.0
        traded = abs(change) * self._price
        self._cash = max(self._cash - change * self._price - p.fee_rate * traded, 0.0)
        self._shares += change
        self._time += 1
        self._price = self._next_price()
        after = self._cash + self._shares * self._price
        self._peak = max(self._peak, after)
        self._drawdown = max(self._drawdown, 1 - after / self._peak)
        self._traded += traded
        self._growths.append(after / before - 1)
        over = self._time == p.max_steps
        return self._observe(), (after - before) / p.initial_cash, over, False, self._info() if over else {}

    def _observe(self) -> Any:
        stock = self._shares * self._price
        account = [stock / (stock + self._cash), 1.0 - self._time / self._p.max_steps]
        return np.array([*self._market(), *account], dtype=np.float32)

    def _info(self) -> dict[str, float]:
        p = self._p
        value = self._cash + self._shares * self._price
        mean, deviation = statistics.fmean(self._growths), statistics.pstdev(self._growths)
        first_cost = self._first_price * (1 + p.fee_rate)
        held = p.initial_cash + math.floor(p.initial_cash / first_cost) * (self._price - first_cost)
        return {
            "portfolio_value": value,
            "sharpe_ratio": mean / deviation * math.sqrt(252) if deviation > 1e-9 else math.nan,
            "max_drawdown": self._drawdown,
            "turnover": self._traded / p.initial_cash,
            "fees_paid": self._traded * p.fee_rate,
            "excess_return": (value - held) / p.initial_cash,
        }

    def _open(self) -> float:
        raise NotImplementedError

    def _next_price(self) -> float:
        raise NotImplementedError

    def _market(self) -> list[float]:
        raise NotImplementedError


class ScalarTrading(ScalarTrader):
    """Prices that walk at random or revert to their mean."""

    def __init__(self, p: Any) -> None:
        super().__init__(p, 2)
        self._spread = p.market.spread

    def _open(self) -> float:
        self._x, self._last_return = 0.0, 0.0
        return float(self._p.initial_price)

    def _next_price(self) -> float:
        p = self._p
        noise = p.volatility * self.np_random.standard_normal()
        self._last_return = p.drift - p.volatility**2 / 2 - p.mean_reversion * self._x + noise
        self._x += self._last_return
        return float(p.initial_price * math.exp(self._x))

    def _market(self) -> list[float]:
        return [cut(self._x / self._spread), cut(self._last_return / self._p.volatility)]


class ScalarTradingHistorical(ScalarTrader):
    """Prices that were really paid; the suite reads the file."""

    def __init__(self, p: Any) -> None:
        super().__init__(p, p.window)
        market = TradingHistorical(p, 1)
        self._prices: list[float] = market.prices.tolist()
        self._unit = market.log_return_unit

    def _open(self) -> float:
        p = self._p
        self._row = int(self.np_random.integers(p.window, len(self._prices) - p.max_steps))
        return self._prices[self._row]

    def _next_price(self) -> float:
        self._row += 1
        return self._prices[self._row]

    def _market(self) -> list[float]:
        seen = self._prices[self._row - self._p.window : self._row + 1]
        return [cut(math.log(after / before) / self._unit) for before, after in itertools.pairwise(seen)]


def cut(value: float) -> float:
    """Cuts a standardised number to [-5, 5]."""
    return min(max(value, -5.0), 5.0)

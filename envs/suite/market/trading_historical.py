"""Market of one stock with prices from a file: dynamics, specification and id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from envs.base import Act, BatchedEnv, Dynamics, Parameters, ReferencePolicy, References, SingleEnv, register
from envs.suite.market.hindsight import Hindsight
from envs.suite.market.historical_parameters import TradingHistoricalParameters
from envs.suite.market.portfolio import BUY, SELL, Portfolio
from envs.suite.market.price_history import PriceHistory, load_prices, split_rows

CLIP = 5.0
"""Where standardised returns are cut, as in the trading environment."""


class TradingHistorical(Portfolio[TradingHistoricalParameters]):
    """Market of one stock, whose whole shares are traded at prices that were really paid.

    The file is cut by date into three ranges, in time order: train, validation, test. `embargo` rows are left
    out at the start of the later two. An episode, together with the past that its first observation shows,
    lies inside one range; `split` says which. Fit on train, choose on validation, and look at test once.

    ## Action Space

    `Discrete(3)`: 0 holds, 1 buys as many whole shares as the cash pays for (fee included), 2 sells all
    shares. Buying without cash and selling without shares do nothing. The trade happens at the last price
    that the observation knows of; then the next row's price comes.

    ## Observation Space

    `Box([-5] * k + [0, 0], [5] * k + [1, 1], (k + 2,), float32)` with k = `window`. No policy can push it out
    of its bounds: the returns depend on the file alone and are cut at 5 units, the others are shares of a
    whole. The unit is measured on the train range whatever the split, so that a policy meets the same scale
    everywhere and nothing of the later ranges leaks into the earlier.

    | index | meaning | range | unit |
    | --- | --- | --- | --- |
    | 0 to k-1 | log-returns of the last k rows, the oldest first | -5 to 5 | standard deviation of the train range's log-returns |
    | k | share of the portfolio's value that is held in stock | 0 to 1 | 1 |
    | k+1 | share of the episode that is left | 0 to 1 | 1 |

    ## Rewards

    The change of the portfolio's value (cash plus shares at the present price) in this step, fees included,
    as a fraction of `initial_cash`. The return is thus what the episode earned on the initial cash: 0.1 is
    10 %. Shares held at the end count at their price, without a selling fee.

    ## Starting State

    `initial_cash`, no shares, and a first row drawn uniformly from those of the split that have `window`
    rows before them and `max_steps` after them, all inside the split.

    ## Episode End

    - Termination: after `max_steps` steps. The observation shows the time left, so the end belongs to the
      task and nothing may be bootstrapped beyond it.
    - Truncation: never.

    The info of the last step carries

    | name | meaning |
    | --- | --- |
    | portfolio_value | cash plus shares at the last price, in currency units |
    | sharpe_ratio | mean over standard deviation of the portfolio's returns per step, times sqrt(252); NaN if it never moved |
    | max_drawdown | largest fall of the portfolio's value from an earlier peak, as a fraction of that peak |
    | turnover | value of all trades over `initial_cash` |
    | fees_paid | in currency units |
    | excess_return | return minus that of buying at the first step and holding |

    ## Arguments

    The fields of :class:`TradingHistoricalParameters`.

    ## References

    All are for one split, whose prices are known, so they are means over its possible starts, not estimates.

    The floor is the better of two investors who never trade again, cash and buy-and-hold: a score above 0 needs
    timing. The optimum knows every later price (dynamic programming, :mod:`envs.suite.market.hindsight`). As a number it is
    exact: no policy of any kind earns more, but for the rounding to whole shares. As a goal it is out of reach
    on prices that a policy has not seen: only one that has memorised the split gets near 1, so **a high score
    on train is a sign of memory, and a score of 0.1 on test may be excellent**. Compare scores of one split
    only. `contrarian` shows what a simple rule without foresight earns there.

    | split of the synthetic file | cash | buy_and_hold | random | contrarian | optimal |
    | --- | --- | --- | --- | --- | --- |
    | train, 2005-01-03 to 2014-03-14 | 0 | -0.0001 | -0.0168 | 0.0466 | 0.6026 |
    | validation, 2014-04-14 to 2017-04-07 | 0 | 0.0026 | -0.0157 | 0.0235 | 0.5849 |
    | test, 2017-05-08 to 2020-05-01 | 0 | 0.0010 | -0.0163 | 0.0703 | 0.6136 |

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = TradingHistoricalParameters

    def __init__(self, parameters: TradingHistoricalParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        p = parameters
        history = load_prices(p.path, p.price_column, p.date_column)
        ranges = split_rows(history, p.validation_from, p.test_from, p.embargo)
        first, end = ranges[p.split]
        needed = p.window + p.max_steps + 1
        if end - first < needed:
            raise ValueError(
                f"TradingHistorical split={p.split!r} of {p.path!r} is too short: {max(end - first, 0)} rows of "
                f"{len(history.prices)} lie in it, expected {needed} (window + max_steps + 1); "
                "give more rows, other dates, or a smaller window, max_steps or embargo"
            )
        dearest = first + int(np.argmax(history.prices[first:end]))
        if p.initial_cash < history.prices[dearest] * (1 + p.fee_rate):
            raise ValueError(
                f"TradingHistorical initial_cash={p.initial_cash:g} buys no share at the price "
                f"{history.prices[dearest]:g} of row {history.rows[dearest]}: expected enough for one"
            )
        log_returns = np.diff(np.log(history.prices[first:end]))
        self.log_return_unit = _log_return_unit(p, history, ranges["train"])
        """What a log-return of 1 in the observation is."""
        scaled = np.clip(log_returns / self.log_return_unit, -CLIP, CLIP).astype(np.float32)
        # Row i: the returns that lead up to the split's row i + window, [R - window, window].
        self._views = sliding_window_view(scaled, p.window)
        self.prices = history.prices[first:end]
        """Every price of the split, [R]."""
        self.starts = np.arange(p.window, end - first - p.max_steps)
        """Every row of the split that an episode may begin in."""
        self.start = np.full(num_lanes, p.window)
        """The row in which each lane's episode began, [N]."""
        low = np.array([-CLIP] * p.window + [0, 0], dtype=np.float32)
        high = np.array([CLIP] * p.window + [1, 1], dtype=np.float32)
        self.observation_space = spaces.Box(low, high)

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Draws each lane's first row."""
        first, last = int(self.starts[0]), int(self.starts[-1])
        self.begin_at(lanes, np.array([rng.integers(first, last + 1) for rng in rngs]))

    def begin_at(self, lanes: NDArray[np.intp], starts: NDArray[np.int64]) -> None:
        """Starts an episode in the given row of each of the given lanes, both [L]."""
        self.start[lanes] = starts
        self.open_accounts(lanes)

    @property
    def row(self) -> NDArray[np.int64]:
        """The split's row of every lane's present price, [N]."""
        return self.start + self.time

    def price(self, lane: NDArray[np.intp], time: NDArray[np.int64]) -> NDArray[np.float64]:
        """Looks the file's price up."""
        return self.prices[self.start[lane] + time]

    def observe(self) -> NDArray[np.float32]:
        """Returns past returns, position and time left of every lane, [N, window + 2]."""
        window = self.parameters.window
        observations = np.empty((self.num_lanes, window + 2), dtype=np.float32)
        observations[:, :window] = self._views[self.row - window]
        observations[:, window], observations[:, window + 1] = self.observe_account()
        return observations

    def usual_prices(self, lane: int) -> tuple[float, float]:
        """Returns the range of a random walk from the first price, one standard deviation to each side."""
        factor = float(np.exp(self.log_return_unit * np.sqrt(self.parameters.max_steps)))
        start = float(self.prices[self.start[lane]])
        return start / factor, start * factor

    @classmethod
    def references(cls, parameters: TradingHistoricalParameters) -> References[TradingHistorical]:
        """Returns cash, buy-and-hold, random, a contrarian rule, and perfect foresight."""
        market = cls(parameters, 1)
        hindsight = Hindsight(market.prices, parameters.max_steps, parameters.fee_rate)

        def optimal(trading: TradingHistorical, rng: np.random.Generator) -> NDArray[np.int64]:
            left = parameters.max_steps - trading.time
            return np.where(hindsight.invests(left, trading.row, trading.shares > 0), BUY, SELL)

        rules: dict[str, tuple[str, Act[TradingHistorical]]] = {
            "cash": ("never buys", lambda trading, rng: np.full(trading.num_lanes, SELL)),
            "buy_and_hold": (
                "buys at the first step and holds",
                lambda trading, rng: np.full(trading.num_lanes, BUY),
            ),
            "contrarian": ("holds the stock whenever its price is below the window's mean", _contrarian),
            "optimal": ("knows every later price", optimal),
        }
        policies = {
            name: ReferencePolicy(description, _mean_return(parameters, act), act)
            for name, (description, act) in rules.items()
        }
        policies["random"] = ReferencePolicy(
            "uniformly random actions",
            float(hindsight.random_returns[market.starts].mean()),
            lambda trading, rng: rng.integers(3, size=trading.num_lanes),
        )
        return References(
            policies=policies,
            floor_policy=max(("cash", "buy_and_hold"), key=lambda name: policies[name].expected_return),
            optimal_policy="optimal",
            source="dynamic programming with every price of the split known, mean over all its starts",
        )


def _contrarian(trading: TradingHistorical, rng: np.random.Generator) -> NDArray[np.int64]:
    del rng
    window = trading.parameters.window
    # [N, window + 1]: the prices that the observed returns connect.
    rows = trading.row[:, np.newaxis] - np.arange(window + 1)
    prices = trading.prices[rows]
    return np.where(prices[:, 0] < prices.mean(axis=1), BUY, SELL)


def _mean_return(parameters: TradingHistoricalParameters, act: Act[TradingHistorical]) -> float:
    """Returns what a policy that draws nothing earns on average over every possible start."""
    lanes = len(TradingHistorical(parameters, 1).starts)
    trading = TradingHistorical(parameters, lanes)
    trading.begin_at(np.arange(lanes), trading.starts)
    rng = np.random.default_rng(0)
    returns = np.zeros(lanes)
    for _ in range(parameters.max_steps):
        returns += trading.advance(slice(None), act(trading, rng)).rewards
    return float(returns.mean())


def _log_return_unit(
    parameters: TradingHistoricalParameters, history: PriceHistory, train: tuple[int, int]
) -> float:
    log_returns = np.diff(np.log(history.prices[slice(*train)]))
    unit = float(log_returns.std()) if log_returns.size else 0.0
    if not unit > 0:
        raise ValueError(
            f"TradingHistorical {parameters.path!r}: {len(log_returns) + 1} prices in the train range never "
            "change, expected some that do; give other dates"
        )
    return unit


class TradingHistoricalEnv(SingleEnv):
    """One trader: what `gymnasium.make` builds. Specification: :class:`TradingHistorical`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = TradingHistorical


class TradingHistoricalVectorEnv(BatchedEnv):
    """N independent traders: what `gymnasium.make_vec` builds. Specification: :class:`TradingHistorical`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = TradingHistorical


register("sweeps/TradingHistorical-v0", TradingHistorical)

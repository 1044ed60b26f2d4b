"""Market of one stock with random or mean-reverting prices: dynamics, specification and ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.base import BatchedEnv, Dynamics, Parameters, ReferencePolicy, References, SingleEnv, register
from envs.suite.market.optimum import Market, invest_always, invest_below_mean, solve
from envs.suite.market.portfolio import BUY, SELL, Portfolio, TraderParameters

CLIP = 5.0
"""Where standardised prices and returns are cut: a Gaussian goes beyond once in 1.7 million draws."""
MAX_TREND = 20
"""The furthest that the expected log-price may go, in its standard deviations: beyond, no trade is a question."""
MAX_LOG_PRICE = 100
"""The furthest that log-prices may go: numbers stay computable, and a factor of exp(100) is no market's."""


@dataclass(frozen=True, kw_only=True)
class TradingParameters(TraderParameters):
    """Parameters of the market: those of :class:`TraderParameters`, and how its prices move."""

    initial_price: float = 10.0
    """Price of a share at the start, in currency units; a millionth or more."""
    volatility: float = 0.02
    """Standard deviation of a step's log-return; above 0, up to 1."""
    drift: float = 1e-4
    """Expected growth of the price per step, in log units, while it stands at its start; -0.1 to 0.1."""
    mean_reversion: float = 0.0
    """Share of the log-distance to the initial price that is undone each step; 0 (a random walk) to 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("initial_price", 1e-6)
        self.check("volatility", 0, 1, above=True)
        self.check("drift", -0.1, 0.1)
        self.check("mean_reversion", 0, 1)
        if self.initial_cash < self.initial_price * (1 + self.fee_rate):
            raise ValueError(
                f"Trading initial_cash={self.initial_cash:g} buys no share at initial_price="
                f"{self.initial_price:g}: expected enough for at least one"
            )
        trend, spread = self.market.trend, self.market.spread
        if abs(trend) > MAX_TREND * spread or abs(trend) + 8 * spread > MAX_LOG_PRICE:
            raise ValueError(
                f"Trading drift={self.drift:g}, volatility={self.volatility:g}, max_steps={self.max_steps}: the "
                f"log-price ends {trend:+.3g} from its start with a standard deviation of {spread:.3g}, expected "
                f"at most {MAX_TREND} deviations and {MAX_LOG_PRICE} in all; take fewer steps or smaller ones"
            )

    @property
    def market(self) -> Market:
        """What the optimum depends on."""
        return Market(self.max_steps, self.volatility, self.drift, self.mean_reversion, self.fee_rate)


class Trading(Portfolio[TradingParameters]):
    """Market of one stock, whose whole shares are held, bought or sold until it closes.

    ## Action Space

    `Discrete(3)`: 0 holds, 1 buys as many whole shares as the cash pays for (fee included), 2 sells all
    shares. Buying without cash and selling without shares do nothing. The trade happens at the price that
    the observation shows; then the price moves.

    ## Observation Space

    `Box([-5, -5, 0, 0], [5, 5, 1, 1], (4,), float32)`. All four are numbers of order one, and no policy can
    push them out of their bounds: the first two depend on the market alone and are cut at 5 standard
    deviations, the others are shares of a whole.

    | index | meaning | range | unit |
    | --- | --- | --- | --- |
    | 0 | log of the price over its start, which is also the mean it reverts to | -5 to 5 | its standard deviation at the end of an episode (with mean reversion soon that of every step) |
    | 1 | log-return of the last step, 0 at the start | -5 to 5 | `volatility` |
    | 2 | share of the portfolio's value that is held in stock | 0 to 1 | 1 |
    | 3 | share of the episode that is left | 0 to 1 | 1 |

    ## Rewards

    The change of the portfolio's value (cash plus shares at the present price) in this step, fees included,
    as a fraction of `initial_cash`. The return is thus what the episode earned on the initial cash: 0.1 is
    10 %. Shares held at the end count at their price, without a selling fee.

    ## Starting State

    `initial_cash`, no shares, and the price at `initial_price`. The log-price x = log(price / initial_price)
    then follows

        x' = x + drift - volatility**2 / 2 - mean_reversion * x + volatility * e,    e ~ N(0, 1)

    so that the price grows by exp(drift) per step in expectation while it stands at its start: a geometric
    random walk, or an Ornstein-Uhlenbeck process in discrete time.

    ## Episode End

    - Termination: after `max_steps` steps, when the market closes. The observation shows the time left, so
      the end belongs to the task and nothing may be bootstrapped beyond it.
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

    The fields of :class:`TradingParameters`.

    ## References

    The floor is a policy of uniformly random actions. The optimum maximises the expected final value; it is
    exact for the random walk (hold the stock throughout if that pays, cash otherwise) and comes from dynamic
    programming over log-price and position with mean reversion (:mod:`envs.suite.market.optimum`). It treats
    shares as divisible; with 1,000 shares at hand the difference is below 0.1 % of the return. Where the cash
    buys few shares the stated optimum is too high: `sweeps/TradingMeanReverting-v0` with cash for 10 shares
    (`initial_cash` 100) states 0.266, and its optimal policy earned 0.256 (20,000 episodes, standard error
    0.001), 4 % less; with 20 shares 2 %, with 50 shares 0.5 %.

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = TradingParameters

    def __init__(self, parameters: TradingParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        low = np.array([-CLIP, -CLIP, 0, 0], dtype=np.float32)
        high = np.array([CLIP, CLIP, 1, 1], dtype=np.float32)
        self.observation_space = spaces.Box(low, high)
        steps = parameters.max_steps
        self._market, self._spread = parameters.market, parameters.market.spread
        self.log_prices = np.zeros((num_lanes, steps + 1))
        """Log of the price over its start at every time of the episode, [N, T + 1]."""
        self._prices = np.zeros((num_lanes, steps + 1))
        self._market_view = np.zeros((num_lanes, steps + 1, 2), dtype=np.float32)

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Draws each lane's whole price path and hands out the initial cash."""
        p = self.parameters
        noise = np.stack([rng.standard_normal(p.max_steps) for rng in rngs])
        # [T + 1, L], so that a step's numbers lie side by side.
        path = np.zeros((p.max_steps + 1, len(lanes)))
        path[1:] = p.volatility * noise.T + self._market.step_drift
        if p.mean_reversion:
            kept = np.empty(len(lanes))
            for before, after in pairwise(path):
                np.multiply(before, 1.0 - p.mean_reversion, out=kept)
                after += kept
        else:
            np.cumsum(path, axis=0, out=path)
        log_prices = path.T.copy()
        self.log_prices[lanes] = log_prices
        self._prices[lanes] = p.initial_price * np.exp(log_prices)
        self._market_view[lanes, :, 0] = np.clip(log_prices / self._spread, -CLIP, CLIP)
        last_returns = np.diff(log_prices, axis=1, prepend=0.0)
        self._market_view[lanes, :, 1] = np.clip(last_returns / p.volatility, -CLIP, CLIP)
        self.open_accounts(lanes)

    def price(self, lane: NDArray[np.intp], time: NDArray[np.int64]) -> NDArray[np.float64]:
        """Looks the drawn path up."""
        return self._prices[lane, time]

    def observe(self) -> NDArray[np.float32]:
        """Returns market, position and time left of every lane, [N, 4]."""
        observations = np.empty((self.num_lanes, 4), dtype=np.float32)
        observations[:, :2] = self._market_view[self.lane, self.time]
        observations[:, 2], observations[:, 3] = self.observe_account()
        return observations

    def usual_prices(self, lane: int) -> tuple[float, float]:
        """Returns one standard deviation to each side of the start."""
        del lane
        start, factor = self.parameters.initial_price, float(np.exp(self._spread))
        return start / factor, start * factor

    @property
    def mean_price(self) -> float | None:
        """The start, where the market reverts to it."""
        return self.parameters.initial_price if self.parameters.mean_reversion else None

    @classmethod
    def references(cls, parameters: TradingParameters) -> References[Trading]:
        """Returns random, buy-and-hold, long below the mean, and the optimum."""
        solution = solve(parameters.market)

        def optimal(trading: Trading, rng: np.random.Generator) -> NDArray[np.int64]:
            x = trading.log_prices[trading.lane, trading.time]
            return np.where(solution.invests(trading.time, x, trading.shares > 0), BUY, SELL)

        return References(
            policies={
                "random": ReferencePolicy(
                    "uniformly random actions",
                    solution.random_return,
                    lambda trading, rng: rng.integers(3, size=trading.num_lanes),
                ),
                "buy_and_hold": ReferencePolicy(
                    "buys at the first step and holds",
                    solution.expected_return(invest_always),
                    lambda trading, rng: np.full(trading.num_lanes, BUY),
                ),
                "long_below_mean": ReferencePolicy(
                    "holds the stock whenever its price is below its mean",
                    solution.expected_return(invest_below_mean),
                    lambda trading, rng: np.where(
                        trading.log_prices[trading.lane, trading.time] < 0, BUY, SELL
                    ),
                ),
                "optimal": ReferencePolicy(
                    "trades whenever the expected final value gains by it", solution.optimum, optimal
                ),
            },
            floor_policy="random",
            optimal_policy="optimal",
            source=solution.source,
        )


class TradingEnv(SingleEnv):
    """One market: what `gymnasium.make` builds. Specification: :class:`Trading`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Trading


class TradingVectorEnv(BatchedEnv):
    """N independent markets: what `gymnasium.make_vec` builds. Specification: :class:`Trading`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Trading


register("sweeps/Trading-v0", Trading)
register("sweeps/TradingMeanReverting-v0", Trading, mean_reversion=0.05, fee_rate=0.001, drift=0.0)

"""The picture of a market shows the trades and the wealth that the market itself reports."""

import gymnasium as gym
import numpy as np
import pytest

from envs.suite.market.picture import MarketFrame

BUY, SELL, HOLD = 1, 2, 0


def frame(shares):
    times = len(shares)
    return MarketFrame(
        prices=np.full(times, 10.0),
        shares=np.array(shares, dtype=np.float64),
        values=np.linspace(1000, 1100, times),
        max_steps=20,
        usual_prices=(9.0, 11.0),
        mean_price=None,
    )


def test_trades_are_the_steps_in_which_the_shares_changed():
    bought, sold = frame([0, 0, 100, 100, 0, 90]).trades
    assert bought.tolist() == [1, 4]
    assert sold.tolist() == [3]


def test_the_summary_counts_from_the_start():
    assert frame([0]).summary == "day 0 of 20   price 10.00   0 shares   portfolio 1,000 (+0.0%)"
    assert frame([0, 5]).summary == "day 1 of 20   price 10.00   5 shares   portfolio 1,100 (+10.0%)"


def test_what_is_drawn_is_what_was_earned():
    env = gym.make("sweeps/TradingMeanReverting-v0", render_mode="ansi", max_steps=6)
    env.reset(seed=0)
    rewards = [env.step(action)[1] for action in (HOLD, BUY, HOLD, SELL, BUY)]
    drawn = env.unwrapped.dynamics._frame(0)
    assert drawn.earned == pytest.approx(sum(rewards))
    assert [times.tolist() for times in drawn.trades] == [[1, 4], [3]]
    assert len(drawn.prices) == 6

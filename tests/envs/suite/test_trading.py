"""Trades, fees and summaries of the market are those that one can do by hand, and its optimum is one."""

import math

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs.suite.market.optimum import Market, invest_always, solve
from envs.suite.market.portfolio import BUY, HOLD, SELL
from envs.suite.market.trading import Trading, TradingParameters

RANDOM_WALK = "sweeps/Trading-v0"
REVERTING = "sweeps/TradingMeanReverting-v0"


def market(prices, **parameters):
    """A market of one lane whose prices are given: [10, ...], since a share costs 10 at the start."""
    trading = Trading(TradingParameters(max_steps=len(prices) - 1, **parameters), 1)
    trading.begin(np.zeros(1, dtype=np.intp), [np.random.default_rng(0)])
    trading._prices[0] = prices
    return trading


def play(trading, actions):
    rewards, summary = [], {}
    for action in actions:
        moved = trading.advance(slice(None), np.array([action]))
        rewards.append(float(moved.rewards[0]))
    if moved.terminated[0]:
        summary = {name: float(values[0]) for name, values in trading.summarise(np.array([0])).items()}
    return rewards, summary


def test_buying_takes_whole_shares_only_and_pays_the_fee_out_of_the_same_cash():
    # 105 buys 10 shares at 10 with a fee of 1 %: 100 + 1 paid, 4 left.
    trading = market([10, 12, 12], initial_cash=105.0, fee_rate=0.01)
    rewards, _ = play(trading, [BUY])
    assert trading.shares.tolist() == [10.0]
    assert trading._cash == pytest.approx([4.0])
    assert rewards == pytest.approx([(4 + 120 - 105) / 105])


def test_a_share_that_the_fee_makes_too_dear_is_not_bought():
    # 10 shares at 10 would cost 100, but 101 with the fee.
    trading = market([10, 10, 10], initial_cash=100.5, fee_rate=0.01)
    play(trading, [BUY])
    assert trading.shares.tolist() == [9.0]


def test_selling_sells_all_and_pays_the_fee_out_of_the_proceeds():
    trading = market([10, 12, 6], initial_cash=101.0, fee_rate=0.01)
    rewards, summary = play(trading, [BUY, SELL])
    # 10 shares bought for 101, sold for 120 less 1.2.
    assert trading.shares.tolist() == [0.0]
    assert summary["portfolio_value"] == pytest.approx(118.8)
    assert rewards == pytest.approx([19 / 101, -1.2 / 101])
    assert summary["fees_paid"] == pytest.approx(1.0 + 1.2)
    assert summary["turnover"] == pytest.approx(220 / 101)


def test_buying_twice_or_selling_nothing_does_nothing():
    trading = market([10, 11, 12, 13], initial_cash=100.0, fee_rate=0.0)
    rewards, summary = play(trading, [SELL, BUY, BUY])
    # Nothing to sell; 9 shares at 11 leave 1, too little for another at 12.
    assert rewards == pytest.approx([0.0, 0.09, 0.09])
    assert summary["turnover"] == pytest.approx(0.99)


def test_the_return_is_the_gain_on_the_initial_cash():
    rewards, summary = play(market([10, 12, 9, 15], initial_cash=1000.0), [BUY, SELL, BUY])
    assert sum(rewards) == pytest.approx(summary["portfolio_value"] / 1000 - 1)


def test_summary_values_are_those_done_by_hand():
    _, summary = play(market([10, 12, 9, 12], initial_cash=100.0), [BUY, HOLD, HOLD])
    # Worth 100, 120, 90, 120: grows by 0.2, -0.25, 1/3.
    growth = np.array([0.2, -0.25, 1 / 3])
    assert summary["portfolio_value"] == pytest.approx(120.0)
    assert summary["max_drawdown"] == pytest.approx(0.25)
    assert summary["sharpe_ratio"] == pytest.approx(growth.mean() / growth.std() * math.sqrt(252))
    assert summary["turnover"] == pytest.approx(1.0)
    assert summary["fees_paid"] == 0.0
    assert summary["excess_return"] == pytest.approx(0.0)


def test_excess_return_is_measured_against_buying_first_and_holding():
    _, summary = play(market([10, 12, 9, 12], initial_cash=100.0), [BUY, SELL, BUY])
    # Sold at 12 for 120; 13 shares at 9 leave 3 and are worth 156 in the end.
    assert summary["portfolio_value"] == pytest.approx(159.0)
    assert summary["excess_return"] == pytest.approx((159 - 120) / 100)


def test_a_portfolio_that_never_moved_has_no_sharpe_ratio():
    _, summary = play(market([10, 12, 9, 12]), [HOLD, SELL, HOLD])
    assert math.isnan(summary["sharpe_ratio"])
    assert summary["max_drawdown"] == summary["turnover"] == 0.0
    assert summary["excess_return"] == pytest.approx(-0.2)


def test_the_observation_shows_market_position_and_time():
    env = gym.make(RANDOM_WALK, max_steps=4, disable_env_checker=True)
    first, _ = env.reset(seed=0)
    assert first.tolist() == [0.0, 0.0, 0.0, 1.0]
    second, *_ = env.step(BUY)
    x = env.unwrapped.dynamics.log_prices[0, 1]
    # After four steps the walk's standard deviation is 0.02 * sqrt(4).
    assert second == pytest.approx([x / 0.04, x / 0.02, 1.0, 0.75], rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    actions=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    fee_rate=st.floats(0, 0.5),
    volatility=st.floats(1e-3, 1),
    mean_reversion=st.floats(0, 1),
    shares=st.floats(1.6, 1e9),
)
def test_cash_never_falls_below_zero_and_shares_stay_whole(
    seed, actions, fee_rate, volatility, mean_reversion, shares
):
    parameters = TradingParameters(
        max_steps=40,
        fee_rate=fee_rate,
        volatility=volatility,
        mean_reversion=mean_reversion,
        initial_cash=10 * shares,
    )
    trading = Trading(parameters, 1)
    trading.begin(np.zeros(1, dtype=np.intp), [np.random.default_rng(seed)])
    for action in actions:
        trading.advance(slice(None), np.array([action]))
        assert trading._cash[0] >= 0
        assert trading.shares[0] >= 0
        assert trading.shares[0] == np.floor(trading.shares[0])
        assert trading.observation_space.contains(trading.observe()[0])


def test_a_growing_random_walk_is_worth_its_growth_and_a_falling_one_nothing():
    growing = solve(Market(steps=200, volatility=0.02, drift=1e-3, mean_reversion=0.0, fee_rate=0.01))
    assert growing.optimum == pytest.approx(math.exp(0.2) / 1.01 - 1)
    falling = solve(Market(steps=200, volatility=0.02, drift=-1e-3, mean_reversion=0.0, fee_rate=0.01))
    assert falling.optimum == 0.0


@pytest.mark.parametrize("drift", [-2e-3, 1e-4, 2e-3])
def test_dynamic_programming_finds_the_closed_form_of_the_random_walk(drift):
    solution = solve(Market(steps=200, volatility=0.02, drift=drift, mean_reversion=0.0, fee_rate=0.002))
    by_programming = solution._backwards(solution._choose_best) - 1.0
    assert by_programming == pytest.approx(solution.optimum, abs=1e-6)


def test_buy_and_hold_in_a_reverting_market_has_its_closed_form():
    # The last log-price is normal: mean m and variance s2 of an AR(1) process after 50 steps.
    found = Market(steps=50, volatility=0.03, drift=0.0, mean_reversion=0.1, fee_rate=0.01)
    m = -(0.03**2) / 2 * (1 - 0.9**50) / 0.1
    s2 = 0.03**2 * (1 - 0.9**100) / (1 - 0.9**2)
    expected = math.exp(m + s2 / 2) / 1.01 - 1
    assert solve(found).expected_return(invest_always) == pytest.approx(expected, abs=1e-4)


def test_one_step_is_worth_what_the_normal_distribution_says():
    # Flat at the start, a step in the stock is worth exp(drift) / (1 + fee).
    for drift, best in ((0.05, math.exp(0.05) / 1.01 - 1), (0.005, 0.0)):
        solution = solve(Market(steps=1, volatility=0.2, drift=drift, mean_reversion=0.5, fee_rate=0.01))
        assert solution.optimum == pytest.approx(best, abs=1e-4)


def test_the_optimal_policy_earns_the_optimum_within_its_standard_error():
    optimal = envs.references(REVERTING).policies["optimal"]
    episodes = envs.roll_out(REVERTING, optimal.act, episodes=2000, seed=1)
    assert abs(episodes.mean - optimal.expected_return) < 3 * episodes.standard_error
    assert episodes.standard_error < 0.02 * optimal.expected_return


@pytest.mark.parametrize(
    "parameters",
    [
        {"mean_reversion": 1.0, "fee_rate": 0.01},
        {"mean_reversion": 0.05, "drift": 0.02},
        {"mean_reversion": 0.01, "max_steps": 300},
        {"volatility": 0.1, "mean_reversion": 0.5, "max_steps": 20, "fee_rate": 0.002},
        {"mean_reversion": 1e-4, "drift": 2e-3},
    ],
)
def test_stated_references_hold_far_from_the_presets_too(parameters):
    references = envs.references(RANDOM_WALK, **parameters)
    span = references.optimum - references.floor
    for name, policy in references.policies.items():
        episodes = envs.roll_out(RANDOM_WALK, policy.act, episodes=2000, seed=2, **parameters)
        error = abs(episodes.mean - policy.expected_return)
        assert error < 4 * episodes.standard_error + 2e-3 * span, name


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"initial_cash": 9.0}, "initial_cash=9 buys no share at initial_price=10"),
        ({"initial_cash": 10.0, "fee_rate": 0.1}, "buys no share"),
        ({"volatility": 0.0}, "volatility=0.0: expected a number above 0 to 1"),
        (
            {"drift": 0.1, "volatility": 0.001},
            "log-price ends .* from its start .* expected at most 20 deviations",
        ),
        ({"volatility": 1.0, "max_steps": 100_000}, "take fewer steps or smaller ones"),
        ({"max_steps": 10.0}, "max_steps=10.0: expected a whole number from 1"),
    ],
)
def test_a_market_without_sense_is_refused(parameters, reason):
    with pytest.raises(ValueError, match=reason):
        gym.make(RANDOM_WALK, **parameters)

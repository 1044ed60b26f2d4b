"""Environments of the suite and of a user are made alike, and a wrong id or parameter is one clear line."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from experiments.core.environments.evaluation import evaluate
from experiments.core.environments.make import make_vector
from experiments.core.environments.scale import ScoreScale, scale_of
from experiments.core.errors import UserError


def test_an_environment_of_the_suite_states_its_scale():
    scale = scale_of("sweeps/TradingMeanReverting-v0", {})
    assert scale.score(scale.floor) == 0.0
    assert scale.score(scale.optimum) == 1.0
    assert scale.references["random"] == scale.floor


def test_an_environment_without_references_is_scored_by_its_returns():
    assert scale_of("CartPole-v1", {}) == ScoreScale()
    assert ScoreScale().score(17.5) == 17.5


def test_single_environments_are_put_side_by_side_in_next_step_mode():
    env = make_vector("Acrobot-v1", {}, 3)
    assert env.num_envs == 3
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    env.close()


@pytest.mark.parametrize(
    ("env_id", "parameters", "message"),
    [
        ("sweeps/Tradng-v0", {}, "unknown environment 'sweeps/Tradng-v0'; did you mean 'sweeps/Trading-v0'"),
        ("no_such_module:My-v0", {}, "there is no module 'no_such_module' to import"),
        ("sweeps/Trading-v0", {"fee": 0.1}, "Trading has no parameter 'fee'; did you mean 'fee_rate'"),
        ("sweeps/Trading-v0", {"fee_rate": -1}, "fee_rate=-1: expected a number from 0 to 0.5"),
    ],
)
def test_a_wrong_environment_is_refused_in_one_line(env_id, parameters, message):
    with pytest.raises(UserError, match=message) as caught:
        make_vector(env_id, parameters, 2)
    assert "\n" not in str(caught.value)


def test_an_evaluation_plays_exactly_one_episode_a_lane_on_the_seeds_it_was_given():
    env = make_vector("CartPole-v1", {}, 16)
    rightwards = evaluate(env, lambda observations: np.ones(16, np.int64), seed=5)
    again = evaluate(env, lambda observations: np.ones(16, np.int64), seed=5)
    other = evaluate(env, lambda observations: np.ones(16, np.int64), seed=500)
    np.testing.assert_array_equal(rightwards.returns, again.returns)
    assert (rightwards.returns == rightwards.lengths).all()  # CartPole pays 1 a step
    assert 8 <= rightwards.lengths.mean() <= 11  # it falls over at once
    assert (rightwards.returns != other.returns).any()
    env.close()


def test_an_evaluation_averages_what_the_environment_reports_at_the_end():
    env = make_vector("sweeps/TradingMeanReverting-v0", {}, 8)
    held = evaluate(env, lambda observations: np.zeros(8, np.int64), seed=1)
    assert held.summaries["portfolio_value"] == 10_000.0
    assert held.summaries["turnover"] == 0.0
    assert np.isnan(held.summaries["sharpe_ratio"])  # a portfolio that never moved has none
    assert held.returns.tolist() == [0.0] * 8
    env.close()

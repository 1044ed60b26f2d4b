"""A single environment that is stepped by hand says at every step what it is like, if it is asked to."""

import gymnasium as gym
import pytest

import envs


@pytest.mark.parametrize(
    ("env_id", "names"),
    [
        ("sweeps/TradingMeanReverting-v0", {"step", "price", "shares", "cash", "portfolio_value"}),
        ("sweeps/Trading-v0", {"step", "price", "shares", "cash", "portfolio_value"}),
        ("sweeps/Resource-v0", {"step", "servers", "booting", "load", "queue"}),
    ],
)
def test_the_present_numbers_are_in_every_info_where_they_are_asked_for(env_id, names):
    env, quiet = gym.make(env_id, step_info=True), gym.make(env_id)
    env.action_space.seed(0)
    (observation, info), (expected, nothing) = env.reset(seed=1), quiet.reset(seed=1)
    assert (info.keys(), nothing, info["step"]) == (names, {}, 0)
    over = False
    while not over:
        before, action = info, env.action_space.sample()
        observation, reward, terminated, truncated, info = env.step(action)
        expected, same_reward, *_, summary = quiet.step(action)
        over = terminated or truncated
        assert (observation == expected).all()
        assert reward == same_reward
        assert info["step"] == before["step"] + 1
        assert info.keys() == names | summary.keys()
        assert bool(summary) == over
        if "portfolio_value" in names:
            assert info["portfolio_value"] == pytest.approx(info["cash"] + info["shares"] * info["price"])
    assert {name: info[name] for name in summary} == summary


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_can_be_asked_for_them(env_id):
    env = gym.make(env_id, step_info=True)
    _, info = env.reset(seed=0)
    assert all(isinstance(value, float) for value in info.values())

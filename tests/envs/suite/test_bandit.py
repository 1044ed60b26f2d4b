"""The bandit: one lever pays, and an episode is as many pulls as asked for."""

import gymnasium as gym
import numpy as np
import pytest

import envs


@pytest.mark.parametrize("lever", range(5))
def test_only_lever_two_pays(lever):
    env = gym.make("sweeps/Bandit-v0")
    observation, _ = env.reset(seed=0)
    assert observation == 0
    observation, reward, terminated, truncated, _ = env.step(lever)
    assert (observation, reward, terminated, truncated) == (1, 1.0 if lever == 2 else -1.0, True, False)


def test_an_episode_has_as_many_pulls_as_asked_for():
    env = gym.make("sweeps/Bandit-v0", pulls=3)
    env.reset(seed=0)
    outcomes = [env.step(lever) for lever in (2, 0, 2)]
    assert [outcome[0] for outcome in outcomes] == [1, 1, 1]
    assert [outcome[1] for outcome in outcomes] == [1.0, -1.0, 1.0]
    assert [outcome[2] for outcome in outcomes] == [False, False, True]


def test_floor_and_optimum_grow_with_the_pulls():
    references = envs.references("sweeps/Bandit-v0", pulls=10)
    assert references.floor == pytest.approx(-6.0)
    assert references.optimum == 10.0


@pytest.mark.parametrize(("pulls", "share"), [(1, 1 / 2), (3, 1 / 4), (9, 1 / 10)])
def test_one_vector_step_in_pulls_plus_one_is_a_reset(pulls, share):
    env = gym.make_vec("sweeps/Bandit-v0", num_envs=4, vectorization_mode="vector_entry_point", pulls=pulls)
    env.reset(seed=0)
    resets = [(env.step(np.full(4, 2))[1] == 0).mean() for _ in range(20 * (pulls + 1))]
    assert np.mean(resets) == pytest.approx(share)


def test_its_text_says_what_the_last_lever_paid():
    env = gym.make("sweeps/Bandit-v0", render_mode="ansi", pulls=2)
    env.reset(seed=0)
    assert env.render() == "pull 0 of 2"
    env.step(4)
    assert env.render() == "pull 1 of 2   lever 4 paid -1"

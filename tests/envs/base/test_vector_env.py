"""The batched form asks for what it needs and seeds each lane as it was told."""

import gymnasium as gym
import numpy as np
import pytest

from envs.checking.compare import difference

ENV_ID = "sweeps/TradingMeanReverting-v0"


def make(num_envs=2, **parameters):
    return gym.make_vec(ENV_ID, num_envs=num_envs, **parameters)


def first_step(env, seed):
    env.reset(seed=seed)
    return env.step(np.ones(env.num_envs, dtype=np.int64))[:2]


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(gym.error.ResetNeeded, match=r"call reset\(\)"):
        make().step(np.zeros(2, dtype=np.int64))


def test_a_number_seeds_the_lanes_in_a_row_and_a_list_one_by_one():
    assert difference(first_step(make(), 7), first_step(make(), [7, 8])) is None
    observations, rewards = first_step(make(), [8, 7])
    turned, turned_rewards = first_step(make(), 7)
    assert (observations == turned[::-1]).all()
    assert (rewards == turned_rewards[::-1]).all()


def test_a_lane_without_a_seed_goes_on_with_its_generator():
    env, again = make(), make()
    for one in (env, again):
        one.reset(seed=0)
    first = first_step(env, [None, 5])
    assert difference(first, first_step(again, [None, 5])) is None
    assert difference(first, first_step(make(), [0, 5])) is not None


def test_a_wrong_number_of_seeds_is_refused():
    with pytest.raises(ValueError, match="3 seeds for 2 lanes: expected one a lane"):
        make().reset(seed=[1, 2, 3])


@pytest.mark.parametrize("num_envs", [0, -1, 2.5, "3", None])
def test_a_number_of_lanes_that_is_none_is_refused(num_envs):
    with pytest.raises(ValueError, match="expected a whole number of lanes, at least 1"):
        make(num_envs)


def test_lanes_are_not_drawn():
    with pytest.raises(
        ValueError, match="render_mode='human': lanes are not drawn; make a single environment"
    ):
        make(render_mode="human")


def test_a_finished_lane_starts_its_next_episode_while_the_others_go_on():
    env = gym.make_vec("sweeps/PointTarget-v0", num_envs=2)
    env.reset(seed=0)
    corner, centre = [6.0, 6.0], [25.0, 25.0]
    _, rewards, terminated, _, _ = env.step(np.array([corner, centre], dtype=np.float32))
    assert (rewards.tolist(), terminated.tolist()) == ([-1.0, 1.0], [False, True])
    _, rewards, terminated, _, _ = env.step(np.array([corner, centre], dtype=np.float32))
    assert (rewards.tolist(), terminated.tolist()) == ([-1.0, 0.0], [False, False])

"""The board: boxes touch around their centres, episodes end, and the floor is exact."""

import gymnasium as gym
import numpy as np
import pytest

import envs
from envs.suite.point.env import PointTarget

IDS = ("sweeps/PointTarget-v0", "sweeps/PointTargetRandom-v0")


def jump(x, y, **parameters):
    env = gym.make("sweeps/PointTarget-v0", **parameters)
    env.reset(seed=0)
    return env.step(np.array([x, y], dtype=np.float32))


@pytest.mark.parametrize(("dx", "dy"), [(12, 0), (-12, 0), (0, 12), (0, -12), (12, 12), (-12, -12), (0, 0)])
def test_boxes_that_touch_pay_one_and_end_the_episode_on_every_side_of_the_target(dx, dy):
    _, reward, terminated, truncated, _ = jump(25 + dx, 25 + dy)
    assert (reward, terminated, truncated) == (1.0, True, False)


@pytest.mark.parametrize(("dx", "dy"), [(12.1, 0), (-12.1, 0), (0, 12.1), (0, -12.1), (12.1, -12.1)])
def test_boxes_apart_cost_one_and_the_episode_goes_on(dx, dy):
    _, reward, terminated, truncated, _ = jump(25 + dx, 25 + dy)
    assert (reward, terminated, truncated) == (-1.0, False, False)


def test_an_episode_that_never_hits_is_truncated_at_its_last_step():
    env = gym.make("sweeps/PointTarget-v0", max_steps=4)
    env.reset(seed=0)
    outcomes = [env.step(np.array([6, 6], dtype=np.float32)) for _ in range(4)]
    assert [outcome[3] for outcome in outcomes] == [False, False, False, True]
    assert not any(outcome[2] for outcome in outcomes)


def test_a_hit_at_the_last_step_terminates_and_does_not_truncate():
    _, reward, terminated, truncated, _ = jump(25, 25, max_steps=1)
    assert (reward, terminated, truncated) == (1.0, True, False)


def test_actions_beyond_the_board_land_on_its_border():
    env = gym.make("sweeps/PointTarget-v0", render_mode="ansi")
    env.reset(seed=0)
    env.unwrapped.step(np.array([-1e9, 1e9], dtype=np.float32))
    assert "worker at (6.0, 44.0): missed, -1" in env.render()


def test_the_callers_action_is_neither_kept_nor_changed():
    env = gym.make("sweeps/PointTarget-v0", render_mode="ansi")
    env.reset(seed=0)
    action = np.array([60, -10], dtype=np.float32)
    env.unwrapped.step(action)
    assert action.tolist() == [60, -10]
    action[:] = 25
    assert "worker at (44.0, 6.0)" in env.render()


def test_observations_are_the_target_and_the_callers_to_keep():
    env = gym.make_vec("sweeps/PointTargetRandom-v0", num_envs=50, vectorization_mode="vector_entry_point")
    first, _ = env.reset(seed=0)
    expected = (env.unwrapped.dynamics.targets - 25) / 19
    np.testing.assert_allclose(first, expected, atol=1e-6)
    assert np.abs(first).max() > 0.9
    kept = first.copy()
    env.reset(seed=1)
    assert (first == kept).all()


def test_an_action_space_with_the_same_seed_does_not_know_the_target():
    hits = []
    for seed in range(300):
        env = gym.make("sweeps/PointTargetRandom-v0")
        env.reset(seed=seed)
        env.action_space.seed(seed)
        hits.append(env.step(env.action_space.sample())[1] > 0)
    share = (14 / 38) * (24 / 38) + (24 / 38) * (18 / 38)
    assert np.mean(hits) == pytest.approx(share**2, abs=0.1)


def test_random_targets_fill_the_board_evenly():
    env = gym.make_vec("sweeps/PointTargetRandom-v0", num_envs=4000, vectorization_mode="vector_entry_point")
    targets, _ = env.reset(seed=0)
    counts, _, _ = np.histogram2d(*targets.T, bins=4, range=[[-1, 1], [-1, 1]])
    assert np.abs(counts - 250).max() < 5 * np.sqrt(250)


def test_the_fixed_target_lies_in_the_centre():
    observation, _ = gym.make("sweeps/PointTarget-v0").reset(seed=3)
    assert observation.tolist() == [0.0, 0.0]


def test_the_floor_with_the_target_in_the_centre_is_what_paper_and_pencil_give():
    # The box of 24 around the centre lies wholly inside the 38 x 38 positions.
    p = (24 / 38) ** 2
    assert envs.references("sweeps/PointTarget-v0").floor == pytest.approx(2 - 1 / p)
    assert envs.references("sweeps/PointTarget-v0", max_steps=1).floor == pytest.approx(2 * p - 1)


def test_the_floor_with_a_random_target_is_what_its_integral_gives():
    # E[1 / p] factorises; the touching length is 24 on 14 of 38 positions and falls to 12 on the others.
    inverse = (14 / 38) * (38 / 24) + (24 / 38) * (38 / 12) * np.log(2)
    assert envs.references("sweeps/PointTargetRandom-v0").floor == pytest.approx(2 - inverse**2)
    share = (14 / 38) * (24 / 38) + (24 / 38) * (18 / 38)
    once = envs.references("sweeps/PointTargetRandom-v0", max_steps=1).floor
    assert once == pytest.approx(2 * share**2 - 1)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize(
    "parameters", [{"radius": 8.0, "max_steps": 3}, {"board_size": 90.0, "max_steps": 7}]
)
def test_the_references_earn_what_they_state_with_other_parameters(env_id, parameters):
    for policy in envs.references(env_id, **parameters).policies.values():
        episodes = envs.roll_out(env_id, policy.act, episodes=4_000, seed=0, **parameters)
        error = abs(episodes.mean - policy.expected_return)
        assert error <= 4 * episodes.standard_error + 1e-12


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"radius": 9.0}, "radius=9 on board_size=50: expected less than 8.33333"),
        ({"radius": 0}, "radius=0: expected a number above 0"),
        ({"max_steps": 0}, "max_steps=0: expected a whole number from 1"),
        ({"random_target": 1}, "random_target=1: expected True or False"),
        ({"raduis": 3}, "did you mean 'radius'"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, complaint):
    with pytest.raises(ValueError, match=complaint):
        gym.make("sweeps/PointTarget-v0", **parameters)


def test_a_click_means_the_position_under_the_pointer():
    board = PointTarget(PointTarget.parameters_type(), 1)
    low, high = board.action_space.low, board.action_space.high
    assert board.action_at((24 + 176, 24 + 176)).tolist() == [25, 25]
    assert (board.action_at((24, 24)) == low).all()
    assert (board.action_at((376, 376)) == high).all()
    assert board.action_at((400, 100)) is None
    assert board.action_at((100, 10)) is None

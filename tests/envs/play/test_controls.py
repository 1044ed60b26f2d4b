"""Every action that PPO can take, a person can take by keys."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import envs
from envs.play.controls import Controls


def test_a_digit_carries_out_the_choice_of_that_place():
    controls = Controls(spaces.Discrete(3, start=5), ("hold", "buy", "sell"))
    assert [controls.press(key) for key in ("1", "3")] == [5, 7]
    assert controls.help == "[1] hold   [2] buy   [3] sell"


@pytest.mark.parametrize("key", ["0", "4", "a", "up", "left shift", "²"])
def test_other_keys_do_nothing(key):
    assert Controls(spaces.Discrete(3), ("hold", "buy", "sell")).press(key) is None


def test_actions_named_after_arrows_have_the_arrow_keys():
    controls = Controls(spaces.Discrete(4), ("up", "right", "down", "left"))
    assert [controls.press(key) for key in ("up", "right", "down", "left")] == [0, 1, 2, 3]
    assert controls.press("2") == 1
    assert controls.help == "[up]   [right]   [down]   [left]"


def test_one_continuous_number_has_five_stops_on_the_digits():
    controls = Controls(spaces.Box(-1, 1, (1,), np.float32))
    assert [controls.press(key).tolist() for key in "12345"] == [[-1], [-0.5], [0], [0.5], [1]]
    assert controls.press("1").dtype == np.float32


def test_an_action_of_several_numbers_is_set_dial_by_dial_and_carried_out_with_enter():
    controls = Controls(spaces.MultiDiscrete([3, 4]))
    assert controls.help.startswith("[0] (1 of 2) = 1")
    for key in ("right", "right", "right", "down", "left", "left"):
        assert controls.press(key) is None
    assert controls.press("return").tolist() == [2, 0]


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(30),
        spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[0, 1], [2, 3]]),
        spaces.MultiBinary([2, 2]),
        spaces.Box(-1, 1, ()),
        spaces.Box(0, 255, (2, 2), np.uint8),
        spaces.Box(-np.inf, np.inf, (2,)),
        spaces.Box(10, np.inf, (2,)),
        spaces.Dict(a=spaces.Discrete(2), b=spaces.Tuple([spaces.MultiBinary(2), spaces.Box(0, 1, (3,))])),
    ],
    ids=str,
)
def test_whatever_the_keys_compose_is_an_action_of_the_space(space):
    controls = Controls(space)
    rng = np.random.default_rng(0)
    for key in [*rng.choice(["up", "down", "left", "right", "1"], 60), "return"]:
        action = controls.press(key)
        assert action is None or space.contains(action)


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_of_the_suite_can_be_played_by_keys(env_id):
    env = gym.make(env_id)
    dynamics = env.unwrapped.dynamics
    controls = Controls(env.action_space, dynamics.action_names)
    actions = [controls.press(key) for key in ("1", "2", "return")]
    assert any(action is not None and env.action_space.contains(action) for action in actions)
    if isinstance(env.action_space, spaces.Discrete) and dynamics.action_names:
        assert len(dynamics.action_names) == env.action_space.n


def test_a_space_without_numbers_is_refused():
    with pytest.raises(ValueError, match="cannot be chosen by keys"):
        Controls(spaces.Text(5))

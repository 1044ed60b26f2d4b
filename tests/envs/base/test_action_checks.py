"""Actions that could only be misunderstood are refused, in the single and in the batched form."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

from envs.base.action_checks import check_action, check_actions

CHOICES = spaces.Discrete(3, start=-1)
PLANE = spaces.Box(-1, 1, (2,), np.float32)
PAIR = spaces.Tuple((spaces.Discrete(2), PLANE))


def check(space, actions, lanes):
    return check_actions(space, batch_space(space, lanes), actions, lanes)


def test_every_choice_of_a_discrete_space_passes_whatever_its_start():
    assert check(CHOICES, np.array([-1, 0, 1]), 3).tolist() == [-1, 0, 1]
    assert check(CHOICES, [1, -1], 2).tolist() == [1, -1]


@pytest.mark.parametrize("wrong", [-2, 2, 2**40, -(2**40)])
def test_a_choice_that_does_not_exist_is_refused_with_its_lane(wrong):
    with pytest.raises(ValueError, match=f"action {wrong} in lane 1: expected a whole number -1 to 1"):
        check(CHOICES, [0, wrong], 2)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_every_type_of_whole_numbers_is_a_choice(dtype):
    assert check(spaces.Discrete(3), np.array([0, 2], dtype=dtype), 2).tolist() == [0, 2]
    with pytest.raises(ValueError, match="lane 0"):
        check(spaces.Discrete(3), np.array([3, 0], dtype=dtype), 2)


@pytest.mark.parametrize("wrong", [[0.0, 1.0], [True, False], ["0", "1"], [None, 1]])
def test_choices_that_are_no_whole_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="expected whole numbers"):
        check(CHOICES, wrong, 2)


@pytest.mark.parametrize("wrong", [0, [0], [0, 0, 0], [[0], [0]]])
def test_a_wrong_number_of_choices_is_refused_with_the_shape_expected(wrong):
    with pytest.raises(ValueError, match=r"expected \(2,\), one Discrete\(3, start=-1\) a lane"):
        check(CHOICES, wrong, 2)


def test_numbers_beyond_a_box_pass_since_trainers_explore_there():
    assert check(PLANE, [[-7.0, 9.0], [np.inf, 0.0]], 2).tolist() == [[-7.0, 9.0], [np.inf, 0.0]]


def test_a_box_gets_numbers_of_its_own_precision():
    actions = check(PLANE, np.array([[0.1, 0.2]]), 1)
    assert actions.dtype == np.float32
    assert (actions == check_action(PLANE, np.array([0.1, 0.2]))).all()


def test_an_action_that_is_not_a_number_is_refused_with_its_lane():
    with pytest.raises(ValueError, match="in lane 1 is not a number"):
        check(PLANE, [[0.0, 0.0], [0.0, np.nan]], 2)


@pytest.mark.parametrize("wrong", [[0.0, 0.0], [[0.0], [0.0]], [[[0.0, 0.0]], [[0.0, 0.0]]]])
def test_boxes_of_another_shape_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected \(2, 2\)"):
        check(PLANE, wrong, 2)


def test_actions_of_other_spaces_are_checked_lane_by_lane():
    sound = (np.array([0, 1]), np.zeros((2, 2), dtype=np.float32))
    assert check(PAIR, sound, 2) is sound
    with pytest.raises(ValueError, match="in lane 1: expected a member of Tuple"):
        check(PAIR, (np.array([0, 2]), np.zeros((2, 2), dtype=np.float32)), 2)


def test_one_action_becomes_a_batch_of_one():
    assert check_action(CHOICES, -1).tolist() == [-1]
    first, second = check_action(PAIR, (1, np.zeros(2, dtype=np.float32)))
    assert first.tolist() == [1]
    assert second.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("wrong", [1.5, True, "buy", None, [1], 3])
def test_a_single_environment_refuses_what_a_batched_one_refuses(wrong):
    env = gym.make("sweeps/Trading-v0", disable_env_checker=True)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="expected"):
        env.step(wrong)


@pytest.mark.parametrize("wrong", [(2, np.zeros(2, dtype=np.float32)), (0,), None, 0])
def test_one_action_of_another_space_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a member of Tuple"):
        check_action(PAIR, wrong)

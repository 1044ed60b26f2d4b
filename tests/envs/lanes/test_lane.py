"""A lane passes on what can be trained with, and names what cannot: what it got and what was expected."""

import sys
from decimal import Decimal

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from envs.lanes import EnvironmentExitedError, Lane, LaneError, NativeLanes, SyncLanes, closing_faults


class Scripted(gym.Env):
    """Returns what it is given."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, observation=(0.0, 0.5), reward=1.0, info=None, space=None, closed=None, length=3):
        self.observation_space = space or gym.spaces.Box(0.0, 1.0, (2,), np.float32)
        self.observation, self.reward, self.info, self.length = observation, reward, info, length
        self.closed = [] if closed is None else closed

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        if isinstance(self.observation, str) and self.observation == "exit":
            sys.exit(3)
        return self.observation, self.info

    def step(self, action):
        self.time += 1
        if isinstance(self.reward, str) and self.reward == "exit":
            sys.exit("no licence")
        return self.observation, self.reward, self.time >= self.length, False, self.info

    def close(self):
        self.closed.append(self)


@pytest.mark.parametrize(
    "reward", [1, True, np.float32(1), np.int64(1), np.bool_(True), np.array(1.0), np.array([[1]])]
)
def test_rewards_that_are_numbers_become_floats(reward):
    lane = Lane(Scripted(reward=reward))
    lane.reset()
    paid = lane.step(0)[1]
    assert (type(paid), paid) == (float, 1.0)


@pytest.mark.parametrize(
    ("reward", "got"),
    [
        (None, "None of type NoneType"),
        (Decimal(1), "Decimal('1') of type Decimal"),
        ("1.0", "'1.0' of type str"),
        (np.ones(2), "array([1., 1.]) of type ndarray"),
        ([1.0], "[1.0] of type list"),
        (1j, "1j of type complex"),
    ],
)
def test_a_reward_that_is_no_number_is_named(reward, got):
    lane = Lane(Scripted(reward=reward))
    lane.reset()
    with pytest.raises(LaneError) as caught:
        lane.step(0)
    assert str(caught.value) == (
        f"Scripted returns at step 1 of an episode the reward {got}, expected a number"
    )


@pytest.mark.parametrize(
    ("space", "observation", "problem"),
    [
        (None, np.zeros((1, 2), np.float32), "of shape (1, 2), expected shape (2,)"),
        (None, None, "None of type NoneType, expected numbers of shape (2,)"),
        (None, [[0], [0, 1]], "[[0], [0, 1]] of type list, expected numbers of shape (2,)"),
        (None, ["a", "b"], "['a', 'b'] of type list, expected numbers of shape (2,)"),
        (gym.spaces.Box(0, 255, (2,), np.uint8), np.zeros(2), "of type float64, expected uint8"),
        (gym.spaces.Discrete(20), 20, "20 of type int, expected a whole number from 0 to 19"),
        (gym.spaces.Discrete(3, start=-1), 2, "2 of type int, expected a whole number from -1 to 1"),
        (gym.spaces.Discrete(3), 1.5, "1.5 of type float, expected a whole number from 0 to 2"),
        (gym.spaces.MultiDiscrete([2, 3]), np.array([0, 3]), "expected a member of MultiDiscrete([2 3])"),
        (gym.spaces.Dict(a=gym.spaces.Discrete(2)), {"b": 1}, "expected a dict with a"),
        (gym.spaces.Dict(a=gym.spaces.Discrete(2)), {"a": 2}, "with 'a' 2 of type int"),
        (gym.spaces.Tuple([gym.spaces.Discrete(2)]), (1, 0), "expected a tuple of 1"),
    ],
)
def test_an_observation_that_does_not_fit_its_space_is_named(space, observation, problem):
    with pytest.raises(LaneError) as caught:
        Lane(Scripted(observation, space=space)).reset()
    assert str(caught.value).startswith("Scripted returns from reset an observation ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("space", "observation"),
    [
        (None, [0.1, 0.2]),
        (None, np.array([0.1, 7.0])),
        (None, np.array([1, 0])),
        (gym.spaces.Discrete(3), np.int64(2)),
        (gym.spaces.Discrete(3), np.array(2)),
        (gym.spaces.MultiBinary(2), [0, 1]),
        (gym.spaces.Dict(a=gym.spaces.Discrete(2)), {"a": 1, "more": None}),
        (gym.spaces.Text(5), "abc"),
    ],
)
def test_an_observation_that_can_be_trained_with_passes(space, observation):
    Lane(Scripted(observation, space=space)).reset()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"observation": "exit"}, "sys.exit in reset: 3"),
        ({"reward": "exit"}, "sys.exit in step 1 of an episode: no licence"),
    ],
)
def test_the_end_of_the_process_becomes_an_error_with_its_cause(arguments, words):
    lane = Lane(Scripted(**arguments))
    with pytest.raises(EnvironmentExitedError, match=words):
        lane.reset(), lane.step(0)


@pytest.mark.parametrize("order", [1, -1])
def test_lanes_that_report_different_types_names_and_shapes_each_keep_their_numbers(order):
    infos = [{"x": 2, "left": np.ones(3)}, {"x": 1.5, "left": np.ones(2)}, None, {"x": None, 0: 4}][::order]
    env = SyncLanes([lambda info=info: Lane(Scripted(info=info, length=1)) for info in infos])
    env.reset(seed=0)
    reported = env.step(np.zeros(4, np.int64))[4]
    values = [float(v) if known else None for v, known in zip(reported["x"], reported["_x"], strict=True)]
    assert values == [2.0, 1.5, None, None][::order]
    assert reported["_0"].tolist() == [False, False, False, True][::order]
    assert set(reported) == {"x", "_x", "0", "_0"}
    env.close()


def test_every_lane_is_closed_once_however_often_it_is_asked():
    closed = []
    env = SyncLanes([lambda: Lane(Scripted(closed=closed))] * 3)
    env.close(), env.close()
    del env
    assert len(closed) == len(set(closed)) == 3


def test_lanes_made_before_one_that_cannot_be_made_are_closed_once():
    closed, made = [], []

    def make():
        if len(made) == 2:
            raise RuntimeError("no third licence")
        made.append(Scripted(closed=closed))
        return made[-1]

    with pytest.raises(RuntimeError, match="no third licence"):
        SyncLanes([make] * 3)
    assert sorted(map(id, closed)) == sorted(map(id, made))


def test_lanes_with_different_spaces_are_refused_and_closed_once():
    closed = []
    spaces = [gym.spaces.Discrete(2), gym.spaces.Discrete(3)]
    with pytest.raises(LaneError, match=r"in one instance the observation_space Discrete\(2\), in another"):
        SyncLanes([lambda space=space: Scripted(0, space=space, closed=closed) for space in spaces])
    assert len(closed) == len(set(closed)) == 2


class Colour(gym.Space):
    """A space of a kind that Gymnasium does not know, equal only to itself."""


def test_lanes_may_have_spaces_of_a_kind_that_is_equal_only_to_itself():
    def make():
        parts = {"colour": Colour(), "place": gym.spaces.Tuple([Colour(), gym.spaces.Discrete(3)])}
        return Lane(Scripted({"colour": "red", "place": ("blue", 2)}, space=gym.spaces.Dict(parts)))

    env = SyncLanes([make] * 2)
    assert env.reset()[0]["place"][1].tolist() == [2, 2]
    assert env.reset()[0]["colour"] == ("red", "red")
    env.close()


def test_lanes_beside_one_that_cannot_be_closed_are_closed():
    closed = []

    class Stuck(Scripted):
        def close(self):
            raise OSError("it does not answer")

    env = SyncLanes([lambda: Scripted(closed=closed), Stuck, lambda: Scripted(closed=closed)])
    with closing_faults.collected() as faults:
        env.close()
        env.close()
    assert len(closed) == 2
    (fault,) = faults
    assert fault.startswith("Stuck raises in close OSError: it does not answer (")


def test_a_vector_environment_of_a_users_own_is_closed_once_and_keeps_its_numbers():
    closed = []

    class Own(SyncVectorEnv):
        def close(self, **kwargs):
            closed.append(self)

    infos = [{"x": 2}, {"x": 1.5, "note": None}, {"x": None}]
    own = Own([lambda info=info: Scripted(info=info, length=1) for info in infos])
    env = NativeLanes(own)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    env.reset(seed=0)
    reported = env.step(np.zeros(3, np.int64))[4]
    assert reported["x"][:2].tolist() == [2.0, 1.5]
    assert reported["_x"].tolist() == [True, True, False]
    env.close(), env.close()
    assert isinstance(env, VectorEnv)
    del env, own
    assert len(closed) == 1

"""What a user's own code raises is said in one line: what, in which call, and in which of their lines."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import TimeLimit

from envs.lanes import EnvironmentRaisedError, Lane, LaneError, NativeLanes, SyncLanes, told

SOURCE = """
import gymnasium as gym
import numpy as np


class Faulty(gym.Env):
    observation_space = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, fails="never", at=1):
        self.fails, self.at = fails, at
        self.look_up("constructor", [])

    def reset(self, *, seed=None, options=None):
        self.time = 0
        self.look_up("reset", [])
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.time += 1
        if self.time == self.at:
            self.look_up("step", [])
        return np.zeros(2, np.float32), 0.0, False, False, {}

    def look_up(self, call, table):
        if call == self.fails:
            table[3]  # LINE
"""
LINE = 1 + SOURCE.split("\n").index("            table[3]  # LINE")


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """The class of an environment that lies in a file of the user's."""
    (tmp_path / "lab_env.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lab_env", raising=False)
    from lab_env import Faulty

    return Faulty


@pytest.mark.parametrize(
    ("fails", "call"),
    [("reset", "reset"), ("step", "step 3 of an episode"), ("constructor", "its constructor")],
)
@pytest.mark.parametrize("lanes", [1, 2])
def test_an_error_says_the_call_the_step_and_the_line(faulty, fails, call, lanes):
    def make():
        return TimeLimit(faulty(fails, at=3), 10)

    def play():
        env = SyncLanes([lambda: Lane.made_by(make)] * lanes)
        env.reset()
        for _ in range(3):
            env.step(np.zeros(lanes, int))

    with pytest.raises(EnvironmentRaisedError) as caught:
        play()
    who = "it" if fails == "constructor" else "Faulty"
    expected = f"{who} raises in {call} IndexError: list index out of range (lab_env.py:{LINE})"
    assert str(caught.value) == told(caught.value) == expected


def test_an_error_of_a_vector_environment_says_it_as_well(faulty):
    class Batch(VectorEnv):
        num_envs, metadata = 2, {}
        single_observation_space = faulty.observation_space
        single_action_space = faulty.action_space

        def reset(self, *, seed=None, options=None):
            return np.zeros((2, 2)), {}

        def step(self, actions):
            faulty("constructor")

    env = NativeLanes(Batch())
    env.reset()
    with pytest.raises(
        EnvironmentRaisedError, match=rf"Batch raises in step 1 IndexError: .* \(lab_env.py:{LINE}\)"
    ):
        env.step(np.zeros(2, int))


def test_the_next_episode_counts_its_steps_from_one(faulty):
    env = Lane(faulty("step", at=2))
    env.reset()
    env.step(0)
    env.reset()
    env.step(0)
    with pytest.raises(EnvironmentRaisedError, match="step 2 of an episode"):
        env.step(0)


class Old(gym.Env):
    """Has the interface of the old gym package, as a whole or in part."""

    observation_space = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, part):
        self.part = part
        if part == "reset without a seed":
            self.reset = lambda: np.zeros(2, np.float32)

    def reset(self, *, seed=None, options=None):
        observation = np.zeros(2, np.float32)
        return observation if self.part == "reset" else (observation, {})

    def step(self, action):
        over = (False,) if self.part == "step" else (False, False)
        return np.zeros(2, np.float32), 0.0, *over, {}


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("reset", "return observation, {}"),
        ("step", "return observation, reward, terminated, truncated, info"),
        ("reset without a seed", "declare reset(self, *, seed=None, options=None)"),
    ],
)
def test_the_interface_of_old_gym_is_named_with_what_to_change(part, change, limited):
    env = Lane(TimeLimit(Old(part), 5) if limited else Old(part))
    with pytest.raises((LaneError, EnvironmentRaisedError)) as caught:
        env.reset(seed=0), env.step(0)
    said = str(caught.value)
    assert "the old gym package" in said
    assert change in said
    assert "\n" not in said


class Masked(gym.Env):
    """Raises at an action that it does not allow, and says in one way or another which ones it allows."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, where):
        box = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
        self.where = where
        self.observation_space = (
            gym.spaces.Dict(seen=box, action_mask=gym.spaces.MultiBinary(2))
            if where == "observation"
            else box
        )
        if where == "method":
            self.action_masks = lambda: np.array([1, 0])

    def reset(self, *, seed=None, options=None):
        seen, info = (
            np.zeros(2, np.float32),
            {"action_mask": np.array([1, 0])} if self.where == "info" else {},
        )
        mask = np.array([1, 0], np.int8)
        return ({"seen": seen, "action_mask": mask} if self.where == "observation" else seen), info

    def step(self, action):
        raise ValueError(f"move {action} is not allowed")


@pytest.mark.parametrize("where", ["observation", "info", "method"])
def test_an_action_that_a_mask_forbids_is_told_with_the_way_out(where):
    env = Lane(Masked(where))
    env.reset()
    assert env.has_action_mask
    with pytest.raises(
        EnvironmentRaisedError, match="action masks are not supported: let a forbidden action"
    ):
        env.step(1)


def test_without_a_mask_nothing_is_said_of_one():
    env = Lane(Masked("nowhere"))
    env.reset()
    assert not env.has_action_mask
    with pytest.raises(EnvironmentRaisedError) as caught:
        env.step(1)
    assert "mask" not in str(caught.value)


class Lazy(gym.Env):
    """Sets its spaces when it is reset, or none that are Gymnasium's."""

    def __init__(self, **spaces):
        for name, space in spaces.items():
            setattr(self, name, space)


@pytest.mark.parametrize(
    ("spaces", "said"),
    [
        ({}, "no observation_space: set self.observation_space there"),
        ({"observation_space": gym.spaces.Discrete(2)}, "no action_space"),
        ({"observation_space": [0, 1]}, "as observation_space a builtins.list, not a space of Gymnasium's"),
    ],
)
def test_spaces_that_a_constructor_does_not_set_are_asked_for(spaces, said):
    with pytest.raises(LaneError) as caught:
        Lane.made_by(lambda: Lazy(**spaces))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(:\n    pass\n", "SyntaxError: invalid syntax (lab.py:1)"),
        ("import math\n\nmath.sqrt('x')\n", "TypeError: must be real number, not str (lab.py:3)"),
        ("import json\njson.loads('{')\n", "JSONDecodeError: "),
        ("raise SystemExit('no licence')\n", "sys.exit: no licence (lab.py:1)"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E\n", "E (lab.py:3)"),
    ],
)
def test_the_line_is_the_users_even_if_a_library_raised(tmp_path, source, said):
    (tmp_path / "lab.py").write_text(source)
    code = """
from envs.lanes import told
try:
    import lab
except BaseException as error:
    print(told(error))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(["", *sys.path])},
    )  # fmt: skip
    assert run.stdout.startswith(said)
    assert "(lab.py:" in run.stdout
    assert run.stdout.count("\n") == 1

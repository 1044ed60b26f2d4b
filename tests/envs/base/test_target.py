"""Environments are found by an id, by `module:id`, and by `module:Class`."""

import sys
import types

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv

from envs.base import UnknownTargetError, target_spec


class Walk(gym.Env):
    observation_space = action_space = gym.spaces.Discrete(2)

    def __init__(self, length=5):
        self.length = length


class Walks(VectorEnv):
    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, num_envs=1, length=5):
        self.num_envs, self.length = num_envs, length


@pytest.fixture
def module(monkeypatch):
    """A user's module."""
    made = types.ModuleType("users_walks")
    made.Walk, made.Walks, made.number = Walk, Walks, 3
    made.make_walk = lambda **keywords: Walk(**keywords)
    made.Group = type("Group", (), {"Walk": Walk})
    monkeypatch.setitem(sys.modules, "users_walks", made)
    monkeypatch.setitem(gym.registry, "users/Walk-v0", EnvSpec("users/Walk-v0", entry_point=Walk))
    monkeypatch.setitem(gym.registry, "Plain", EnvSpec("Plain", entry_point=Walk, kwargs={"length": 9}))
    return made


def test_a_registered_id_has_its_own_entry_with_and_without_its_module(module):
    for target in ("users/Walk-v0", "users_walks:users/Walk-v0"):
        assert target_spec(target) is gym.registry["users/Walk-v0"]
    assert gym.make(target_spec("users_walks:Plain")).unwrapped.length == 9


@pytest.mark.parametrize("name", ["Walk", "make_walk", "Group.Walk"])
def test_a_class_or_a_function_of_a_module_is_made_with_keywords(module, name):
    env = gym.make(target_spec(f"users_walks:{name}"), length=7)
    assert isinstance(env.unwrapped, Walk)
    assert env.unwrapped.length == 7
    assert env.unwrapped.spec.id == f"users_walks:{name}"


def test_a_vector_environment_is_made_with_lanes(module):
    spec = target_spec("users_walks:Walks")
    assert spec.entry_point is None
    env = gym.make_vec(spec, 3, "vector_entry_point", length=7)
    assert (env.num_envs, env.length) == (3, 7)


@pytest.mark.parametrize(
    ("target", "message", "known"),
    [
        (
            "users_walks:Wak",
            "neither a class or a function of users_walks that makes an env",
            "users_walks:Walk",
        ),
        ("users_walks:number", "nor an id that importing users_walks registers", "users_walks:users/Walk-v0"),
        ("users/Wak-v0", "one of your own is named module:id, where importing module registers id", "Plain"),
    ],
)
def test_a_name_that_nothing_has_says_what_there_is(module, target, message, known):
    with pytest.raises(UnknownTargetError) as caught:
        target_spec(target)
    assert message in str(caught.value)
    assert known in caught.value.known
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_there_is_an_import_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        target_spec("no_such_module:Walk")

"""The suite's environments are the plain scalar ones that its benchmark compares them with."""

import gymnasium as gym
import pytest

import envs
from benchmarks.contestants.scalar_environments import SCALAR
from benchmarks.environment_speed import ACTIONS, classic, count_moves


@pytest.mark.parametrize("env_id", envs.ids())
def test_the_vector_form_and_a_plain_scalar_form_are_the_same_environment(env_id):
    scalar = SCALAR.get(envs.entry(env_id).dynamics.__name__)
    if scalar is None:
        pytest.skip("has no plain scalar form")
    vector = gym.make_vec(env_id, num_envs=3, vectorization_mode="vector_entry_point")
    vector.action_space.seed(1)
    actions = [vector.action_space.sample() for _ in range(ACTIONS)]
    # Raises where the two differ.
    assert count_moves([vector, classic(env_id, scalar, 3)], actions) > 0

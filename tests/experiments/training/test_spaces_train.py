"""PPO solves the recall task in every kind of space: what the encoding lets through really trains."""

import logging

import gymnasium as gym
import numpy as np
import pytest
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

import envs
from envs.spaces import encode_vector
from envs.suite.any_space.probe_spaces import ACTION_SPACES, OBSERVATION_SPACES
from experiments.core.fast_ppo import greedy_policy, use_fast_path

pytestmark = pytest.mark.slow

ENV_ID = "sweeps/Spaces-v0"
SOLVED = 0.95
UPDATES = 60
"""Updates of 2048 steps after which an unsolved task counts as not trainable."""


def make_encoded(config):
    return encode_vector(gym.make_vec(ENV_ID, vectorization_mode="vector_entry_point", **config))


@pytest.fixture(scope="module", autouse=True)
def _encoded_environment(local_ray):
    # RLlib would start Ray by itself, with a dashboard, or join a cluster that happens to run here.
    register_env("encoded-spaces", make_encoded)


def greedy_score(algorithm, env_config):
    """The score of the greedy policy over all observations, exactly."""
    env = make_encoded({**env_config, "num_envs": 1})
    dynamics = env.unwrapped.dynamics
    lanes = len(dynamics.targets)
    shown = type(dynamics)(dynamics.parameters, lanes)
    shown.message = np.arange(lanes)
    observations = shown.observe()
    actions = greedy_policy(algorithm)(
        env.encoder.encode_batch(observations, lanes) if hasattr(env, "encoder") else observations
    )
    actions = env.decoder.decode_batch(actions) if hasattr(env, "decoder") else actions
    rewards = shown.advance(slice(None), actions).rewards
    return float(envs.references(ENV_ID, **env_config).score(rewards.mean()))


def train(env_config, choose_path=use_fast_path):
    """Trains until the task is solved; returns the updates that took and the last score."""
    config = (
        PPOConfig()
        .environment("encoded-spaces", env_config=env_config)
        .env_runners(
            num_env_runners=0, num_envs_per_env_runner=32, gym_env_vectorize_mode="vector_entry_point"
        )
        .rl_module(model_config={"fcnet_hiddens": [64, 64], "fcnet_activation": "tanh"})
        .training(
            lr=1e-3,
            train_batch_size_per_learner=2048,
            minibatch_size=256,
            num_epochs=6,
            use_kl_loss=False,
            # Without it a policy may settle on an answer before it has tried the others often enough.
            entropy_coeff=0.03,
            gamma=0.0,
            lambda_=0.0,
        )
        .debugging(seed=0, log_level="ERROR")
    )
    algorithm = choose_path(config).build_algo()
    try:
        assert greedy_score(algorithm, env_config) < SOLVED
        for update in range(1, UPDATES + 1):
            algorithm.train()
            score = greedy_score(algorithm, env_config)
            if score >= SOLVED:
                return update, score
        return UPDATES, score
    finally:
        algorithm.stop()


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.ERROR)


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_ppo_reads_every_observation_space(name):
    updates, score = train({"observation_space": name, "action_space": "discrete"})
    assert score >= SOLVED, f"score {score:.2f} after {updates} updates"


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_ppo_acts_in_every_action_space(name):
    updates, score = train({"observation_space": "discrete", "action_space": name})
    assert score >= SOLVED, f"score {score:.2f} after {updates} updates"


def test_ppo_reads_and_acts_in_nested_spaces_at_once():
    updates, score = train({"observation_space": "nested", "action_space": "nested"})
    assert score >= SOLVED, f"score {score:.2f} after {updates} updates"


def test_rllibs_own_runner_and_learner_take_encoded_spaces_too():
    updates, score = train({"observation_space": "one-of", "action_space": "dict"}, lambda config: config)
    assert score >= SOLVED, f"score {score:.2f} after {updates} updates"

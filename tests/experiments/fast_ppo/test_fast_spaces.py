"""Whatever the network draws is a member of the environment's action space; whatever it sees is floats."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, create_empty_array
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

import envs  # noqa: F401  # registers the suite
from experiments.core.environments.network_spaces import action_decoder, observation_encoder
from experiments.core.fast_ppo.distribution import ActionDistribution, sample
from experiments.core.fast_ppo.env_runner import FastEnvRunner

LANES = 64

ACTION_SPACES: list[gym.Space[Any]] = [
    spaces.Discrete(3),
    spaces.Discrete(3, start=-1),
    spaces.MultiDiscrete([2, 3], start=[1, 5]),
    spaces.MultiDiscrete([[2, 3], [4, 2]]),
    spaces.MultiBinary(4),
    spaces.Box(-2.0, 5.0, (3,), np.float32),
    spaces.Box(-2.0, 5.0, (), np.float32),
    spaces.Box(-2.0, 5.0, (2, 2), np.float64),
    spaces.Box(-np.inf, np.inf, (2,), np.float32),
    spaces.Box(-3, 4, (2,), np.int64),
    spaces.Dict({"b": spaces.Discrete(2, start=1), "a": spaces.Box(0.0, 1.0, (2,), np.float32)}),
    spaces.Tuple([spaces.MultiBinary(2), spaces.Dict({"x": spaces.Discrete(3)})]),
]
OBSERVATION_SPACES: list[gym.Space[Any]] = [
    spaces.Box(-1.0, 1.0, (3,), np.float64),
    spaces.Box(-1.0, 1.0, (2, 2), np.float32),
    spaces.Box(0, 255, (8, 8, 3), np.uint8),
    spaces.Discrete(4, start=2),
    spaces.MultiBinary(3),
    spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Box(0.0, 1.0, (2,), np.float32)}),
    spaces.Tuple([spaces.Discrete(2), spaces.MultiDiscrete([2, 3])]),
]


@pytest.mark.parametrize("space", ACTION_SPACES, ids=str)
def test_every_drawn_action_is_a_member_of_the_environments_space(space):
    decoder = action_decoder(space)
    distribution = ActionDistribution(decoder.parts)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((LANES, distribution.num_logits), generator=generator).numpy()
    drawn = np.full((LANES, distribution.num_columns), np.nan, np.float32)
    sample(logits, distribution.noise((LANES,), generator), distribution.leaves, drawn)
    for actions in (drawn, distribution.mode(logits)):
        assert batch_space(space, LANES).contains(decoder.decode(actions))


@pytest.mark.parametrize("space", OBSERVATION_SPACES, ids=str)
def test_every_observation_becomes_a_member_of_the_modules_space(space):
    encoder = observation_encoder(space)
    space.seed(0)
    batch = gym.vector.utils.concatenate(
        space, [space.sample() for _ in range(LANES)], create_empty_array(space, LANES)
    )
    encoded = encoder.encode(batch)
    scaled = (encoded * encoder.scale).astype(np.float32)
    assert scaled.shape == (LANES, *encoder.module_space.shape)
    assert all(encoder.module_space.contains(row) for row in scaled)


def test_a_gaussian_part_is_drawn_with_its_mean_and_deviation():
    distribution = ActionDistribution(action_decoder(spaces.Box(-1.0, 1.0, (2,), np.float32)).parts)
    logits = np.tile(np.float32([3.0, -1.0, 0.5, -2.0]), (100_000, 1))
    drawn = np.empty((100_000, 2), np.float32)
    noise = distribution.noise((100_000,), torch.Generator().manual_seed(0))
    sample(logits, noise, distribution.leaves, drawn)
    np.testing.assert_allclose(drawn.mean(0), [3.0, -1.0], atol=0.02)
    np.testing.assert_allclose(drawn.std(0), np.exp([0.5, -2.0]), rtol=0.01)


def test_images_stay_bytes_in_memory_and_are_scaled_for_the_network():
    layout = DefaultModelConfig(conv_filters=[[4, 8, 8]], head_fcnet_hiddens=[8])
    config = PPOConfig().environment("sweeps/Visual-v0").rl_module(model_config=layout).debugging(seed=0)
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=2)
    runner = FastEnvRunner(config=config, worker_index=0)
    rollout = runner.rollout(12)
    assert rollout.obs_tn.dtype == np.uint8
    images = torch.from_numpy(rollout.obs_tn[:-1]).flatten(0, 1).float() / 255.0
    with torch.no_grad():
        logits = runner.module.forward_inference({Columns.OBS: images})[Columns.ACTION_DIST_INPUTS]
    sampled = torch.from_numpy(rollout.logits_tn).flatten(0, 1)
    torch.testing.assert_close(sampled, logits, rtol=1e-4, atol=1e-6)

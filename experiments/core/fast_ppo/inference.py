"""Greedy policy of a trained module, in batch and in the environment's own spaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import torch

from experiments.core.environments import action_decoder, observation_encoder
from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.network import network_of
from experiments.core.fast_ppo.normalise import NormalisingPPOModule

GreedyPolicy = Callable[[Any], Any]
"""From a batch of observations [N, ...] to a batch of actions [N, ...], both in the environment's spaces."""


def greedy_policy(algorithm: Any) -> GreedyPolicy:
    """Makes the deterministic policy of a PPO algorithm, fast or stock.

    Args:
        algorithm: a built `Algorithm`; the policy follows its weights as it trains on.
    """
    runner, config = algorithm.env_runner, algorithm.config
    return module_policy(
        runner.module,
        runner.env.single_observation_space,
        runner.env.single_action_space,
        normalize_actions=config.normalize_actions,
        clip_actions=config.clip_actions,
    )


def module_policy(
    module: Any,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    *,
    normalize_actions: bool = True,
    clip_actions: bool = False,
) -> GreedyPolicy:
    """Makes the deterministic policy of a module, e.g. one from `RLModule.from_checkpoint`.

    It takes the most probable category and the mean of a Gaussian.

    Args:
        module: a PPO module of RLlib.
        observation_space: the environment's (single) observation space.
        action_space: the environment's (single) action space.
        normalize_actions: as in the configuration that trained the module.
        clip_actions: likewise.
    """
    encoder = observation_encoder(observation_space)
    decoder = action_decoder(action_space, normalize=normalize_actions, clip=clip_actions)
    distribution = ActionDistribution(decoder.parts)
    network = network_of(module, distribution)
    normalises = isinstance(module, NormalisingPPOModule) and len(encoder.module_space.shape) == 1

    def act(observations: Any) -> Any:
        obs = encoder.encode(observations)
        logits = network.logits(module.normalised(torch.from_numpy(obs)).numpy() if normalises else obs)
        return decoder.decode(distribution.mode(logits))

    return act

"""The greedy policy of a trained module, in batch and in the environment's own spaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.network import network_of
from experiments.core.fast_ppo.spaces import action_decoder, observation_encoder

GreedyPolicy = Callable[[Any], Any]


def greedy_policy(algorithm: Any) -> GreedyPolicy:
    """Makes the deterministic policy of a PPO algorithm, fast or stock.

    Args:
        algorithm: a built `Algorithm` whose weights the policy follows as it trains on.

    Returns:
        From a batch of observations in the environment's space to a batch of actions in its action space:
        the most probable category, the mean of a Gaussian.
    """
    runner = algorithm.env_runner
    env, config = runner.env, algorithm.config
    encoder = observation_encoder(env.single_observation_space)
    decoder = action_decoder(
        env.single_action_space, normalize=config.normalize_actions, clip=config.clip_actions
    )
    distribution, network = ActionDistribution(decoder.parts), network_of(runner.module)

    def act(observations: Any) -> Any:
        with torch.inference_mode():
            obs = torch.from_numpy(encoder.encode(observations))
            logits = network.policy(obs if encoder.scale == 1.0 else obs * encoder.scale)
            return decoder.decode(distribution.mode(logits).numpy())

    return act


def module_policy(module: Any, observation_space: Any, action_space: Any) -> GreedyPolicy:
    """Makes the deterministic policy of a module that was loaded from a checkpoint.

    Args:
        module: an RLModule trained with RLlib's default handling of actions (normalised, not clipped).
        observation_space: of one environment.
        action_space: of one environment.
    """
    encoder = observation_encoder(observation_space)
    decoder = action_decoder(action_space, normalize=True, clip=False)
    distribution, network = ActionDistribution(decoder.parts), network_of(module)

    def act(observations: Any) -> Any:
        with torch.inference_mode():
            obs = torch.from_numpy(encoder.encode(observations))
            logits = network.policy(obs if encoder.scale == 1.0 else obs * encoder.scale)
            return decoder.decode(distribution.mode(logits).numpy())

    return act

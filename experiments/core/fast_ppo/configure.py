"""Puts the fast path into a PPOConfig that has been filled in by RLlib's usual methods."""

from __future__ import annotations

import logging

from ray.rllib.algorithms.ppo import PPOConfig

from experiments.core.fast_ppo.algorithm import FastPPO
from experiments.core.fast_ppo.env_runner import FastEnvRunner
from experiments.core.fast_ppo.learner import FastPPOLearner

logger = logging.getLogger(__name__)


def use_fast_path(config: PPOConfig, *, compile: bool = False) -> PPOConfig:
    """Sets the runner, the learner and the algorithm class; `build_algo` then builds `FastPPO`.

    Args:
        config: environment, training and module settings as for stock PPO. Changed in place, like RLlib's
            own methods do.
        compile: whether the loss is compiled by `torch.compile`.

    Returns:
        The same configuration. With a recurrent layout it is left as it is, and one line says so.
    """
    if config.model_config.get("use_lstm"):
        logger.warning("recurrent layout: trained by RLlib's own runner and learner, not by the fast path")
        return config
    config.env_runners(env_runner_cls=FastEnvRunner, num_env_runners=0, create_local_env_runner=True)
    config.learners(num_learners=0, learner_class=FastPPOLearner)
    config.algo_class = FastPPO
    return config

"""Configuration of the fast path in a `PPOConfig` that RLlib's usual methods have filled in."""

from __future__ import annotations

import logging
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from experiments.core.fast_ppo.algorithm import FastPPO
from experiments.core.fast_ppo.env_runner import NORMALISE_OBSERVATIONS, SCALE_REWARDS, FastEnvRunner
from experiments.core.fast_ppo.learner import FastPPOLearner
from experiments.core.fast_ppo.normalise import NormalisingPPOModule
from experiments.core.ray_internals import custom_connectors

logger = logging.getLogger(__name__)


def use_fast_path(
    config: PPOConfig,
    *,
    normalise_observations: bool = False,
    scale_rewards: bool = False,
) -> PPOConfig:
    """Sets the runner, the learner and the algorithm class; `build_algo` then builds `FastPPO`.

    Args:
        config: environment, training and module settings as for stock PPO. Changed in place, like RLlib's
            own methods do.
        normalise_observations: bring observation vectors to zero mean and unit deviation, by running moments
            that become part of the module.
        scale_rewards: divide rewards by the running deviation of the discounted return. Reported returns stay
            the environment's.

    Returns:
        The same configuration. With a recurrent layout it is left as it is, and one line says so.
    """
    if config.model_config.get("use_lstm"):
        logger.warning("recurrent layout: trained by RLlib's own runner and learner, not by the fast path")
        return config
    _refuse_what_is_left_out(config)
    config.env_runners(env_runner_cls=FastEnvRunner, num_env_runners=0, create_local_env_runner=True)
    options = {
        NORMALISE_OBSERVATIONS: normalise_observations,
        SCALE_REWARDS: scale_rewards,
    }
    config.learners(num_learners=0, learner_class=FastPPOLearner, learner_config_dict=options)
    if normalise_observations:
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=NormalisingPPOModule))
    # RLlib samples the machine's load in a thread, for which every `stop` would wait up to 0.7 s.
    config.debugging(log_sys_usage=False)
    config.algo_class = FastPPO
    return config


def _refuse_what_is_left_out(config: PPOConfig) -> None:
    """Settings of RLlib that the fast path would ignore are errors, not silence.

    Raises:
        ValueError: naming the setting and the way out.
    """
    expected: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "use_critic": (config.use_critic, (True,)),
        "use_gae": (config.use_gae, (True,)),
        "grad_clip_by": (config.grad_clip_by if config.grad_clip else None, (None, "global_norm")),
        "explore": (config.explore, (True,)),
        "batch_mode": (config.batch_mode, ("truncate_episodes",)),
        **{name: (connector, (None,)) for name, connector in custom_connectors(config).items()},
        "callbacks_class": (config.callbacks_class, (RLlibCallback,)),
        "evaluation_interval": (config.evaluation_interval, (None, 0)),
        "policies": (config.is_multi_agent, (False,)),
    }
    for name, (given, allowed) in expected.items():
        if given not in allowed:
            wanted = " or ".join(repr(value) for value in allowed)
            raise ValueError(
                f"{name}={given!r}: the fast path knows {wanted}; use stock PPO for anything else"
            )

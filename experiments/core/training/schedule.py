"""Configuration schedule of a run: continuation from a checkpoint with the same or changed hyperparameters.

A copied member of a population and a confirmation run that follows a schedule both change hyperparameters of
a network while it trains. Both do it here: build with the new configuration, restore, and activate what the
checkpoint had overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import DEFAULT_MODULE_ID

from analysis.sweep import SCHEDULE
from experiments.core.fast_ppo import FastEnvRunner, FastPPOLearner
from experiments.core.records import config_at


@dataclass(frozen=True, kw_only=True)
class ConfigurationSchedule:
    """Configurations that a run is trained with, from its first step to its last."""

    received: Mapping[str, Any]
    """Config of the trainable: configuration, seed, and the schedule if there is one."""
    build: Callable[[Mapping[str, Any]], PPOConfig]
    """Makes RLlib's configuration of the active one."""
    settings: Callable[[Mapping[str, Any]], dict[str, Any]]
    """Returns every setting of the trainer under the active one."""

    @property
    def configs(self) -> list[dict[str, Any]]:
        """All configurations that become active on the way, in order."""
        changes = [segment["steps"] for segment in self.received.get(SCHEDULE, ())]
        return [self.at(steps) for steps in (0, *changes)]

    def at(self, steps: int) -> dict[str, Any]:
        """Returns the configuration that is active after some steps."""
        return config_at(self.received, steps)

    def trained_as(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what decides how training goes on: the settings and the seed."""
        return {**self.settings(config), "seed": config["seed"]}


def activate(algorithm: Algorithm, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Gives a restored algorithm its new hyperparameters where the checkpoint brought back older ones.

    The algorithm was built with the new configuration, and a checkpoint brings back the old learning rate
    (in the optimiser), the KL coefficient as it was adapted and the discount of the reward scaling. The KL
    coefficient is reset only if its declared value changed. On the fast path lanes and random numbers are
    reset too: a copy that drew what its donor draws would see the same episodes.

    Args:
        algorithm: Built with the new settings, restored from a checkpoint.
        before: All settings of the trainer when the checkpoint was written.
        now: All settings of the trainer from now on.
    """

    def change(learner: Any) -> None:
        for group in learner.get_optimizer(DEFAULT_MODULE_ID).param_groups:
            group["lr"] = now["lr"]
        if now["kl_coeff"] != before["kl_coeff"]:
            learner.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID].fill_(now["kl_coeff"])
        if isinstance(learner, FastPPOLearner):
            learner.reset_streams()

    algorithm.learner_group.foreach_learner(change)
    if isinstance(algorithm.env_runner, FastEnvRunner):
        algorithm.env_runner.reset_streams()

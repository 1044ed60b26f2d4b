"""Going on from a checkpoint: the same run after a pause, or training with changed hyperparameters.

A copied member of a population and a confirmation run that follows a schedule both change hyperparameters
of a network under way. Both do it through here: build with the new configuration, restore, put in force what
the checkpoint had overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.core import DEFAULT_MODULE_ID

from experiments.core.fast_ppo.env_runner import FastEnvRunner
from experiments.core.fast_ppo.learner import FastPPOLearner

PROGRESS_FILE = "trial.json"
SCHEDULE = "schedule"
"""Name, in what a run's trainable receives, of the configurations that follow one another."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands, besides what RLlib saves."""

    steps: int
    """Environment steps trained."""
    points: int
    """Evaluation points passed."""
    scores: list[float]
    """Those that the objective is the mean of."""
    wall_s: float
    """Seconds trained and evaluated."""
    config: dict[str, Any]
    """What the steps before were trained with, the seed included."""

    def write(self, checkpoint: Path) -> None:
        """Adds it to a checkpoint."""
        (checkpoint / PROGRESS_FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, checkpoint: Path) -> Progress:
        """Reads it from a checkpoint."""
        return cls(**json.loads((checkpoint / PROGRESS_FILE).read_text(encoding="utf-8")))


def config_at(config: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """What a run trains with at some steps: the last entry of its schedule that has come into force.

    Args:
        config: What the trainable received.
        steps: Environment steps trained so far.
    """
    fixed = {name: value for name, value in config.items() if name != SCHEDULE}
    for segment in config.get(SCHEDULE, ()):
        if segment["steps"] <= steps:
            fixed |= segment["configuration"]
    return fixed


def put_in_force(algorithm: Algorithm, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Gives a restored algorithm the hyperparameters that came back with the checkpoint of other ones.

    The algorithm was built with the new configuration, and a checkpoint brings back the old learning rate
    (in the optimiser), the KL coefficient as it was adapted and the discount of the reward scaling. The KL
    coefficient begins anew only if it is another one now. On the fast path lanes and random numbers begin
    anew too: a copy that drew what its donor draws would see the same episodes.

    Args:
        algorithm: Built with the new settings, restored from a checkpoint.
        before: All settings of the trainer when the checkpoint was written.
        now: All settings of the trainer from now on.
    """

    def change(learner: Any) -> None:
        for optimizer in learner._named_optimizers.values():
            learner._set_optimizer_lr(optimizer, now["lr"])
        if now["kl_coeff"] != before["kl_coeff"]:
            learner.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID].fill_(now["kl_coeff"])
        if isinstance(learner, FastPPOLearner):
            learner.begin_anew()

    algorithm.learner_group.foreach_learner(change)
    if isinstance(algorithm.env_runner, FastEnvRunner):
        algorithm.env_runner.begin_anew()

"""RLlib's PPO algorithm with a training step that hands arrays from the runner to the learner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo import PPO
from ray.rllib.core import COMPONENT_ENV_RUNNER
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    ENV_RUNNER_SAMPLING_TIMER,
    EPISODE_LEN_MEAN,
    EPISODE_RETURN_MEAN,
    LEARNER_RESULTS,
    LEARNER_UPDATE_TIMER,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    NUM_EPISODES,
    NUM_EPISODES_LIFETIME,
    TIMERS,
)

from experiments.core.fast_ppo.env_runner import FastEnvRunner
from experiments.core.fast_ppo.learner import FastPPOLearner
from experiments.core.ray_internals import without_source_lookup
from experiments.core.torch_internals import without_compiler


class FastPPO(PPO):  # type: ignore[misc]  # ray is untyped
    """PPO with `FastEnvRunner` and `FastPPOLearner`, both in this process.

    Results, checkpoints and configuration are RLlib's.
    """

    def setup(self, config: Any) -> None:
        """Builds RLlib's algorithm and looks up its two working parts."""
        with without_compiler(), without_source_lookup():
            super().setup(config)
        # RLlib's seeding asks for deterministic algorithms, and torch then fills fresh memory that nobody
        # reads: a twelfth of an update with convolutions.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        self.runner: FastEnvRunner = self.env_runner
        self.learner: FastPPOLearner = next(
            iter(self.learner_group.foreach_learner(lambda learner: learner))
        ).get()

    def training_step(self) -> None:
        """Sample, update, copy the weights back."""
        with self.metrics.log_time((TIMERS, ENV_RUNNER_SAMPLING_TIMER)):
            rollout = self.runner.rollout(self.config.total_train_batch_size)
        steps = self.runner.num_env_steps_sampled_lifetime
        self._log_sampling(rollout.steps)
        module = self.learner.module[next(iter(self.learner.module.keys()))].unwrapped()
        self.runner.give_moments(module)
        with self.metrics.log_time((TIMERS, LEARNER_UPDATE_TIMER)):
            results = self.learner.train_on(rollout, timesteps=steps)
            self.metrics.aggregate([results], key=LEARNER_RESULTS)
        self.runner.load_weights(module)

    def set_state(self, state: Any) -> None:
        """Restores `get_state`."""
        super().set_state(state)
        # RLlib tells the runner how far it is before it restores the metrics in which that is counted.
        if COMPONENT_ENV_RUNNER in state:
            steps = state[COMPONENT_ENV_RUNNER][NUM_ENV_STEPS_SAMPLED_LIFETIME]
            self.runner.num_env_steps_sampled_lifetime = steps

    def _log_sampling(self, steps: int) -> None:
        runner, key = self.runner, ENV_RUNNER_RESULTS
        self.metrics.log_value((key, NUM_ENV_STEPS_SAMPLED_LIFETIME), steps, reduce="lifetime_sum")
        self.metrics.log_value((key, NUM_EPISODES_LIFETIME), runner.episodes, reduce="max", window=1)
        self.metrics.log_value((key, NUM_EPISODES), runner.returns.size, window=1)
        # As in RLlib these are the episodes that ended in this iteration; NaN where there was none.
        for name, ended in ((EPISODE_RETURN_MEAN, runner.returns), (EPISODE_LEN_MEAN, runner.lengths)):
            mean = float(np.mean(ended)) if ended.size else math.nan
            self.metrics.log_value((key, name), mean, window=1)

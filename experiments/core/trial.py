"""One configuration, trained: the thin `tune.Trainable` around RLlib's PPO that every run of a sweep uses."""

from __future__ import annotations

import math
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import torch
from gymnasium.vector import VectorEnv
from ray import tune
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.env.env_context import EnvContext
from ray.tune.registry import register_env

from analysis.schema import ENV_PREFIX, Phase, State
from experiments.core import trainer
from experiments.core.continuation import SCHEDULE, Progress, config_at, put_in_force
from experiments.core.environments import Arena, make_vector
from experiments.core.evaluation import evaluate
from experiments.core.fast_ppo import DivergenceError, greedy_policy, read_metrics, use_fast_path
from experiments.core.seeds import Seeds

OBJECTIVE_WINDOW = 3
"""Evaluation points whose mean score is the objective: one alone is mostly noise."""
IDENTITY = ("seed", "config_id", "test_seed", SCHEDULE)
"""What a trial's `config` carries besides the configuration itself."""


CONFIGURATION = "configuration"
"""Name, in a result, of the configuration that the steps before it were trained with."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What all trials of a sweep have in common."""

    env: str
    env_parameters: Mapping[str, Any]
    arenas: Mapping[Phase, Arena]
    """Where the runs of each phase are evaluated."""
    fixed: Mapping[str, Any]
    lanes: int
    steps: int
    """Environment steps after which a trial is complete."""
    evaluations: int
    """Evaluations on the way there, evenly spaced."""
    evaluation_episodes: int
    seeds: Seeds
    diverged_score: float
    """What a trial scores once its numbers are no longer finite."""
    trainer: Literal["fast", "rllib"]


def ppo_config(config: Mapping[str, Any], task: Task) -> PPOConfig:
    """The RLlib configuration of one run.

    Args:
        config: Names and values of one configuration, besides `seed`.
        task: What is not part of the configuration.

    Raises:
        UserError: A name is unknown or the batch sizes do not fit.
    """
    settings = trainer.complete(configuration_of(config), task.fixed)
    built = (
        PPOConfig()
        .environment(_registered_with_rllib(task.env), env_config=dict(task.env_parameters))
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=task.lanes,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT,
        )
        .training(**trainer.training_keywords(settings))
        .rl_module(model_config=DefaultModelConfig(**trainer.model_keywords(settings)))
        .debugging(seed=config["seed"], log_level="ERROR")
    )
    if task.trainer == "rllib":
        return built
    return use_fast_path(built, **trainer.fast_path_keywords(settings))


def configuration_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's names and values in what a trainable receives, without seeds and ids."""
    return {name: value for name, value in config.items() if name not in IDENTITY}


def _registered_with_rllib(env_id: str) -> str:
    """Tells RLlib how to make an environment, in each process that trains, and returns its name there."""

    def create(context: EnvContext) -> VectorEnv[Any, Any, Any]:
        parameters = dict(context)
        return make_vector(env_id, parameters, parameters.pop("num_envs", 1))

    register_env(env_id, create)
    return env_id


class PPOTrial(tune.Trainable):  # type: ignore[misc]  # ray ships no types
    """Trains one configuration and reports one result for each evaluation.

    `config` holds the sampled names, the training `seed` and the `config_id`; a confirmation run also holds
    the index of its `test_seed`, and one of a population's winner its schedule, by which hyperparameters
    change on the way. Actors are reused: :meth:`reset_config` builds the next trial in place.
    """

    def setup(self, config: dict[str, Any], task: Task) -> None:
        """Prepares the process once and builds the first trial."""
        _prepare_process()
        self._task = task
        phase = Phase.CONFIRM if "test_seed" in config else Phase.SEARCH
        self._arena = task.arenas[phase]
        self._evaluation_env = make_vector(task.env, self._arena.parameters, task.evaluation_episodes)
        self._build(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial without a new process."""
        self._algorithm.stop()
        self._build(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Trains up to the next evaluation and evaluates."""
        started, steps_before = time.perf_counter(), self._steps
        try:
            metrics = self._train_until(self._next_evaluation())
            trained = time.perf_counter()
            result = self._evaluate()
            if not math.isfinite(result["score"]):
                raise DivergenceError("score")
        except DivergenceError as error:
            return self._diverged(error)
        self._wall_s += time.perf_counter() - started
        result |= metrics
        result["steps_per_s"] = (self._steps - steps_before) / (trained - started)
        return self._report(result, done=self._steps >= self._task.steps)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Saves RLlib's checkpoint, and where the run stands."""
        self._algorithm.save_to_path(Path(checkpoint_dir).absolute().as_posix())
        progress = Progress(
            steps=self._steps,
            points=self._points,
            scores=list(self._scores),
            wall_s=self._wall_s,
            config=self._config,
        )
        progress.write(Path(checkpoint_dir))

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Goes on from a checkpoint: this run's own, or that of another one which this run copies.

        Whatever the checkpoint was trained with, from now on the configuration of this run is in force.
        """
        progress = Progress.read(Path(checkpoint_dir))
        config = config_at(self._received, progress.steps)
        if config != self._config:
            self._algorithm.stop()
            self._build_algorithm(config)
        self._algorithm.restore_from_path(Path(checkpoint_dir).absolute().as_posix())
        if _trained_as(progress.config) != _trained_as(config):
            settings = (
                trainer.complete(configuration_of(c), self._task.fixed) for c in (progress.config, config)
            )
            put_in_force(self._algorithm, *settings)
        self._steps, self._points, self._wall_s = progress.steps, progress.points, progress.wall_s
        self._scores.clear()
        self._scores.extend(progress.scores)

    def cleanup(self) -> None:
        """Frees the trainer."""
        self._algorithm.stop()

    def _build(self, config: dict[str, Any]) -> None:
        self._received = config
        self._build_algorithm(config_at(config, 0))
        seeds = self._task.seeds
        confirming = "test_seed" in config
        self._evaluation_seed = seeds.test_evaluation(config["test_seed"]) if confirming else seeds.evaluation
        self._scores: deque[float] = deque(maxlen=OBJECTIVE_WINDOW)
        self._last: dict[str, Any] = {}
        self._steps, self._points, self._wall_s = 0, 0, 0.0

    def _build_algorithm(self, config: dict[str, Any]) -> None:
        self._config = config
        self._algorithm: Algorithm = ppo_config(config, self._task).build_algo()

    def _points_passed(self) -> int:
        """Evaluation points, evenly spaced in steps, that training has reached."""
        return min(self._steps * self._task.evaluations // self._task.steps, self._task.evaluations)

    def _next_evaluation(self) -> int:
        """Steps at which the next evaluation is due."""
        return math.ceil((self._points_passed() + 1) * self._task.steps / self._task.evaluations)

    def _train_until(self, steps: int) -> dict[str, float]:
        metrics: dict[str, float] = {}
        while self._steps < steps:
            if config_at(self._received, self._steps) != self._config:
                self._follow_schedule()
            metrics = read_metrics(self._algorithm.train())
            self._steps = int(metrics.pop("steps"))
        return metrics

    def _follow_schedule(self) -> None:
        """Goes on with the configuration that is due, in the way in which a population's member copies."""
        with tempfile.TemporaryDirectory() as folder:
            self.save_checkpoint(folder)
            self.load_checkpoint(folder)

    def _evaluate(self) -> dict[str, Any]:
        played = evaluate(self._evaluation_env, greedy_policy(self._algorithm), seed=self._evaluation_seed)
        mean = float(played.returns.mean())
        return {
            "score": self._arena.scale.score(mean),
            "eval/return_mean": mean,
            "eval/return_std": float(played.returns.std(ddof=1)) if played.returns.size > 1 else 0.0,
            "eval/length_mean": float(played.lengths.mean()),
            **{ENV_PREFIX + name: value for name, value in sorted(played.summaries.items())},
        }

    def _report(self, result: dict[str, Any], *, done: bool) -> dict[str, Any]:
        # A large batch passes several evaluation points at once; until it was learned from, the policy before
        # it was in force. So the objective covers the same steps whatever the batch size.
        if self._scores:
            self._scores.extend([self._scores[-1]] * (self._points_passed() - self._points - 1))
        self._points = self._points_passed()
        self._scores.append(result["score"])
        result["steps"] = self._steps
        result["wall_s"] = self._wall_s
        result["objective"] = sum(self._scores) / len(self._scores)
        self._last = result
        return {**result, "done": done, CONFIGURATION: configuration_of(self._config)}

    def _diverged(self, error: DivergenceError) -> dict[str, Any]:
        """The floor score, and nothing else that could be mistaken for a measurement."""
        result = dict.fromkeys(self._last, math.nan)
        result |= {"steps": self._steps, "wall_s": self._wall_s}
        result["score"] = result["objective"] = self._task.diverged_score
        ending = {"done": True, "state": State.DIVERGED.value, "cause": str(error)}
        return {**result, **ending, CONFIGURATION: configuration_of(self._config)}


def _trained_as(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how training goes on: names, values and the seed."""
    return {**configuration_of(config), "seed": config["seed"]}


def _prepare_process() -> None:
    """One thread a trial, as declared to Ray, and no noise from libraries in the trial's output."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

"""One configuration, trained: the thin `tune.Trainable` around RLlib's PPO that every run of a sweep uses."""

from __future__ import annotations

import math
import time
import warnings
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from experiments.core.environments import Arena, make_vector
from experiments.core.errors import UserError
from experiments.core.evaluation import evaluate
from experiments.core.fast_ppo import DivergenceError, greedy_policy, read_metrics, use_fast_path
from experiments.core.resources import Resources, Vectorization
from experiments.core.seeds import Seeds

OBJECTIVE_WINDOW = 3
"""Evaluation points whose mean score is the objective: one alone is mostly noise."""
IDENTITY = ("seed", "config_id", "test_seed")
"""What a trial's `config` carries besides the configuration itself."""


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
    vectorization: Vectorization = "auto"
    resources: Resources = field(default_factory=Resources)


def ppo_config(config: Mapping[str, Any], task: Task) -> PPOConfig:
    """The RLlib configuration of one run.

    Args:
        config: Names and values of one configuration, besides `seed`.
        task: What is not part of the configuration.

    Raises:
        UserError: A name is unknown or the batch sizes do not fit.
    """
    named = {name: value for name, value in config.items() if name not in IDENTITY}
    settings = trainer.complete(named, task.fixed)
    built = (
        PPOConfig()
        .environment(
            _registered_with_rllib(task.env, task.vectorization), env_config=dict(task.env_parameters)
        )
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=task.lanes,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT,
        )
        .training(**trainer.training_keywords(settings))
        .rl_module(model_config=DefaultModelConfig(**trainer.model_keywords(settings)))
        .learners(num_gpus_per_learner=task.resources.gpus)
        .debugging(seed=config["seed"], log_level="ERROR")
    )
    if task.trainer == "rllib":
        return built
    return use_fast_path(built, **trainer.fast_path_keywords(settings))


def _registered_with_rllib(env_id: str, vectorization: Vectorization) -> str:
    """Tells RLlib how to make an environment, in each process that trains, and returns its name there."""

    def create(context: EnvContext) -> VectorEnv[Any, Any, Any]:
        parameters = dict(context)
        return make_vector(env_id, parameters, parameters.pop("num_envs", 1), vectorization)

    register_env(env_id, create)
    return env_id


class PPOTrial(tune.Trainable):  # type: ignore[misc]  # ray ships no types
    """Trains one configuration and reports one result for each evaluation.

    `config` holds the sampled names, the training `seed` and the `config_id`; a confirmation run also holds
    the index of its `test_seed`. Actors are reused: :meth:`reset_config` builds the next trial in place.
    """

    def setup(self, config: dict[str, Any], task: Task) -> None:
        """Prepares the process once and builds the first trial."""
        _prepare_process(task.resources)
        self._task = task
        phase = Phase.CONFIRM if "test_seed" in config else Phase.SEARCH
        self._arena = task.arenas[phase]
        episodes = task.evaluation_episodes
        # Episodes that need a process each are played in turns, in as many as training takes.
        lanes = min(task.lanes, episodes) if task.vectorization == "async" else episodes
        self._evaluation_env = make_vector(task.env, self._arena.parameters, lanes, task.vectorization)
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
        """Saves RLlib's checkpoint."""
        self._algorithm.save_to_path(Path(checkpoint_dir).absolute().as_posix())

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Goes on from RLlib's checkpoint."""
        self._algorithm.restore_from_path(Path(checkpoint_dir).absolute().as_posix())

    def cleanup(self) -> None:
        """Frees the trainer and both environments."""
        self._algorithm.stop()
        self._evaluation_env.close()

    def _build(self, config: dict[str, Any]) -> None:
        self._algorithm: Algorithm = ppo_config(config, self._task).build_algo()
        seeds = self._task.seeds
        confirming = "test_seed" in config
        self._evaluation_seed = seeds.test_evaluation(config["test_seed"]) if confirming else seeds.evaluation
        self._scores: deque[float] = deque(maxlen=OBJECTIVE_WINDOW)
        self._last: dict[str, Any] = {}
        self._steps, self._points, self._wall_s = 0, 0, 0.0

    def _points_passed(self) -> int:
        """Evaluation points, evenly spaced in steps, that training has reached."""
        return min(self._steps * self._task.evaluations // self._task.steps, self._task.evaluations)

    def _next_evaluation(self) -> int:
        """Steps at which the next evaluation is due."""
        return math.ceil((self._points_passed() + 1) * self._task.steps / self._task.evaluations)

    def _train_until(self, steps: int) -> dict[str, float]:
        metrics: dict[str, float] = {}
        while self._steps < steps:
            metrics = read_metrics(self._algorithm.train())
            self._steps = int(metrics.pop("steps"))
        return metrics

    def _evaluate(self) -> dict[str, Any]:
        played = evaluate(
            self._evaluation_env,
            greedy_policy(self._algorithm),
            episodes=self._task.evaluation_episodes,
            seed=self._evaluation_seed,
        )
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
        return {**result, "done": done}

    def _diverged(self, error: DivergenceError) -> dict[str, Any]:
        """The floor score, and nothing else that could be mistaken for a measurement."""
        result = dict.fromkeys(self._last, math.nan)
        result |= {"steps": self._steps, "wall_s": self._wall_s}
        result["score"] = result["objective"] = self._task.diverged_score
        return {**result, "done": True, "state": State.DIVERGED.value, "cause": str(error)}


def _prepare_process(resources: Resources) -> None:
    """As many threads as cores are declared to Ray, and no noise from libraries in the trial's output.

    Raises:
        UserError: A GPU is declared that torch cannot use.
    """
    if resources.gpus and not torch.cuda.is_available():
        raise UserError(
            f"a trial takes {resources.gpus:g} of a GPU, and torch {torch.__version__} finds none: install "
            "torch for the GPU's driver, or declare gpus=0 in the experiment's resources"
        )
    torch.set_num_threads(resources.cpus)
    warnings.filterwarnings("ignore")

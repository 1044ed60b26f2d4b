"""One configuration, trained: the thin `tune.Trainable` around RLlib's PPO that every run of a sweep uses."""

from __future__ import annotations

import math
import time
import warnings
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
from experiments.core import trainer, unfinished
from experiments.core.environments import Arena, make_vector
from experiments.core.evaluation import evaluate
from experiments.core.fast_ppo import DivergenceError, greedy_policy, read_metrics, use_fast_path
from experiments.core.seeds import Seeds
from experiments.core.unfinished import Progress

OBJECTIVE_WINDOW = 3
"""Evaluation points whose mean score is the objective: one alone is mostly noise."""
IDENTITY = ("seed", "config_id", "test_seed")
"""What a trial's `config` carries besides the configuration itself."""
SAVE_EVERY_S = 1.0
"""Seconds of training after which a trial under way saves itself, at its next evaluation."""
SAVE_SHARE = 0.01
"""Part of its time that a trial may spend on saving: large states are saved less often."""
_PROGRESS = "trial.json"


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
    named = {name: value for name, value in config.items() if name not in IDENTITY}
    settings = trainer.complete(named, task.fixed)
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
    the index of its `test_seed`. Actors are reused: :meth:`reset_config` builds the next trial in place.
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
        progress = self._progress
        started, steps_before = time.perf_counter(), progress.steps
        try:
            metrics = self._train_until(self._next_evaluation())
            trained = time.perf_counter()
            result = self._evaluate()
            if not math.isfinite(result["score"]):
                raise DivergenceError("score")
        except DivergenceError as error:
            return self._diverged(error)
        progress.wall_s += time.perf_counter() - started
        result |= metrics
        result["steps_per_s"] = (progress.steps - steps_before) / (trained - started)
        report = self._report(result, done=progress.steps >= self._task.steps)
        if not report["done"]:
            self._save_if_due()
        return report

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Saves RLlib's checkpoint, and how far the trial has come."""
        self._algorithm.save_to_path(Path(checkpoint_dir).absolute().as_posix())
        unfinished.write_progress(Path(checkpoint_dir, _PROGRESS), self._progress)

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Goes on from :meth:`save_checkpoint`, with the same results as if it had never stopped.

        Except under `--trainer rllib`, whose runner begins new episodes and whose KL coefficient starts anew.
        """
        self._algorithm.restore_from_path(Path(checkpoint_dir).absolute().as_posix())
        self._progress = unfinished.read_progress(Path(checkpoint_dir, _PROGRESS))

    def cleanup(self) -> None:
        """Frees the trainer."""
        self._algorithm.stop()

    def _build(self, config: dict[str, Any]) -> None:
        self._algorithm: Algorithm = ppo_config(config, self._task).build_algo()
        seeds = self._task.seeds
        confirming = "test_seed" in config
        self._evaluation_seed = seeds.test_evaluation(config["test_seed"]) if confirming else seeds.evaluation
        self._progress = Progress()
        self._folder = Path(self._storage.trial_fs_path) if self._storage else None
        before = unfinished.load(self._folder) if self._folder else None
        if before is not None:
            self._progress, state = before
            self._algorithm.set_state(state)
        self._saved_at, self._save_cost = time.perf_counter(), 0.0

    def _save_if_due(self) -> None:
        """Writes what a killed sweep goes on from, at most every second and for one part in a hundred."""
        started = time.perf_counter()
        wait = max(SAVE_EVERY_S, self._save_cost / SAVE_SHARE)
        if self._folder is None or started - self._saved_at < wait:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished.save(self._folder, self._progress, self._algorithm.get_state())
        self._saved_at = time.perf_counter()
        self._save_cost = self._saved_at - started

    def _points_passed(self) -> int:
        """Evaluation points, evenly spaced in steps, that training has reached."""
        task = self._task
        return min(self._progress.steps * task.evaluations // task.steps, task.evaluations)

    def _next_evaluation(self) -> int:
        """Steps at which the next evaluation is due."""
        return math.ceil((self._points_passed() + 1) * self._task.steps / self._task.evaluations)

    def _train_until(self, steps: int) -> dict[str, float]:
        metrics: dict[str, float] = {}
        while self._progress.steps < steps:
            metrics = read_metrics(self._algorithm.train())
            self._progress.steps = int(metrics.pop("steps"))
        return metrics

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
        progress, scores = self._progress, self._progress.scores
        # A large batch passes several evaluation points at once; until it was learned from, the policy before
        # it was in force. So the objective covers the same steps whatever the batch size.
        if scores:
            scores.extend([scores[-1]] * (self._points_passed() - progress.points - 1))
        scores.append(result["score"])
        del scores[:-OBJECTIVE_WINDOW]
        progress.points = self._points_passed()
        result["steps"] = progress.steps
        result["wall_s"] = progress.wall_s
        result["objective"] = sum(scores) / len(scores)
        progress.results.append(result)
        return {**result, "done": done}

    def _diverged(self, error: DivergenceError) -> dict[str, Any]:
        """The floor score, and nothing else that could be mistaken for a measurement."""
        progress = self._progress
        result = dict.fromkeys(progress.results[-1] if progress.results else (), math.nan)
        result |= {"steps": progress.steps, "wall_s": progress.wall_s}
        result["score"] = result["objective"] = self._task.diverged_score
        return {**result, "done": True, "state": State.DIVERGED.value, "cause": str(error)}


def _prepare_process() -> None:
    """One thread a trial, as declared to Ray, and no noise from libraries in the trial's output."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

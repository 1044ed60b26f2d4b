"""Training run of one configuration on one seed: an RLlib PPO, evaluated at evenly spaced steps."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from ray.rllib.algorithms.algorithm import Algorithm

from analysis.sweep import ENV_PREFIX
from experiments.core.environments import EvaluationResult, NonFiniteError, Policy, ScoreScale, evaluate
from experiments.core.fast_ppo import DivergenceError, aggregate, greedy_policy, read_metrics
from experiments.core.policy import export_policy
from experiments.core.training.schedule import ConfigurationSchedule, activate

OBJECTIVE_WINDOW = 3
"""Evaluation points whose mean score is the objective: one alone is mostly noise."""
_PROGRESS = "progress.json"
"""File of a checkpoint that is not RLlib's."""


@dataclass(frozen=True, kw_only=True)
class TrainingSchedule:
    """Length of a run, and the evaluations on the way."""

    steps: int
    """Environment steps of a complete run."""
    evaluations: int
    """Evaluations on the way there, evenly spaced."""
    env: VectorEnv[Any, Any, Any]
    """Environment in which it is evaluated."""
    episodes: int
    """Episodes of an evaluation, played in turns where they are more than the lanes."""
    most_steps: int
    """Steps of an episode after which it is cut off."""
    seed: int
    """Of the evaluation's first episode."""
    scale: ScoreScale
    """How the evaluation's returns become scores."""

    def evaluate(self, policy: Policy) -> EvaluationResult:
        """Plays the episodes of an evaluation."""
        return evaluate(self.env, policy, episodes=self.episodes, seed=self.seed, most_steps=self.most_steps)

    @cached_property
    def diverged_score(self) -> float:
        """Score of a run once its numbers are no longer finite.

        Where the environment states none, it is what random actions earn in the evaluation's episodes, which
        are played only once a run has diverged; nan if that is nothing finite.
        """
        if self.scale.diverged is not None:
            return self.scale.diverged
        actions = self.env.action_space
        actions.seed(self.seed)
        returns = self.evaluate(lambda observations: actions.sample()).returns
        finite = returns[np.isfinite(returns)]
        return self.scale.score(float(finite.mean())) if finite.size else math.nan


class TrainingRun:
    """PPO algorithm with its progress and its configuration schedule.

    Args:
        configurations: The configurations that it is trained with, and when they change.
        schedule: Its length, and the evaluations on the way.
    """

    def __init__(self, configurations: ConfigurationSchedule, schedule: TrainingSchedule) -> None:
        self._configurations = configurations
        self._build(configurations.at(0))
        self._schedule = schedule
        self._scores: deque[float] = deque(maxlen=OBJECTIVE_WINDOW)
        self._points, self._wall_s = 0, 0.0
        self.steps = 0
        """Environment steps trained so far."""
        self.cause: str | None = None
        """Why it diverged; None while its numbers are finite."""
        self.result: dict[str, Any] = {}
        """Result of the last evaluation."""

    @property
    def next_evaluation(self) -> int:
        """Steps at which the next evaluation is due."""
        return math.ceil((self._points_passed() + 1) * self._schedule.steps / self._schedule.evaluations)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to train."""
        return self.cause is not None or self.steps >= self._schedule.steps

    def advance(self, steps: int) -> dict[str, Any]:
        """Trains up to `steps` and evaluates; does nothing if it has come that far, or diverged.

        Returns:
            The schema's columns of the evaluation. A run that diverges has the floor score, and nothing else
            that could be mistaken for a measurement.
        """
        if self.cause is None and self.steps < steps:
            started, steps_before = time.perf_counter(), self.steps
            try:
                metrics = self._train_until(steps)
                trained = time.perf_counter()
                result = self.evaluate()
                if not math.isfinite(result["score"]):
                    raise DivergenceError("score")
            except (DivergenceError, NonFiniteError) as error:
                self._diverged(error)
            else:
                self._wall_s += time.perf_counter() - started
                speed = (self.steps - steps_before) / (trained - started)
                self._report({**result, **metrics, "steps_per_s": speed})
        return self.result

    def evaluate(self) -> dict[str, Any]:
        """Evaluates the present policy on the schedule's episodes."""
        played = self._schedule.evaluate(greedy_policy(self._algorithm))
        mean = float(played.returns.mean())
        return {
            "score": self._schedule.scale.score(mean),
            "eval/return_mean": mean,
            "eval/return_std": float(played.returns.std(ddof=1)) if played.returns.size > 1 else 0.0,
            "eval/length_mean": float(played.lengths.mean()),
            **{ENV_PREFIX + name: value for name, value in sorted(played.summaries.items())},
        }

    def save(self, folder: Path) -> None:
        """Saves RLlib's checkpoint, the policy alone, how far the run has come and what it trained with."""
        self._algorithm.save_to_path(folder.absolute().as_posix())
        runner = self._algorithm.env_runner
        export_policy(
            folder, runner.module, runner.env.single_observation_space, runner.env.single_action_space
        )
        (folder / _PROGRESS).write_text(json.dumps(self._progress()) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Continues from what :meth:`save` wrote, with the hyperparameters of this run's schedule active."""
        progress = json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
        config, before = self._configurations.at(progress["steps"]), progress["config"]
        if config != self.config:
            self._algorithm.stop()
            self._build(config)
        self._algorithm.restore_from_path(folder.absolute().as_posix())
        if self._configurations.trained_as(before) != self._configurations.trained_as(config):
            activate(
                self._algorithm, self._configurations.settings(before), self._configurations.settings(config)
            )
        self._go_on_from(progress)

    def get_state(self) -> dict[str, Any]:
        """Returns everything that the rest of the run depends on, as one value."""
        return {"progress": self._progress(), "trainer": self._algorithm.get_state()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continues from what :meth:`get_state` returned, with the hyperparameters that were active then.

        Those that are due next become active at the same point as in a run that was never cut off.

        Raises:
            ValueError: The state is another configuration's.
            Exception: Whatever the parts of a state raise that was not written by this code.
        """
        config = state["progress"]["config"]
        if config not in self._configurations.configs:
            raise ValueError("it was trained with another configuration")
        if config != self.config:
            self._algorithm.stop()
            self._build(config)
        self._algorithm.set_state(state["trainer"])
        self._go_on_from(state["progress"])

    def stop(self) -> None:
        """Frees the trainer."""
        self._algorithm.stop()

    def _build(self, config: dict[str, Any]) -> None:
        self.config = config
        """What it trains with now, the seed included."""
        self._algorithm: Algorithm = self._configurations.build(config).build_algo()

    def _follow_schedule(self) -> None:
        """Continues with the configuration that is due, in the way in which a population's member copies."""
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder))
            self.load(Path(folder))

    def _progress(self) -> dict[str, Any]:
        return {
            "config": self.config,
            "steps": self.steps,
            "points": self._points,
            "wall_s": self._wall_s,
            "scores": list(self._scores),
            "cause": self.cause,
            "result": self.result,
        }

    def _go_on_from(self, progress: Mapping[str, Any]) -> None:
        self.steps, self._points = progress["steps"], progress["points"]
        self._wall_s, self.cause = progress["wall_s"], progress["cause"]
        self._scores = deque(progress["scores"], maxlen=OBJECTIVE_WINDOW)
        self.result = progress["result"]

    def _points_passed(self) -> int:
        """Counts the evaluation points, evenly spaced in steps, that training has reached."""
        evaluations = self._schedule.evaluations
        return min(self.steps * evaluations // self._schedule.steps, evaluations)

    def _train_until(self, steps: int) -> dict[str, float]:
        """Trains, and returns the last update's statistics and how all episodes on the way ended."""
        iterations: list[dict[str, float]] = []
        while self.steps < steps:
            if self._configurations.at(self.steps) != self.config:
                self._follow_schedule()
            iterations.append(read_metrics(self._algorithm.train()))
            self.steps = int(iterations[-1]["steps"])
        metrics = aggregate(iterations)
        return {name: value for name, value in metrics.items() if name not in ("steps", "episodes")}

    def _report(self, result: dict[str, Any]) -> None:
        # A large batch passes several evaluation points at once; until it was learned from, the policy before
        # it was active. So the objective covers the same steps whatever the batch size.
        if self._scores:
            self._scores.extend([self._scores[-1]] * (self._points_passed() - self._points - 1))
        self._points = self._points_passed()
        self._scores.append(result["score"])
        objective = sum(self._scores) / len(self._scores)
        self.result = {**result, "steps": self.steps, "wall_s": self._wall_s, "objective": objective}

    def _diverged(self, error: FloatingPointError) -> None:
        self.cause = str(error)
        floor = self._schedule.diverged_score
        if math.isnan(floor):
            raise ValueError(f"{error}; random actions earn nothing finite either, that it could count as")
        known = {"steps": self.steps, "wall_s": self._wall_s, "score": floor, "objective": floor}
        self.result = {**dict.fromkeys(self.result, math.nan), **known}

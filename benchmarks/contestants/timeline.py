"""Timeline of the trials of a search: the seconds of each that are not training."""

from __future__ import annotations

import statistics
import time
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial


class Timeline(Callback):  # type: ignore[misc]  # ray ships no types
    """Notes when trials begin and end, as the driver sees it.

    A trial begins when the one before it in its actor has ended; those that started an actor are left out.
    """

    def __init__(self) -> None:
        self._freed: list[float] = []
        self._began: dict[str, float] = {}
        self._steps: dict[str, int] = {}
        self._training: dict[str, float] = {}
        self._evaluations: list[float] = []
        self._rest: list[float] = []

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """The trial takes over the actor that has waited longest."""
        if self._freed:
            self._began[trial.trial_id] = self._freed.pop(0)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Adds up the seconds of training."""
        key = trial.trial_id
        trained = (result["steps"] - self._steps.get(key, 0)) / result["steps_per_s"]
        self._training[key] = self._training.get(key, 0.0) + trained
        self._steps[key] = result["steps"]

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Books the trial."""
        now, key = time.monotonic(), trial.trial_id
        self._freed.append(now)
        if key in self._began:
            worked = trial.last_result["wall_s"]
            self._evaluations.append(worked - self._training[key])
            self._rest.append(now - self._began[key] - worked)

    def overhead(self) -> dict[str, float]:
        """Median seconds of a trial: its evaluations, and the rest beside training."""
        return {
            "evaluations": statistics.median(self._evaluations),
            "rest": statistics.median(self._rest),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore of its own, which a sweep never uses."""
        return {}

"""Scheduler for runs that come in rounds, which keeps idle actors warm between them."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial

from experiments.core.ray_internals import keep_idle_actors
from experiments.core.tuning.first_come import FirstComeScheduler


class KeepWarmScheduler(FirstComeScheduler):
    """Keep-warm scheduler: starts runs in the order in which they come and stops none; idle actors stay.

    When no run waits, Tune ends all idle actors but one, so also at a round's last run. In the next round the
    one that is left takes each run before a new actor has come up, which needs seconds and is then given up:
    all cores but one idle.

    Args:
        actors: How many may be idle.
    """

    def __init__(self, actors: int) -> None:
        super().__init__()
        self._actors = actors

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Makes idle actors possible when the first run comes, as only runs say what an actor takes."""
        super().on_trial_add(tune_controller, trial)
        keep_idle_actors(tune_controller, trial, self._actors)
        self._actors = 0

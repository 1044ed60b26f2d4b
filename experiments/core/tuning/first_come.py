"""Schedulers that start trials in the order in which they come, at the same cost however many have ended."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from experiments.core.ray_internals import keep_idle_actors


class FirstComeScheduler(FIFOScheduler):  # type: ignore[misc]  # ray ships no types
    """Ray's first in, first out, among the trials that live.

    Ray's own looks through all trials at every event, those that ended too: a sixth of the driver's work with
    a thousand of them.
    """

    _known = 0
    """Trials that have come so far."""
    _live: tuple[Trial, ...] = ()

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Returns the first trial that waits, else the first that was paused; None if there is neither."""
        trials = tune_controller.get_trials()
        came = trials[self._known :]
        self._known = len(trials)
        self._live = tuple(trial for trial in (*self._live, *came) if not trial.is_finished())
        for status in (Trial.PENDING, Trial.PAUSED):
            for trial in self._live:
                if trial.status == status:
                    return trial
        return None


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

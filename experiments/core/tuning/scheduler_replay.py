"""Scheduler replay: what scheduler and searcher knew before a stop, rebuilt from the curves on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler
from ray.tune.search import Searcher

from analysis.sweep import OBJECTIVE, FinishedRun, State, read_runs, results_of
from experiments.core.tuning.both_phases import BothPhasesScheduler, JudgedTrial


@dataclass(frozen=True, eq=False)
class _PastTrial:
    """Trial that is over, as far as schedulers and callbacks look at it."""

    trial_id: str
    """Id under which Tune would know it."""
    config: Mapping[str, Any]
    """Config of its trainable."""
    last_result: Mapping[str, Any] = field(default_factory=dict)
    """Its last evaluation."""


def replay_finished(scheduler: TrialScheduler, runs: Iterable[FinishedRun]) -> None:
    """Replays to a new scheduler the curves of the runs that ended, as it would have seen them.

    Successive halving fills its rungs, the median rule its averages; schedulers that do not compare with runs
    that are over need nothing.
    """
    for run in runs:
        trial = _PastTrial(run.name, {"config_id": run.name})
        results = _results(run.curve)
        if not results or run.state is State.FAILED:
            continue
        pruned = run.state is State.PRUNED
        # Tune shows the last result of a run that ends by itself to `on_trial_complete` only, and that of a
        # run that the scheduler stopped to both methods.
        if isinstance(scheduler, MedianStoppingRule):
            for result in [*results, results[-1]] if pruned else results:
                scheduler.on_trial_complete(None, trial, result)
        elif isinstance(scheduler, AsyncHyperBandScheduler):
            scheduler.on_trial_add(None, trial)
            for result in results if pruned else results[:-1]:
                scheduler.on_trial_result(None, trial, result)
            scheduler.on_trial_complete(None, trial, results[-1])


def end_stopped_runs(folder: Path, scheduler: TrialScheduler, callbacks: Sequence[Callback]) -> None:
    """Ends the runs that were cut off between a result on which they stop and the record of their end.

    A run saves a result before the scheduler hears of it, and a rung is passed only once: training on, such a
    run would go on to the next one. Its records end with that result, as pruned and without a checkpoint. One
    that was let go on and has not saved itself since is judged again, with what the others have done by now.

    Args:
        folder: The phase's folder.
        scheduler: One that knows of the runs that ended. It takes these for runs of its own and is of no use
            afterwards.
        callbacks: Notified of each end as by Tune.
    """
    for run in read_runs(folder):
        results = results_of(folder / str(run.name))
        if run.state is not State.RUNNING or run.params is None or not results:
            continue
        trial = _PastTrial(str(run.name), run.params.received, results[-1])
        scheduler.on_trial_add(None, trial)
        _replay_earlier(scheduler, trial, results[:-1])
        if scheduler.on_trial_result(None, trial, results[-1]) == TrialScheduler.STOP:
            for callback in callbacks:
                callback.on_trial_complete(0, [], trial)


class ReplayOnStart(Callback):  # type: ignore[misc]  # ray ships no types
    """Callback that replays to judge and searcher what a continued run reported earlier, when it starts.

    By then the run has continued from its file, or refused it and restarted.

    Args:
        folder: The phase's folder.
        scheduler: The one whose judge will judge the run.
        searcher: The one that suggested it.
    """

    def __init__(self, folder: Path, scheduler: BothPhasesScheduler, searcher: Searcher) -> None:
        self._folder = folder
        self._scheduler = scheduler
        self._searcher = searcher
        self._told: set[str] = set()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Replays the run's earlier results once; that it continues after them was decided before."""
        judged = self._scheduler.judged(trial)
        if judged is None or judged.trial_id in self._told:
            return
        self._told.add(judged.trial_id)
        results = results_of(self._folder / judged.trial_id) or []
        _replay_earlier(self._scheduler.judge, judged, results)
        for result in results:
            self._searcher.on_trial_result(trial.trial_id, result)

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Tune pickles its callbacks for a restore of its own, which a sweep never uses."""
        return {}


def _replay_earlier(
    scheduler: TrialScheduler, trial: JudgedTrial | _PastTrial, results: Iterable[Mapping[str, Any]]
) -> None:
    """Replays to a scheduler results after which a run continued."""
    for result in results:
        if isinstance(scheduler, MedianStoppingRule):
            scheduler.on_trial_complete(None, trial, result)
        elif isinstance(scheduler, AsyncHyperBandScheduler):
            scheduler.on_trial_result(None, trial, result)


def _results(curve: Mapping[int, float]) -> list[dict[str, Any]]:
    return [{"steps": steps, OBJECTIVE: curve[steps]} for steps in sorted(curve)]

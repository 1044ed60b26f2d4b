"""Search and confirmation as one run of Tune: a searcher and a scheduler that hand over to the next phase.

A run of Tune begins with new actors, each of which imports for seconds. In one run the actors that searched
go on with the confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from analysis.sweep import Phase, run_name
from experiments.core.training import phase_of
from experiments.core.tuning.first_come import KeepWarmScheduler
from experiments.core.tuning.listed_search import METRIC


class BothPhasesSearch(Searcher):  # type: ignore[misc]  # ray ships no types
    """Searcher that suggests the trials of a search and, once the last of them has ended, what follows.

    Args:
        searcher: That of the search; None if it has ended already.
        trials: How many it suggests.
        following: Makes the searcher of the confirmation, from the trials' records; None if there is none.
    """

    def __init__(
        self, searcher: Searcher | None, trials: int, following: Callable[[], Searcher | None]
    ) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._searcher = searcher
        self._left = trials
        self._following: Callable[[], Searcher | None] | None = following
        self._under_way: set[str] = set()

    def has_next(self) -> bool:
        """Returns whether there is anything to suggest; begins the confirmation where no trial is left."""
        if not self._left and self._following:
            self._searcher, self._following = self._following(), None
        return self._searcher is not None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Returns the next run's configuration; None while the last trials are under way."""
        if not self._left and self._following and self._under_way:
            return None
        if not self.has_next() or self._searcher is None:
            return str(Searcher.FINISHED)
        suggested: dict[str, Any] | str | None = self._searcher.suggest(trial_id)
        if isinstance(suggested, dict):
            self._left = max(0, self._left - 1)
            self._under_way.add(trial_id)
        return suggested

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Tells the phase's searcher."""
        if self._searcher is not None:
            self._searcher.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tells the phase's searcher; no phase begins before the one before it has ended."""
        self._under_way.discard(trial_id)
        if self._searcher is not None:
            self._searcher.on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing: what a sweep knows is in its folder, not in a pickle of the searcher."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Restores nothing, as nothing was saved."""

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Tune pickles the searcher for a restore of its own, which a sweep never uses."""
        return {}


class BothPhasesScheduler(KeepWarmScheduler):
    """Scheduler that puts each run below its phase's folder, and lets another one judge those of the search.

    Args:
        judge: Stops trials of the search early.
        actors: How many may be idle, between two rounds or two phases.
    """

    def __init__(self, judge: TrialScheduler, actors: int) -> None:
        super().__init__(actors)
        self._judge = judge

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Says where the run's checkpoints go, before Tune does."""
        super().on_trial_add(tune_controller, trial)
        phase = phase_of(trial.config)
        trial.relative_logdir = trial.storage.trial_dir_name = f"{phase}/{run_name(trial.config)}"
        if phase is Phase.SEARCH:
            self._judge.on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Lets the run continue, or stops a trial that the other scheduler stops."""
        if phase_of(trial.config) is Phase.SEARCH:
            return str(self._judge.on_trial_result(tune_controller, trial, result))
        return str(TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Tells the other scheduler how a trial ended."""
        if phase_of(trial.config) is Phase.SEARCH:
            self._judge.on_trial_complete(tune_controller, trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Tells the other scheduler of a trial that failed."""
        if phase_of(trial.config) is Phase.SEARCH:
            self._judge.on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Tells the other scheduler of a trial that is taken away."""
        if phase_of(trial.config) is Phase.SEARCH:
            self._judge.on_trial_remove(tune_controller, trial)

"""Search and confirmation as one run of Tune: a searcher and a scheduler that hand over to the next phase.

A run of Tune begins with new actors, each of which imports for seconds. In one run the actors that searched
go on with the confirmation. A run whose process died is suggested again: it is another trial to Tune, and the
same run to the phase's searcher, to the scheduler that judges it and in the sweep's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from analysis.sweep import Phase, run_name
from experiments.core.training import phase_of
from experiments.core.tuning.first_come import KeepWarmScheduler
from experiments.core.tuning.listed_search import StatelessSearch


class BothPhasesSearch(StatelessSearch):
    """Searcher that suggests the trials of a search and, once the last of them has ended, what follows.

    Args:
        searcher: That of the search; None if it has ended already.
        trials: How many it suggests.
        following: Makes the searcher of the confirmation, from the trials' records; None if there is none.
        lost: Runs to suggest again, by Tune's id of the trial whose process died.
    """

    def __init__(
        self,
        searcher: Searcher | None,
        trials: int,
        following: Callable[[], Searcher | None],
        lost: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._searcher = searcher
        self._left = trials
        self._following: Callable[[], Searcher | None] | None = following
        self._lost = lost
        self._suggested: dict[str, tuple[str, dict[str, Any]]] = {}
        """Of the runs under way: Tune's id -> id by which the phase's searcher knows it, and its config."""
        self._errors: list[str] = []
        """Those that ended by an error; Tune tells its callbacks, who know why, after its searcher."""

    def has_next(self) -> bool:
        """Returns whether there is anything to suggest; begins the confirmation where no trial is left."""
        if not self._left and self._following:
            self._searcher, self._following = self._following(), None
        return self._searcher is not None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Returns the next run's configuration; None while the last trials are under way."""
        while self._errors:
            known_as, config = self._suggested.pop(ended := self._errors.pop(0))
            if ended in self._lost:
                self._suggested[trial_id] = known_as, config
                return config
            if self._searcher is not None:
                self._searcher.on_trial_complete(known_as, error=True)
        if not self._left and self._following and self._suggested:
            return None
        if not self.has_next() or self._searcher is None:
            return str(Searcher.FINISHED)
        suggested: dict[str, Any] | str | None = self._searcher.suggest(trial_id)
        if isinstance(suggested, dict):
            self._left = max(0, self._left - 1)
            self._suggested[trial_id] = trial_id, suggested
        return suggested

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Tells the phase's searcher."""
        if self._searcher is not None:
            self._searcher.on_trial_result(self._suggested[trial_id][0], result)

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tells the phase's searcher; no phase begins before the one before it has ended."""
        if error:
            self._errors.append(trial_id)
            return
        known_as, _ = self._suggested.pop(trial_id)
        if self._searcher is not None:
            self._searcher.on_trial_complete(known_as, result)


class JudgedTrial:
    """Trial as a scheduler judges it: known by its run, whichever of Tune's trials trains it at present.

    Args:
        run: The run's name.
    """

    def __init__(self, run: str) -> None:
        self.trial_id = run
        self.trial: Trial | None = None
        """The present one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trial, name)


class BothPhasesScheduler(KeepWarmScheduler):
    """Scheduler that puts each run below its phase's folder, and lets another one judge those of the search.

    Args:
        judge: Stops trials of the search early.
        actors: How many may be idle, between two rounds or two phases.
    """

    def __init__(self, judge: TrialScheduler, actors: int) -> None:
        super().__init__(actors)
        self.judge = judge
        """Stops trials of the search early."""
        self._judged: dict[str, JudgedTrial] = {}

    def judged(self, trial: Trial) -> JudgedTrial | None:
        """Returns a trial as the judge knows it; None for a run of the confirmation."""
        if phase_of(trial.config) is not Phase.SEARCH:
            return None
        run = run_name(trial.config)
        found = self._judged.setdefault(run, JudgedTrial(run))
        found.trial = trial
        return found

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Says where the run's checkpoints go, before Tune does."""
        super().on_trial_add(tune_controller, trial)
        folder = f"{phase_of(trial.config)}/{run_name(trial.config)}"
        trial.relative_logdir = trial.storage.trial_dir_name = folder
        if judged := self.judged(trial):
            self.judge.on_trial_add(tune_controller, judged)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Lets the run continue, or stops a trial that the judge stops."""
        if judged := self.judged(trial):
            return str(self.judge.on_trial_result(tune_controller, judged, result))
        return str(TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Tells the judge how a trial ended; of one that ended by an error it has nothing to learn."""
        if judged := self.judged(trial):
            self.judge.on_trial_complete(tune_controller, judged, result)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Tells the judge of a trial that is taken away."""
        if judged := self.judged(trial):
            self.judge.on_trial_remove(tune_controller, judged)

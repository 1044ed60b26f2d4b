"""Searcher for Ray Tune that proposes what an Optuna study asks for and reports how every trial ends."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.trial import TrialState

from analysis.sweep import FIRST_TRIAL, FinishedRun, Phase, State, UnfinishedRun, trial_name, trial_number
from experiments.core.declaration import SamplerName
from experiments.core.tuning.listed_search import METRIC, StatelessSearch
from experiments.core.tuning.samplers import make_sampler
from experiments.core.tuning.study_journal import StudyJournal
from search_spaces import SearchSpace, model_layouts

VALUE_NAME = "score (mean of the last three)"
"""Name of a trial's value in Optuna's tables and pictures."""


class OptunaStudySearch(StatelessSearch):
    """Searcher that owns an Optuna study.

    Ray's own `OptunaSearch` reports values at iterations instead of steps, takes a trial that the scheduler
    stopped for a complete one, leaves one without a finite value running for ever, and knows no spaces that
    branch. Here values are reported at steps, a stopped trial as PRUNED with its curve, and one that failed
    or has no finite value as FAIL; the default configuration is tried first.

    Args:
        space: The search space.
        study_name: Names the study in the journal.
        journal: Where Optuna's journal goes, which `optuna-dashboard` opens while the sweep runs; no file
            yet. The folder is the state; the journal is made from it at each start.
        sampler: Name of the algorithm that proposes configurations.
        sampler_seed: Seeds the sampler, together with the number of trials there are already.
        training_seed: Returns the training seed of the n-th trial.
        full_steps: Steps of a complete trial; one that ends before them was pruned.
        finished: Trials that the sweep's folder already holds.
        unfinished: Trials that were cut off; they come first.
        first: Values to try next, in order; those that a trial, on disk or about to run, has already are
            passed over.
    """

    def __init__(
        self,
        *,
        space: SearchSpace,
        study_name: str,
        journal: Path,
        sampler: SamplerName = "tpe",
        sampler_seed: int,
        training_seed: Callable[[int], int],
        full_steps: int,
        finished: Sequence[FinishedRun] = (),
        unfinished: Sequence[UnfinishedRun] = (),
        first: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        self._space = space
        self._training_seed = training_seed
        self._full_steps = full_steps
        self._trials: dict[str, optuna.Trial] = {}
        there: list[FinishedRun | UnfinishedRun] = [*finished, *unfinished]
        self.study = optuna.create_study(
            study_name=study_name,
            storage=JournalStorage(StudyJournal(journal)),
            sampler=make_sampler(sampler, space, seed=sampler_seed + len(there)),
            pruner=optuna.pruners.NopPruner(),  # the scheduler is Tune's
            direction="maximize",
        )
        """What is known of the trials, on disk and running."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self.study.set_metric_names([VALUE_NAME])
        for run in finished:
            self.study.add_trial(frozen_trial(run, space))
        waiting: dict[str, Mapping[str, Any]] = {run.name: run.config for run in unfinished}
        taken = {run.name for run in finished}
        if FIRST_TRIAL not in taken:
            waiting = {FIRST_TRIAL: space.defaults, **waiting}
        for config in waiting.values():
            self.study.enqueue_trial(_searched(config, space))
        for values in untried(first, [*(run.config for run in there), *waiting.values()]):
            self.study.enqueue_trial(dict(values))
        new = (trial_name(number) for number in itertools.count() if trial_name(number) not in taken)
        self._names = itertools.chain(waiting, (name for name in new if name not in waiting))

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Returns the next configuration, with its training seed and its readable id."""
        name = next(self._names)
        trial = self._trials[trial_id] = self.study.ask()
        config: dict[str, Any] = {}
        for h in self._space:
            if h.active(config):
                config[h.name] = _suggested(trial, h.name, h.domain)
        for attribute, value in _where(name).items():
            trial.set_user_attr(attribute, value)
        return {
            **config,
            **model_layouts.derived(config),
            "seed": self._training_seed(trial_number(name)),
            "config_id": name,
        }

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Reports an objective at its steps, also one from before the trial was cut off."""
        value = result.get(METRIC, math.nan)
        if math.isfinite(value):
            self._trials[trial_id].report(value, int(result["steps"]))

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Reports to Optuna how the trial ended."""
        trial = self._trials[trial_id]
        if error or not result or not math.isfinite(result.get(METRIC, math.nan)):
            self.study.tell(trial, state=TrialState.FAIL)
            return
        self.on_trial_result(trial_id, result)
        diverged = result.get("state") == State.DIVERGED
        pruned = result["steps"] < self._full_steps and not diverged
        state = State.DIVERGED if diverged else State.PRUNED if pruned else State.COMPLETED
        for attribute, value in _how_it_ended(state, result["steps"]).items():
            trial.set_user_attr(attribute, value)
        if pruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, result[METRIC])


def untried(
    candidates: Iterable[Mapping[str, Any]], tried: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Returns the candidates whose values neither a tried configuration nor a candidate before them has."""
    new: list[Mapping[str, Any]] = []
    for values in candidates:
        if not any(values.items() <= config.items() for config in (*tried, *new)):
            new.append(values)
    return new


def frozen_trial(run: FinishedRun, space: SearchSpace) -> optuna.trial.FrozenTrial:
    """Returns a trial that the folder holds, as Optuna would have recorded it."""
    states = {
        State.COMPLETED: TrialState.COMPLETE,
        State.DIVERGED: TrialState.COMPLETE,
        State.PRUNED: TrialState.PRUNED,
    }
    state = states.get(run.state, TrialState.FAIL)
    params = _searched(run.config, space)
    return optuna.trial.create_trial(
        state=state,
        value=None if state is TrialState.FAIL else run.objective,
        params=params,
        distributions={name: space[name].domain for name in params},
        intermediate_values=dict(run.curve),
        user_attrs=_where(run.name) | _how_it_ended(run.state, max(run.curve, default=0)),
    )


def _where(name: str) -> dict[str, Any]:
    """Returns what Optuna's tables say of a trial from its start on."""
    return {"config_id": name, "folder": f"{Phase.SEARCH}/{name}"}


def _how_it_ended(state: State, steps: float) -> dict[str, Any]:
    """Returns what they say of one that has ended; of Optuna's states, several of ours are one."""
    return {"state": str(state), "steps": int(steps)}


def _searched(config: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Returns a recorded configuration without what was derived from searched hyperparameters."""
    return {name: config[name] for name in space.names if name in config}


def _suggested(trial: optuna.Trial, name: str, domain: BaseDistribution) -> Any:
    if isinstance(domain, CategoricalDistribution):
        return trial.suggest_categorical(name, domain.choices)
    if isinstance(domain, IntDistribution):
        return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    assert isinstance(domain, FloatDistribution)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)

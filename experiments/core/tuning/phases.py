"""Phases of a sweep that train: the search, and the confirmation of what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import (
    Callback,
    CheckpointConfig,
    CLIReporter,
    FailureConfig,
    RunConfig,
    TuneConfig,
    Tuner,
)
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from analysis.sweep import (
    BASELINES,
    Phase,
    finished_runs,
    is_ablation,
    run_folders,
    run_name,
    trial_name,
    unfinished_runs,
)
from analysis.verdict import most_seeds
from experiments.core.declaration import Population, Stopping
from experiments.core.planning import Plan, missing_trials, next_confirmation_runs, tried_again
from experiments.core.records import (
    CheckpointBudget,
    drop_older_checkpoints,
    new_study,
    os_error_in,
    remove_tunes_files,
    remove_unfinished,
    tidy,
)
from experiments.core.training import PPOTrial, Task
from experiments.core.tuning.both_phases import BothPhasesScheduler, BothPhasesSearch
from experiments.core.tuning.build_schedulers import build_scheduler
from experiments.core.tuning.callbacks import EnforceCheckpointBudget, Interruption, Recorder, run_folder
from experiments.core.tuning.first_come import FirstComeScheduler
from experiments.core.tuning.lineage import LineageWriter
from experiments.core.tuning.listed_search import ListedSearch
from experiments.core.tuning.optuna_search import OptunaStudySearch, untried
from experiments.core.tuning.pbt import KEPT_CHECKPOINTS, Members, population_scheduler
from experiments.core.tuning.perturbation import members
from experiments.core.tuning.scheduler_replay import ReplayOnStart, end_stopped_runs, replay_finished
from search_spaces.starting_points import starting_points

RETRIES = 3
"""Times that a run whose process died goes on at once; after that it is left unfinished."""
EVERY_RUN = -1
"""Number of samples by which Tune runs whatever a searcher suggests."""


def train(
    plan: Plan,
    task: Task,
    *,
    concurrency: int,
    recorder: Recorder,
    interruption: Interruption,
    next_phase: Callable[[], Mapping[str, Mapping[str, Any]]],
) -> None:
    """Tries configurations until the budget is spent, and then trains the chosen ones on test seeds.

    What the folder holds is not run again, and a run that was cut off continues from where it last saved
    itself.

    Args:
        plan: The sweep.
        task: Settings that all its runs have in common.
        concurrency: Runs at once.
        recorder: Notified of every result.
        interruption: Ends training when asked to.
        next_phase: Called when the search has ended; returns the configurations to confirm by id, slowest
            first, so that no core idles at the end, or none.
    """
    remove_tunes_files(plan.folder)
    (plan.folder / Phase.SEARCH).mkdir(exist_ok=True)
    for phase in Phase:
        tidy(plan.folder / phase, again=tried_again(plan, plan.folder / phase))
    confirmation = partial(_confirmation, plan, interruption, next_phase)
    declared, folder = plan.experiment.scheduler, plan.folder / Phase.SEARCH
    budget = EnforceCheckpointBudget(
        CheckpointBudget(folder, budget=plan.experiment.checkpoint_budget_gb * 10**9, full_steps=task.steps),
        interruption,
    )
    callbacks: list[Callback] = [recorder, budget]
    judge: TrialScheduler = FirstComeScheduler()
    searcher, remaining = None, 0
    if not isinstance(declared, Population):
        end_stopped_runs(folder, _informed(declared, plan, folder), callbacks)
        judge, remaining = _informed(declared, plan, folder), missing_trials(plan)
        searcher = _searcher(plan, task) if remaining else None
    elif missing_trials(plan):
        train_population(
            plan, task, declared,
            concurrency=concurrency, callbacks=callbacks, interruption=interruption,
        )  # fmt: skip
    recorder.retries = RETRIES
    both = BothPhasesSearch(searcher, remaining, confirmation, recorder.lost)
    if both.has_next():
        scheduler = BothPhasesScheduler(judge, concurrency)
        train_all(
            plan.folder, None, task, both, scheduler,
            runs=EVERY_RUN, concurrency=concurrency, interruption=interruption,
            callbacks=[*callbacks, ReplayOnStart(folder, scheduler, both)],
        )  # fmt: skip
    remove_tunes_files(plan.folder)


def _searcher(plan: Plan, task: Task) -> OptunaStudySearch:
    """Makes the searcher, which knows of the trials that the folder holds."""
    folder = plan.folder / Phase.SEARCH
    return OptunaStudySearch(
        space=plan.experiment.space,
        study_name=f"{plan.name}/{plan.sweep}",
        journal=new_study(plan.folder),
        sampler=plan.experiment.sampler,
        sampler_seed=plan.seeds.sampler,
        training_seed=plan.seeds.training,
        full_steps=task.steps,
        finished=finished_runs(folder),
        unfinished=unfinished_runs(folder),
        first=first_configurations(plan),
    )


def _informed(declared: Stopping, plan: Plan, folder: Path) -> TrialScheduler:
    """Builds a scheduler that knows of the runs that ended."""
    steps = plan.experiment.budget.steps_per_trial
    scheduler = build_scheduler(declared, steps=steps, seed=plan.seeds.sampler)
    replay_finished(scheduler, finished_runs(folder))
    return scheduler


def first_configurations(plan: Plan) -> list[Mapping[str, Any]]:
    """Returns what is tried after the default: what is known to start well, and what another sweep found."""
    taken_over = plan.warm_start.configurations.values() if plan.warm_start else ()
    return [*starting_points(plan.experiment.space), *taken_over]


def train_population(
    plan: Plan,
    task: Task,
    scheduler: Population,
    *,
    concurrency: int,
    callbacks: Sequence[Callback],
    interruption: Interruption,
) -> None:
    """Trains the members that have not finished as one population, from their start.

    Args:
        plan: The sweep.
        task: Settings that all its runs have in common.
        scheduler: How the population is trained.
        concurrency: Members that train at once.
        callbacks: Notified of every result.
        interruption: Ends the phase when asked to.
    """
    experiment, folder = plan.experiment, plan.folder / Phase.SEARCH
    # A population trains side by side from the start: who was cut off cannot join the others later.
    remove_unfinished(folder, keep=())
    finished = {run.name for run in finished_runs(folder)}
    first = untried(first_configurations(plan), [experiment.space.defaults])
    drawn = members(experiment.space, experiment.budget.trials, plan.seeds.sampler, first=first)
    runs = [
        {**config, "config_id": trial_name(number), "seed": plan.seeds.training(number)}
        for number, config in enumerate(drawn)
        if trial_name(number) not in finished
    ]
    population = population_scheduler(
        scheduler, experiment.space, size=len(runs), steps=task.steps, evaluations=task.evaluations,
        seed=plan.seeds.sampler, concurrency=concurrency, lineage=LineageWriter(folder),
    )  # fmt: skip
    search_alg = Members(runs, population, concurrency)
    train_all(
        plan.folder, Phase.SEARCH, replace(task, goes_on=False), search_alg, population,
        param_space=search_alg.param_space, runs=1, concurrency=None, kept_checkpoints=KEPT_CHECKPOINTS,
        callbacks=callbacks, interruption=interruption,
    )  # fmt: skip
    for run in run_folders(folder).values():
        drop_older_checkpoints(run)


def confirmation_runs(plan: Plan, chosen: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the trainable's config for each chosen configuration on each test seed there may be, by run."""
    asked = plan.experiment.confirmation

    def most(config_id: str) -> int:
        return most_seeds(config_id, asked.interim_analyses) if config_id in BASELINES else asked.maximum

    runs = [
        {**config, "config_id": config_id, "seed": plan.seeds.test_training(k), "test_seed": k}
        for config_id, config in chosen.items()
        for k in range(most(config_id))
    ]
    return {run_name(run): run for run in runs}


def _confirmation(
    plan: Plan, interruption: Interruption, next_phase: Callable[[], Mapping[str, Mapping[str, Any]]]
) -> ListedSearch | None:
    """Makes the searcher of the confirmation, which suggests as many seeds as the race asks for.

    A fixed number of seeds is a race with a single interim analysis. None if nothing is to be run.
    """
    chosen = {} if interruption.requested else next_phase()
    if not chosen:
        return None
    (plan.folder / Phase.CONFIRM).mkdir(exist_ok=True)
    possible = confirmation_runs(plan, chosen)
    # Half a run of a configuration that is not among the best any more is of no use to anyone.
    begun = [run.name for run in unfinished_runs(plan.folder / Phase.CONFIRM) if is_ablation(run.name)]
    remove_unfinished(plan.folder / Phase.CONFIRM, keep={*possible, *begun})
    asked: list[dict[str, Any]] = []

    def next_round() -> list[dict[str, Any]]:
        nonlocal asked
        before, asked = asked, next_confirmation_runs(plan, list(chosen), possible)
        # Asked for twice, a run leaves no records: a third time would not help.
        return [] if interruption.requested or asked == before else asked

    first = next_round()
    return ListedSearch(first, next_round) if first else None


def train_all(
    folder: Path,
    phase: Phase | None,
    task: Task,
    searcher: Searcher | Members,
    scheduler: TrialScheduler,
    *,
    runs: int,
    concurrency: int | None,
    callbacks: Sequence[Callback],
    interruption: Interruption,
    param_space: Mapping[str, Any] | None = None,
    kept_checkpoints: int | None = None,
) -> None:
    """Runs what a searcher suggests on Tune, in the declared resources and in actors that are used again.

    Args:
        folder: The sweep's folder; the runs' checkpoints go below its phase.
        phase: Which one; None if the scheduler puts each run below its own.
        task: Settings that all runs have in common.
        searcher: Gives the runs' configurations.
        scheduler: May stop a run early.
        runs: How many there are, or :data:`EVERY_RUN`; of each point in `param_space` where there is one.
        concurrency: How many at once; None leaves it to the scheduler.
        callbacks: Notified of every result.
        interruption: Ends the phase when asked to.
        param_space: Where the runs come from, if they are a population.
        kept_checkpoints: Of a run, while the phase goes on; all if None. With a number, Tune writes down the
            state of all runs whenever one has written so many.

    Raises:
        OSError: The storage cannot be written, or is gone; all runs under way are left unfinished.
    """
    tuner = Tuner(
        tune.with_resources(tune.with_parameters(PPOTrial, task=task), task.resources.declared),
        param_space=param_space,
        tune_config=TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=runs,
            max_concurrent_trials=concurrency,
            reuse_actors=True,
            trial_dirname_creator=run_folder,
        ),
        run_config=RunConfig(
            name=folder.name if phase is None else phase.value,
            storage_path=(folder.parent if phase is None else folder).as_posix(),
            stop=interruption,
            callbacks=list(callbacks),
            checkpoint_config=CheckpointConfig(num_to_keep=kept_checkpoints, checkpoint_at_end=True),
            failure_config=FailureConfig(max_failures=0, fail_fast=False),
            # In a notebook Tune's own reporter would clear the cell, and with it the plan.
            progress_reporter=CLIReporter(),
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except Exception as error:
        raise interruption.storage_error or os_error_in(str(error)) or error from error  # Tune makes it text

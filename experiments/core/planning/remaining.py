"""Remaining runs of a sweep's folder: trials of its search, and runs of its confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.advice import ablate
from analysis.sweep import (
    BASELINES,
    FIRST_TRIAL,
    FinishedRun,
    Phase,
    State,
    configurations_of,
    finished_runs,
    is_ablation,
    load_ablation,
    load_confirmation,
    ranking_key,
    run_name,
)
from analysis.verdict import missing_runs
from experiments.core.planning.code import code_of
from experiments.core.planning.plan import Plan


def tried_again(plan: Plan, phase_folder: Path) -> dict[str, str]:
    """Returns the failed runs that are trained again, by name, and why.

    That is asked for, or the code is not that with which they failed.
    """
    failed = [run for run in finished_runs(phase_folder) if run.state is State.FAILED]
    if plan.options.retry_failed:
        return {run.name: "--retry-failed asks for it" for run in failed}
    now = code_of(plan.experiment.env) if any(run.code for run in failed) else {}
    changed = {
        run.name: [name for name in {**run.code, **now} if run.code.get(name) != now.get(name)]
        for run in failed
        if run.code
    }
    return {name: f"{' and '.join(what)} changed since" for name, what in changed.items() if what}


def settled_runs(plan: Plan, phase: Phase) -> list[FinishedRun]:
    """Returns the runs of a phase that ended, but for those that are trained again."""
    again = tried_again(plan, plan.folder / phase)
    return [run for run in finished_runs(plan.folder / phase) if run.name not in again]


def missing_trials(plan: Plan) -> int:
    """Counts the trials that the search lacks."""
    return max(0, plan.experiment.budget.trials - len(settled_runs(plan, Phase.SEARCH)))


def chosen_configurations(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """Returns what is confirmed: the baselines and the best trials, by id, slowest first."""
    tried = [
        run
        for run in finished_runs(plan.folder / Phase.SEARCH)
        if run.state in {State.COMPLETED, State.PRUNED} and run.curve and run.name != FIRST_TRIAL
    ]
    # Those that were stopped early fill up what is missing, the longest trained first.
    full = plan.experiment.budget.steps_per_trial
    best = sorted(tried, key=lambda run: ranking_key(run, full), reverse=True)
    folder = plan.folder / Phase.SEARCH
    winners = {run.name: run.repetition for run in best[: plan.experiment.confirmation.top_k]}
    # A race that was begun before trials were added continues for its contenders too.
    racing = len(plan.experiment.confirmation.interim_analyses) > 1
    folder = plan.folder / Phase.CONFIRM
    begun = {
        run.config_id: run.repetition
        for run in (finished_runs(folder) if racing else [])
        if not is_ablation(run.config_id)
    }
    return {**plan.baselines, **winners, **begun}


def lacks_runs(plan: Plan) -> bool:
    """Returns whether a sweep that was begun has anything left to run."""
    if missing_trials(plan) or tried_again(plan, plan.folder / Phase.CONFIRM):
        return True
    chosen = chosen_configurations(plan)
    if not chosen.keys() - set(BASELINES):
        return False
    confirmation = load_confirmation(plan.folder)
    return bool(
        missing_confirmation_runs(plan, confirmation, list(chosen))
        or missing_ablation_runs(plan, confirmation)
    )


def next_confirmation_runs(
    plan: Plan, configurations: Sequence[str], possible: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Returns what the next runs of the confirmation receive, the race's before the ablation's.

    Args:
        plan: The sweep.
        configurations: Ids of what is confirmed, slowest first.
        possible: What each run that a race may ask for receives, by its name.
    """
    table = load_confirmation(plan.folder)
    raced = missing_confirmation_runs(plan, table, configurations)
    if raced:
        return [possible[run_name({"config_id": config_id, "test_seed": k})] for config_id, k in raced]
    ablated = missing_ablation_runs(plan, table)
    return [{**run, "seed": plan.seeds.test_training(run["test_seed"])} for run in ablated]


def missing_ablation_runs(plan: Plan, confirmation: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """Returns the runs of the winner's ablation to do next, as configurations with id and test seed.

    Args:
        plan: The sweep.
        confirmation: Table of its confirmation runs, whose race is over.
    """
    asked = plan.experiment.confirmation
    found = ablate(
        confirmation, load_ablation(plan.folder), configurations_of(plan.folder / Phase.CONFIRM),
        interim_analyses=asked.interim_analyses, budget=asked.ablation,
        minimal_effect=_minimal_effect(plan),
    )  # fmt: skip
    return () if found is None else found.missing


def missing_confirmation_runs(
    plan: Plan, confirmation: pd.DataFrame, configurations: Sequence[str]
) -> list[tuple[str, int]]:
    """Returns the runs of the confirmation to do next, as (configuration, test seed).

    Args:
        plan: The sweep.
        confirmation: Table of its confirmation runs so far.
        configurations: Ids of what is confirmed, slowest first.
    """
    asked = plan.experiment.confirmation
    return missing_runs(
        confirmation, asked.interim_analyses, configurations,
        minimal_effect=_minimal_effect(plan),
        max_collapse=asked.max_collapse,
    )  # fmt: skip


def _minimal_effect(plan: Plan) -> float:
    """Returns the gain in score that matters; of no meaning, and 0, where the environment states no scale."""
    return plan.experiment.confirmation.minimal_effect if plan.scale.floor is not None else 0.0

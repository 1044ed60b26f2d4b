"""Remaining runs of a sweep's folder: trials of its search, and runs of its confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.sweep import BASELINES, FIRST_TRIAL, Phase, State, finished_runs, load_confirmation, ranking_key
from analysis.verdict import missing_runs
from experiments.core.planning.plan import Plan


def missing_trials(plan: Plan) -> int:
    """Counts the trials that the search lacks."""
    return max(0, plan.experiment.budget.trials - len(finished_runs(plan.folder / Phase.SEARCH)))


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
    begun = {run.config_id: run.repetition for run in (finished_runs(folder) if racing else [])}
    return {**plan.baselines, **winners, **begun}


def lacks_runs(plan: Plan) -> bool:
    """Returns whether a sweep that was begun has anything left to run."""
    if missing_trials(plan):
        return True
    chosen = chosen_configurations(plan)
    if not chosen.keys() - set(BASELINES):
        return False
    confirmation = load_confirmation(plan.folder)
    return bool(missing_confirmation_runs(plan, confirmation, list(chosen)))


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
        minimal_effect=asked.minimal_effect if plan.scale.floor is not None else 0.0,
        max_collapse=asked.max_collapse,
    )  # fmt: skip

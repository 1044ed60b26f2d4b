"""Preflight checks: all that seconds can tell of a sweep before anything is spent."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import torch

from analysis.sweep import DEFAULT, Phase
from analysis.text import counted
from envs.lanes import EnvironmentExitedError, LaneError
from experiments.core.environments import make_vector
from experiments.core.errors import UserError
from experiments.core.planning import Plan
from experiments.core.preflight.contract import check_command, check_contract
from experiments.core.preflight.cost_model import CostEstimate
from experiments.core.preflight.declaration import check_names, check_population, check_splits
from experiments.core.preflight.environment_parameters import check_environment_names
from experiments.core.preflight.estimate import estimate_of, evaluation_limit
from experiments.core.preflight.extremes import extremes, named_extremes
from experiments.core.preflight.folder import check_disk, check_folder, check_records, check_warm_start
from experiments.core.preflight.probe import (
    EvaluationCost,
    ExtremeRuns,
    Patience,
    measure_evaluation,
    preserve_rng_state,
    try_extremes,
)
from experiments.core.preflight.workers import Environments
from experiments.core.ray_internals import cores_here
from experiments.core.training import Task, hyperparameters, ppo_config, trainer_part

PATIENCE = Patience(computing_s=3.5, clock_s=6.0)
"""Time after which no further extreme configuration is trained, and no further layout measured."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Results of the checks; what is wrong enough to stop for is raised instead."""

    extremes: ExtremeRuns
    """The extreme configurations that were tried."""
    estimate: CostEstimate
    """Estimated cost of the sweep, or of the rest of it."""
    at_least: bool
    """Whether it may take longer without limit: evaluation episodes did not end, and nothing says when."""
    concurrency: int
    """Runs at once that the estimate is for."""
    free_bytes: int
    """Free disk space where the sweep is kept."""
    notes: tuple[str, ...]
    """Notes for the user on what stops nothing."""


def preflight(plan: Plan) -> Checked:
    """Checks hyperparameters, environment, objective and storage, and estimates time and disk.

    Raises:
        UserError: With the first thing that is wrong.
    """
    experiment = plan.experiment
    check_names(plan)
    concurrency = _concurrency(plan)
    with closing(make_vector(experiment.env, experiment.env_parameters, 1, experiment.vectorization)) as env:
        shape = env.single_observation_space.shape or ()
    check_environment_names(experiment, extremes(experiment.space))
    check_splits(plan)
    check_population(plan)
    check_warm_start(plan)
    # Compiling one layout takes longer than all the checks.
    task = replace(plan.task(diverged_score=0.0), compile="never")
    tried = {DEFAULT: experiment.space.defaults, **named_extremes(plan)}
    for config in tried.values():
        ppo_config({**config, "seed": 0}, task)
        hyperparameters.check_layout(
            hyperparameters.with_defaults(trainer_part(config), experiment.fixed), shape
        )
    check_folder(plan)
    check_records(plan)
    notes, found, evaluation = _tried_out(plan, task, tried)
    expected = estimate_of(plan, found, evaluation, concurrency)
    limit = evaluation_limit(plan)
    return Checked(
        extremes=found,
        estimate=expected,
        at_least=not evaluation.finished and limit is None,
        concurrency=concurrency,
        free_bytes=check_disk(plan, expected.bytes),
        notes=(
            *notes,
            *_concurrency_notes(plan, concurrency),
            *_extreme_notes(found),
            *_episode_notes(plan, evaluation, limit),
        ),
    )


def _tried_out(
    plan: Plan, task: Task, configs: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], ExtremeRuns, EvaluationCost]:
    """Runs the user's environment: its contract, an update of each configuration, an evaluation.

    Returns:
        Notes on the contract, and what the updates and the evaluation gave.

    Raises:
        UserError: It raises something, training begins with what is not finite, or the objective is not.
    """
    env, seed = plan.experiment.env, plan.seeds.probe
    settings = [
        hyperparameters.with_defaults(trainer_part(config), task.fixed) for config in configs.values()
    ]
    rows = min(each["minibatch_size"] for each in settings)
    try:
        with preserve_rng_state(), Environments() as environments:
            notes = _contract_notes(plan)
            found = try_extremes(configs, task, environments, seed=seed, few_rows=rows, patience=PATIENCE)
            if DEFAULT in found.diverged:
                raise UserError(
                    "the default configuration's first update is not finite: see that rewards and "
                    "observations are finite and of order one"
                )
            evaluation = measure_evaluation(
                configs[DEFAULT], task, environments, plan.evaluation_settings[Phase.SEARCH], seed=seed
            )
    except UserError:
        raise
    except (LaneError, EnvironmentExitedError) as error:
        raise UserError(f"{env} cannot be trained: {error}") from error
    except Exception as error:  # whatever the user's own environment raises is the finding
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{env} cannot be trained: {what}; --debug shows where") from error
    if evaluation.finished and not math.isfinite(evaluation.score):
        raise UserError(
            f"the objective of an untrained policy is {evaluation.score}: expected {env} to pay finite "
            "rewards in every step"
        )
    return notes, found, evaluation


def _concurrency(plan: Plan) -> int:
    """Returns the runs at once on this machine; on a cluster, which is known once it is joined, a guess."""
    if os.environ.get("RAY_ADDRESS"):
        return plan.options.concurrency or cores_here()
    return plan.concurrency({"CPU": cores_here(), "GPU": torch.cuda.device_count()})


def _concurrency_notes(plan: Plan, concurrency: int) -> list[str]:
    wanted = plan.options.concurrency
    if wanted is None or wanted <= concurrency:
        return []
    return [f"--concurrency {wanted} is more than fits on this machine, where {concurrency} can run at once"]


def _contract_notes(plan: Plan) -> list[str]:
    experiment = plan.experiment
    broken = check_contract(experiment.env, experiment.env_parameters)
    if not broken:
        return []
    return [
        f"{experiment.env} leaves {len(broken)} of an environment's promises unkept, none that training "
        f"needs: {'; '.join(result.name for result in broken)} "
        f"({check_command(experiment.env, experiment.env_parameters)})"
    ]


def _extreme_notes(found: ExtremeRuns) -> list[str]:
    notes = [f"the first update is not finite with {name}" for name in found.diverged]
    if found.slowdown > 1:
        notes.append(
            f"other programs, or waiting, make computing take {found.slowdown:.1f} times as long as on an "
            "idle machine; the estimate counts with that"
        )
    return notes


def _episode_notes(plan: Plan, evaluation: EvaluationCost, limit: int | None) -> list[str]:
    """Notes where episodes may have no end, or are too long for the intervals of reporting."""
    experiment = plan.experiment
    budget = experiment.budget
    if not evaluation.finished:
        unended = f"not every evaluation episode ended within {evaluation.steps:,} steps, and "
        if limit is not None:
            return [f"{unended}an evaluation lasts until all have: up to {limit:,} steps, as is estimated"]
        return [
            f"{unended}{experiment.env} states no time limit: an evaluation lasts until all have, which may "
            "be never, so the estimate is the least it takes; register it with max_episode_steps"
        ]
    interval = budget.steps_per_trial / budget.evaluations / experiment.lanes
    takes = f"{interval:,.0f}" if interval >= 1 else "less than one"
    if evaluation.length_mean <= interval:
        return []
    return [
        f"an episode lasts about {counted(round(evaluation.length_mean), 'step')}, but between evaluations a "
        f"lane takes {takes}: some will find no finished training episode (train/return_mean is missing "
        "there)"
    ]

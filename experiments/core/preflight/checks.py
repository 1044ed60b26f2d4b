"""Preflight checks: all that seconds can tell of a sweep before anything is spent."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from analysis.sweep import DEFAULT
from analysis.text import counted
from envs.lanes import closing_faults, is_of_users, told
from experiments.core.declaration import Vectorization
from experiments.core.environments import imported_spec
from experiments.core.errors import UserError
from experiments.core.planning import LEAST_TIMEOUT_S, Plan
from experiments.core.preflight.contract import check_contract, contract_notes
from experiments.core.preflight.cost_model import CostEstimate
from experiments.core.preflight.deadline import Deadline, TimeUpError
from experiments.core.preflight.declaration import check_names, check_population, check_splits
from experiments.core.preflight.environment_parameters import check_environment_names
from experiments.core.preflight.estimate import Costs, estimate_of, evaluation_cost, evaluation_notes
from experiments.core.preflight.extremes import named_extremes
from experiments.core.preflight.folder import check_disk, check_folder, check_records, check_warm_start
from experiments.core.preflight.play import Play, batch_step_seconds, conduct_notes, play, play_notes
from experiments.core.preflight.probe import (
    EvaluationCost,
    ExtremeRuns,
    Patience,
    preserve_rng_state,
    try_extremes,
)
from experiments.core.ray_internals import cores_here
from experiments.core.records import kept_from_the_terminal
from experiments.core.training import Task, hyperparameters, ppo_config, trainer_part
from experiments.core.tuning import check_cluster

PATIENCE = Patience(computing_s=3.5, clock_s=6.0)
"""Time after which no further extreme configuration is trained, and no further layout measured."""
PROCESS_S = 3.0
"""Seconds in which the first process for a lane starts, those of its server's imports among them."""
PATIENT = 100
"""Times its usual duration after which a call of the environment counts as stuck."""
LOOK_S = 2.0
"""Seconds of a first look at an environment."""
PLAY_S, BATCH_S, EVALUATION_S = 1.0, 0.3, 1.0
"""Seconds for playing a few episodes, for stepping lanes together, and for an evaluation."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Results of the checks; what is wrong enough to stop for is raised instead."""

    costs: Costs
    """What was measured of the runs."""
    estimate: CostEstimate
    """Estimated cost of the sweep, or of the rest of it."""
    step_timeout_s: float
    """Seconds after which a call of the environment counts as stuck, by how long they take."""
    free_bytes: int
    """Free disk space where the sweep is kept."""
    notes: tuple[str, ...]
    """Notes for the user on what stops nothing."""

    @property
    def extremes(self) -> ExtremeRuns:
        """The extreme configurations that were tried."""
        return self.costs.extremes

    @property
    def concurrency(self) -> int:
        """Runs at once that the estimate is for."""
        return self.costs.concurrency


def preflight(
    plan: Plan,
    say: Callable[[str], None] = lambda doing: None,
    abandon: Callable[[str], None] | None = None,
) -> Checked:
    """Checks hyperparameters, environment, objective and storage, and estimates time and disk.

    Args:
        plan: The sweep.
        say: Told what is being done, whenever that changes.
        abandon: Ends the process, given what to say, where the environment cannot even be interrupted.

    Raises:
        UserError: With the first thing that is wrong.
    """
    experiment = plan.experiment
    check_names(plan)
    if address := os.environ.get("RAY_ADDRESS"):
        check_cluster(address)
    concurrency = _concurrency(plan)
    check_warm_start(plan)
    check_folder(plan)
    check_records(plan)
    task = plan.task()
    tried = {DEFAULT: experiment.space.defaults, **named_extremes(plan)}
    for config in tried.values():
        ppo_config({**config, "seed": 0}, task)
    deadline = Deadline(experiment.check_s, say, abandon)
    with (
        preserve_rng_state(),
        _errors_told(experiment.env),
        kept_from_the_terminal() as printed,
        closing_faults.collected() as faults,
    ):
        with deadline.enforced():
            played, notes = _played(plan, tried, deadline)
            check_splits(plan)
            check_population(plan)
            step_s = _step_seconds(plan, played, deadline)
        found = _extremes_tried(plan, task, tried, played, deadline)
        evaluation = evaluation_cost(plan, task, played, deadline, seconds=EVALUATION_S)
    _check_objective(plan, evaluation)
    costs = Costs(
        extremes=found, evaluation=evaluation, concurrency=concurrency,
        step_s=step_s, lanes_s=_lanes_seconds(plan, task, played),
    )  # fmt: skip
    expected = estimate_of(plan, costs)
    return Checked(
        costs=costs,
        estimate=expected,
        step_timeout_s=max(LEAST_TIMEOUT_S, PATIENT * played.step_s, PATIENT * played.make_s),
        free_bytes=check_disk(plan, expected.bytes),
        notes=(
            *notes,
            *conduct_notes(experiment.env, printed, faults),
            *_concurrency_notes(plan, concurrency),
            *_extreme_notes(found),
            *evaluation_notes(plan, evaluation, played),
        ),
    )


def look(env: str, vectorization: Vectorization, deadline: Deadline) -> Play:
    """Plays a moment in an environment of which nothing else is known yet, however it behaves.

    Raises:
        UserError: It cannot be made or played in.
    """
    with _errors_told(env), kept_from_the_terminal(), closing_faults.collected(), deadline.enforced():
        deadline.begin(f"playing in {env}")
        return play(env, {}, vectorization, seconds=LOOK_S, seed=0)


def _check_objective(plan: Plan, evaluation: EvaluationCost) -> None:
    """Refuses an environment whose rewards make no score."""
    if not math.isfinite(evaluation.score) and evaluation.finished:
        raise UserError(
            f"the objective of an untrained policy is {evaluation.score}: expected {plan.experiment.env} to "
            "pay finite rewards in every step"
        )


def _played(plan: Plan, tried: Mapping[str, Mapping[str, Any]], deadline: Deadline) -> tuple[Play, list[str]]:
    """Plays in the user's environment and looks at its contract.

    Returns:
        What was seen, and notes for the user.

    Raises:
        UserError: The environment is unknown or cannot be made, a searched parameter of it cannot be set, the
            layouts do not fit its observations, or it breaks a promise that training relies on.
    """
    experiment, seed = plan.experiment, plan.seeds.probe
    deadline.begin(f"importing and making {experiment.env}")
    check_environment_names(experiment, tried.values())
    deadline.begin(f"playing in {experiment.env}")
    played = play(
        experiment.env, experiment.env_parameters, experiment.vectorization, seconds=PLAY_S, seed=seed
    )
    for config in tried.values():
        settings = hyperparameters.with_defaults(trainer_part(config), experiment.fixed)
        hyperparameters.check_layout(settings, played.observation_space.shape or ())
    deadline.begin(f"looking at the contract of {experiment.env}")
    make_s = played.make_s - (PROCESS_S if experiment.vectorization == "async" else 0.0)
    contract = check_contract(experiment.env, experiment.env_parameters, make_s=make_s, step_s=played.step_s)
    return played, [
        *contract_notes(contract, experiment.env, experiment.env_parameters),
        *play_notes(plan.experiment, played),
    ]


def _step_seconds(plan: Plan, played: Play, deadline: Deadline) -> float:
    """Returns the seconds on the clock of an environment step, one of many that a run samples."""
    experiment = plan.experiment
    # In processes lanes wait side by side, however many; others would take too long to make, where one does.
    several = 2 if experiment.vectorization == "async" else experiment.lanes
    lanes = played.affordable_lanes(several, experiment.vectorization, EVALUATION_S)
    if lanes == 1:
        return played.step_s
    deadline.begin(f"stepping {counted(lanes, 'lane')} of {experiment.env}")
    seconds = batch_step_seconds(
        experiment.env, experiment.env_parameters, experiment.vectorization, lanes,
        seconds=BATCH_S, seed=plan.seeds.probe,
    )  # fmt: skip
    return seconds / (experiment.lanes if experiment.vectorization == "async" else lanes)


def _lanes_seconds(plan: Plan, task: Task, played: Play) -> float:
    """Returns the seconds in which a process that trains makes its lanes."""
    is_async = plan.experiment.vectorization == "async"  # whose processes start side by side
    together = is_async or imported_spec(plan.experiment.env).vector_entry_point is not None
    return played.make_s * (2 if together else plan.experiment.lanes + task.evaluation_lanes)


def _extremes_tried(
    plan: Plan, task: Task, configs: Mapping[str, Mapping[str, Any]], played: Play, deadline: Deadline
) -> ExtremeRuns:
    """Lets each configuration take an update.

    Raises:
        UserError: Training begins with what is not finite.
    """
    settings = [
        hyperparameters.with_defaults(trainer_part(config), task.fixed) for config in configs.values()
    ]
    rows = min(each["minibatch_size"] for each in settings)
    patience = replace(PATIENCE, clock_s=max(0.0, min(PATIENCE.clock_s, deadline.left_s - EVALUATION_S)))
    deadline.begin(f"training {counted(len(configs), 'extreme configuration')}")
    found = try_extremes(configs, task, played, seed=plan.seeds.probe, few_rows=rows, patience=patience)
    if DEFAULT in found.diverged:
        raise UserError(
            "the default configuration's first update is not finite: see that rewards and observations are "
            "finite and of order one"
        )
    return found


@contextmanager
def _errors_told(env: str) -> Iterator[None]:
    """Turns whatever the user's environment raises, and what it does not come back from, into one line."""
    try:
        yield
    except UserError:
        raise
    except TimeUpError as time_up:
        raise UserError(str(time_up)) from time_up
    except BaseException as error:
        if not is_of_users(error):
            raise
        raise UserError(f"{env} cannot be trained: {told(error)}") from error


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


def _extreme_notes(found: ExtremeRuns) -> list[str]:
    notes = [f"the first update is not finite with {name}" for name in found.diverged]
    if found.slowdown > 1:
        notes.append(
            f"other programs make computing take {found.slowdown:.1f} times as long as on an idle machine; "
            "the estimate counts with that"
        )
    return notes

"""Could this sweep run, and what would it take? All that seconds can tell, before anything is spent."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

import envs
from analysis.schema import DEFAULT, RLLIB, Phase
from experiments.core import trainer
from experiments.core.contract import check_contract
from experiments.core.environment_names import (
    check_environment_names,
    is_environment_name,
    trainer_part,
    training_parameters,
)
from experiments.core.environments import imported_spec, make_vector
from experiments.core.errors import UserError
from experiments.core.estimate import (
    Estimate,
    RunCost,
    Workload,
    estimate,
    run_cost,
    side_by_side,
    trained_share,
)
from experiments.core.evaluation import evaluate
from experiments.core.manifest import manifest_of, same_experiment
from experiments.core.perturbation import changeable, numbers
from experiments.core.plan import Plan
from experiments.core.probe import (
    Corners,
    EvaluationCost,
    Patience,
    bystander,
    measure_evaluation,
    try_corners,
)
from experiments.core.resume import finished_runs
from experiments.core.schedulers import Population, PopulationBased
from experiments.core.searcher import trial_name
from experiments.core.trial import ppo_config
from search_spaces import Scalar, SearchSpace

PATIENCE = Patience(computing_s=3.5, clock_s=6.0)
"""After it, no further corner is trained."""
MIX = 64
"""Configurations drawn from the space to say what one costs on average."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the checks found; what is wrong enough to stop for is raised instead."""

    corners: Corners
    """The extreme configurations that were tried."""
    estimate: Estimate
    """What the sweep, or the rest of it, is going to take."""
    concurrency: int
    """Runs at once that the estimate is for."""
    free_bytes: int
    """Room where the sweep is kept."""
    notes: tuple[str, ...]
    """What the user should know although it stops nothing."""


def preflight(plan: Plan) -> Checked:
    """Checks names, configurations, environment, objective and storage, and estimates time and disk.

    Raises:
        UserError: With the first thing that is wrong.
    """
    experiment = plan.experiment
    _check_names(plan)
    concurrency = _concurrency(plan)
    env = make_vector(experiment.env, experiment.env_parameters, 1, experiment.vectorization)
    shape = env.single_observation_space.shape or ()
    env.close()
    check_environment_names(experiment, corners(experiment.space))
    _check_splits(plan)
    _check_population(plan)
    task = plan.task(diverged_score=0.0)
    tried = {DEFAULT: experiment.space.defaults, **_named_corners(plan)}
    for config in tried.values():
        ppo_config({**config, "seed": 0}, task)
        trainer.check_layout(trainer.complete(trainer_part(config), experiment.fixed), shape)
    _check_folder(plan)
    try:
        with bystander():
            notes = _contract_notes(plan)
            rows = min(
                trainer.complete(trainer_part(config), task.fixed)["minibatch_size"]
                for config in tried.values()
            )
            found = try_corners(tried, task, seed=plan.seeds.probe, few_rows=rows, patience=PATIENCE)
            if DEFAULT in found.diverged:
                raise UserError(
                    "the default configuration's first update is not finite: see that rewards and "
                    "observations are finite and of order one"
                )
            arena = plan.arenas[Phase.SEARCH]
            evaluation = measure_evaluation(experiment.space.defaults, task, arena, seed=plan.seeds.probe)
    except UserError:
        raise
    except Exception as error:  # whatever the user's own environment raises is the finding
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{experiment.env} cannot be trained: {what}; --debug shows where") from error
    if evaluation.finished and not math.isfinite(evaluation.score):
        raise UserError(
            f"the objective of an untrained policy is {evaluation.score}: expected {experiment.env} to pay "
            "finite rewards in every step"
        )
    expected = _estimate(plan, found, evaluation, concurrency)
    return Checked(
        corners=found,
        estimate=expected,
        concurrency=concurrency,
        free_bytes=_check_disk(plan, expected.bytes),
        notes=(*notes, *_corner_notes(found), *_episode_notes(plan, evaluation)),
    )


def _concurrency(plan: Plan) -> int:
    """Runs at once on this machine; on a cluster, which says what it has once it is joined, a guess."""
    if os.environ.get("RAY_ADDRESS"):
        return plan.options.concurrency or os.cpu_count() or 1
    return plan.concurrency({"CPU": os.cpu_count() or 1, "GPU": torch.cuda.device_count()})


def corners(space: SearchSpace) -> list[dict[str, Scalar]]:
    """The extreme configurations: every name at its lowest, at its highest, and each choice once."""
    found = [
        space.configuration({h.name: _end(h.domain, first=first) for h in space}) for first in (True, False)
    ]
    for h in space:
        if isinstance(h.domain, CategoricalDistribution):
            needed: dict[str, Scalar] = {} if h.when is None else {h.when[0]: h.when[1][0]}
            choices: tuple[Any, ...] = h.domain.choices
            found += [space.configuration({**needed, h.name: value}) for value in choices]
    return found


def diverged_score(plan: Plan) -> float:
    """What a diverged trial counts as."""
    stated = plan.arenas[Phase.SEARCH].scale.diverged
    return random_return(plan) if stated is None else stated


def random_return(plan: Plan, *, episodes: int = 64) -> float:
    """The mean return of random actions: what a diverged trial counts as where no floor is stated."""
    experiment = plan.experiment
    lanes = experiment.lanes if experiment.vectorization == "async" else episodes
    env = make_vector(experiment.env, experiment.env_parameters, lanes, experiment.vectorization)
    env.action_space.seed(0)
    try:
        played = evaluate(env, lambda _: env.action_space.sample(), episodes=episodes, seed=0)
        return float(np.mean(played.returns))
    finally:
        env.close()


def _end(domain: object, *, first: bool) -> Any:
    if isinstance(domain, CategoricalDistribution):
        return domain.choices[0 if first else -1]
    assert isinstance(domain, FloatDistribution | IntDistribution)
    return domain.low if first else domain.high


def _check_names(plan: Plan) -> None:
    """Every name has a meaning, and every searched one changes what is trained."""
    space, fixed = plan.experiment.space, plan.experiment.fixed
    trainer.check_names((*trainer_part(space.domains), *fixed))
    for h in space:
        if is_environment_name(h.name):
            continue
        branch = {} if h.when is None else {h.when[0]: h.when[1][0]}
        low, high = (
            trainer.resolve(
                trainer_part(space.configuration({**branch, h.name: _end(h.domain, first=first)})), fixed
            )
            for first in (True, False)
        )
        if low == high and not h.domain.single():
            raise UserError(f"{h.name} is searched, but no value of it reaches the trainer: leave it out")


def _named_corners(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """Every configuration to try besides the default, by name, those that show a layout's cost first."""
    space = plan.experiment.space
    lowest, highest, *choices = corners(space)
    layouts = [c for c in choices if "layout" in c and c["layout"] != space.defaults["layout"]]
    rest = [c for c in choices if c not in layouts and c != space.defaults]
    named = {f"layout {config['layout']}": config for config in layouts}
    others = {
        ", ".join(f"{n} {v}" for n, v in config.items() if v != space.defaults.get(n)): config
        for config in rest
    }
    baselines = {name: config for name, config in plan.baselines.items() if name == RLLIB}
    # RLlib's defaults train the longest in most confirmations, so what they cost is measured early.
    return {**baselines, **named, "the lowest values": lowest, "the highest values": highest, **others}


def _contract_notes(plan: Plan) -> list[str]:
    experiment = plan.experiment
    broken = check_contract(experiment.env, experiment.env_parameters)
    if not broken:
        return []
    spec = imported_spec(experiment.env)
    return [
        f"{spec.id} leaves {len(broken)} of an environment's promises unkept, none that training needs: "
        f"{'; '.join(result.name for result in broken)} (python -m envs.check {spec.id})"
    ]


def _corner_notes(found: Corners) -> list[str]:
    notes = [f"the first update is not finite with {name}" for name in found.diverged]
    if found.slowdown > 1:
        notes.append(
            f"other programs, or waiting, make computing take {found.slowdown:.1f} times as long as on an "
            "idle machine; the estimate counts with that"
        )
    return notes


def _episode_notes(plan: Plan, evaluation: EvaluationCost) -> list[str]:
    """Where episodes are too long for the intervals in which they are reported."""
    experiment = plan.experiment
    budget = experiment.budget
    if not evaluation.finished:
        return [
            f"not every evaluation episode ended within {evaluation.steps:,} steps, and an evaluation lasts "
            "until all have: give the environment a time limit (max_episode_steps) if it has none"
        ]
    interval = budget.steps_per_trial / budget.evaluations / experiment.lanes
    if evaluation.length_mean <= interval:
        return []
    return [
        f"an episode lasts about {evaluation.length_mean:,.0f} steps, but between evaluations a lane takes "
        f"{interval:,.0f}: some will find no finished training episode (train/return_mean is missing there)"
    ]


def _estimate(plan: Plan, found: Corners, evaluation: EvaluationCost, concurrency: int) -> Estimate:
    """What the runs that the folder does not hold yet are going to take."""
    experiment, fixed = plan.experiment, plan.experiment.fixed
    workload = Workload(
        steps=experiment.budget.steps_per_trial,
        evaluations=experiment.budget.evaluations,
        evaluation_s=_evaluation_seconds(plan, evaluation),
    )

    def cost(config: Mapping[str, Any]) -> RunCost:
        settings = trainer.complete(trainer_part(config), fixed)
        # A layout that there was no time to measure counts as the default's.
        network = found.networks.get(settings["layout"], next(iter(found.networks.values())))
        return run_cost(settings, network, workload)

    drawn = [cost(config) for config in _drawn(experiment.space, MIX)]
    seeds = experiment.seeds_per_trial
    average = RunCost(
        seconds=sum(run.seconds for run in drawn) / MIX,
        steps=round(sum(run.steps for run in drawn) / MIX),
        bytes=round(sum(run.bytes for run in drawn) / MIX),
    )
    searched = {run.name for run in finished_runs(plan.folder / Phase.SEARCH)}
    has_default = trial_name(0) in searched
    confirmed = len(finished_runs(plan.folder / Phase.CONFIRM))
    runs = [cost(config) for config in plan.baselines.values()] + [average] * experiment.confirmation.top_k
    return estimate(
        trials=[side_by_side(run, seeds) for run in drawn],
        default=None if has_default else side_by_side(cost(experiment.space.defaults), seeds),
        others=max(0, experiment.budget.trials - len(searched) - (not has_default)),
        share=trained_share(experiment.scheduler),
        confirmed=[run for run in runs for _ in range(experiment.confirmation.expected)][confirmed:],
        search_bytes=round(experiment.checkpoint_budget_gb * 1e9),
        concurrency=concurrency,
        slowdown=found.slowdown,
    )


def _evaluation_seconds(plan: Plan, evaluation: EvaluationCost) -> float:
    """Of one evaluation; one that was broken off goes on to the environment's time limit, if it has one."""
    limit = imported_spec(plan.experiment.env).max_episode_steps
    if evaluation.finished or limit is None or not evaluation.steps:
        return evaluation.seconds
    return evaluation.seconds * max(1.0, limit / evaluation.steps)


def _drawn(space: SearchSpace, count: int) -> list[dict[str, Any]]:
    """Configurations drawn at random, the same ones each time."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.configuration(study.ask(space.domains).params) for _ in range(count)]


def _check_disk(plan: Plan, needed: int) -> int:
    """Room where the sweep is kept, in bytes.

    Raises:
        UserError: There is too little of it.
    """
    free = shutil.disk_usage(_existing(plan.folder)).free
    if free < needed:
        raise UserError(
            f"--storage {plan.options.storage}: {free / 1e6:,.0f} MB free, and the sweep needs about "
            f"{needed / 1e6:,.0f} MB: free some, or choose another folder"
        )
    return free


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _check_splits(plan: Plan) -> None:
    """Data that is split by time is learned from, searched on and confirmed on in that order, never mixed."""
    experiment = plan.experiment
    if experiment.env not in envs.ids():
        return
    declared = experiment.env_parameters
    searched = [training_parameters(declared, config) for config in corners(experiment.space)]
    evaluated = [{**declared, **experiment.validation_parameters}, {**declared, **experiment.test_parameters}]
    for trained in (declared, *(parameters for parameters in searched if parameters != declared)):
        ranges = [
            getattr(envs.entry(experiment.env).parameters(**keywords), "split", None)
            for keywords in (trained, *evaluated)
        ]
        if ranges != [None] * 3 and ranges != ["train", "validation", "test"]:
            raise UserError(
                f"{experiment.env} trains on {ranges[0]}, searches on {ranges[1]} and confirms on "
                f"{ranges[2]}: expected train, validation and test; set split in validation_parameters and "
                "test_parameters"
            )


def _check_population(plan: Plan) -> None:
    """A population has somebody to copy, and something to change."""
    scheduler, experiment = plan.experiment.scheduler, plan.experiment
    if not isinstance(scheduler, Population):
        return
    if experiment.budget.trials < 2:
        raise UserError(
            f"scheduler {scheduler.name} with trials={experiment.budget.trials}: expected a population of "
            "2 or more; raise trials"
        )
    dependent = [h.name for h in experiment.space if h.when is not None]
    if dependent:
        raise UserError(
            f"scheduler {scheduler.name} over a space that branches: expected every name to count in every "
            f"member; leave out {', '.join(dependent)}, or choose asha"
        )
    domains = changeable(experiment.space)
    if not (domains if isinstance(scheduler, PopulationBased) else numbers(domains)):
        kind = "name" if isinstance(scheduler, PopulationBased) else "number"
        raise UserError(
            f"scheduler {scheduler.name} over {', '.join(experiment.space.names)}: expected a {kind} that "
            "may change while a network trains, such as lr; choose asha, or search more"
        )


def _check_folder(plan: Plan) -> None:
    """The sweep's folder is free, or holds the same sweep, and can be written."""
    manifest = plan.folder / "manifest.json"
    if manifest.exists():
        difference = same_experiment(json.loads(manifest.read_text(encoding="utf-8")), manifest_of(plan))
        if difference:
            way_out = (
                "choose another one" if plan.options.new_name else "start a new one from it with --new-name"
            )
            option = "--new-name" if plan.options.new_name else "--name"
            raise UserError(f"{option} {plan.sweep} holds another sweep ({difference}): {way_out}")
    elif plan.folder.exists() and any(plan.folder.iterdir()):
        raise UserError(
            f"{plan.options.storage}/{plan.name}/{plan.sweep} is not a sweep: choose another --name"
        )
    existing = _existing(plan.folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"--storage {plan.options.storage}: cannot be written; choose a folder that can")

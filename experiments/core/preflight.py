"""Could this sweep run? Everything that can be known in seconds, before anything is spent."""

from __future__ import annotations

import json
import os

import numpy as np
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

import envs
from experiments.core import trainer
from experiments.core.environment_names import (
    check_environment_names,
    trainer_part,
    training_parameters,
)
from experiments.core.environments import make_vector
from experiments.core.errors import UserError
from experiments.core.evaluation import evaluate
from experiments.core.manifest import manifest_of, same_experiment
from experiments.core.perturbation import changeable, numbers
from experiments.core.plan import Plan
from experiments.core.schedulers import Population, PopulationBased
from experiments.core.trial import ppo_config
from search_spaces import SearchSpace


def preflight(plan: Plan) -> None:
    """Checks names, batch sizes, environment and storage.

    Raises:
        UserError: With the first thing that is wrong.
    """
    experiment = plan.experiment
    trainer.check_names((*trainer_part(experiment.space.domains), *experiment.fixed))
    if not os.environ.get("RAY_ADDRESS"):  # a cluster says what it has once it is joined
        here = {"CPU": os.cpu_count() or 1, "GPU": torch.cuda.device_count()}
        experiment.resources.trials_in(here)
    env = make_vector(experiment.env, experiment.env_parameters, 1, experiment.vectorization)
    shape = env.single_observation_space.shape or ()
    env.close()
    check_environment_names(experiment, corners(experiment.space))
    _check_splits(plan)
    _check_population(plan)
    task = plan.task(diverged_score=0.0)
    for config in (*corners(experiment.space), *plan.baselines.values()):
        ppo_config({**config, "seed": 0}, task)
        trainer.check_layout(trainer.complete(trainer_part(config), experiment.fixed), shape)
    _check_folder(plan)


def corners(space: SearchSpace) -> list[dict[str, object]]:
    """The extreme configurations: every name at its lowest, at its highest, and each choice once."""
    found = [
        {h.name: _end(h.domain, first=True) for h in space},
        {h.name: _end(h.domain, first=False) for h in space},
    ]
    for h in space:
        if isinstance(h.domain, CategoricalDistribution):
            found += [{**space.defaults, h.name: value} for value in h.domain.choices]
    return found


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


def _end(domain: object, *, first: bool) -> object:
    if isinstance(domain, CategoricalDistribution):
        return domain.choices[0 if first else -1]
    assert isinstance(domain, FloatDistribution | IntDistribution)
    return domain.low if first else domain.high


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
            raise UserError(f"--name {plan.sweep} holds another sweep ({difference}): choose a new name")
    elif plan.folder.exists() and any(plan.folder.iterdir()):
        raise UserError(
            f"{plan.options.storage}/{plan.name}/{plan.sweep} is not a sweep: choose another --name"
        )
    existing = plan.folder
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"--storage {plan.options.storage}: cannot be written; choose a folder that can")

"""Checks of a declaration: its hyperparameters, its splits of data, its population."""

from __future__ import annotations

import envs
from experiments.core.declaration import Population, PopulationBased
from experiments.core.errors import UserError
from experiments.core.planning import Plan
from experiments.core.preflight.extremes import end_of, extremes
from experiments.core.training import hyperparameters, is_environment_name, trainer_part, training_parameters
from experiments.core.tuning import changeable, numbers


def check_names(plan: Plan) -> None:
    """Checks that every hyperparameter has a meaning, and every searched one changes what is trained."""
    space, fixed = plan.experiment.space, plan.experiment.fixed
    hyperparameters.check_names((*trainer_part(space.domains), *fixed))
    for h in space:
        if is_environment_name(h.name):
            continue
        branch = {} if h.when is None else {h.when[0]: h.when[1][0]}
        low, high = (
            hyperparameters.resolve(
                trainer_part(space.configuration({**branch, h.name: end_of(h.domain, first=first)})), fixed
            )
            for first in (True, False)
        )
        if low == high and not h.domain.single():
            raise UserError(f"{h.name} is searched, but no value of it reaches the trainer: leave it out")


def check_splits(plan: Plan) -> None:
    """Checks that data split by time is learned from, searched on and confirmed on in that order."""
    experiment = plan.experiment
    if experiment.env not in envs.ids():
        return
    declared = experiment.env_parameters
    searched = [training_parameters(declared, config) for config in extremes(experiment.space)]
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


def check_population(plan: Plan) -> None:
    """Checks that a population has somebody to copy, and something to change."""
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
            f"scheduler {scheduler.name} over a space that branches: expected every hyperparameter to count "
            f"in every member; leave out {', '.join(dependent)}, or choose asha"
        )
    domains = changeable(experiment.space)
    if not (domains if isinstance(scheduler, PopulationBased) else numbers(domains)):
        kind = "hyperparameter" if isinstance(scheduler, PopulationBased) else "number"
        raise UserError(
            f"scheduler {scheduler.name} over {', '.join(experiment.space.names)}: expected a {kind} that "
            "may change while a network trains, such as lr; choose asha, or search more"
        )

"""Checks of searched environment parameters, which change training and never evaluation.

`env.fee_rate` in a search space is the keyword `fee_rate` of the training environment. Were policies also
evaluated with the sampled value, the search would find the fee at which any policy looks good.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import fields
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator

import envs
from analysis.text import did_you_mean
from experiments.core.declaration import Experiment
from experiments.core.environments import imported_spec, make_vector
from experiments.core.errors import UserError
from experiments.core.training import PREFIX, is_environment_name, training_parameters


def check_environment_names(experiment: Experiment, configs: Iterable[Mapping[str, Any]]) -> None:
    """Refuses a searched parameter that the environment does not have, or with whose value it would evaluate.

    Args:
        experiment: The declaration.
        configs: Configurations that will be trained, the extremes of its space among them.

    Raises:
        UserError: A parameter is unknown (with the nearest valid one), has no declared value in one of the
            evaluations, or takes a value that the environment refuses or that changes its spaces.
    """
    names = [name.removeprefix(PREFIX) for name in experiment.space.names if is_environment_name(name)]
    if not names:
        return
    _check_known(experiment.env, names)
    for name in names:
        _check_pinned(experiment, name)
    spaces = _spaces(experiment.env, {**experiment.env_parameters, **experiment.validation_parameters})
    for config in configs:
        parameters = training_parameters(experiment.env_parameters, config)
        if _spaces(experiment.env, parameters) != spaces:
            sampled = ", ".join(f"{name}={parameters[name]!r}" for name in names if name in parameters)
            raise UserError(
                f"{experiment.env} with {sampled or 'its own parameters'} has other spaces than the "
                "environment of the evaluation: search only parameters that leave observations and actions "
                "as they are"
            )


def _spaces(env_id: str, parameters: Mapping[str, Any]) -> tuple[gym.Space[Any], gym.Space[Any]]:
    """Returns the spaces of an environment with these keywords."""
    with closing(make_vector(env_id, parameters, 1)) as env:
        return env.single_observation_space, env.single_action_space


def _check_known(env_id: str, names: Iterable[str]) -> None:
    known = known_parameters(env_id)
    for name in names:
        if known is not None and name not in known:
            hint = did_you_mean(name, known, likeness=0.5)
            raise UserError(
                f"{PREFIX}{name} is searched, but {env_id} has no parameter {name!r}{hint} "
                f"It takes: {', '.join(known) or 'none'}"
            )


def known_parameters(env_id: str) -> list[str] | None:
    """Returns the keywords that an environment takes; None if its constructor takes any."""
    if env_id in envs.ids():
        return [field.name for field in fields(envs.entry(env_id).dynamics.parameters_type)]
    spec = imported_spec(env_id)
    entry_point = spec.entry_point or spec.vector_entry_point
    creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    keywords = inspect.signature(creator).parameters.values() if creator is not None else ()
    if any(keyword.kind is inspect.Parameter.VAR_KEYWORD for keyword in keywords):
        return None
    return [keyword.name for keyword in keywords if keyword.name not in {"render_mode", "num_envs"}]


def _check_pinned(experiment: Experiment, name: str) -> None:
    for purpose, own in (
        ("search", "validation_parameters"),
        ("confirmation", "test_parameters"),
    ):
        if name not in {**experiment.env_parameters, **getattr(experiment, own)}:
            raise UserError(
                f"{PREFIX}{name} is searched, but nothing declares the {name} with which the {purpose} "
                f"evaluates: it may change how good a policy looks, so set {name} in env_parameters or {own}"
            )

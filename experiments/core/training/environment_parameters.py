"""Hyperparameters of the environment, which a prefix tells from those of the trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "env."
"""Prefix of the environment's hyperparameters in a search space and in a configuration."""


def is_environment_name(name: str) -> bool:
    """Returns whether a hyperparameter is the environment's rather than the trainer's."""
    return name.startswith(PREFIX)


def trainer_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the hyperparameters of the trainer in a configuration."""
    return {name: value for name, value in config.items() if not is_environment_name(name)}


def training_parameters(declared: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the keywords of the training environment: the declared ones, overridden by what is sampled."""
    sampled = {
        name.removeprefix(PREFIX): value for name, value in config.items() if is_environment_name(name)
    }
    return {**declared, **sampled}

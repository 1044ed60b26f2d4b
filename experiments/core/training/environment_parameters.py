"""Hyperparameters of the environment, told from those of the trainer by their prefix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "env."
"""Marks a name of the environment in a search space and in a configuration."""


def is_environment_name(name: str) -> bool:
    """Whether a name of a configuration is the environment's rather than the trainer's."""
    return name.startswith(PREFIX)


def trainer_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration says to the trainer."""
    return {name: value for name, value in config.items() if not is_environment_name(name)}


def training_parameters(declared: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of the training environment: the declared ones, overridden by what is sampled."""
    sampled = {
        name.removeprefix(PREFIX): value for name, value in config.items() if is_environment_name(name)
    }
    return {**declared, **sampled}

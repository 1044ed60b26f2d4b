"""Gymnasium's entry of an environment id, and what it says of episodes and observations."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

import envs
from analysis.text import did_you_mean
from experiments.core.errors import UserError


def time_limit(env_id: str, parameters: Mapping[str, Any]) -> int | None:
    """Returns the steps after which every episode is over, as far as the environment states any."""
    spec = imported_spec(env_id)
    if spec.id not in envs.ids():
        return spec.max_episode_steps
    found = envs.entry(spec.id)
    return found.dynamics(found.parameters(**parameters), 1).horizon


def is_image(space: gym.Space[Any]) -> bool:
    """Returns whether observations are images, which are trained on as they are."""
    return isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3


def imported_spec(env_id: str) -> EnvSpec:
    """Returns Gymnasium's entry for an id, after importing the module that registers it.

    Args:
        env_id: Gymnasium id, or `module:id`.

    Raises:
        UserError: The module cannot be imported, or nothing is registered under the id.
    """
    module, _, plain = env_id.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        return gym.spec(plain)
    except ModuleNotFoundError as error:
        raise UserError(f"environment {env_id!r}: there is no module {error.name!r} to import") from error
    except gym.error.Error as error:
        hint = did_you_mean(plain, gym.registry, likeness=0.3)
        raise UserError(
            f"unknown environment {env_id!r}{hint} The suite has: {', '.join(envs.ids())}; "
            "one of your own is named 'module:id', where importing module registers id"
        ) from error

"""Gymnasium's entry of an environment id, and what it says of episodes and observations."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

import envs
from analysis.text import did_you_mean
from envs.base import UnknownTargetError, target_spec
from envs.lanes import is_of_users, told
from experiments.core.errors import UserError
from experiments.core.program import NO_FILE, program_file, program_module


def time_limit(env_id: str, parameters: Mapping[str, Any]) -> int | None:
    """Returns the steps after which every episode is over, as far as the environment states any."""
    spec = imported_spec(env_id)
    if spec.id not in envs.ids():
        return spec.max_episode_steps
    found = envs.entry(spec.id)
    return found.dynamics(found.parameters(**parameters), 1).horizon


def episode_limit(env_id: str, parameters: Mapping[str, Any], most_steps: int) -> int:
    """Returns the steps after which an evaluation's episode is over: by itself, or because it is cut off.

    Args:
        env_id: The environment.
        parameters: Its keywords.
        most_steps: Where it is cut off, if the environment states no time limit.
    """
    return time_limit(env_id, parameters) or most_steps


def imported_spec(env_id: str) -> EnvSpec:
    """Returns Gymnasium's entry for an environment, after importing the module that has it.

    Args:
        env_id: Gymnasium id, `module:id`, or `module:Class`.

    Raises:
        UserError: The module cannot be imported, or nothing has the name.
    """
    try:
        return target_spec(env_id, import_module=imported_module)
    except UnknownTargetError as error:
        if env_id.startswith(f"{NO_FILE}:"):
            raise UserError(
                f"environment {env_id!r} was declared in a notebook or an interpreter: declare it here, too, "
                "or move it into a module before the next sweep"
            ) from error
        hint = did_you_mean(env_id, error.known, likeness=0.3)
        raise UserError(
            f"unknown environment {env_id!r}{hint} The suite has: {', '.join(envs.ids())}; "
            "one of your own is named 'module:id', where importing module registers id, or 'module:Class'"
        ) from error


def full_name(env_id: str) -> str:
    """Returns the name by which other processes, too, find what the running program registers itself."""
    spec, program = gym.registry.get(env_id), program_module()
    if (
        spec is None
        or program == NO_FILE
        or not any(map(is_own, (spec.entry_point, spec.vector_entry_point)))
    ):
        return env_id
    return f"{program}:{env_id}"


def is_own(entry_point: Any) -> bool:
    """Returns whether the running program declares an entry point itself, in no module that it imports."""
    module = entry_point.partition(":")[0] if isinstance(entry_point, str) else _module_of(entry_point)
    return module in {"__main__", program_module()}


def source_file(env_id: str) -> Path | None:
    """Returns the file in which an environment is declared; None of a notebook's, and of what is compiled.

    Raises:
        UserError: There is no such environment.
    """
    spec = imported_spec(env_id)
    entry_point = spec.entry_point or spec.vector_entry_point
    name = entry_point.partition(":")[0] if isinstance(entry_point, str) else _module_of(entry_point)
    if name in {"__main__", program_module()}:
        return program_file()
    try:
        found = importlib.util.find_spec(str(name))
    except (ImportError, ValueError):  # a module may have been made by hand
        found = None
    path = None if found is None or found.origin is None else Path(found.origin)
    return path if path is not None and path.is_file() else None


def _module_of(entry_point: Any) -> str | None:
    module: str | None = getattr(entry_point, "__module__", None)
    return module


def imported_module(module: str) -> ModuleType:
    """Imports a module; what is running is not run once more.

    Raises:
        UserError: There is none, or importing it raises something.
    """
    if module == program_module():
        return sys.modules["__main__"]
    try:
        return importlib.import_module(module)
    except UserError:
        raise
    except BaseException as error:
        if not is_of_users(error):
            raise
        lacking = error.name if isinstance(error, ModuleNotFoundError) else None
        if lacking is not None and f"{module}.".startswith(f"{lacking}."):
            raise UserError(
                f"there is no module {lacking!r} to import, where the environment is looked for: modules are "
                "found beside the script, and by python -m in the folder in which it was started"
            ) from error
        hint = "; write import gymnasium as gym, its successor" if lacking in {"gym", "gym.spaces"} else ""
        raise UserError(
            f"importing {module}, in which the environment is, raises {told(error)}{hint}"
        ) from error

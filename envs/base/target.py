"""Environments by name: a registered id, `module:id`, or `module:Class`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv


class UnknownTargetError(ValueError):
    """Name that no environment has.

    Args:
        message: What was looked for.
        known: Names that have one, as the unknown one is written.
    """

    def __init__(self, message: str, known: Iterable[str]) -> None:
        super().__init__(message)
        self.known = tuple(known)


def target_spec(
    target: str, *, import_module: Callable[[str], ModuleType] = importlib.import_module
) -> EnvSpec:
    """Returns Gymnasium's entry of an environment; for one that is not registered, an entry made for it.

    Args:
        target: A registered id; `module:id`, where importing module registers id; or `module:Class`, where
            Class is a `gymnasium.Env`, a `gymnasium.vector.VectorEnv`, or a function that makes an
            environment from its keywords.
        import_module: How to come by a module.

    Raises:
        UnknownTargetError: Nothing has the name.
        ImportError: The module cannot be imported.
    """
    if target in gym.registry:
        return gym.registry[target]
    module_name, _, name = target.rpartition(":")
    if not module_name:
        return _registered(name)
    module = import_module(module_name)
    if name in gym.registry:
        return gym.registry[name]
    made: Any = module  # of any type until it was looked at
    for part in name.split("."):
        made = getattr(made, part, None)
    # Gymnasium's ids have no blanks.
    entry_id = re.sub(r"[^\w:.-]", "_", target)
    is_vector = isinstance(made, type) and issubclass(made, VectorEnv)
    if is_vector:
        return EnvSpec(id=entry_id, vector_entry_point=made)
    if callable(made):
        return EnvSpec(id=entry_id, entry_point=made)
    raise UnknownTargetError(
        f"{target}: {name} is neither a class or a function of {module_name} that makes an environment, nor "
        f"an id that importing {module_name} registers",
        [f"{module_name}:{known}" for known in (*gym.registry, *_classes(module))],
    )


def _registered(env_id: str) -> EnvSpec:
    try:
        return gym.spec(env_id)
    except gym.error.Error as error:
        raise UnknownTargetError(
            f"{str(error).rstrip('.')}; one of your own is named module:id, where importing module registers "
            "id, or module:Class",
            gym.registry,
        ) from error


def _classes(module: ModuleType) -> list[str]:
    """Returns the names of a module's environments that it may not have registered."""
    kinds = gym.Env, VectorEnv
    return [name for name, each in vars(module).items() if isinstance(each, type) and issubclass(each, kinds)]

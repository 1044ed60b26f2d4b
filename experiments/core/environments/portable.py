"""Environment that another process finds, even one that only the running program declares."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle
import gymnasium as gym

import envs
from envs.lanes import described
from experiments.core.environments.lookup import imported_spec, is_own
from experiments.core.errors import UserError
from experiments.core.program import NO_FILE, program_module


@dataclass(frozen=True, kw_only=True)
class PortableEnvironment:
    """Name of an environment, with what another process needs to find it.

    What the running program declares or registers travels by value, since no other process has run it.
    Anything else is imported there, from the folders that this process imports from.
    """

    env_id: str
    """Gymnasium id, `module:id`, or `module:Class`."""
    entry: bytes | None
    """Gymnasium's entry, pickled by value; None where importing a module is enough."""
    path: tuple[str, ...]
    """Folders from which modules are imported."""

    @classmethod
    def of(cls, env_id: str) -> PortableEnvironment:
        """Packs an environment.

        Raises:
            UserError: It is unknown, or cannot travel.
        """
        path = tuple(str(Path(folder).absolute()) for folder in sys.path)
        module, _, name = env_id.rpartition(":")
        importable = env_id in envs.ids() or (
            module not in {"", program_module()} and env_id not in gym.registry
        )
        if importable:
            return cls(env_id=env_id, entry=None, path=path)
        spec = imported_spec(env_id)
        spec = replace(
            spec, entry_point=_loaded(spec.entry_point), vector_entry_point=_loaded(spec.vector_entry_point)
        )
        try:
            return cls(env_id=env_id, entry=cloudpickle.dumps(spec), path=path)
        except Exception as error:  # what a user's object raises when it is pickled may be anything
            where = "this program" if program_module() == NO_FILE else f"{program_module()}.py"
            raise UserError(
                f"environment {env_id!r} is declared in {where} and cannot be sent to the trials' processes "
                f"({described(error)}): move it into a module of its own, say my_env.py beside it, and write "
                f'env="my_env:{name}"'
            ) from error

    def unpack(self) -> None:
        """Makes this process find the environment by its name."""
        sys.path.extend(folder for folder in self.path if folder not in sys.path)
        if self.entry is not None:
            gym.registry[self.env_id] = pickle.loads(self.entry)


def _loaded(entry_point: Any) -> Any:
    """Returns what an entry point names, where only the running program has it."""
    if not isinstance(entry_point, str) or not is_own(entry_point):
        return entry_point
    return getattr(sys.modules["__main__"], entry_point.partition(":")[2])

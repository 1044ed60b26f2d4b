"""Environment that a sweep folder names, maybe a stranger's: what of it may be imported and called."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv, VectorWrapper

import envs
from experiments.core.environments.lookup import imported_spec
from experiments.core.errors import UserError
from experiments.core.program import program_module

_TRUST = "if you know that it is one, say --trust, or trust=True in Python"


def check_named_environment(folder: Path, env_id: str, *, trust: bool) -> None:
    """Imports an environment that a sweep folder names, once it is sure that it is one.

    The folder's author could name anything: a module that lies in the folder, one that does something when it
    is imported, a function that runs commands, with its keywords. So nothing that lies in the folder is
    imported. Of what lies elsewhere, and is neither Python's own nor a program, registered ids and classes of
    environments are taken.

    Args:
        folder: The sweep folder.
        env_id: What its records name.
        trust: Whether other modules, and functions that make environments, are taken too.

    Raises:
        UserError: It may not be imported or called, or cannot be.
    """
    if env_id in envs.ids():
        return
    named = f"{folder} names the environment {env_id!r}"
    module = env_id.rpartition(":")[0]
    parts = module.split(".")
    is_program = "__main__" in parts and module != program_module()
    if not trust and (is_program or parts[0] in sys.stdlib_module_names - {"__main__"}):
        raise UserError(f"{named}, which is in no module of environments: {_TRUST}")
    with _nothing_imported_from(folder):
        spec = imported_spec(env_id)
    if not (trust or _is_environment(spec)):
        raise UserError(f"{named}, which is no class of environments, and could do anything: {_TRUST}")


def needs_trust(env_id: str) -> bool:
    """Returns whether an environment of one's own is taken from a sweep folder with trust alone."""
    return env_id not in envs.ids() and not _is_environment(imported_spec(env_id))


def _is_environment(spec: EnvSpec) -> bool:
    """Returns whether an entry is a registered one, or that of a class of environments."""
    made = spec.vector_entry_point or spec.entry_point
    return gym.registry.get(spec.id) is spec or (
        isinstance(made, type)
        and issubclass(made, gym.Env | VectorEnv)
        and not issubclass(made, gym.Wrapper | VectorWrapper)
    )


class _Guard(MetaPathFinder):
    """Finder that finds nothing, and refuses what others would find in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns None for whatever may be imported.

        Raises:
            UserError: The module, or a folder that it consists of, lies in the folder.
        """
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((each for each in found if each is not None), None)
        if spec is not None:
            places = [spec.origin or "", *(spec.submodule_search_locations or ())]
            if any(Path(place).resolve().is_relative_to(self._folder) for place in places if place):
                raise UserError(
                    f"the module {fullname} lies in the sweep folder {self._folder}, from which no code is "
                    "run: move it beside your script, if it is yours"
                )
        return None


@contextmanager
def _nothing_imported_from(folder: Path) -> Iterator[None]:
    guard = _Guard(folder)
    sys.meta_path.insert(0, guard)
    try:
        yield
    finally:
        sys.meta_path.remove(guard)

"""Environment as a user names it, which may be a file: the name by which every process finds it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import gymnasium as gym
from gymnasium.vector import VectorEnv

from experiments.core.environments import imported_module, imported_spec
from experiments.core.errors import UserError

WAYS = "an id such as CartPole-v1, module:id, module:Class, or a file of this folder such as my_env.py"


def named_target(target: str) -> str:
    """Returns the name of an environment: itself, or `module:Class` of the one that a file declares.

    Args:
        target: An id, `module:id`, `module:Class`, `file.py` or `file.py:Class`.

    Raises:
        UserError: There is no such environment, or the file has several.
    """
    file, is_file, name = target.partition(".py")
    if not is_file or (name and not name.startswith(":")):
        if not target:
            raise UserError(f"--env is empty: expected {WAYS}")
        imported_spec(target)
        return target
    path = Path(f"{file}.py")
    if not path.is_file():
        raise UserError(f"--env {target}: there is no file {path}; expected {WAYS}")
    if path.resolve().parent != Path.cwd().resolve():
        raise UserError(
            f"--env {target}: a script finds modules in its own folder, and the experiment is written "
            f"into the present one; go there first: cd {path.parent}"
        )
    named = f"{path.stem}:{name.removeprefix(':')}" if name else _only_one(path.stem)
    imported_spec(named)
    return named


def _only_one(module_name: str) -> str:
    """Returns the environment that a module declares, by its id if it registers one.

    Raises:
        UserError: It declares none, or several, or cannot be imported.
    """
    before = set(gym.registry)
    module = imported_module(module_name)
    registered = sorted(set(gym.registry) - before)
    declared = registered or _declared(module)
    if not declared:
        raise UserError(
            f"--env {module_name}.py: there is no environment in it; expected a class of gymnasium.Env, or a "
            "call of gymnasium.register"
        )
    if len(declared) > 1:
        raise UserError(
            f"--env {module_name}.py: there are {', '.join(declared)} in it; choose one: "
            f"--env {module_name}.py:{declared[0]}"
        )
    return f"{module_name}:{declared[0]}"


def _declared(module: ModuleType) -> list[str]:
    """Returns the classes of environments that a module declares itself, and no wrapper among them."""
    return [
        name
        for name, each in vars(module).items()
        if isinstance(each, type)
        and each.__module__ == module.__name__
        and issubclass(each, gym.Env | VectorEnv)
        and not issubclass(each, gym.Wrapper)
        and not name.startswith("_")
    ]

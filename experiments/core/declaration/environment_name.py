"""Text that names an environment, whatever an experiment was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, overload

from experiments.core.errors import UserError
from experiments.core.program import program_module

EnvironmentMaker = Callable[..., Any]
"""Class of an environment, or a function that makes one from its keywords."""


class EnvironmentName:
    """Field of a dataclass that takes an id, a class or a function, and holds the text that names it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> NoReturn: ...
    @overload
    def __get__(self, instance: object, owner: type) -> str: ...
    def __get__(self, instance: object | None, owner: type) -> str:
        """Returns the text.

        Raises:
            AttributeError: Asked of the class, by which a dataclass learns that the field has no default.
        """
        if instance is None:
            raise AttributeError(self._name)
        return str(vars(instance)[self._name])

    def __set__(self, instance: object, given: str | EnvironmentMaker) -> None:
        """Takes what the experiment is given."""
        vars(instance)[self._name] = environment_name(given)


def environment_name(given: str | EnvironmentMaker) -> str:
    """Returns text as it is, and `module:qualname` of a class or a function.

    What the running program itself declares is named by the module that another process imports it from.

    Raises:
        UserError: It is neither, or has no name by which it could be found.
    """
    if isinstance(given, str):
        return given
    module, name = getattr(given, "__module__", None), getattr(given, "__qualname__", None)
    if not callable(given) or module is None or name is None:
        raise UserError(
            f"env={given!r}: expected an id, 'module:id', 'module:Class', or a class or a function that "
            "makes the environment; its keywords go into env_parameters"
        )
    if "<" in name:
        raise UserError(
            f"env={name} of {module}: expected a class or a function at the top level of a module; write "
            "def make_env(**parameters) there, which returns the environment, and env=make_env"
        )
    return f"{program_module() if module == '__main__' else module}:{name}"

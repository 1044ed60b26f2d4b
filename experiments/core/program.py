"""Running program: its file, the name of its module, and the command that started it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NO_FILE = "__main__"
"""Module name of a program without a file: an interpreter's, or a notebook's."""


def program_file() -> Path | None:
    """Returns the file that is run; None in an interpreter and in a notebook."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    # What comes from standard input has a file of the name <stdin>.
    return Path(path).absolute() if path is not None and Path(path).is_file() else None


def program_module() -> str:
    """Returns the name by which another process can import what this program declares.

    That of the module after `python -m`, or of the file after `python`; :data:`NO_FILE` where there is none.
    """
    spec, file = getattr(sys.modules["__main__"], "__spec__", None), program_file()
    if spec is not None:
        return str(spec.name)
    return NO_FILE if file is None else file.stem


def installed(name: str) -> str:
    """Returns how a shell calls a command of this Python's environment, `python` among them.

    By its name where that is what the shell would find; else, the environment is not activated, by its path.
    """
    # Not resolved: an environment's python is a link to one that lacks its packages.
    path = Path(sys.executable).absolute().with_name(name)
    found = shutil.which(name)
    is_found = found is not None and Path(found).absolute() == path
    return name if is_found or not path.exists() else shown(path)


def this_program(python: str = "python") -> str:
    """Returns what comes before the arguments in the command that started this process.

    It works where the process was started: the path of a file below that folder is relative.

    Args:
        python: What to call Python; in records by a name that says nothing of the machine.
    """
    spec, file = getattr(sys.modules["__main__"], "__spec__", None), program_file()
    if spec is not None:
        return shlex.join([python, "-m", spec.name.removesuffix(".__main__")])
    if file is None:
        return shlex.quote(python)
    return shlex.join([python, shown(file)])


def module_command(*arguments: str, env_id: str) -> str:
    """Returns `python -m ARGUMENTS` for a shell, such that it finds an environment as this program does.

    Args:
        *arguments: A module and its arguments.
        env_id: The environment; a module in its name may lie beside the program's file, which is where
            `python FILE` looks for modules and `python -m` does not.
    """
    command, file = shlex.join([installed("python"), "-m", *arguments]), program_file()
    by_path = file is not None and getattr(sys.modules["__main__"], "__spec__", None) is None
    if file is None or not by_path or ":" not in env_id or file.parent == Path.cwd():
        return command
    return f"PYTHONPATH={shlex.quote(shown(file.parent))} {command}"


def shown(path: Path) -> str:
    """Returns a path as one would type it from here."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.as_posix()


def this_command(python: str = "python") -> str:
    """Returns the command that started this process, for a shell; says so where there is none.

    Args:
        python: What to call Python.
    """
    if program_module() == NO_FILE:
        return "interactive Python"
    return " ".join([this_program(python), *map(shlex.quote, sys.argv[1:])])

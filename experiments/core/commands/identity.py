"""Name and question of an experiment: those of the file that declares it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from experiments.core.declaration import Experiment

NAMELESS = "experiment"
"""Name of an experiment that no file declares, as in a notebook."""


def name_and_question(experiment: Experiment) -> tuple[str, str]:
    """Returns the name and the question of an experiment.

    They are those of the imported module that has it as its `EXPERIMENT`, else those of the running program.
    """
    modules = [module for name, module in [*sys.modules.items()] if name != "__main__"]
    holding = [
        module for module in modules if getattr(module, "__dict__", {}).get("EXPERIMENT") is experiment
    ]
    # One that has only imported it stands before or after the one that declares it.
    holding.sort(key=_only_imports)
    module = holding[0] if holding else sys.modules["__main__"]
    return module_name(module), question_of(module)


def _only_imports(module: ModuleType) -> bool:
    """Returns whether a module's file does not say what its `EXPERIMENT` is."""
    try:
        lines = Path(getattr(module, "__file__", None) or "").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return True
    return not any(line.startswith(("EXPERIMENT =", "EXPERIMENT:")) for line in lines)


def module_name(module: ModuleType) -> str:
    """Returns the name of a module's file, without its ending."""
    path = getattr(module, "__file__", None)
    # What comes from standard input has a file of the name <stdin>.
    return NAMELESS if path is None or path.startswith("<") else Path(path).stem


def question_of(module: ModuleType) -> str:
    """Returns the question that a module asks; an interpreter, whose docstring is its own, asks none."""
    return "" if is_interactive() and module.__name__ == "__main__" else first_line(module.__doc__ or "")


def is_interactive() -> bool:
    """Returns whether the program is an interpreter's or a notebook's, with neither command line nor end."""
    return hasattr(sys, "ps1")


def first_line(docstring: str) -> str:
    """Returns the question that an experiment's docstring opens with."""
    return docstring.strip().splitlines()[0] if docstring.strip() else ""

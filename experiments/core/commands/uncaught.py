"""Uncaught errors of a program that declares an experiment, in one line instead of a traceback."""

from __future__ import annotations

import importlib.util
import signal
import sys
import traceback
from pathlib import Path
from types import TracebackType

EXIT_WRONG_INPUT = 2
"""Exit code of wrong input, also that of the commands themselves."""
NEIGHBOURS = ("analysis", "envs", "search_spaces")
"""Packages of this suite that a user's folder may have a module of the same name as."""


class HiddenPackageError(ImportError):
    """Error of a package of this suite that another module of its name hides."""


def install() -> None:
    """Says what a program's declaration raises in one line, with exit code 2; `--debug` keeps the traceback.

    Nothing changes for a program that answers uncaught errors in its own way, nor for errors of a program's
    that declares no experiment.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _say


def refuse_hidden_packages() -> None:
    """Refuses to go on where a module of the user's hides a package of this suite.

    Raises:
        HiddenPackageError: With its file.
    """
    top = Path(__file__).resolve().parents[3]
    for name in NEIGHBOURS:
        spec = importlib.util.find_spec(name)
        places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
        place = next((place for place in places if place is not None), None)
        if place is not None and not Path(place).resolve().is_relative_to(top):
            raise HiddenPackageError(
                f"{place} hides this suite's package of the same name, {name!r}: rename it, or start from "
                "another folder"
            )


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Prints one line for an error of a declaration, or for Ctrl-C meanwhile; the traceback for any other."""
    if (
        isinstance(error, KeyboardInterrupt)
        and "--debug" not in sys.argv
        and (_imports_suite(trace) or _is_of_a_declaration(error))
    ):
        print("stopped", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT)
    if not isinstance(error, Exception) or "--debug" in sys.argv or not _is_of_a_declaration(error):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"error: {_line(error)}", file=sys.stderr)
    raise SystemExit(EXIT_WRONG_INPUT)


def _imports_suite(trace: TracebackType | None) -> bool:
    """Returns whether an error came while a program imported this suite."""
    modules = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(trace))
    return any(module.partition(".")[0] in {"experiments", *NEIGHBOURS} for module in modules)


def _is_of_a_declaration(error: BaseException) -> bool:
    from experiments.core.errors import UserError

    if isinstance(error, UserError | HiddenPackageError):
        return True
    program = sys.modules["__main__"]
    command = sys.modules.get("experiments.core.commands.command_line")
    declares = command is not None and command.main in vars(program).values()
    return declares or getattr(program, "__package__", None) == "experiments"


def _line(error: Exception) -> str:
    """Returns what was raised, and where in the user's code."""
    if isinstance(error, HiddenPackageError):  # then the rest may not be there to import
        return str(error)
    from envs.lanes import place_of, raising_module, told
    from experiments.core.errors import UserError

    place = place_of(error)
    at = f" ({place})" if place else ""
    is_of_a_space = isinstance(error, ValueError) and raising_module(error).startswith("search_spaces.")
    if isinstance(error, UserError) or is_of_a_space:
        return f"{' '.join(str(error).split())}{at}"
    return f"{told(error)}; --debug shows the traceback"

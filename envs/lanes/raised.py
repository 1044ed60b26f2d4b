"""Errors of a user's own code, in one line with the file and the line that raised them."""

from __future__ import annotations

import dis
import inspect
import itertools
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType


class LaneError(ValueError):
    """Error of an environment that returned what cannot be trained with; it says what, and what to return."""


class EnvironmentRaisedError(RuntimeError):
    """Error of an environment whose own code raised something; it says what, in which call, and where."""


class EnvironmentExitedError(RuntimeError):
    """Error of an environment that asked its process to end, by which the run would end without a cause."""


class CallInterruption(BaseException):
    """Interruption of a user's code from outside, say a time limit, which no `except Exception` catches."""


TOLD = (LaneError, EnvironmentRaisedError, EnvironmentExitedError)
"""Errors whose message says everything."""


def told(error: BaseException) -> str:
    """Returns what was raised and where, in one line: "KeyError: 'load' (my_env.py:31)"."""
    if isinstance(error, TOLD):
        return _one_line(error)
    return f"{described(error)}{_in_brackets(place_of(error))}"


def described(error: BaseException) -> str:
    """Returns what was raised, in one line: "KeyError: 'load'"."""
    text = _one_line(error)
    kind = "sys.exit" if isinstance(error, SystemExit) else type(error).__name__
    return f"{kind}: {text}" if text else kind


def place_of(error: BaseException) -> str | None:
    """Returns the line of the user's code that an error came from, as "my_env.py:31".

    That is the innermost one on the way which belongs neither to Python, nor to an installed package, nor to
    this suite. If there is none, it is the innermost one of an installed package that makes environments.

    Args:
        error: With its traceback. One that came from another process has none, and so no place.
    """
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{_shown(error.filename)}:{error.lineno}"
    return _place((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__))


def place_in(frame: FrameType | None) -> str | None:
    """Returns the line of the user's code in which a thread is, as :func:`place_of` does for an error.

    What called this suite does not count: it is where a command was started.
    """
    return innermost_place((each.f_code.co_filename, line) for each, line in traceback.walk_stack(frame))


def innermost_place(calls: Iterable[tuple[str, int]]) -> str | None:
    """Returns the innermost place of the user's, of calls up to one of the suite's, the innermost first."""
    called = itertools.takewhile(lambda call: not call[0].startswith(_suite()), calls)
    return _place(reversed([*called]))


def place_of_code(function: Callable[..., object]) -> str | None:
    """Returns where a function is defined, as "my_env.py:31"; None if that is in C."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else f"{_shown(code.co_filename)}:{code.co_firstlineno}"


def raised_in(
    call: str, who: str, error: BaseException, *, hint: str = "", place: str | None = None
) -> EnvironmentRaisedError | EnvironmentExitedError:
    """Makes the error that stands for whatever a call of an environment's raised.

    Args:
        call: Which one, with the step of the episode.
        who: The environment.
        error: What was raised.
        hint: What to change, where the error is a known one.
        place: Where the call is defined, for an error that came before any line of it.
    """
    at = _in_brackets(place_of(error) or place)
    if isinstance(error, SystemExit):
        said = f": {_one_line(error)}" if error.code is not None else ""
        return EnvironmentExitedError(f"the environment ended its process with sys.exit in {call}{said}{at}")
    return EnvironmentRaisedError(
        f"{who} raises in {call} {described(error)}{at}{f'; {hint}' if hint else ''}"
    )


def is_of_users(error: BaseException) -> bool:
    """Returns whether a user's code raised an error, of whatever class; what interrupts it goes on its way.

    That are time limits, requests to end, Ctrl-C, and the SystemExit of Ray's answers to signals.
    """
    if isinstance(error, KeyboardInterrupt):
        # Ctrl-C comes at any instruction, and only a library comes to one that raises.
        return _is_raised_by_a_statement(error) and not raising_module(error).startswith(
            ("experiments.core.", "ray.")
        )
    if isinstance(error, SystemExit):
        return not raising_module(error).startswith("ray.")
    return not isinstance(error, CallInterruption)


def _is_raised_by_a_statement(error: BaseException) -> bool:
    """Returns whether the innermost frame raised an error by itself."""
    *_, innermost = (None, *_tracebacks(error))
    if innermost is None:
        return False
    code = innermost.tb_frame.f_code.co_code
    return dis.opname[code[innermost.tb_lasti]] == "RAISE_VARARGS"


def _tracebacks(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def raising_module(error: BaseException) -> str:
    """Returns the module whose code raised an error; "" where that is not known."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return str(frames[-1].f_globals.get("__name__", "")) if frames else ""


def _one_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg or ""
    try:
        text = " ".join(str(error).split())
        # What a terminal would obey is nothing that an error says.
        return "".join(char if char.isprintable() else "?" for char in text)
    except Exception:  # a user's own exception may fail at that, too
        return ""


def _in_brackets(place: str | None) -> str:
    return f" ({place})" if place else ""


def _place(calls: Iterable[tuple[str, int]]) -> str | None:
    """Returns the innermost place of the user's among calls by file and line, the outermost first."""
    own: str | None = None
    installed: str | None = None
    for file, line in calls:
        if file.startswith("<") and not file.startswith("<ipython"):
            continue
        if file.startswith(_INSTALLED):
            if not file.startswith(_frameworks()):
                installed = f"{_shown(file)}:{line}"
        elif not file.startswith(_PYTHON) and not file.startswith(_suite()):
            own = f"{_shown(file)}:{line}"
    return own or installed


_INSTALLED = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
_PYTHON = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})


@cache
def _suite() -> tuple[str, ...]:
    """Returns the folders of this suite's own code; an experiment beside its core counts as the user's."""
    top = Path(__file__).resolve().parents[2]
    return tuple(f"{top / name}/" for name in ("envs", "analysis", "search_spaces", "experiments/core"))


@cache
def _frameworks() -> tuple[str, ...]:
    """Returns where packages are installed that are on the way of every error, and never its cause."""
    names = ("gymnasium", "ray", "torch", "numpy", "optuna", "experiments", *_suite())
    return tuple(f"{Path(folder, name)}/" for folder in _INSTALLED for name in names)


def _shown(file: str) -> str:
    """Returns a file as one would type it from here; a notebook's cell has none."""
    if file.startswith("<ipython") or "/ipykernel_" in file:
        return "the notebook's cell, line"
    path, here = Path(file), _here()
    return path.relative_to(here).as_posix() if here and path.is_relative_to(here) else file


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # the folder may be gone
        return None

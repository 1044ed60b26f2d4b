"""Command lines declared as dataclasses, with one line for whatever is wrong in what was given."""

from __future__ import annotations

import argparse
import ast
import getpass
import inspect
import io
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from analysis.text import did_you_mean

Options = TypeVar("Options")


class OneLineParser(argparse.ArgumentParser):
    """The standard library's parser, with errors of one line and without options cut short."""

    def __init__(self, **settings: Any) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=raw, **settings)

    def error(self, message: str) -> NoReturn:
        """Ends the program with exit code 2."""
        message = message.removeprefix("argument ").removesuffix(".")
        see = " See" if message.endswith("?") else "; see"
        self.exit(2, f"error: {message}{see} {self.prog} --help\n")


def read_options(kind: type[Options], arguments: Sequence[str], *, program: str, description: str) -> Options:
    """Returns what a command line says; prints the help, or what is wrong, and exits otherwise.

    Args:
        kind: A dataclass in a file. Its fields are flags (`bool`), of type `int`, `float`, `str` or `Path`,
            or a `Literal` of texts; tuples of one of these; and, but for flags, any of this or None. A
            field with a default is an option, one without is positional; the docstring under it is its help.
        arguments: What was given.
        program: The command, as a user calls it.
        description: What the help opens with.
    """
    parser = OneLineParser(prog=program, description=description)
    _declare(parser, kind)
    return _made(kind, parser, arguments)


def ensure_home() -> None:
    """Gives a user without a home, as in a container that has no entry for it, a temporary one.

    Libraries look for their settings there when they are imported, and for the user's name.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.gettempdir()
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["USER"] = str(os.getuid())


def print_what_can_be_printed() -> None:
    """Prints a question mark for a character that the terminal, or the encoding that was asked for, lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def read_command(
    kinds: Mapping[str, type[Options]], arguments: Sequence[str], *, program: str, description: str
) -> Options:
    """Returns what a command line says whose first argument names one of several commands.

    Args:
        kinds: The dataclass of each command, as :func:`read_options` takes it; its docstring describes it.
        arguments: What was given.
        program: What the commands belong to, as a user calls it.
        description: What the help opens with.
    """
    parser = OneLineParser(prog=program, description=description)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, kind in kinds.items():
        summary = inspect.cleandoc(kind.__doc__ or "")
        command = commands.add_parser(name, description=summary, help=summary)
        _declare(command, kind)
        command.set_defaults(kind=kind)
    return _made(None, parser, arguments)


def _made(kind: type[Options] | None, parser: OneLineParser, arguments: Sequence[str]) -> Options:
    """Makes the dataclass, or that of the command which was named, with what was given."""
    ensure_home()
    print_what_can_be_printed()
    known, unknown = parser.parse_known_args(arguments)
    given = vars(known)
    made: type[Any] = kind or given.pop("kind")
    if unknown:
        first = unknown[0].partition("=")[0]
        if not first.startswith("-"):
            parser.error(f"{first!r}: expected an option")
        parser.error(f"there is no option {first}{did_you_mean(first, map(_option, vars(known)))}")
    result: Options = made(**{n: tuple(v) if isinstance(v, list) else v for n, v in given.items()})
    return result


def _declare(parser: argparse.ArgumentParser, kind: type[Any]) -> None:
    """Makes an argument of each field."""
    types, texts = get_type_hints(kind), _docstrings(kind)
    positional = [field.name for field in fields(kind) if field.default is MISSING]
    for field in fields(kind):
        how = _how_to_read(types[field.name])
        text = texts[field.name].replace("%", "%%")
        if field.name in positional:
            parser.add_argument(field.name, help=text, **{**how, "metavar": field.name.upper()})
            continue
        if field.default not in (None, False):
            several = field.default if isinstance(field.default, tuple) else (field.default,)
            text += f" (default: {' '.join(map(str, several))})"
        parser.add_argument(_option(field.name), default=field.default, help=text, **how)
    # Listed one by one, twenty options would fill the first screen.
    parser.usage = " ".join(["%(prog)s [options]", *(name.upper() for name in positional)])


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _docstrings(kind: type[Any]) -> dict[str, str]:
    """Returns the docstring under each field, on one line."""
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(declared, ast.ClassDef)
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in pairwise(declared.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }  # fmt: skip


def _how_to_read(kind: Any) -> dict[str, Any]:
    """Returns what argparse needs to know of a field's type."""
    parts = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is Literal:
        return {"type": _one_of(parts), "metavar": f"{{{','.join(parts)}}}"}
    if get_origin(kind) is tuple:
        return {**_how_to_read(parts[0]), "nargs": "+"}
    if parts:  # of what may be left out, the type of what is given
        return _how_to_read(parts[0])
    if kind is bool:
        return {"action": "store_true"}
    return {"type": _READERS[kind], "metavar": "TEXT" if kind is str else kind.__name__.upper()}


def _number(kind: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None

    return read


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {', '.join(choices[:-1])} or {choices[-1]}")
        return text

    return read


_READERS: Mapping[Any, Callable[[str], Any]] = {
    int: _number(int, "a whole number"), float: _number(float, "a number"), str: str, Path: Path,
}  # fmt: skip

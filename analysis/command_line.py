"""Reading of a command line with tyro, with one line for an error instead of a box of several."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

REGISTRY = ConstructorRegistry()
"""How whole numbers and choices are read: tyro names neither clearly where an option may be left out."""


@contextlib.contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """Ends the program with exit code 2 and one line where tyro would print a box.

    Args:
        program: What was run, whose `--help` is the way out.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            yield
    except SystemExit as end:
        if not end.code:
            raise
        print(f"error: {_message(printed.getvalue())}; see {program} --help", file=sys.stderr)
        raise SystemExit(2) from None


def _message(box: str) -> str:
    """Returns what a box says below its title: its first part, and of the second what was meant or exists."""
    _, *lines = re.sub(r"\x1b\[[\d;]*m", "", box).strip().splitlines()
    # Without UTF-8 the frame is made of hyphens and spaces.
    inside = "\n".join(line.strip("│╰╯ ") for line in lines)
    parts = [" ".join(part.split()) for part in re.split(r"^[─-]+$", inside, flags=re.MULTILINE)]
    first, *rest = [part for part in parts if part] or [box.strip()]
    message = first.removeprefix("Error parsing ").removesuffix(".").removesuffix(":")
    message = message.replace(". Expected 1 values", ": expected one")
    meant = re.match(r"Perhaps you meant: (-\S+)|Available subcommands: (.+)", rest[0]) if rest else None
    if meant is None:
        return message
    return f"{message} ({f'did you mean {meant[1]}?' if meant[1] else f'expected one of {meant[2]}'})"


@REGISTRY.primitive_rule
def _whole_number(asked: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    if _left_out_or(asked.type) is not int:
        return None

    def read(given: list[str]) -> int:
        try:
            return int(given[0])
        except ValueError:
            raise ValueError(f"{given[0]!r}: expected a whole number") from None

    return _spec("INT", read)


@REGISTRY.primitive_rule
def _choice(asked: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    kind = _left_out_or(asked.type)
    if get_origin(kind) is not Literal:
        return None
    choices = get_args(kind)

    def read(given: list[str]) -> str:
        if given[0] not in choices:
            raise ValueError(f"{given[0]!r}: expected {', '.join(choices[:-1])} or {choices[-1]}")
        return given[0]

    return _spec(f"{{{','.join(choices)}}}", read)


def _left_out_or(kind: Any) -> Any:
    """Returns the type of a value that is given: `T` of `T | None`."""
    rest = [each for each in get_args(kind) if each is not NoneType]
    return rest[0] if len(rest) == 1 and NoneType in get_args(kind) else kind


def _spec(metavar: str, read: Callable[[list[str]], Any]) -> PrimitiveConstructorSpec[Any]:
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=read,
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )

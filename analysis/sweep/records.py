"""Records of a run as typed values, and the reading of a record from its file.

Python's JSON writes and reads NaN and infinity, which stand for what was not measured, and keeps every digit
of a float; what is read is then checked against its type. A file that is not what a sweep writes, whatever is
wrong with it, is a :class:`DamagedError`. Fields that a type does not have are passed over, as a later
release may have added them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar

import msgspec
from msgspec import Meta, Struct

from analysis.sweep.layout import CONFIG_ID, RUN_IDENTITY
from analysis.sweep.schema import State
from analysis.text import printable

_WIDEST: Final = 2**63 - 1
LARGEST: Final = 2**26
"""Bytes of a record: a hundred times what the longest run writes."""
_LONGEST: Final = 120
"""Characters of a reason."""
Count = Annotated[int, Meta(ge=0, le=_WIDEST)]
"""A whole number that tables can hold, 0 or more."""
Positive = Annotated[int, Meta(ge=1, le=_WIDEST)]
ConfigId = Annotated[str, Meta(pattern=rf"\A{CONFIG_ID}\Z")]
"""A configuration's id: a baseline's or a trial's, and never a path."""
Whole = Annotated[int, Meta(ge=-_WIDEST, le=_WIDEST)]
Value = None | bool | Whole | float | str
"""What a hyperparameter may be."""
Name = Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f]+\Z", max_length=200)]
"""What a hyperparameter may be called, or anything else whose name a terminal shows."""
Configuration = dict[Name, Value]

NOT_TYPED: Final = (ValueError, RecursionError, msgspec.ValidationError)
"""What is raised of a file's content that is no such record."""
_PATTERN: Final = re.compile(r"matching regex '.*'")
"""How msgspec says what a text should look like, which only programmers read."""
_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class DamagedError(Exception):
    """A file is not what a sweep wrote.

    Args:
        path: The file.
        reason: What is wrong with it; of a long one the beginning is kept, and what can be printed.
        unreadable: Whether its content is unknown, as the disk or its permissions do not let it be read.
    """

    def __init__(self, path: Path, reason: str, *, unreadable: bool = False) -> None:
        super().__init__(path, reason, unreadable)
        self.path = path
        shown = printable(_PATTERN.sub("of another form", " ".join(reason.split())))
        self.reason = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
        self.unreadable = unreadable

    def __str__(self) -> str:
        return f"{self.path} is damaged ({self.reason})"


class Record(Struct, frozen=True):
    """A typed record of a file, or of a line of one."""

    @classmethod
    def of(cls, value: Any) -> Self:
        """Returns the record that a JSON value is.

        Raises:
            msgspec.ValidationError: It is none.
        """
        return msgspec.convert(value, cls)


_Record = TypeVar("_Record", bound=Record)


class Params(Record, frozen=True, kw_only=True):
    """What a run is trained with: `params.json`, in which the configuration's names stand beside the rest."""

    configuration: Configuration
    """The configuration that is active, or was last."""
    seed: Count
    config_id: ConfigId
    test_seed: Count | None = None
    """Index of the test seed of a confirmation run."""

    @classmethod
    def of(cls, value: Any) -> Self:
        """Returns the record that a file's entries are."""
        entries = msgspec.convert(value, dict[str, Any])
        identity = {name: entries[name] for name in RUN_IDENTITY if name in entries}
        configuration = {name: value for name, value in entries.items() if name not in RUN_IDENTITY}
        return msgspec.convert(identity | {"configuration": configuration}, cls)

    @property
    def received(self) -> dict[str, Any]:
        """What the run's trainable received, but for a schedule."""
        test_seed = {} if self.test_seed is None else {"test_seed": self.test_seed}
        return {**self.configuration, "seed": self.seed, "config_id": self.config_id, **test_seed}


class Ending(Record, frozen=True, kw_only=True):
    """How a run ended: `state.json`."""

    state: State
    cause: str | None = None
    """Why it failed or diverged, in one line."""
    code: dict[str, str] = msgspec.field(default_factory=dict)
    """What it failed with: versions by name, and its environment's file by its hash."""

    @classmethod
    def of(cls, value: Any) -> Self:
        """Returns the record that a file's entries are."""
        ending = msgspec.convert(value, cls)
        return msgspec.structs.replace(
            ending, cause=None if ending.cause is None else printable(ending.cause)
        )

    def __post_init__(self) -> None:
        if self.state is State.RUNNING:
            raise ValueError("a run that runs has no end")


class Segment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A configuration that was active from some steps on, in a run that changed while it trained."""

    steps: Count
    configuration: Configuration
    changed: dict[Name, tuple[Value, Value]] = msgspec.field(default_factory=dict)
    """Names that changed, with their values before and after."""
    member: ConfigId | None = None
    """Who trained with it, of a population."""
    donor: ConfigId | None = None
    """Whose weights it began with; None at the start."""


class Schedule(Record, frozen=True, kw_only=True):
    """The configurations of a run that changed while it trained: `schedule.json`."""

    schedule: Annotated[list[Segment], Meta(min_length=1)]
    """Those that lead from untrained weights to the run's own. Training by them repeats it."""
    history: list[Segment] = msgspec.field(default_factory=list)
    """Those with which the run's own evaluations were trained, of a member of a population."""


class Reported(Struct, frozen=True, kw_only=True):
    """What every result of a run tells, however much else it does."""

    steps: Count
    wall_s: float
    objective: float


class SavedHead(Record, frozen=True, kw_only=True):
    """The first line of what an unfinished run goes on from; the rest is the trainer's state."""

    written_by: dict[str, str] = msgspec.field(default_factory=dict)
    """Versions of what is pickled in the state, by name."""
    results: list[dict[str, Any]] | None = None
    """Everything the run has reported."""
    signature: str | None = None
    """Keyed digest of the state, by which its writer is known."""
    refused: str | None = None
    """Why the run begins anew instead of going on from a state; there is none then."""

    def __post_init__(self) -> None:
        if (self.results is None) == (self.refused is None):
            raise ValueError("expected results or a refusal")
        msgspec.convert(self.results or [], list[Reported])


def typed(path: Path, content: bytes, kind: type[_Record]) -> _Record:
    """Returns a file's content as a typed record.

    Args:
        path: The file, for the error.
        content: What it holds, or one line of it.
        kind: The record's type.

    Raises:
        DamagedError: It is not what a sweep writes.
    """
    try:
        return kind.of(parsed(content))
    except NOT_TYPED as error:
        raise DamagedError(path, str(error)) from error


def content_of(path: Path, *, largest: int = LARGEST) -> bytes | None:
    """Returns what a file holds; None if there is no file.

    Args:
        path: The file.
        largest: Bytes that it may have. One with holes takes no room on disk, however large it is.

    Raises:
        DamagedError: It cannot be read, or is larger.
    """
    return _content(path, BufferedReader.read, largest)


def first_line_of(path: Path) -> bytes | None:
    """Returns a file's first line, as :func:`content_of` does the whole."""
    return _content(path, BufferedReader.readline, LARGEST)


def read_record(path: Path, kind: type[_Record]) -> _Record | None:
    """Returns the record in a file; None if there is no file.

    Raises:
        DamagedError: It is not what a sweep writes.
    """
    content = content_of(path)
    return None if content is None else typed(path, content, kind)


def parsed(content: bytes) -> Any:
    """Returns the JSON value in a file's content, in which all text can be written as UTF-8 again.

    Raises:
        ValueError: It is no JSON, or has text that cannot be written.
        RecursionError: It is nested too deeply.
    """
    value = json.loads(content.decode("utf-8"))
    if _LONE_SURROGATE.search(content):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _content(path: Path, read: Callable[[BufferedReader, int], bytes], largest: int) -> bytes | None:
    try:
        # Of what is no file, opening a pipe would wait for somebody to write to it.
        if path.exists() and not path.is_file():
            raise DamagedError(path, "it is no file")
        with path.open("rb") as file:
            is_too_large = os.fstat(file.fileno()).st_size > largest and read is BufferedReader.read
            content = b"" if is_too_large else read(file, largest + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DamagedError(path, error.strerror or type(error).__name__, unreadable=True) from error
    if is_too_large or len(content) > largest:
        raise DamagedError(path, f"it is larger than {largest:,} bytes")
    return content

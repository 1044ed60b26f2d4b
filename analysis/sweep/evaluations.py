"""Evaluations of a run as columns, and their reading from the lines of `result.json`."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from analysis.sweep.records import NOT_TYPED, Count, DamagedError, Name, content_of, parsed
from analysis.sweep.schema import ENV_PREFIX, EVALUATION, OBJECTIVE, SEEDS_PREFIX

STEPS: Final = EVALUATION[0]
_LINES: Final = msgspec.json.Decoder[Any]()


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluations:
    """The evaluations of one run, in the order of their steps, of which each is there once.

    They are columns and not one value a line, since a sweep of thousands of trials has hundreds of thousands.
    """

    steps: tuple[int, ...]
    """Steps of each evaluation."""
    columns: Mapping[str, array[float]]
    """Values of every column, steps and objective among them, [E]; NaN where nothing was measured."""

    @classmethod
    def of(cls, lines: Sequence[Any]) -> Self:
        """Returns the evaluations that JSON values are; of two at the same steps the later one counts.

        Raises:
            msgspec.ValidationError: One of them is none.
            ValueError: An objective is not finite.
        """
        entries = msgspec.convert(lines, list[dict[str, Any]])
        names = set().union(*entries)
        extras = sorted(name for name in names if name.startswith((ENV_PREFIX, SEEDS_PREFIX)))
        steps = msgspec.convert([entry.get(STEPS) for entry in entries], list[Count])
        objectives = msgspec.convert([entry.get(OBJECTIVE) for entry in entries], list[float])
        if not all(map(math.isfinite, objectives)):
            raise ValueError("an objective is not finite")
        measured = {name: [entry.get(name) for entry in entries] for name in (*EVALUATION, *extras)}
        typed = msgspec.convert(measured, dict[Name, list[float | None]])
        # The last of each, as a mapping keeps what was put into it last.
        order = [line for _, line in sorted({at: line for line, at in enumerate(steps)}.items())]
        columns = {name: _finite([values[line] for line in order]) for name, values in typed.items()}
        return cls(steps=tuple(steps[line] for line in order), columns=columns)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def curve(self) -> dict[int, float]:
        """Objective at each evaluation, by steps."""
        return dict(zip(self.steps, self.columns[OBJECTIVE], strict=True))

    @property
    def last(self) -> dict[str, float]:
        """Every column of the last evaluation; NaN where there is none."""
        return {name: values[-1] if len(self) else math.nan for name, values in self.columns.items()}


def read_evaluations(path: Path) -> tuple[Evaluations, list[DamagedError]]:
    """Returns the evaluations that can be read, and what is wrong with the first that cannot."""
    try:
        content = content_of(path)
    except DamagedError as error:
        return Evaluations.of([]), [error]
    if content is None:
        return Evaluations.of([]), [DamagedError(path, "it is missing")]
    try:
        return Evaluations.of(_parsed_at_once(content)), []
    except NOT_TYPED:
        return _one_by_one(path, content.splitlines())


def _parsed_at_once(content: bytes) -> list[Any]:
    """Returns the JSON values in the lines of a file, a quarter of the time that each on its own takes.

    Raises:
        ValueError: Not every line is one JSON value, or one of them has what a run seldom writes: text with a
            backslash, or an infinite number.
    """
    # What is not a number is missing, and null, which all parsers know, is missing too. Where no text has a
    # backslash, a name of which this is a part would have to begin with it.
    values = _LINES.decode_lines(content.replace(b'": NaN', b'": null'))
    if b"\\" in content or not content.count(b"}\n") == content.count(b"\n") == len(values):
        raise ValueError("not a JSON value a line")
    return values


def _one_by_one(path: Path, lines: Sequence[bytes]) -> tuple[Evaluations, list[DamagedError]]:
    whole: list[Any] = []
    damage: list[DamagedError] = []
    for number, line in enumerate(lines, start=1):
        try:
            entries = parsed(line)
            Evaluations.of([entries])
        except NOT_TYPED as error:
            damage.append(DamagedError(path, f"line {number}: {error}"))
        else:
            whole.append(entries)
    return Evaluations.of(whole), damage[:1]


def _finite(values: Sequence[float | None]) -> array[float]:
    """Returns numbers; all that is not finite is missing."""
    isfinite, nan = math.isfinite, math.nan
    return array("d", [value if value is not None and isfinite(value) else nan for value in values])

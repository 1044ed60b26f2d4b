"""Timing in turns, tables, goals and sections of documents, as all benchmarks use them."""

from __future__ import annotations

import datetime
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from analysis.command_line import read_options

Key = TypeVar("Key")
Given = TypeVar("Given")

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PERFORMANCE, LABORATORY, STATISTICS = (
    DOCS / f"{name}.md" for name in ("performance", "laboratory", "statistics")
)
TOLERANCE = 0.15
"""Share by which a goal of speed may be missed before a benchmark fails: machines differ."""


def options_of(kind: type[Given], description: str | None) -> Given:
    """Returns what the command line of the benchmark that runs says, as :func:`read_options` reads it."""
    script = getattr(sys.modules["__main__"].__spec__, "name", "benchmark")
    return read_options(kind, sys.argv[1:], program=f"python -m {script}", description=description or "")


def rate(work: Callable[[], int], *, seconds: float, clock: Callable[[], float] = time.process_time) -> float:
    """Returns how much is done in a second.

    Args:
        work: Does some and returns how much; repeated until the time is over.
        seconds: Least time that it is measured for.
        clock: Seconds; those of this process by default, which other processes disturb least.
    """
    done, start = 0, clock()
    while (elapsed := clock() - start) < seconds:
        done += work()
    return done / elapsed


def in_turns(contestants: Mapping[Key, Callable[[], Given]], repetitions: int) -> dict[Key, list[Given]]:
    """Runs every contestant once in each repetition, so that a slow phase of the machine hits all alike.

    Returns:
        What each one gave, in the order of the repetitions.
    """
    given: dict[Key, list[Given]] = {name: [] for name in contestants}
    for _ in range(repetitions):
        for name, run in contestants.items():
            given[name].append(run())
    return given


def medians(measured: Mapping[Key, Sequence[float]]) -> dict[Key, float]:
    """Returns the median of each contestant's repetitions."""
    return {name: statistics.median(values) for name, values in measured.items()}


def today() -> str:
    """Returns the date for a document, as in 2026-11-21."""
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int) -> str:
    """Returns a Markdown table whose first columns are texts; the others are numbers and aligned right."""
    rules = ["---" if column < texts else "---:" for column in range(len(header))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rules, *rows))


def shown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Prints a Markdown table of texts, each row as soon as it is there, and returns it."""
    lines = []
    for cells in itertools.chain([header, ["---"] * len(header)], rows):
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def publish(document: Path, section: str, text: str, options: Any) -> bool:
    """Writes a section of a document if it was measured as the document says: with the default options.

    Args:
        document: Markdown file.
        section: Name of its markers, `<!-- name -->` and `<!-- /name -->`.
        text: What shall stand between them.
        options: The benchmark's, a dataclass with defaults.

    Returns:
        Whether it was written.
    """
    if options != type(options)():
        print(f"not written to {document.relative_to(ROOT)}, which states what the default options give")
        return False
    write_section(document, section, text)
    return True


def write_section(document: Path, section: str, text: str) -> None:
    """Replaces what stands between the markers of a section.

    Raises:
        ValueError: The document has no such section, or more than one.
    """
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    content = document.read_text(encoding="utf-8")
    before, begun, rest = content.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended) or begin in rest:
        raise ValueError(f"{document}: expected one section from {begin} to {end}")
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def exit_code(missed: Iterable[str]) -> int:
    """Prints the goals that were missed and returns the script's exit code: 1 if there are any."""
    failed = 0
    for goal in missed:
        print("MISSED", goal)
        failed = 1
    return failed

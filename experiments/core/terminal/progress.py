"""Progress of a sweep: one live display in a terminal, else one line for each finished run."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from types import MappingProxyType, TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from analysis.sweep import DEFAULT, FIRST_TRIAL, SEEDS_PREFIX, Phase, State, is_ablation

LATE_S = 3.0
"""Seconds after which a check is slow, and says what it is doing also where nobody may watch."""


@contextmanager
def check_progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Shows progress of the checks: one live line in a terminal; elsewhere a line for what begins late.

    Args:
        console: Where to show it.

    Yields:
        What shows what is being done.
    """
    if console.is_terminal and not console.quiet:
        with console.status("checking", spinner_style="cyan") as status:
            yield lambda doing: status.update(f"checking: {doing}")
        return
    started = time.monotonic()

    def say(doing: str) -> None:
        if time.monotonic() - started > LATE_S:
            console.print(f"checking: {doing}", soft_wrap=True)

    yield say


class SweepProgress:
    """Progress of a sweep: counts what has happened and shows it.

    Args:
        console: Where to show it; a terminal gets the live display.
        totals: Expected runs of each phase.
        ablation: Further runs that a phase may take for an ablation, which count once it has begun.
    """

    def __init__(self, console: Console, *, totals: Mapping[Phase, int], ablation: int = 0) -> None:
        self._console = console
        self._totals = dict(totals)
        self._ablation, self._ablated = ablation, 0
        self._ended = {phase: Counter[State]() for phase in totals}
        self._steps: dict[tuple[Phase, str], int] = {}
        self._phase_started = self._started = time.monotonic()
        self._phase = next(iter(totals))
        self._best, self._default = math.nan, math.nan
        self._before = 0
        self._trained_before: dict[str, int] = {}
        self.goes_on = False
        """Whether any run had ended, or was under way, before this process."""
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=console,
        )
        self._tasks: dict[Phase, TaskID] = {
            phase: self._bars.add_task(_TITLES[phase], total=total, note="")
            for phase, total in totals.items()
        }
        # A notebook shows what changes in a widget, and without widgets one line after the other.
        self._is_live = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
        self._live = Live(
            get_renderable=self._render,
            console=console,
            # What a thread prints does not reach a notebook's widget, which is drawn at every result instead.
            auto_refresh=not console.is_jupyter,
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> Self:
        if self._is_live and not self._console.quiet:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def begin(
        self,
        phase: Phase,
        total: int,
        *,
        ended: Mapping[str, tuple[State, float]] = MappingProxyType({}),
        under_way: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Starts or continues a phase.

        Args:
            phase: Which one.
            total: Its runs, those that ended before among them.
            ended: State and objective of the runs that ended before, by name.
            under_way: Steps from which the runs that were cut off continue, by name.
        """
        self._phase, self._phase_started = phase, time.monotonic()
        self._totals[phase] = total
        self._bars.update(self._tasks[phase], total=total)
        self._before = len(ended)
        self._trained_before = dict(under_way)
        self.goes_on |= bool(ended or under_way)
        for run, (state, objective) in ended.items():
            self._count(run, state, objective)
        self._draw()

    def restarted(self, run: str, cause: str) -> None:
        """Notes that a run restarts, because it cannot continue from what it had saved."""
        self._trained_before.pop(run, None)
        line = f"{self._name(run)} was cut off and restarts: its saved state cannot be restored ({cause})"
        self._console.print(Text(line), soft_wrap=True)

    def reported(self, run: str, result: Mapping[str, Any]) -> None:
        """Notes an evaluation of a run."""
        self._steps[self._phase, run] = steps_of(result) - self._trained_before.get(run, 0)
        self._draw()

    def silent(self, run: str, seconds: float, expected_s: float | None) -> None:
        """Says that nothing was heard of a run for so long."""
        expected = "" if expected_s is None else f", expected {duration(expected_s)}"
        line = f"no result from {self._name(run)} for {duration(seconds)}{expected}"
        self._console.print(Text(line), soft_wrap=True)

    def lost(self, run: str, cause: str, attempt: int | None) -> None:
        """Says that a run's process ended, and whether it goes on at once or is left unfinished."""
        goes_on = "the same command with --name goes on with it"
        if attempt is not None:
            goes_on = f"it goes on from what it saved (attempt {attempt})"
        line = f"{self._name(run)} is lost: {cause}; {goes_on}"
        self._console.print(Text(line), soft_wrap=True)

    def ended(self, run: str, state: State, result: Mapping[str, Any], cause: str | None) -> None:
        """Notes the end of a run."""
        objective = float(result.get("objective", math.nan))
        self._count(run, state, objective)
        self._draw()
        if not self._is_live:
            line = self._line(run, state, objective, result, cause)
            self._console.print(Text(line), soft_wrap=True)

    def _draw(self) -> None:
        """Draws a live display that does not draw itself."""
        if self._live.is_started and not self._live.auto_refresh:
            self._live.refresh()

    def _count(self, run: str, state: State, objective: float) -> None:
        counts = self._ended[self._phase]
        counts[state] += 1
        if self._phase is Phase.SEARCH and state in {State.COMPLETED, State.PRUNED}:
            if run == FIRST_TRIAL:
                self._default = objective
            elif state is State.COMPLETED:
                self._best = max(objective, self._best) if not math.isnan(self._best) else objective
        self._ablated += is_ablation(run)
        note = ", ".join(f"{counts[s]} {s}" for s in State if counts[s] and s is not State.COMPLETED)
        self._bars.update(self._tasks[self._phase], completed=counts.total(), total=self._total, note=note)

    @property
    def _total(self) -> int:
        """Runs of this phase: of a race that has ended, those that it took, and what may follow it."""
        if not self._ablated:
            return self._totals[self._phase]
        return self._ended[self._phase].total() - self._ablated + self._ablation

    @property
    def steps(self) -> int:
        """Environment steps trained since the display was made, all runs together."""
        return sum(self._steps.values())

    @property
    def seconds(self) -> float:
        """Seconds since the display was made."""
        return time.monotonic() - self._started

    def count(self, phase: Phase, state: State) -> int:
        """Counts the runs of a phase that ended this way."""
        return self._ended[phase][state]

    def _name(self, run: str) -> str:
        return DEFAULT if self._phase is Phase.SEARCH and run == FIRST_TRIAL else run

    def _line(
        self, run: str, state: State, objective: float, result: Mapping[str, Any], cause: str | None
    ) -> str:
        done = f"{self._ended[self._phase].total()}/{self._total}"
        steps = f"{int(result.get('steps', 0)):>9,} steps"
        line = f"{_TITLES[self._phase]:<7} {done:>6}  {self._name(run):<18} {state:<9} {steps}"
        return f"{line}  {cause}" if cause else f"{line}  score {objective:.3f}"

    def _render(self) -> Group:
        elapsed = time.monotonic() - self._phase_started
        steps = sum(steps for (phase, _), steps in self._steps.items() if phase is self._phase)
        parts = [f"{steps / elapsed:,.0f} steps/s" if steps else "starting"]
        left = self._seconds_left(steps, elapsed)
        if left is not None:
            parts.append(f"about {duration(left)} left in this phase")
        if not math.isnan(self._best):
            versus = "" if math.isnan(self._default) else f" (default {self._default:.3f})"
            parts.append(f"best score {self._best:.3f}{versus}")
        return Group(self._bars, Text("  ·  ".join(parts), style="cyan"))

    def _seconds_left(self, steps: int, elapsed: float) -> float | None:
        """Estimates the seconds left from the steps that an average run of this phase has taken so far."""
        ended = self._ended[self._phase].total()
        now = ended - self._before
        if not steps or not now:
            return None
        waiting = self._total - ended
        return max(0.0, waiting * elapsed / (now + 0.5))


_TITLES = {Phase.SEARCH: "search", Phase.CONFIRM: "confirm"}


def steps_of(result: Mapping[str, Any]) -> int:
    """Returns the environment steps that a result took: what several seeds of one trial cost together."""
    return int(result.get(SEEDS_PREFIX + "steps", result["steps"]))


def duration(seconds: float) -> str:
    """Writes seconds as one says them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

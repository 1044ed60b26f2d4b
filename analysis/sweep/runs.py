"""Runs of a sweep as their folders tell of them: finished, unfinished or damaged.

This is the only reader of a run. A run is finished if the end of it is on disk and all its records are what a
sweep writes: training it again costs less than a wrong curve. Any other run is unfinished.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from analysis.sweep.evaluations import Evaluations, read_evaluations
from analysis.sweep.layout import (
    PARAMS_FILE,
    RESULT_FILE,
    SCHEDULE,
    SCHEDULE_FILE,
    STATE_FILE,
    UNFINISHED_FILE,
    RunName,
    checkpoints_in,
    run_folders,
)
from analysis.sweep.records import (
    DamagedError,
    Ending,
    Params,
    Record,
    SavedHead,
    Schedule,
    Segment,
    first_line_of,
    read_record,
    typed,
)
from analysis.sweep.schema import State

_Record = TypeVar("_Record", bound=Record)
_Versions: TypeAlias = tuple[tuple[int, ...] | None, ...]

RUNS_KEPT: Final = 10_000
"""Runs that have ended of which a process keeps the records."""
SETTLED_S: Final = 2.0
"""Seconds since its last change after which a file can be told from its next version."""


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run whose end is on disk."""

    name: str
    """Its folder's name."""
    config: Mapping[str, Any]
    """The configuration, without seeds and ids."""
    state: State
    curve: Mapping[int, float]
    """Objective at each evaluation, by steps."""
    cause: str | None = None
    """Why it failed or diverged."""
    schedule: tuple[Segment, ...] = ()
    """The configurations that led to its weights, if they changed."""
    code: Mapping[str, str] = field(default_factory=dict)
    """What it failed with: versions by name, and its environment's file by its hash."""

    @property
    def config_id(self) -> str:
        """The configuration that it is a run of."""
        found = RunName.parse(self.name)
        assert found is not None
        return found.config_id

    @property
    def objective(self) -> float | None:
        """The last objective; None if there was no evaluation."""
        return self.curve[max(self.curve)] if self.curve else None

    @property
    def repetition(self) -> dict[str, Any]:
        """The configuration to train from scratch in order to repeat the run, with its schedule if any."""
        if not self.schedule:
            return dict(self.config)
        return {**self.schedule[0].configuration, SCHEDULE: msgspec.to_builtins(self.schedule)}


@dataclass(frozen=True, kw_only=True)
class UnfinishedRun:
    """A run that was cut off, or whose records are damaged."""

    name: str
    """Its folder's name."""
    config: Mapping[str, Any]
    """The configuration, without seeds and ids."""


@dataclass(frozen=True, kw_only=True)
class RunRecords:
    """What a run's folder holds."""

    name: RunName
    params: Params | None
    evaluations: Evaluations
    ending: Ending | None
    schedule: Schedule | None
    damage: tuple[DamagedError, ...]
    """What is wrong with the records. None of a run that was cut off, whose last line may be half written."""

    @property
    def state(self) -> State:
        """How the run ended; `running` if it is unfinished."""
        return State.RUNNING if self.ending is None or self.damage else self.ending.state

    @property
    def run(self) -> FinishedRun | UnfinishedRun | None:
        """The run; None without a configuration."""
        if self.params is None:
            return None
        name, config = str(self.name), self.params.configuration
        if self.ending is None or self.damage:
            return UnfinishedRun(name=name, config=config)
        return FinishedRun(
            name=name,
            config=config,
            state=self.ending.state,
            curve=self.evaluations.curve,
            cause=self.ending.cause,
            code=self.ending.code,
            schedule=() if self.schedule is None else tuple(self.schedule.schedule),
        )


def read_runs(phase_folder: Path) -> list[RunRecords]:
    """Returns the records of every run of a phase, in the order of their names."""
    return [read_run(name, folder) for name, folder in run_folders(phase_folder).items()]


def finished_runs(phase_folder: Path) -> list[FinishedRun]:
    """Returns the runs that ended and whose records are whole."""
    runs = (records.run for records in read_runs(phase_folder))
    return [run for run in runs if isinstance(run, FinishedRun)]


def finished_run(folder: Path) -> FinishedRun | None:
    """Returns the run in a folder; None if it has not ended, or its records are damaged."""
    name = RunName.parse(folder.name)
    if name is None or not (folder / STATE_FILE).exists():
        return None
    run = read_run(name, folder).run
    return run if isinstance(run, FinishedRun) else None


def unfinished_runs(phase_folder: Path) -> list[UnfinishedRun]:
    """Returns the runs that were cut off, or whose records are damaged."""
    runs = (records.run for records in read_runs(phase_folder))
    return [run for run in runs if isinstance(run, UnfinishedRun)]


def damaged_runs(phase_folder: Path) -> list[RunRecords]:
    """Returns the runs that count as unfinished because their records are damaged."""
    return [records for records in read_runs(phase_folder) if records.damage]


def configurations_of(phase_folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the configurations of a phase's runs by id, those under way among them.

    One that changes while it trains is left out.
    """
    runs = [run for run in read_runs(phase_folder) if run.params is not None]
    changing = {run.name.config_id for run in runs if run.params and SCHEDULE in run.params.received}
    return {
        run.name.config_id: dict(run.params.configuration)
        for run in runs
        if run.params and run.name.config_id not in changing
    }


def ranking_key(run: FinishedRun, full_steps: int) -> tuple[int, float, float]:
    """Returns what ranks runs: a longer training counts more than a better objective.

    Those without a value come last. Of equal ones, such as several that reached the optimum, that with the
    better curve comes first: where it was reached sooner, it is less likely to have been luck.
    """
    if run.state not in {State.COMPLETED, State.PRUNED} or not run.curve:
        return -1, -math.inf, -math.inf
    last = max(run.curve)
    return min(last, full_steps), run.curve[last], fmean(run.curve.values())


def read_run(name: RunName, folder: Path) -> RunRecords:
    """Returns what a run's folder holds, and what of it is damaged.

    A command looks at its runs a dozen times, and one that has ended changes no more. So its files are read
    once in a process, and looked up again only if one of them is another one by now.
    """
    versions = _versions(folder)
    return _read_run(name, folder) if versions is None else _read_ended_run(name, folder, versions)


@lru_cache(maxsize=RUNS_KEPT)
def _read_ended_run(name: RunName, folder: Path, versions: _Versions) -> RunRecords:
    return _read_run(name, folder)


def _versions(folder: Path) -> _Versions | None:
    """Returns what tells the files of a run from later ones; None of a run that may be under way."""
    found: list[tuple[int, ...] | None] = []
    for file in (STATE_FILE, PARAMS_FILE, RESULT_FILE, SCHEDULE_FILE):
        try:
            state = (folder / file).stat()
        except OSError:
            if file == STATE_FILE:
                return None
            found.append(None)
            continue
        # A file system may count in whole seconds, in which a file can change twice.
        if time.time() - max(state.st_mtime, state.st_ctime) < SETTLED_S:
            return None
        found.append((state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    return tuple(found)


def _read_run(name: RunName, folder: Path) -> RunRecords:
    params, damage = _read(folder / PARAMS_FILE, Params)
    ending, no_ending = _read(folder / STATE_FILE, Ending)
    schedule, no_schedule = _read(folder / SCHEDULE_FILE, Schedule)
    evaluations, no_evaluations = read_evaluations(folder / RESULT_FILE)
    if ending is not None or no_ending:
        damage += no_ending + no_evaluations + no_schedule
        # Whatever did not fail was evaluated.
        if ending is not None and ending.state is not State.FAILED and not (evaluations or no_evaluations):
            damage.append(DamagedError(folder / RESULT_FILE, "it has no evaluation"))
    if params is None and not damage and has_records(folder):
        damage.append(DamagedError(folder / PARAMS_FILE, "it is missing"))
    if params is not None and RunName.of(params.received) != name:
        damage.append(DamagedError(folder / PARAMS_FILE, f"it is that of {RunName.of(params.received)}"))
        params = None
    return RunRecords(
        name=name,
        params=params,
        evaluations=evaluations,
        ending=ending,
        schedule=schedule,
        damage=tuple(damage),
    )


def has_records(folder: Path) -> bool:
    """Returns whether a run has left anything but what it begins with."""
    left = (RESULT_FILE, STATE_FILE, UNFINISHED_FILE)
    return any((folder / name).exists() for name in left) or bool(checkpoints_in(folder))


def saved_head(run: Path) -> SavedHead | None:
    """Returns what a run goes on from, without its state; None if it has never been saved.

    Raises:
        DamagedError: The file is not what a run writes.
    """
    path = run / UNFINISHED_FILE
    line = first_line_of(path)
    return None if line is None else typed(path, line, SavedHead)


def results_of(run: Path) -> list[dict[str, Any]] | None:
    """Returns what a run goes on from had reported; None where it begins from its start."""
    head = _readable_head(run)
    return None if head is None else head.results


def refusal_of(run: Path) -> str | None:
    """Returns why a run that had been saved begins anew; None if it does not."""
    head = _readable_head(run)
    return None if head is None else head.refused


def _readable_head(run: Path) -> SavedHead | None:
    try:
        return saved_head(run)
    except DamagedError:
        return None


def _read(path: Path, kind: type[_Record]) -> tuple[_Record | None, list[DamagedError]]:
    """The record in a file if there is one, and what is wrong with it."""
    try:
        return read_record(path, kind), []
    except DamagedError as error:
        return None, [error]

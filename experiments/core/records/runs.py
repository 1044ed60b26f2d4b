"""What is already there: the runs of a sweep folder, so that nothing finished is run again or lost."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from analysis.sweep import (
    MANIFEST_FILE,
    OBJECTIVE,
    OUTPUT_FILE,
    PARAMS_FILE,
    RESULT_FILE,
    RUN_IDENTITY,
    SCHEDULE_FILE,
    STATE_FILE,
    TUNES_FILES,
    UNFINISHED_FILE,
    RunName,
    State,
    is_partial,
    run_folders,
)
from experiments.core.errors import UserError
from experiments.core.records.saved_state import discard


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run whose end is on disk."""

    name: str
    """Its folder's name."""
    config: Mapping[str, Any]
    """The configuration's names and values, without seeds and ids."""
    state: State
    curve: Mapping[int, float]
    """Objective at each evaluation, by steps."""
    cause: str | None = None
    """Why it failed or diverged."""

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


@dataclass(frozen=True, kw_only=True)
class UnfinishedRun:
    """A run that was cut off."""

    name: str
    """Its folder's name."""
    config: Mapping[str, Any]
    """The configuration's names and values, without seeds and ids."""


def recorded_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of the sweep in a folder; None if it holds none.

    Raises:
        UserError: It cannot be read.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError(f"it is a {type(manifest).__name__}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged ({error}): expected a JSON object; restore it, or choose another --name"
        ) from error
    return manifest


def finished_runs(phase_folder: Path) -> list[FinishedRun]:
    """The runs that ended and whose records are whole, by folder name; all other folders are passed over."""
    runs = (_read(folder) for folder in run_folders(phase_folder).values())
    return [run for run in runs if isinstance(run, FinishedRun)]


def unfinished_runs(phase_folder: Path) -> list[UnfinishedRun]:
    """The runs that were cut off, or whose records are damaged, by folder name."""
    runs = (_read(folder) for folder in run_folders(phase_folder).values())
    return [run for run in runs if isinstance(run, UnfinishedRun)]


def damaged_runs(phase_folder: Path) -> list[str]:
    """The names of the runs that count as unfinished because their records are damaged."""
    return [folder.name for folder in run_folders(phase_folder).values() if _is_damaged(folder)]


def tidy(phase_folder: Path) -> None:
    """Removes what earlier starts left: half-written records, and what Tune would restore itself from.

    Nothing that a run goes on from is touched, and no file that somebody else put there.
    """
    for folder in run_folders(phase_folder).values():
        run = _read(folder)
        if run is None:
            shutil.rmtree(folder)
        elif isinstance(run, FinishedRun):
            discard(folder)
            for path in filter(is_partial, folder.iterdir()):
                path.unlink()
        else:
            for path in folder.iterdir():
                if path.name not in (PARAMS_FILE, UNFINISHED_FILE, OUTPUT_FILE):
                    _remove(path)
    for path in (path for pattern in TUNES_FILES for path in phase_folder.glob(pattern)):
        path.unlink()


def remove_unfinished(phase_folder: Path, *, keep: Container[str]) -> None:
    """Removes the runs that were cut off, except those of the given names."""
    for run in unfinished_runs(phase_folder):
        if run.name not in keep:
            shutil.rmtree(phase_folder / run.name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def configuration(params: Path) -> dict[str, Any]:
    """The configuration in a `params.json`, without seeds and ids."""
    return {name: value for name, value in _object(params).items() if name not in RUN_IDENTITY}


def ranking_key(run: FinishedRun, full_steps: int) -> tuple[int, float, float]:
    """Ranks runs: a longer training counts more than a better objective; those without a value come last.

    Of equal ones, such as several that reached the optimum, that with the better curve comes first: where it
    was reached sooner, it is less likely to have been luck.
    """
    if run.state not in {State.COMPLETED, State.PRUNED} or not run.curve:
        return -1, -math.inf, -math.inf
    last = max(run.curve)
    return min(last, full_steps), run.curve[last], fmean(run.curve.values())


def _read(folder: Path) -> FinishedRun | UnfinishedRun | None:
    """The run in a folder; None without a configuration.

    One counts as finished if all its records can be read: training it again costs less than a wrong curve.
    """
    try:
        config = configuration(folder / PARAMS_FILE)
    except _DAMAGE:
        return None
    try:
        state = State(_object(folder / STATE_FILE)["state"])
        curve, cause = _curve(folder / RESULT_FILE), _object(folder / STATE_FILE).get("cause")
        if (folder / SCHEDULE_FILE).exists():
            _object(folder / SCHEDULE_FILE)
    except _DAMAGE:
        return UnfinishedRun(name=folder.name, config=config)
    # Whatever did not fail was evaluated.
    if state is not State.FAILED and not curve:
        return UnfinishedRun(name=folder.name, config=config)
    return FinishedRun(name=folder.name, config=config, state=state, curve=curve, cause=cause)


def _is_damaged(folder: Path) -> bool:
    run = _read(folder)
    left = PARAMS_FILE if run is None else STATE_FILE
    return not isinstance(run, FinishedRun) and (folder / left).exists()


_DAMAGE = (FileNotFoundError, ValueError, KeyError, TypeError)
"""What reading a file raises that is not there or not what was written; a disk that fails is no damage."""


def _curve(path: Path) -> dict[int, float]:
    results = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {int(result["steps"]): float(result[OBJECTIVE]) for result in results}


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        TypeError: It is another value.
    """
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise TypeError(f"{path} holds a {type(value).__name__}")
    return value

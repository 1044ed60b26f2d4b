"""What is already there: the runs of a sweep folder, so that nothing finished is run again or lost."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from analysis.schema import State
from experiments.core.errors import UserError
from experiments.core.trial import IDENTITY
from experiments.core.unfinished import FILE as UNFINISHED
from experiments.core.unfinished import discard

MANIFEST_FILE = "manifest.json"
"""File in a sweep's folder that says what the sweep is."""
OBJECTIVE = "objective"
STATE_FILE = "state.json"
"""Its presence says that a run is over."""


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
    """The runs that ended, by folder name; folders of other kinds and unfinished runs are passed over."""
    if not phase_folder.is_dir():
        return []
    runs = (_read(folder) for folder in sorted(phase_folder.iterdir()) if folder.is_dir())
    return [run for run in runs if run is not None]


def unfinished_runs(phase_folder: Path) -> list[UnfinishedRun]:
    """The runs that were cut off, by folder name."""
    if not phase_folder.is_dir():
        return []
    return [
        UnfinishedRun(name=params.parent.name, config=configuration(params))
        for params in sorted(phase_folder.glob("*/params.json"))
        if not (params.parent / STATE_FILE).exists()
    ]


def tidy(phase_folder: Path) -> None:
    """Removes what a killed sweep left half-written, and nothing that a run goes on from."""
    if not phase_folder.is_dir():
        return
    for folder in (path for path in phase_folder.iterdir() if path.is_dir() and is_run(path.name)):
        if (folder / STATE_FILE).exists():
            discard(folder)
        elif (folder / "params.json").exists():
            for path in folder.iterdir():
                if path.name not in ("params.json", UNFINISHED):
                    _remove(path)
        else:
            shutil.rmtree(folder)


def remove_unfinished(phase_folder: Path, *, keep: Container[str]) -> None:
    """Removes the runs that were cut off, except those of the given names."""
    for run in unfinished_runs(phase_folder):
        if run.name not in keep:
            shutil.rmtree(phase_folder / run.name)


def is_run(folder_name: str) -> bool:
    """Whether a phase's folder of this name is a run's."""
    return re.fullmatch(r"trial_\d+|\w+_seed\d+", folder_name) is not None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def configuration(params: Path) -> dict[str, Any]:
    """The configuration in a `params.json`, without seeds and ids."""
    values = json.loads(params.read_text(encoding="utf-8"))
    return {name: value for name, value in values.items() if name not in IDENTITY}


def merit(run: FinishedRun, full_steps: int) -> tuple[int, float, float]:
    """Ranks runs: a longer training counts more than a better objective; those without a value come last.

    Of equal ones, such as several that reached the optimum, that with the better curve comes first: where it
    was reached sooner, it is less likely to have been luck.
    """
    if run.state not in {State.COMPLETED, State.PRUNED} or not run.curve:
        return -1, -math.inf, -math.inf
    last = max(run.curve)
    return min(last, full_steps), run.curve[last], fmean(run.curve.values())


def _read(folder: Path) -> FinishedRun | None:
    state_file, params = folder / STATE_FILE, folder / "params.json"
    if not state_file.exists() or not params.exists():
        return None
    curve: dict[int, float] = {}
    for line in (folder / "result.json").read_text(encoding="utf-8").splitlines():
        result = json.loads(line)
        curve[int(result["steps"])] = float(result[OBJECTIVE])
    state = State(json.loads(state_file.read_text(encoding="utf-8"))["state"])
    return FinishedRun(name=folder.name, config=configuration(params), state=state, curve=curve)

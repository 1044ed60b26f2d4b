"""What is already there: the runs of a sweep folder, so that nothing finished is run again or lost."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.schema import State
from experiments.core.trial import IDENTITY

OBJECTIVE = "objective"


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


def finished_runs(phase_folder: Path) -> list[FinishedRun]:
    """The runs that ended, by folder name; folders of other kinds and unfinished runs are passed over."""
    if not phase_folder.is_dir():
        return []
    runs = (_read(folder) for folder in sorted(phase_folder.iterdir()) if folder.is_dir())
    return [run for run in runs if run is not None]


def unfinished_configs(phase_folder: Path) -> dict[str, dict[str, Any]]:
    """Configurations of runs that were cut off, by folder name."""
    found: dict[str, dict[str, Any]] = {}
    if phase_folder.is_dir():
        for params in sorted(phase_folder.glob("*/params.json")):
            if not (params.parent / "state.json").exists():
                found[params.parent.name] = configuration(params)
    return found


def clear_unfinished(phase_folder: Path) -> None:
    """Removes the folders of runs that were cut off, which are run again from their start."""
    for name in unfinished_configs(phase_folder):
        shutil.rmtree(phase_folder / name)


def configuration(params: Path) -> dict[str, Any]:
    """The configuration in a `params.json`, without seeds and ids."""
    values = json.loads(params.read_text(encoding="utf-8"))
    return {name: value for name, value in values.items() if name not in IDENTITY}


def merit(run: FinishedRun, full_steps: int) -> tuple[int, float]:
    """Ranks runs: a longer training counts more than a better objective; those without a value come last."""
    if run.state not in {State.COMPLETED, State.PRUNED} or not run.curve:
        return -1, -math.inf
    last = max(run.curve)
    return min(last, full_steps), run.curve[last]


def _read(folder: Path) -> FinishedRun | None:
    state_file, params = folder / "state.json", folder / "params.json"
    if not state_file.exists() or not params.exists():
        return None
    curve: dict[int, float] = {}
    for line in (folder / "result.json").read_text(encoding="utf-8").splitlines():
        result = json.loads(line)
        curve[int(result["steps"])] = float(result[OBJECTIVE])
    state = State(json.loads(state_file.read_text(encoding="utf-8"))["state"])
    return FinishedRun(name=folder.name, config=configuration(params), state=state, curve=curve)

"""Writes what happens to each run straight into its folder, line by line, so that nothing finished is lost.

Tune's own loggers stage their files elsewhere and copy them now and then; a killed sweep loses that period.
"""

from __future__ import annotations

import csv
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path
from typing import Any, TextIO

from ray.tune import Callback
from ray.tune.experiment import Trial

from analysis.schema import CONFIG_PREFIX, ENV_PREFIX, EVALUATION, SCHEDULE_FILE, SEEDS_PREFIX, State
from experiments.core.continuation import SCHEDULE
from experiments.core.progress import SweepProgress
from experiments.core.resume import PARAMS_FILE, STATE_FILE
from experiments.core.tensorboard import TensorBoardLog
from experiments.core.trial import CONFIGURATION, IDENTITY
from experiments.core.unfinished import discard, refusal_of, results_of

FRAME = re.compile(r'\s+File ".*", line \d+')
"""A call in a traceback."""


@dataclass
class RunLog:
    """The open files of one run."""

    folder: Path
    config: Mapping[str, Any]
    tensorboard: TensorBoardLog
    lines: TextIO
    table: TextIO
    columns: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, config: Mapping[str, Any]) -> RunLog:
        """Starts a run's records in its folder, with what it reported before it was cut off."""
        folder.mkdir(parents=True, exist_ok=True)
        if SCHEDULE in config:
            write_json(folder / SCHEDULE_FILE, {SCHEDULE: config[SCHEDULE]})
            config = {name: value for name, value in config.items() if name != SCHEDULE}
        write_json(folder / PARAMS_FILE, config)
        log = cls(
            folder,
            config,
            TensorBoardLog(folder),
            (folder / "result.json").open("w", encoding="utf-8", buffering=1),
            (folder / "progress.csv").open("w", encoding="utf-8", buffering=1, newline=""),
        )
        before = results_of(folder) or []
        for result in before:
            log.write(result, written_at=time.time() - (before[-1]["wall_s"] - result["wall_s"]))
        return log

    def write(self, result: Mapping[str, Any], *, written_at: float | None = None) -> None:
        """Appends one evaluation to every record; params.json names the configuration that is in force.

        Args:
            result: What the run reported.
            written_at: Seconds since the epoch; now if None.
        """
        in_force = {**self.config, **result.get(CONFIGURATION, {})}
        if in_force != self.config:
            self.config = in_force
            write_json(self.folder / PARAMS_FILE, in_force)
        row = {
            name: value
            for name, value in result.items()
            if name in EVALUATION or name.startswith((ENV_PREFIX, SEEDS_PREFIX))
        }
        writer = csv.writer(self.table)
        if not self.columns:
            configured = {CONFIG_PREFIX + name: value for name, value in self.config.items()}
            self.columns = [*EVALUATION, *sorted(set(row) - set(EVALUATION))]
            writer.writerow([*self.columns, *configured])
        values = [row.get(name, math.nan) for name in self.columns]
        writer.writerow([*values, *self.config.values()])
        self.lines.write(json.dumps(row) + "\n")
        self.tensorboard.scalars(row, step=int(row["steps"]), written_at=written_at)
        self.last = row

    def close(self, state: State | None, cause: str | None) -> None:
        """Ends the records; without a state the run stays unfinished."""
        if state is not None:
            named = {name: value for name, value in self.config.items() if name not in IDENTITY}
            self.tensorboard.hyperparameters(named, self.last)
        self.tensorboard.close()
        self.lines.close()
        self.table.close()
        if state is not None:
            # Last, since its presence says that the run is over and its records are whole.
            write_json(self.folder / STATE_FILE, {"state": state.value, "cause": cause})
            discard(self.folder)


class Recorder(Callback):  # type: ignore[misc]  # ray ships no types
    """Keeps the records of every run of one phase, and tells the display.

    Args:
        folder: The phase's folder; each run gets the one that `run_folder` names below it.
        full_steps: Steps of a complete run; one that ends before them was stopped by the scheduler.
        progress: What is shown meanwhile.
    """

    def __init__(self, folder: Path, full_steps: int, progress: SweepProgress) -> None:
        self._folder = folder
        self._full_steps = full_steps
        self._progress = progress
        self._open: dict[str, RunLog] = {}
        self.interrupted = False
        """Set before Tune is told to stop early: runs that end from then on are unfinished, not pruned."""

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Opens the run's records, with what it reported before it was cut off if it goes on from there."""
        folder = self._log(trial).folder
        cause = refusal_of(folder)
        if cause is not None:
            self._progress.begins_anew(folder.name, cause)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Writes one evaluation."""
        log = self._log(trial)
        log.write(result)
        self._progress.reported(log.folder.name, result)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Writes how the run ended."""
        self._close(trial, self._state_of(trial.last_result), trial.last_result.get("cause"))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Writes why the run failed; one whose process ended with the sweep is unfinished."""
        self._close(trial, None if self.interrupted else State.FAILED, failure_cause(trial))

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Leaves what is still under way unfinished."""
        for log in self._open.values():
            log.close(None, None)
        self._open.clear()

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore of its own, which a sweep never uses."""
        return {}

    def _state_of(self, result: Mapping[str, Any]) -> State | None:
        """How a run with this last result ended; None if it was cut off."""
        if result.get("state") == State.DIVERGED:
            return State.DIVERGED
        if result.get("steps", 0) >= self._full_steps:
            return State.COMPLETED
        return None if self.interrupted else State.PRUNED

    def _log(self, trial: Trial) -> RunLog:
        if trial.trial_id not in self._open:
            self._open[trial.trial_id] = RunLog.open(self._folder / run_folder(trial), trial.config)
        return self._open[trial.trial_id]

    def _close(self, trial: Trial, state: State | None, cause: str | None) -> None:
        log = self._log(trial)
        del self._open[trial.trial_id]
        log.close(state, cause)
        if state is not None:
            self._progress.ended(log.folder.name, state, log.last, cause)


def run_folder(trial: Trial) -> str:
    """The name of a run's folder, as Tune asks for it."""
    return run_name(trial.config)


def run_name(config: Mapping[str, Any]) -> str:
    """A run's name from its trainable's config: the configuration, in the confirmation also the test seed."""
    return (
        f"{config['config_id']}_seed{config['test_seed']}" if "test_seed" in config else config["config_id"]
    )


def config_id_of(confirmation_run: str) -> str:
    """The configuration that a run of the confirmation, by its name, is one of."""
    return confirmation_run.rpartition("_seed")[0]


def failure_cause(trial: Trial) -> str:
    """The exception that a run failed with, type and whole message, in one line."""
    # Tune copies this file to the storage only later, so it is read where Tune wrote it.
    written = Path(trial.error_file or "")
    text = written.read_text(encoding="utf-8") if written.is_file() else ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    frames = [i for i, line in enumerate(lines) if FRAME.match(line)]
    # The source below the last frame is indented; the exception, of one line or more, begins at the margin.
    below = lines[frames[-1] + 1 :] if frames else []
    exception = list(dropwhile(lambda line: line[0].isspace(), below)) or lines[-1:]
    return " ".join(" ".join(exception).split()) or "the process of the run died"


def write_json(path: Path, value: Any) -> None:
    """Writes a file that is either whole or not there."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)

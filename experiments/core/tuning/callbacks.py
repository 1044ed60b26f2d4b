"""Callbacks of Tune: the writer of each run's records, the budget of checkpoints, and the end when asked."""

from __future__ import annotations

import errno
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial

from analysis.sweep import Phase, State, refusal_of, run_name
from analysis.text import printable
from experiments.core.records import (
    CheckpointBudget,
    RunLog,
    cause_of_loss,
    cut_off,
    forget_loss,
    remove_empty_files,
    run_error,
    write_cause_of_loss,
)
from experiments.core.training import phase_of

SILENT_S = 60.0
"""Seconds after which a run of which nothing is heard is named, or five times the usual if that is more."""


class Interruption(Stopper):  # type: ignore[misc]  # ray ships no types
    """Stopper that ends a phase when it is asked to, with every run's records in order."""

    def __init__(self) -> None:
        self.requested = False
        self.exit_code = 128 + signal.SIGINT
        """By which a shell knows the signal that asked."""
        self.storage_error: OSError | None = None
        """First error of the storage, after which nothing is written any more."""

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        """Returns False: no single trial is stopped."""
        return False

    def stop_all(self) -> bool:
        """Returns whether everything shall stop."""
        return self.requested


def kept_from_tune(method: Callable[..., None]) -> Callable[..., None]:
    """Keeps an error of writing for the step's end, since Tune would call it a run's, or hide it."""

    @wraps(method)
    def written(self: Recorder | EnforceCheckpointBudget, *arguments: Any, **info: Any) -> None:
        if self.interruption.storage_error is None:
            try:
                method(self, *arguments, **info)
            except OSError as error:
                self.interruption.storage_error = error

    return written


class RunListener(Protocol):
    """Listener that shows a person how the runs get on."""

    def restarted(self, run: str, cause: str) -> None:
        """Notes that a run restarts, because it cannot continue from what it had saved."""

    def reported(self, run: str, result: Mapping[str, Any]) -> None:
        """Notes an evaluation of a run."""

    def silent(self, run: str, seconds: float, expected_s: float | None) -> None:
        """Notes that nothing was heard of a run for so long, where one might expect a result much earlier."""

    def lost(self, run: str, cause: str, attempt: int | None) -> None:
        """Notes that a run's process ended, and which attempt to go on with it follows; None if none does."""

    def ended(self, run: str, state: State, result: Mapping[str, Any], cause: str | None) -> None:
        """Notes the end of a run."""


class Recorder(Callback):  # type: ignore[misc]  # ray ships no types
    """Recorder of every run of a sweep, which also notifies the display.

    Args:
        folder: The sweep's folder; each run gets the one that `run_folder` names below its phase's.
        full_steps: Steps of a complete run; one that ends before them was stopped by the scheduler.
        listener: Notified of what happens meanwhile, to show it.
        code: What runs depend on besides their configuration; of one that fails it is kept.
        interruption: Ends the phase when it is asked to, and where the records cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        full_steps: int,
        listener: RunListener,
        code: Mapping[str, str] = MappingProxyType({}),
        interruption: Interruption | None = None,
    ) -> None:
        self.interruption = interruption or Interruption()
        self._folder = folder
        self._place: tuple[int, int] | None = None
        self._full_steps = full_steps
        self._listener = listener
        self._code = code
        self._open: dict[str, RunLog] = {}
        self._silences = Silences()
        self._losses: Counter[str] = Counter()
        self.lost: set[str] = set()
        """Trials, by Tune's id, whose process ended and whose run is to be suggested again."""
        self.retries = 0
        """How often that is done for one run; set by who can suggest it again."""
        self.interrupted = False
        """Set before Tune is told to stop early: runs that end from then on are unfinished, not pruned."""

    @kept_from_tune
    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Opens the run's records, with what it reported before it was cut off if it continues from there."""
        folder = self._log(trial).folder
        self._silences.heard(folder.name)
        forget_loss(folder)
        if (cause := refusal_of(folder)) is not None:
            self._listener.restarted(folder.name, cause)

    @kept_from_tune
    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Writes one evaluation."""
        log = self._log(trial)
        log.write(result)
        self._silences.heard(log.folder.name, result=True)
        self._listener.reported(log.folder.name, result)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Says of which runs nothing was heard for long, and raises what keeps records from being written."""
        self._check_place()
        if self.interruption.storage_error is not None:  # Asked to stop, Tune would write in a new folder.
            raise self.interruption.storage_error
        for run, seconds in self._silences.broken():
            self._listener.silent(run, seconds, self._silences.expected_s)

    @kept_from_tune
    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Writes how the run ended."""
        self._close(trial, self._state_of(trial.last_result), trial.last_result.get("cause"))

    @kept_from_tune
    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Writes why the run failed; one whose process ended is no worse for it, and left unfinished."""
        self._check_place()
        error = run_error(trial.error_file)
        if self.interrupted:
            self._close(trial, None, error.cause)
        elif error.of_storage is not None:
            raise error.of_storage
        elif error.is_loss:
            folder = self._log(trial).folder
            cause = cause_of_loss(folder) or error.cause
            write_cause_of_loss(folder, cause)
            self._close(trial, None, cause)
            self._go_on(trial, folder, cause)
        else:
            self._close(trial, State.FAILED, error.cause)

    def _go_on(self, trial: Trial, folder: Path, cause: str) -> None:
        """Has a run that was lost suggested again, to go on from what it saved, if it was not too often."""
        run = f"{folder.parent.name}/{folder.name}"
        self._losses[run] += 1
        attempt = self._losses[run] if self._losses[run] <= self.retries else None
        if attempt is not None:
            cut_off(folder)
            self.lost.add(trial.trial_id)
        self._listener.lost(folder.name, cause, attempt)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Leaves what is still under way unfinished."""
        for log in self._open.values():
            remove_empty_files(log.folder)
            with suppress(OSError):  # the lines of it that are written are all that can be
                log.close(None, None)
        self._open.clear()

    @kept_from_tune
    def _check_place(self) -> None:
        """Sees that the folder is still that in which the sweep began."""
        there = self._folder.stat()
        self._place = self._place or (there.st_dev, there.st_ino)
        if self._place != (there.st_dev, there.st_ino):
            raise FileNotFoundError(errno.ENOENT, "the sweep's folder was taken away", str(self._folder))

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Tune pickles its callbacks for a restore of its own, which a sweep never uses."""
        return {}

    def _state_of(self, result: Mapping[str, Any]) -> State | None:
        """Returns how a run with this last result ended; None if it was cut off."""
        if result.get("state") == State.DIVERGED:
            return State.DIVERGED
        if result.get("steps", 0) >= self._full_steps:
            return State.COMPLETED
        return None if self.interrupted else State.PRUNED

    def _log(self, trial: Trial) -> RunLog:
        if trial.trial_id not in self._open:
            folder = self._folder / phase_of(trial.config) / run_folder(trial)
            self._open[trial.trial_id] = RunLog.open(folder, trial.config)
        return self._open[trial.trial_id]

    def _close(self, trial: Trial, state: State | None, cause: str | None) -> None:
        cause = None if cause is None else printable(cause)
        log = self._log(trial)
        self._silences.over(log.folder.name)
        del self._open[trial.trial_id]
        remove_empty_files(log.folder)
        log.close(state, cause, self._code)
        if state is not None:
            self._listener.ended(log.folder.name, state, log.last, cause)


class Silences:
    """Times at which runs were last heard of, and those of which nothing was heard for too long."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self.expected_s: float | None = None
        """Seconds between results, the longest so far; None before there are any."""

    def heard(self, run: str, *, result: bool = False) -> None:
        """Notes that a run has begun, or reported a result."""
        now = time.monotonic()
        if result and run in self._heard:
            self.expected_s = max(self.expected_s or 0.0, now - self._heard[run])
        self._heard[run] = self._told[run] = now

    def over(self, run: str) -> None:
        """Notes that a run has ended."""
        self._heard.pop(run, None)

    def broken(self) -> list[tuple[str, float]]:
        """Returns the runs that are silent, and for how many seconds; each again only after as long again."""
        now, least = time.monotonic(), max(SILENT_S, 5 * (self.expected_s or 0.0))
        silent = [run for run, since in self._heard.items() if now - self._told[run] > least]
        self._told.update(dict.fromkeys(silent, now))
        return [(run, now - self._heard[run]) for run in silent]


def run_folder(trial: Trial) -> str:
    """Returns the name of a run's folder, as Tune asks for it."""
    return run_name(trial.config)


class EnforceCheckpointBudget(Callback):  # type: ignore[misc]  # ray ships no types
    """Budget of the search's checkpoints, enforced whenever one may be written or dropped.

    Goes behind the recorder in Tune's list of callbacks: a run is finished once its end is on disk.
    """

    def __init__(self, budget: CheckpointBudget, interruption: Interruption) -> None:
        self._budget = budget
        self.interruption = interruption

    @kept_from_tune
    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Frees disk for the checkpoint that the run will write."""
        self._enforce(trial)

    @kept_from_tune
    def on_checkpoint(
        self, iteration: int, trials: list[Trial], trial: Trial, checkpoint: Any, **info: Any
    ) -> None:
        """Enforces the budget after a run has written a checkpoint."""
        self._enforce(trial)

    @kept_from_tune
    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Enforces the budget: the run's checkpoint may be dropped from now on, and a failed one has none."""
        self._enforce(trial)

    on_trial_error = on_trial_complete

    def _enforce(self, trial: Trial) -> None:
        if phase_of(trial.config) is Phase.SEARCH:
            self._budget.enforce(run_folder(trial))

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Tune pickles its callbacks for a restore of its own, which a sweep never uses."""
        return {}

"""Values that commands return, and the exception of one that was asked to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Report, Sweep, Verdict
    from analysis.verdict import Reproduction


@dataclass(frozen=True, kw_only=True, repr=False)
class SweepResult:
    """Outcome of a sweep: its folder, its verdict and, read from the folder at first use, its tables."""

    folder: Path
    """The sweep's folder, which holds all of this."""
    report: Report
    """The report that was written: its page, figures, best.yaml, and what it advises."""

    @property
    def verdict(self) -> Verdict:
        """Returns whether tuning paid, and by how much; `verdict.sentence` says it in words."""
        return self.report.verdict

    @cached_property
    def sweep(self) -> Sweep:
        """Returns all that is on disk, as :func:`analysis.load_sweep` reads it."""
        from analysis import load_sweep

        return load_sweep(self.folder)

    @property
    def trials(self) -> pd.DataFrame:
        """Returns one row per search trial, with its configuration and its last evaluation."""
        return self.sweep.trials

    @property
    def curves(self) -> pd.DataFrame:
        """Returns one row per evaluation of every run."""
        return self.sweep.curves

    @property
    def confirmation(self) -> pd.DataFrame:
        """Returns one row per confirmation run, with the columns of `trials`."""
        return self.sweep.confirmation

    def __str__(self) -> str:
        """Returns the verdict in words."""
        return self.verdict.sentence

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r}: {self})"


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """Outcome of a retraining: what a sweep's best configuration earned on seeds that nobody had used."""

    folder: Path
    """Where the runs are."""
    config_id: str
    """The configuration that was trained again."""
    values: Mapping[int, float]
    """Objective by test seed."""
    reproduction: Reproduction
    """These values against those of the confirmation."""
    sentence: str
    """What the comparison means, in words."""

    def __str__(self) -> str:
        """Returns the comparison in words."""
        return self.sentence


class CommandStopped(KeyboardInterrupt):
    """Orderly end of a command by Ctrl-C or `kill`: what had ended is on disk, and another call goes on.

    Args:
        folder: Where the runs are.
        exit_code: By which a shell knows the signal.
        sweep: Name of the sweep to go on with; None for a retraining.
        result: What a sweep came to so far; None while no trial has a value.
    """

    def __init__(
        self, folder: Path, *, exit_code: int, sweep: str | None = None, result: SweepResult | None = None
    ) -> None:
        again = "the same call" if sweep is None else f"the same call with name={sweep!r}"
        super().__init__(f"stopped; {again} goes on where it was")
        self.folder = folder
        self.exit_code = exit_code
        self.sweep = sweep
        self.result = result

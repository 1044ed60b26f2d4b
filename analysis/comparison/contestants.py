"""Contestants of a comparison: sweeps with their verdicts, each under a label that is its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import pandas as pd

from analysis import statistics
from analysis.sweep import BASELINES, DEFAULT, Sweep, load_sweep
from analysis.verdict import Verdict, verdict_on

TUNED: Final = "tuned"
"""Role of the winner, of a sweep's configurations the best tuned one."""
ROLES: Final = (TUNED, *BASELINES)
"""What is compared of every sweep."""


class CannotCompareError(Exception):
    """The sweeps cannot be compared; one line says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A confirmed sweep that is compared with others."""

    label: str
    """What it is called: the end of its folder's path that no other contestant has."""
    sweep: Sweep
    """What is on disk."""
    verdict: Verdict
    """What it says by itself."""

    @classmethod
    def of(cls, sweep: Sweep, label: str) -> Self:
        """Judges a sweep.

        Raises:
            CannotCompareError: If it has no confirmed winner or no confirmed default.
        """
        verdict = verdict_on(sweep)
        missing = "tuned configuration" if verdict.winner is None else "default"
        if verdict.winner is None or DEFAULT not in verdict.evidence.runs:
            again = sweep.manifest.command
            raise CannotCompareError(
                f"{sweep.folder} has no confirmed {missing}, and only confirmed ones are compared: "
                f"{f'finish it by its command, {again}' if again else 'finish it by its command'}"
            )
        return cls(label=label, sweep=sweep, verdict=verdict)

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return self.sweep.manifest.experiment

    @property
    def winner(self) -> str:
        """config_id of the best tuned configuration."""
        return str(self.verdict.winner)

    def config_id(self, role: str) -> str:
        """Returns which configuration has a role."""
        return self.winner if role == TUNED else role

    def runs(self, role: str) -> pd.Series[float] | None:
        """Returns the confirmed values of a role's configuration by test seed; None if it has none."""
        return self.verdict.evidence.runs.get(self.config_id(role))

    @cached_property
    def intervals(self) -> dict[str, statistics.Interval]:
        """Interval of each role's mean; the winner's allows for its having been picked."""
        own = self.verdict.evidence.intervals()
        assert self.verdict.picked is not None
        intervals = {role: own[role] for role in BASELINES if role in own}
        return {TUNED: self.verdict.picked.interval} | intervals


def load_contestants(folders: Sequence[str | Path]) -> list[Contestant]:
    """Loads and judges the sweeps in folders.

    Raises:
        CannotCompareError: If there are fewer than two of them, one twice, or one is not confirmed.
        NotASweepError: If one is no sweep, or damaged.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        given = f"only {paths[0]}" if paths else "nothing"
        raise CannotCompareError(f"{given} was given: expected two sweep folders or more")
    sweeps = [load_sweep(path) for path in paths]
    resolved = [path.resolve() for path in paths]
    twice = next((path for path, own in zip(paths, resolved, strict=True) if resolved.count(own) > 1), None)
    if twice is not None:
        raise CannotCompareError(f"{twice} was given twice: give each sweep folder once")
    return [Contestant.of(sweep, label) for sweep, label in zip(sweeps, _labels(resolved), strict=True)]


def _labels(paths: Sequence[Path]) -> list[str]:
    """Returns the shortest ends of different paths of which no two are alike."""
    ends = (["/".join(path.parts[-length:]) for path in paths] for length in itertools.count(1))
    return next(each for each in ends if len(set(each)) == len(each))

"""What a sweep takes over from another one: its best configurations, as the first ones to try."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from analysis.schema import Phase, State
from experiments.core.errors import UserError
from experiments.core.resume import FinishedRun, finished_runs
from search_spaces import SearchSpace

TRIALS_SHARE = 4
"""At most one trial in this many (a quarter) is taken over; the others are for the search."""


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """What another sweep gives to this one."""

    source: str
    """The other sweep's folder."""
    configurations: Mapping[str, Mapping[str, Any]]
    """Values to try by their id in the other sweep, best first; names that it did not search are missing."""
    left_out: Mapping[str, str]
    """Its other good configurations by id, with the reason why this space cannot take them."""

    def to_json(self) -> dict[str, Any]:
        """What the manifest records."""
        return {
            "source": self.source,
            "configurations": {name: dict(config) for name, config in self.configurations.items()},
            "left_out": dict(self.left_out),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> WarmStart:
        """The inverse of :meth:`to_json`."""
        return cls(**value)

    def __str__(self) -> str:
        """What is tried and what is not, in one line."""
        tried = ", ".join(self.configurations) or "nothing fits"
        missing = "".join(f"; left out {name}: {reason}" for name, reason in self.left_out.items())
        return f"warm start from {self.source}: {tried}{missing}"


def read_warm_start(folder: Path, space: SearchSpace, *, trials: int, option: str) -> WarmStart:
    """Takes the best configurations of a sweep: the confirmed ones, then completed trials.

    A configuration fits if every name that it shares with the space has a value inside the space's domain.

    Args:
        folder: The other sweep.
        space: What this sweep searches.
        trials: How many this sweep tries.
        option: What the folder was given by, for the message.

    Raises:
        UserError: The folder is no sweep, or has no completed trial.
    """
    if not (folder / "manifest.json").is_file():
        raise UserError(f"{option}: {folder} is not a sweep; expected results/<experiment>/<sweep>")
    ranked = _ranked(folder)[: max(1, trials // TRIALS_SHARE)]
    if not ranked:
        raise UserError(f"{option}: {folder} has no completed trial to start from")
    configurations: dict[str, Mapping[str, Any]] = {}
    left_out: dict[str, str] = {}
    for run in ranked:
        shared = {name: run.config[name] for name in space.names if name in run.config}
        outside = space.misfits(shared)
        if not shared:
            left_out[run.name] = "it has no name in common with the space"
        elif outside:
            left_out[run.name] = "; ".join(
                f"{name}={shared[name]:g} is not in {domain}"
                if isinstance(shared[name], float)
                else f"{name}={shared[name]} is not in {domain}"
                for name, domain in outside.items()
            )
        else:
            configurations[run.name] = shared
    return WarmStart(source=folder.as_posix(), configurations=configurations, left_out=left_out)


def _ranked(folder: Path) -> list[FinishedRun]:
    """Completed trials, best first: the confirmed ones by their confirmed mean, then the rest."""
    confirmed: dict[str, list[float]] = defaultdict(list)
    for run in finished_runs(folder / Phase.CONFIRM):
        if run.state is State.COMPLETED and run.objective is not None:
            confirmed[run.name.rpartition("_seed")[0]].append(run.objective)

    def merit(run: FinishedRun) -> tuple[bool, float]:
        known = run.name in confirmed
        return known, fmean(confirmed[run.name]) if known else run.objective or 0.0

    completed = [
        run
        for run in finished_runs(folder / Phase.SEARCH)
        if run.state is State.COMPLETED and run.objective is not None
    ]
    return sorted(completed, key=merit, reverse=True)

"""Warm start of a sweep: the best configurations of another one, as the first ones to try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.sweep import (
    FinishedRun,
    NotASweepError,
    Phase,
    State,
    Sweep,
    WarmStart,
    finished_runs,
    load_sweep,
)
from analysis.verdict import Evidence
from experiments.core.errors import UserError
from search_spaces import SearchSpace

TRIALS_SHARE = 4
"""At most one trial in this many (a quarter) is taken over; the others are for the search."""


def read_warm_start(folder: Path, space: SearchSpace, *, trials: int, option: str) -> WarmStart:
    """Takes the best configurations of a sweep: the confirmed ones, then completed trials.

    A configuration fits if every hyperparameter that it shares with the space has a value inside its domain.
    One whose values are this space's defaults takes no place: the default is tried first anyway.

    Args:
        folder: The other sweep.
        space: What this sweep searches.
        trials: How many this sweep tries.
        option: What the folder was given by, for the message.

    Raises:
        UserError: The folder is no sweep, or has no completed trial.
    """
    try:
        ranked = _ranked(load_sweep(folder))
    except NotASweepError as error:
        raise UserError(f"{option}: {error}") from error
    if not ranked:
        raise UserError(f"{option}: {folder} has no completed trial to start from")
    shared = {run.name: {n: run.config[n] for n in space.names if n in run.config} for run in ranked}
    default = space.defaults
    new = [name for name, values in shared.items() if not values or not values.items() <= default.items()]
    configurations: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for name in new[: max(1, trials // TRIALS_SHARE)]:
        outside = space.misfits(shared[name])
        if not shared[name]:
            left_out[name] = "it has no hyperparameter in common with the space"
        elif outside:
            left_out[name] = "; ".join(_misfit(n, shared[name][n], domain) for n, domain in outside.items())
        else:
            configurations[name] = shared[name]
    return WarmStart(source=folder.as_posix(), configurations=configurations, left_out=left_out)


def _misfit(name: str, value: Any, domain: str) -> str:
    return f"{name}={format(value, 'g') if isinstance(value, float) else value} is not in {domain}"


def _ranked(sweep: Sweep) -> list[FinishedRun]:
    """Ranks completed trials, best first: the confirmed ones by their confirmed mean, then the rest.

    The means are those of the verdict: a run that diverged counts with the floor.
    """
    confirmed = {
        config: estimated.mean
        for config, estimated in Evidence.of(sweep.confirmation, sweep.interim_analyses).means.items()
    }

    def ranking_key(run: FinishedRun) -> tuple[bool, float]:
        return run.name in confirmed, confirmed.get(run.name, run.objective or 0.0)

    completed = [
        run
        for run in finished_runs(sweep.folder / Phase.SEARCH)
        if run.state is State.COMPLETED and run.objective is not None
    ]
    return sorted(completed, key=ranking_key, reverse=True)

"""Search efficiency: the incumbent of each sweep, and its score, over what the search had spent by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from analysis.comparison.contestants import Contestant
from analysis.sweep import DEFAULT, FIRST_TRIAL, State

COLUMNS: Final = ("sweep", "trial_id", "steps", "core_s", "incumbent", "search_score", "confirmed_score")
_ALL_SEEDS: Final = "seeds/steps"
"""Steps of all training seeds of a trial that has several."""


def incumbents(contestants: Sequence[Contestant]) -> pd.DataFrame:
    """Returns a row for each search trial: what was spent with it, and the best completed trial by then.

    Trials count in the order in which they were started. Core-seconds are those that runs held, busy or not.
    The confirmed score is the incumbent's mean on test seeds, NaN where it was not confirmed.
    """
    frames = [_incumbents(contestant) for contestant in contestants]
    return pd.concat(frames, ignore_index=True)


def _incumbents(contestant: Contestant) -> pd.DataFrame:
    trials = contestant.sweep.trials.reset_index(drop=True)
    steps = trials["steps"] if _ALL_SEEDS not in trials else trials[_ALL_SEEDS].fillna(trials["steps"])
    completed = trials["objective"].where(trials["state"] == State.COMPLETED)
    best = completed.cummax()
    risen = completed.notna() & completed.eq(best) & best.ne(best.shift())
    incumbent = trials["config_id"].where(risen).ffill()
    means = {config: found.mean for config, found in contestant.verdict.evidence.means.items()}
    means[FIRST_TRIAL] = means[DEFAULT]
    columns = {
        "sweep": contestant.label,
        "trial_id": trials["trial_id"],
        "steps": steps.fillna(0.0).cumsum(),
        "core_s": trials["wall_s"].fillna(0.0).cumsum() * cores(contestant),
        "incumbent": incumbent,
        "search_score": best.ffill(),
        "confirmed_score": incumbent.map(means).astype(float),
    }
    return pd.DataFrame(columns, columns=list(COLUMNS))


def cores(contestant: Contestant) -> float:
    """Returns the cores that a run holds, as the manifest has it; 1 where it has nothing."""
    held = contestant.sweep.manifest.resources.get("cpus")
    return float(held) if isinstance(held, int | float) and held > 0 else 1.0

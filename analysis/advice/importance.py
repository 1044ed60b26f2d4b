"""Importance of hyperparameters in a search: PED-ANOVA with an interval over trials."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from analysis.advice.ped_anova import gridded, shares
from analysis.sweep import CONFIG_PREFIX, HyperparameterRecord

MIN_TRIALS: Final = 16
"""Trials below which importance is noise and is not computed."""
TARGET_SHARE: Final = 0.25
"""Share of trials that count as good; Optuna's 0.1 leaves three good ones of thirty."""

_COLUMNS: Final = ("name", "importance", "low", "high")


def importances(
    trials: pd.DataFrame,
    space: Mapping[str, HyperparameterRecord],
    rng: np.random.Generator,
    *,
    resamples: int = 100,
) -> pd.DataFrame:
    """Estimates which hyperparameters decide whether a trial is among the best quarter.

    Args:
        trials: One row per search trial; those without an objective are left out.
        space: The manifest's space.
        rng: Generator of the bootstrap over trials.
        resamples: Number of bootstrap resamples behind the interval.

    Returns:
        Columns name, importance (shares of all trials, which sum to 1), low, high (2.5 % and 97.5 % quantiles
        over resampled trials, widened to hold the share), most important first; empty where trials or
        hyperparameters are too few, or all trials alike.

    References:
        Watanabe et al. 2023, arXiv 2304.10255.
    """
    searched = {
        name: entry.distribution for name, entry in space.items() if f"{CONFIG_PREFIX}{name}" in trials
    }
    known = trials[np.isfinite(trials["objective"].to_numpy(dtype=float))]
    grids = {name: gridded(known[f"{CONFIG_PREFIX}{name}"], domain) for name, domain in searched.items()}
    counted = (
        np.any([grid.cell_t >= 0 for grid in grids.values()], axis=0) if grids else np.zeros(0, dtype=bool)
    )
    grids = {name: grid._replace(cell_t=grid.cell_t[counted]) for name, grid in grids.items()}
    objective_t = known["objective"].to_numpy(dtype=float)[counted] if grids else np.zeros(0)
    number = len(objective_t)
    if number < MIN_TRIALS or objective_t.min() == objective_t.max():
        return pd.DataFrame(columns=list(_COLUMNS))
    resampled = [rng.integers(number, size=number) for _ in range(resamples)]
    draws_rn = np.array([np.arange(number), *resampled])
    found = shares(grids, objective_t, draws_rn, target=TARGET_SHARE).dropna(axis=1, how="all").fillna(0.0)
    rows = []
    for name, share in found.items():
        estimate, (low, high) = share.iloc[0], np.quantile(share.iloc[1:], [0.025, 0.975])
        # A set of resampled trials has fewer distinct ones, so that its shares lie nearer to each other.
        rows.append((str(name), estimate, min(low, estimate), max(high, estimate)))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def surely_important(frame: pd.DataFrame) -> list[str]:
    """Returns the hyperparameters whose whole interval lies above an even share, from `importances`."""
    return [str(name) for name in frame.loc[frame["low"] > 1 / max(len(frame), 1), "name"]]

"""Failed runs of contenders as the worst ones: a configuration that crashes must not look better for it.

A run fails by an exception, and often because it goes badly: numbers that an environment refuses, a step that
it cannot take. Left out, the runs that remain are the good ones. A run that was lost to the machine says
nothing of its configuration and stays missing. So does a failed run of a baseline, since without its bad runs
a baseline is only harder to beat.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.sweep import BASELINES, COUNTED, State


def count_failures(confirmation: pd.DataFrame, interim_analyses: Sequence[int] = ()) -> pd.DataFrame:
    """Returns the table with contenders' failed runs as diverged ones, worse than all others.

    They count as far below the worst run of all as that one lies below the best, on the seeds of the first
    interim analysis: what later seeds bring must not change what was decided. A contender that has only
    failed has no value.

    Args:
        confirmation: One row per confirmation run: config_id, test_seed, state, objective.
        interim_analyses: Numbers of seeds at the interim analyses; all seeds count without them.
    """
    state, config = confirmation["state"], confirmation["config_id"]
    valued = state.isin(COUNTED) & np.isfinite(confirmation["objective"].astype(float))
    failed = (state == State.FAILED) & ~config.isin(BASELINES) & config.isin(config[valued].unique())
    if not failed.any():
        return confirmation
    first = valued & (confirmation["test_seed"] < (interim_analyses[0] if interim_analyses else np.inf))
    seen = confirmation.loc[first if first.any() else valued, "objective"].astype(float)
    worst = seen.min() - (seen.max() - seen.min())
    counted = confirmation.assign(objective=confirmation["objective"].astype(float).mask(failed, worst))
    return counted.assign(state=state.mask(failed, State.DIVERGED))

"""Bound on how often a configuration's training collapses, from how often it did.

A training has collapsed if it diverged or failed, or ended far below the configuration's others: more than
three robust standard deviations (1.4826 times the median absolute deviation) below their median, and by more
than an effect that matters. A mean hides it, and a few seeds cannot show it: twenty trainings without one
still allow it in one of seven. The bound is the exact one of a binomial share.

References:
    Clopper and Pearson 1934, Biometrika 26(4).
    Leys et al. 2013, Journal of Experimental Social Psychology 49(4): the median absolute deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis import statistics
from analysis.sweep import State
from analysis.verdict import race
from analysis.verdict.comparison import values_by_seed
from analysis.verdict.evidence import Evidence
from analysis.verdict.failures import count_failures

FAR: Final = 3.0
"""Robust standard deviations below the median at which a run has collapsed."""
ALLOWED: Final = 2
"""Collapses up to which an experiment that asks for a bound goes on with more seeds."""


class Collapses(NamedTuple):
    """Collapsed trainings of a configuration, and how often it may collapse."""

    number: int
    """Trainings that collapsed."""
    seeds: int
    """Trainings."""
    bound: float
    """Upper bound of the share of trainings that collapse, right in 95 % of sweeps."""


def collapses_of(
    confirmation: pd.DataFrame,
    evidence: Evidence,
    config: str,
    *,
    minimal_effect: float,
    max_collapse: float | None,
) -> Collapses:
    """Counts the collapsed trainings of a configuration that was picked, and bounds their share.

    Args:
        confirmation: One row per confirmation run; those beyond the race count here.
        evidence: What the race's runs say.
        config: The configuration.
        minimal_effect: Loss that is too little to matter.
        max_collapse: Bound that the experiment asks for; None for none.
    """
    rows = count_failures(confirmation, evidence.interim_analyses)
    rows = rows[rows["config_id"] == config]
    values = values_by_seed(rows)[config]
    value_s = values.to_numpy()
    far = FAR * float(stats.median_abs_deviation(value_s, scale="normal"))
    low = float(np.median(value_s)) - max(far, minimal_effect)
    broken = rows.loc[rows["state"] == State.DIVERGED, "test_seed"]
    number = int(((value_s < low) | values.index.isin(broken)).sum())
    error = permitted_error(evidence.picked(config).choice, max_collapse)
    return Collapses(number, values.size, bound_of(number, values.size, error))


def permitted_error(choice: int, max_collapse: float | None) -> float:
    """Computes the error of one bound: shared among those that might have been picked, and among looks.

    An experiment that asks for a bound looks at it again whenever there was a collapse.
    """
    looks = 1 if max_collapse is None else ALLOWED + 1
    return (1 - statistics.CONFIDENCE) / choice / looks


def bound_of(number: int, seeds: int, error: float) -> float:
    """Computes the share of trainings below which it lies with this error, if so many of them collapsed."""
    return 1.0 if number >= seeds else float(stats.beta.isf(error, number + 1, seeds - number))


def seeds_for(number: int, bound: float, error: float) -> int:
    """Returns the fewest seeds of which so many may collapse for the bound to hold."""
    seeds = number + 1
    while bound_of(number, seeds, error) > bound:
        seeds += 1
    return seeds


def most_extra_seeds(contenders: int, max_collapse: float | None) -> int:
    """Returns the most seeds that a winner may take for the bound on its collapses; 0 without one."""
    if max_collapse is None:
        return 0
    return seeds_for(ALLOWED, max_collapse, permitted_error(contenders, max_collapse))


def missing_runs(
    confirmation: pd.DataFrame,
    interim_analyses: Sequence[int],
    configurations: Sequence[str],
    *,
    minimal_effect: float = 0.0,
    max_collapse: float | None = None,
) -> list[tuple[str, int]]:
    """Returns the runs to do next: those that the race asks for, and then the winner's for its bound.

    Args:
        confirmation: The table so far, empty at first.
        interim_analyses: Numbers of seeds, rising.
        configurations: Ids of what is confirmed, in the order in which they shall run.
        minimal_effect: Loss that is too little to matter.
        max_collapse: Bound on the share of collapses that the experiment asks for; None for none.
    """
    missing = race.missing_runs(confirmation, interim_analyses, configurations)
    if missing or max_collapse is None:
        return missing
    evidence = Evidence.of(confirmation, interim_analyses)
    winner = evidence.winner()
    if winner is None or not evidence.beats_default(winner):
        return []
    seen = collapses_of(
        confirmation, evidence, winner, minimal_effect=minimal_effect, max_collapse=max_collapse
    )
    if seen.bound <= max_collapse or seen.number > ALLOWED:
        return []
    seeds = seeds_for(
        seen.number, max_collapse, permitted_error(evidence.picked(winner).choice, max_collapse)
    )
    ended = race.ended_seeds(confirmation, winner, seeds)
    return [(winner, seed) for seed in range(seeds) if seed not in ended]

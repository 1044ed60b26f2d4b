"""Group-sequential test of contenders against one or more defaults, at a few numbers of seeds.

At a few numbers of seeds, the *interim analyses*, a contender leaves that has no prospect, or is behind one
that is ahead of the defaults. Only whoever has taken all seeds may be accepted, by one test at the end. Of
several defaults a contender has to beat each at the full level: it is then wrong of the best of them no more
often than of one alone (an intersection-union test).

Axes: O = orders of the seeds (or simulated sweeps), C = the defaults and then the contenders, B = defaults,
K = contenders, S = seeds in the order in which they are run. docs/statistics.md says what is claimed and how
it was measured.

References:
    Berger 1982, Technometrics 24(4): intersection-union tests need no correction.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis import statistics
from analysis.verdict.spread import FloatArray, IntArray, Location, Spread, located, moments, pooled_spread

BoolArray = NDArray[np.bool_]

MIN_PAIRS: Final = 5
"""Shared test seeds below which nothing is claimed (AdaStop, arXiv 2306.10882: fewer are not enough)."""
OPTIMISM: Final = 0.5
"""A contender is dropped if it would miss the last test even were it this many standard errors better."""


class RaceOutcome(NamedTuple):
    """Outcome of races; all fields of shape [..., K]."""

    better: BoolArray
    """Whether a contender was accepted as better than every default, on all seeds."""
    open: BoolArray
    """Whether it still races."""
    overtaken: BoolArray
    """Whether it was dropped behind a contender of a higher mean that is ahead of every default."""
    stage: IntArray
    """Index of the interim analysis at which it left, or their number if it is open."""


def permitted_error(comparisons: int) -> float:
    """Computes the one-sided p-value at or below which a contender is accepted: 2.5 % over all of them."""
    return (1 - statistics.simultaneous_confidence(comparisons)) / 2


def follow(
    x_ocs: FloatArray,
    interim_analyses: Sequence[int],
    upto: int | None = None,
    comparisons: int | None = None,
    defaults: int = 1,
) -> RaceOutcome:
    """Runs races up to, and without, the interim analysis of index `upto`; all of them if left out.

    Args:
        x_ocs: Values, shape [..., C, S], the defaults first; NaN where a run has no value.
        interim_analyses: Numbers of seeds; S may be smaller than the last one if `upto` does not reach it.
        upto: Interim analyses to take.
        comparisons: Contenders that the error is shared among, if there were more than these.
        defaults: How many of the first configurations are to be beaten, B.
    """
    x_oks = x_ocs[..., defaults:, :]
    difference_obks = x_oks[..., None, :, :] - x_ocs[..., :defaults, None, :]
    shape = x_oks.shape[:-1]
    is_open, overtaken = np.ones(shape, bool), np.zeros(shape, bool)
    analyses, last = len(interim_analyses), interim_analyses[-1]
    upto = analyses if upto is None else upto
    stage = np.full(shape, upto, dtype=np.int64)
    error = permitted_error(comparisons or shape[-1])
    for index, n in enumerate(interim_analyses[: min(upto, analyses - 1)]):
        t_obk, pairs_obk = t_statistics(difference_obks[..., :n])
        enough = is_open & (pairs_obk >= MIN_PAIRS).all(axis=-2)
        behind_obk = (t_obk + OPTIMISM) * np.sqrt(last / n) < critical_values(error, last)[last]
        hopeless = is_open & ((behind_obk & (pairs_obk >= MIN_PAIRS)) | (pairs_obk == 0)).any(axis=-2)
        ahead = enough & ~hopeless & (t_obk >= critical_values(error, n)[pairs_obk]).all(axis=-2)
        mean_ok = moments(x_oks[..., :n]).mean
        best_o1 = np.where(ahead, mean_ok, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
        behind = is_open & ~hopeless & (mean_ok < best_o1)
        overtaken |= behind
        stage = np.where(hopeless | behind, index, stage)
        is_open &= ~(hopeless | behind)
    better = np.zeros(shape, bool)
    if upto == analyses:
        taken_ok = np.asarray(interim_analyses)[np.where(is_open, analyses - 1, stage)]
        taken_oks = np.arange(x_oks.shape[-1]) < taken_ok[..., None]
        taken_obks = np.where(taken_oks[..., None, :, :], difference_obks, np.nan)
        low_obk, _ = differences(taken_obks).ends(error, error)
        accepted_obk = (moments(taken_obks).number >= MIN_PAIRS) & (low_obk > 0)
        better = is_open & accepted_obk.all(axis=-2)
        stage, is_open = np.where(is_open, analyses - 1, stage), np.zeros(shape, bool)
    return RaceOutcome(better, is_open, overtaken, stage)


def differences(difference_oks: FloatArray) -> Location:
    """Estimates contenders' mean differences from a default, with the spread of all of them."""
    spread = pooled_spread(difference_oks, shared=True)
    return located(difference_oks, Spread(*(part[..., None] for part in spread)))


def t_statistics(difference_oks: FloatArray) -> tuple[FloatArray, IntArray]:
    """Computes Student's t of mean differences over the last axis, and the pairs behind it; NaN are left out.

    Differences that are all alike give an infinite t, or 0 if there is no difference at all.
    """
    count_ok, mean_ok, squares_ok, _ = moments(difference_oks)
    error_ok = np.sqrt(squares_ok / np.maximum(count_ok - 1, 1) / np.maximum(count_ok, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t_ok = np.where(error_ok > 0, mean_ok / error_ok, np.sign(mean_ok) * np.inf)
    return np.where((error_ok == 0) & (mean_ok == 0), 0.0, t_ok), count_ok


@lru_cache
def critical_values(level: float, n: int) -> FloatArray:
    """Returns t's upper critical value for 0, 1, ..., n pairs; infinite below two."""
    pairs = np.arange(n + 1)
    values: FloatArray = np.where(pairs < 2, np.inf, stats.t.isf(level, np.maximum(pairs - 1, 1)))
    return values

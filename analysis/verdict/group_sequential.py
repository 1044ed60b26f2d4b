"""Group-sequential test of contenders against a default, at a few numbers of seeds.

At a few numbers of seeds, the *interim analyses*, paired differences are tested against a boundary that
shares the permitted error among the analyses; a contender leaves once it is accepted or has no prospect.

Axes: O = orders of the seeds (or simulated sweeps), C = the default and then the contenders, K = contenders,
S = seeds in the order in which they are run. docs/statistics.md says what is claimed and how it was measured.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis import statistics

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

MIN_PAIRS: Final = 5
"""Shared test seeds below which nothing is claimed (AdaStop, arXiv 2306.10882: fewer are not enough)."""
SPENDING: Final = 2.0
"""By the interim analysis at n of N seeds a share (n / N)**2 of the permitted error may have been made."""
OPTIMISM: Final = 1.0
"""A contender is dropped if it would miss the last boundary even were it this many standard errors better."""

_GRID: Final = 801


class RaceOutcome(NamedTuple):
    """Outcome of races; all fields of shape [..., K]."""

    better: BoolArray
    """Whether a contender was accepted as better than the default."""
    open: BoolArray
    """Whether it still races."""
    overtaken: BoolArray
    """Whether it was dropped behind an accepted contender of a higher mean."""
    stage: IntArray
    """Index of the interim analysis at which it left, or their number if it is open."""


@lru_cache
def boundary(interim_analyses: tuple[int, ...], comparisons: int) -> tuple[float, ...]:
    """Computes the one-sided p-value at or below which a contender is accepted, at each interim analysis.

    One contender that does not differ is accepted at any analysis with a probability of 2.5 % over
    `comparisons`; the sum over all (Bonferroni) is what a fixed number of seeds risks too. Levels come from
    integrating a normal sum over the analyses; as p-values of t they hold for few seeds too (significance
    level approach).

    References:
        Lan and DeMets 1983, Biometrika 70(3); Jennison and Turnbull 2000, sections 3.3, 7.2 and 19.2.
    """
    permitted = (1 - statistics.simultaneous_confidence(comparisons)) / 2
    spent_l = permitted * (np.asarray(interim_analyses) / interim_analyses[-1]) ** SPENDING
    levels = [float(spent_l[0])]
    grid, mass = _start(interim_analyses[0], float(stats.norm.isf(spent_l[0])))
    for before, n, spent in zip(interim_analyses, interim_analyses[1:], np.diff(spent_l), strict=False):
        step, root = np.sqrt(n - before), np.sqrt(n)

        def excess(
            z: float,
            grid: FloatArray = grid,
            mass: FloatArray = mass,
            step: float = step,
            root: float = root,
            spent: float = spent,
        ) -> float:
            return float(mass @ stats.norm.sf((z * root - grid) / step) - spent)

        z = float(optimize.brentq(excess, 0.0, 12.0))
        levels.append(float(stats.norm.sf(z)))
        points = np.linspace(-8 * root, z * root, _GRID)
        density = stats.norm.pdf((points[:, None] - grid) / step) / step @ mass
        grid, mass = points, _masses(points, density)
    return tuple(levels)


def follow(
    x_ocs: FloatArray,
    interim_analyses: Sequence[int],
    upto: int | None = None,
    comparisons: int | None = None,
) -> RaceOutcome:
    """Runs races up to, and without, the interim analysis of index `upto`; all of them if left out.

    Args:
        x_ocs: Values, shape [..., C, S], the default first; NaN where a run has no value.
        interim_analyses: Numbers of seeds; S may be smaller than the last one if `upto` does not reach it.
        upto: Interim analyses to take.
        comparisons: Contenders that the error is shared among, if there were more than these.
    """
    difference_oks = x_ocs[..., 1:, :] - x_ocs[..., :1, :]
    shape = difference_oks.shape[:-1]
    better, is_open, overtaken = np.zeros(shape, bool), np.ones(shape, bool), np.zeros(shape, bool)
    upto = len(interim_analyses) if upto is None else upto
    stage = np.full(shape, upto, dtype=np.int64)
    mean_ok = np.full(shape, -np.inf)
    levels = boundary(tuple(interim_analyses), comparisons or shape[-1])
    last = critical_values(levels[-1], interim_analyses[-1])[interim_analyses[-1]]
    for index, n in enumerate(interim_analyses[:upto]):
        t_ok, pairs_ok = t_statistics(difference_oks[..., :n])
        enough = pairs_ok >= MIN_PAIRS
        accepted = is_open & enough & (t_ok >= critical_values(levels[index], n)[pairs_ok])
        hopeless = is_open & enough & ((t_ok + OPTIMISM) * np.sqrt(interim_analyses[-1] / n) < last)
        hopeless |= is_open & (pairs_ok == 0)
        better |= accepted
        mean_ok = np.where(is_open, _mean(x_ocs[..., 1:, :n]), mean_ok)
        best_o1 = np.where(better, mean_ok, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
        behind = is_open & ~accepted & ~hopeless & (mean_ok < best_o1)
        overtaken |= behind
        leaves = accepted | hopeless | behind
        if index == len(interim_analyses) - 1:
            leaves = is_open
        stage = np.where(leaves, index, stage)
        is_open = is_open & ~leaves
    return RaceOutcome(better, is_open, overtaken, stage)


def t_statistics(difference_oks: FloatArray) -> tuple[FloatArray, IntArray]:
    """Computes Student's t of mean differences over the last axis, and the pairs behind it; NaN are left out.

    Differences that are all alike give an infinite t, or 0 if there is no difference at all.
    """
    pairs_ok = np.isfinite(difference_oks).sum(axis=-1)
    mean_ok = _mean(difference_oks)
    centred = np.nan_to_num(difference_oks - mean_ok[..., None])
    variance_ok = (centred**2).sum(axis=-1) / np.maximum(pairs_ok - 1, 1)
    error_ok = np.sqrt(variance_ok / np.maximum(pairs_ok, 1))
    # As in `statistics`: rounding noise among equal values is no spread.
    largest = np.nan_to_num(np.abs(difference_oks)).max(axis=-1)
    error_ok = np.where(error_ok <= 1e-12 * np.maximum(1.0, largest), 0.0, error_ok)
    mean_ok = np.where(np.abs(mean_ok) <= 1e-12 * np.maximum(1.0, largest), 0.0, mean_ok)
    with np.errstate(divide="ignore", invalid="ignore"):
        t_ok = np.where(error_ok > 0, mean_ok / error_ok, np.sign(mean_ok) * np.inf)
    return np.where((error_ok == 0) & (mean_ok == 0), 0.0, t_ok), pairs_ok


@lru_cache
def critical_values(level: float, n: int) -> FloatArray:
    """Returns t's upper critical value for 0, 1, ..., n pairs; infinite below two."""
    pairs = np.arange(n + 1)
    values: FloatArray = np.where(pairs < 2, np.inf, stats.t.isf(level, np.maximum(pairs - 1, 1)))
    return values


def _start(n: int, z: float) -> tuple[FloatArray, FloatArray]:
    """Returns a grid of sums of n normal differences below the boundary z, and the mass at each point."""
    grid = np.linspace(-8 * np.sqrt(n), z * np.sqrt(n), _GRID)
    return grid, _masses(grid, stats.norm.pdf(grid / np.sqrt(n)) / np.sqrt(n))


def _masses(grid: FloatArray, density: FloatArray) -> FloatArray:
    """Returns the weights that make a sum over an even grid an integral (trapezoidal rule)."""
    masses: FloatArray = density * (grid[1] - grid[0])
    masses[[0, -1]] /= 2
    return masses


def _mean(x_os: FloatArray) -> FloatArray:
    """Computes the mean over the last axis of what is there; 0 of nothing."""
    there = np.isfinite(x_os)
    mean: FloatArray = np.where(there, x_os, 0.0).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    return mean

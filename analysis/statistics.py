"""Small-sample statistics as pure functions: arrays in, numbers out, chosen by measured coverage.

Axes: S = seeds (independent runs of one configuration), P = seeds that two configurations share.
Every interval is an `Interval` at a stated confidence, and every choice of method is explained, with its
measured coverage, in docs/statistics.md. There is no bootstrap over seeds: with few runs it undercovers.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

CONFIDENCE: Final = 0.95
WIDENING: Final = 0.8
"""A mean's t interval is made 1 + 0.8 / S times as wide. Plain t is exact for normal seeds, and covers
90 - 93 % for skewed ones; this keeps both within 93 - 97 % at 5, 10 and 15 runs
(`python -m benchmarks.simulations.verdict`)."""

FloatArray = NDArray[np.float64]


FEWEST_FOR_MIDDLE: Final = 5
"""Runs below which nothing is known of how the middle half of them varies."""


class Interval(NamedTuple):
    """Interval of a number: lower and upper end; NaN where there is too little data for one."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""


NO_INTERVAL: Final = Interval(np.nan, np.nan)


def mean(x_s: ArrayLike) -> float:
    """Computes the mean over runs, shape [S]; NaN for no runs."""
    x_s = finite(x_s)
    return float(x_s.mean()) if x_s.size else np.nan


def mean_interval(x_s: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Computes the interval for the mean of runs, shape [S]: Student's t, widened; none below two runs.

    It is widened as `WIDENING` says. Runs that are all identical give an interval of no width.
    """
    x_s = finite(x_s)
    return _t_interval(x_s, confidence, 1 + WIDENING / max(x_s.size, 1))


def difference_interval(difference_p: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Computes the interval for the mean of paired differences, shape [P]: plain Student's t.

    Unlike runs, differences of two configurations are close to symmetric, and t needs no widening.
    """
    return _t_interval(finite(difference_p), confidence, 1.0)


def median_interval(x_s: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Computes a distribution-free interval for the median of shape [S] from order statistics.

    The k-th lowest and k-th highest run enclose the median with a probability that depends on nothing but
    S; between two k the ends are interpolated. Five runs give 93.75 % at most: lowest to highest.

    References:
        Hettmansperger and Sheather 1986, Statistics & Probability Letters 4(2).
    """
    x_s = np.sort(finite(x_s))
    n = x_s.size
    if n < 2:
        return NO_INTERVAL
    k_k = np.arange(1, n // 2 + 1)
    level_k = 1 - 2 * stats.binom.cdf(k_k - 1, n, 0.5)
    k = int((level_k >= confidence).sum())
    if k in (0, k_k.size):  # even the extremes enclose too little, or there is nothing further in
        return Interval(float(x_s[0]), float(x_s[-1]))
    outer, inner = level_k[k - 1], level_k[k]
    share = (outer - confidence) / (outer - inner)
    weight = (n - k) * share / (k + (n - 2 * k) * share)
    low = (1 - weight) * x_s[k - 1] + weight * x_s[k]
    high = (1 - weight) * x_s[n - k] + weight * x_s[n - k - 1]
    return Interval(float(low), float(high))


def interquartile_mean(x_ns: ArrayLike, weight_s: ArrayLike | None = None) -> FloatArray:
    """Computes the mean of the middle half over the last axis; a value at a quarter counts in part.

    Args:
        x_ns: Finite values, shape [..., S]; no values give NaN.
        weight_s: What each counts, shape [S]; all the same if None.
    """
    x_ns = np.asarray(x_ns, dtype=np.float64)
    weight_ns = np.broadcast_to(1.0 if weight_s is None else np.asarray(weight_s), x_ns.shape)
    order_ns = x_ns.argsort(axis=-1)
    x_ns, weight_ns = (np.take_along_axis(each, order_ns, axis=-1) for each in (x_ns, weight_ns))
    upto_ns = weight_ns.cumsum(axis=-1)
    whole_n = upto_ns[..., -1:]
    ends = (np.clip(at_ns, 0.25 * whole_n, 0.75 * whole_n) for at_ns in (upto_ns, upto_ns - weight_ns))
    inside_ns = np.subtract(*ends)
    with np.errstate(invalid="ignore"):
        middle: FloatArray = (x_ns * inside_ns).sum(axis=-1) / inside_ns.sum(axis=-1)
    return middle


def interquartile_interval(x_s: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Computes the interval for the interquartile mean of shape [S]; none below five runs.

    Student's t, widened as that of a mean, with the spread of the winsorised runs: the outer quarters lie
    where the middle half ends.

    References:
        Tukey and McLaughlin 1963, Sankhya A 25(3).
    """
    x_s = np.sort(finite(x_s))
    n, cut = x_s.size, x_s.size // 4
    if n < FEWEST_FOR_MIDDLE:
        return NO_INTERVAL
    error = 2 * standard_error(np.clip(x_s, x_s[cut], x_s[n - 1 - cut]))
    half = (1 + WIDENING / n) * float(stats.t.ppf(0.5 + confidence / 2, n - 2 * cut - 1)) * error
    middle = float(interquartile_mean(x_s))
    return Interval(middle - half, middle + half)


def simultaneous_confidence(comparisons: int, confidence: float = CONFIDENCE) -> float:
    """Computes the confidence that each interval of a family needs for all to hold together (Bonferroni)."""
    return 1 - (1 - confidence) / max(comparisons, 1)


def probability_of_improvement(x_s: ArrayLike, y_s: ArrayLike) -> float:
    """Computes the probability that a run of x, shape [S], beats one of y, shape [S']; ties count half."""
    x_s, y_s = finite(x_s), finite(y_s)
    if not x_s.size or not y_s.size:
        return np.nan
    wins = np.sign(x_s[:, None] - y_s[None, :])
    return float((wins.mean() + 1) / 2)


def probability_of_improvement_interval(
    x_s: ArrayLike, y_s: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Computes the interval for `probability_of_improvement`: all that the observed one is compatible with.

    Inverts the test with the variance *under* each probability, so that five wins out of five do not give an
    interval of no width.

    References:
        Newcombe 2006, Statistics in Medicine 25(4), method 5.
    """
    x_s, y_s = finite(x_s), finite(y_s)
    m, n = x_s.size, y_s.size
    if min(m, n) < 2:
        return NO_INTERVAL
    observed = probability_of_improvement(x_s, y_s)
    z = stats.norm.ppf(0.5 + confidence / 2)

    def excess(theta: float) -> float:
        shape = 1 + ((m + n) / 2 - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float((observed - theta) ** 2 - z**2 * theta * (1 - theta) * shape / (m * n))

    inside = float(
        np.clip(observed, 1e-9, 1 - 1e-9)
    )  # `excess` also vanishes at 0 and 1, which is no solution
    low = 0.0 if observed == 0.0 else optimize.brentq(excess, 0.0, inside)
    high = 1.0 if observed == 1.0 else optimize.brentq(excess, inside, 1.0)
    return Interval(float(low), float(high))


def seed_noise_share(runs: Sequence[ArrayLike], objective_t: ArrayLike, seeds_per_trial: int = 1) -> float:
    """Computes the variance that repeating one configuration shows over the variance among search trials.

    Args:
        runs: Per configuration its runs on different seeds, each of shape [S].
        objective_t: One value per finished search trial, shape [T].
        seeds_per_trial: Seeds whose mean such a value is; it has that much less of their noise.

    Returns:
        Pooled variance within configurations over the variance among trials; NaN if unknown. More than 1 says
        that the repeated configurations are noisier than the trials, or that chance made the trials alike.
    """
    objective_t = finite(objective_t)
    groups = [group for group in map(finite, runs) if group.size > 1]
    if not groups or objective_t.size < 2 or objective_t.var(ddof=1) == 0:
        return np.nan
    degrees = sum(group.size - 1 for group in groups)
    within = sum(float(group.var(ddof=1)) * (group.size - 1) for group in groups) / degrees
    return within / seeds_per_trial / float(objective_t.var(ddof=1))


class Estimate(NamedTuple):
    """Estimate of a mean: its value, standard error, number of seeds, and standard deviation over them."""

    mean: float
    """The mean."""
    error: float
    """Its standard error."""
    seeds: int
    """Number of seeds behind it."""
    deviation: float
    """Standard deviation over the seeds."""

    def interval(self, confidence: float, widening: float = 0.0) -> Interval:
        """Computes Student's interval, 1 + `widening` / seeds times as wide; none below two seeds."""
        if self.seeds < 2:
            return NO_INTERVAL
        half = (1 + widening / self.seeds) * stats.t.ppf(0.5 + confidence / 2, self.seeds - 1) * self.error
        return Interval(float(self.mean - half), float(self.mean + half))


NOTHING: Final = Estimate(np.nan, np.nan, 0, np.nan)
"""The estimate from no runs."""


def estimate(values_s: ArrayLike) -> Estimate:
    """Estimates the mean behind values of shape [S]; NaN are missing."""
    x_s = finite(values_s)
    if x_s.size < 2:
        return Estimate(mean(x_s), np.nan, x_s.size, np.nan)
    error = standard_error(x_s)
    return Estimate(float(x_s.mean()), error, x_s.size, error * x_s.size**0.5)


def finite(x: ArrayLike) -> FloatArray:
    """Returns the values that are finite, as one array."""
    values: FloatArray = np.asarray(x, dtype=np.float64)
    return values[np.isfinite(values)]


def _t_interval(x_s: FloatArray, confidence: float, widening: float) -> Interval:
    if x_s.size < 2:
        return NO_INTERVAL
    half = widening * stats.t.ppf(0.5 + confidence / 2, x_s.size - 1) * standard_error(x_s)
    return Interval(float(x_s.mean() - half), float(x_s.mean() + half))


def standard_error(x_s: FloatArray) -> float:
    """Computes the standard error of a mean over shape [S], S >= 2; rounding noise among equals is none."""
    if np.ptp(x_s) <= 1e-12 * max(1.0, float(np.abs(x_s).max())):
        return 0.0
    return float(x_s.std(ddof=1) / np.sqrt(x_s.size))

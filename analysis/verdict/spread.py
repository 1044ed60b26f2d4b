"""Spread and skewness of runs, pooled over contenders, and Student's t corrected for skewness (Hall 1992).

A handful of runs says little of how unlucky a configuration can be: one without a bad run looks both good and
steady. So a contender's mean is judged by the spread of all contenders' runs, or by its own where that is
larger, and by the skewness of all. Where runs have a tail of bad ones, t is corrected for it by a cubic
transformation that keeps its order and can be inverted, so that test and interval always agree.

Axes: O = orders of the seeds (or simulated sweeps), K = contenders, S = seeds; missing values are NaN.

References:
    Hall 1992, Journal of the Royal Statistical Society B 54(1): removing skewness by transformation.
    Welch 1947, Biometrika 34: degrees of freedom of a difference of two means.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Moments(NamedTuple):
    """Sums over the last axis of what is there."""

    number: IntArray
    """Number of values."""
    mean: FloatArray
    """Their mean; 0 of nothing."""
    squares: FloatArray
    """Sum of squared deviations from it; 0 where they differ by rounding alone."""
    cubes: FloatArray
    """Sum of cubed ones."""


class Spread(NamedTuple):
    """Spread of values around their means."""

    deviation: FloatArray
    """Standard deviation."""
    skewness: FloatArray
    """Third moment over the cube of the deviation; negative with a tail of bad runs."""
    degrees: FloatArray
    """Degrees of freedom of the deviation."""


class Location(NamedTuple):
    """Estimated means with all that their intervals need; numbers, or arrays of one shape."""

    mean: FloatArray
    """The estimate."""
    error: FloatArray
    """Its standard error; NaN where there is none."""
    skewness: FloatArray
    """Skewness of the estimate itself, that of a run over the root of their number."""
    degrees: FloatArray
    """Degrees of freedom of the standard error."""

    def ends(self, below: float, above: float) -> tuple[FloatArray, FloatArray]:
        """Computes the ends of an interval.

        Args:
            below: Permitted error of the lower end: how often it may lie above the true mean.
            above: The same of the upper end.
        """
        low = uncorrected(stats.t.isf(below, self.degrees), self.skewness)
        high = uncorrected(-stats.t.isf(above, self.degrees), self.skewness)
        return self.mean - low * self.error, self.mean - high * self.error

    def minus(self, other: Location) -> Location:
        """Returns the difference of two independent means (Welch)."""
        one, two = (np.asarray(part.error, dtype=np.float64) for part in (self, other))
        error = np.hypot(one, two)
        with np.errstate(divide="ignore", invalid="ignore"):
            degrees = error**4 / (one**4 / self.degrees + two**4 / other.degrees)
            skewness = (self.skewness * one**3 - other.skewness * two**3) / error**3
        least = np.minimum(self.degrees, other.degrees)
        return Location(
            mean=self.mean - other.mean,
            error=error,
            skewness=np.where(error > 0, skewness, 0.0),
            degrees=np.where(error > 0, degrees, least),
        )


def moments(x_os: ArrayLike) -> Moments:
    """Computes sums over the last axis; NaN are left out, and rounding noise among equals is no spread."""
    x_os = np.asarray(x_os, dtype=np.float64)
    there = np.isfinite(x_os)
    x_os = np.where(there, x_os, 0.0)
    count = there.sum(axis=-1)
    mean = x_os.sum(axis=-1) / np.maximum(count, 1)
    centred = np.where(there, x_os - mean[..., None], 0.0)
    noise = 1e-12 * np.maximum(1.0, np.abs(x_os).max(axis=-1, initial=0.0))
    centred = np.where(np.ptp(centred, axis=-1)[..., None] <= noise[..., None], 0.0, centred)
    mean = np.where(np.abs(mean) <= noise, 0.0, mean)
    return Moments(count, mean, (centred**2).sum(axis=-1), (centred**3).sum(axis=-1))


def pooled_spread(x_oks: ArrayLike, *, shared: bool = False) -> Spread:
    """Computes the spread around their own means of all contenders' values together.

    Args:
        x_oks: Values, shape [..., K, S].
        shared: Whether they are differences from one default, whose runs they share: two of them correlate by
            one half, and so K sums of squares have the degrees of freedom of 4 K / (K + 3).
    """
    count, _, squares, cubes = moments(x_oks)
    several = count > 1
    degrees = np.where(several, count - 1, 0).sum(axis=-1)
    values = np.maximum(np.where(several, count, 0).sum(axis=-1), 1)
    squares, cubes = squares.sum(axis=-1), np.where(several, cubes, 0.0).sum(axis=-1)
    deviation = np.sqrt(squares / np.maximum(degrees, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.where(squares > 0, (cubes / values) / (squares / values) ** 1.5, 0.0)
    worth = 4 / (several.sum(axis=-1) + 3) if shared else 1.0
    return Spread(deviation, skewness, degrees * worth)


def located(x_os: ArrayLike, spread: Spread | None = None) -> Location:
    """Estimates means over the last axis, as judged by the spread of several, or their own if that is larger.

    Args:
        x_os: Values; NaN are left out.
        spread: Of all contenders together; None for the own alone.
    """
    count, mean, squares, cubes = moments(x_os)
    number, degrees = np.maximum(count, 1), np.maximum(count - 1, 1)
    deviation = np.sqrt(squares / degrees)
    if spread is None:
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = np.where(squares > 0, (cubes / number) / (squares / number) ** 1.5, 0.0)
        spread = Spread(deviation, skewness, degrees)
    return Location(
        mean=np.where(count > 0, mean, np.nan),
        error=np.where(count > 1, np.maximum(deviation, spread.deviation) / np.sqrt(number), np.nan),
        skewness=spread.skewness / np.sqrt(number),
        degrees=np.maximum(degrees, spread.degrees),
    )


def corrected(t: ArrayLike, skewness: ArrayLike) -> FloatArray:
    """Corrects Student's t for the skewness of the mean that it belongs to; rising in t."""
    t, skewness = np.asarray(t, dtype=np.float64), np.asarray(skewness, dtype=np.float64)
    some = np.where(np.abs(skewness) < _NONE, 1.0, skewness)
    with np.errstate(invalid="ignore", over="ignore"):
        cubic = ((1 + some * t / 3) ** 3 - 1) / some + some / 6
    return np.where(np.abs(skewness) < _NONE, t, cubic)


def uncorrected(z: ArrayLike, skewness: ArrayLike) -> FloatArray:
    """Inverts `corrected`."""
    z, skewness = np.asarray(z, dtype=np.float64), np.asarray(skewness, dtype=np.float64)
    some = np.where(np.abs(skewness) < _NONE, 1.0, skewness)
    return np.where(np.abs(skewness) < _NONE, z, (np.cbrt(1 + some * (z - some / 6)) - 1) * 3 / some)


_NONE = 1e-6
"""Skewness that makes no difference."""

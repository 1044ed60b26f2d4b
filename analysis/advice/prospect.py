"""Expected rise of the best score by more trials, estimated from the trials that there are.

Model: trials are alike and independent, and the best of n goes on to rise as it rose within these trials, by
a power of n (extreme value theory). The best of n/4, n/2 and n of the trials, averaged over all choices, tell
the power. Of a rise in search scores only the share that is not seed noise outlasts a confirmation.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics import NO_INTERVAL, Interval

MIN_TRIALS: Final = 16
"""Trials below which a quarter of them is too few to tell how the best rises."""
POWERS: Final = (-1.0, 0.25)
"""Range of the power: -1 for values with a wall at the top (uniform), 0 for an exponential tail."""

FloatArray = NDArray[np.float64]


class Prospect(NamedTuple):
    """Expected rise of the best trial's true score, with an interval over resampled trials."""

    gain: float
    """The expected rise, on the scale of scores."""
    interval: Interval
    """Its interval."""


def expected_best(sorted_t: FloatArray, draws: int) -> float:
    """Computes the mean, over all choices of `draws` trials, of the best; values rising, shape [T]."""
    n = sorted_t.size
    rank = np.arange(draws, n + 1)
    log_share = special.gammaln(rank) - special.gammaln(rank - draws + 1) - special.gammaln(draws)
    log_all = special.gammaln(n + 1) - special.gammaln(n - draws + 1) - special.gammaln(draws + 1)
    return float(np.exp(log_share - log_all) @ sorted_t[draws - 1 :])


def expected_rise(objective_t: ArrayLike, more: int) -> float:
    """Computes the expected rise of the best search score by `more` trials; NaN below `MIN_TRIALS`."""
    values: FloatArray = np.asarray(objective_t, dtype=np.float64)
    sorted_t = np.sort(values[np.isfinite(values)])
    n = sorted_t.size
    if n < MIN_TRIALS:
        return np.nan
    quarter, half, full = (expected_best(sorted_t, n // part) for part in (4, 2, 1))
    if half <= quarter or full <= half:
        return 0.0
    power = float(np.clip(np.log2((full - half) / (half - quarter)), *POWERS))
    if abs(power) < 1e-6:
        return float((full - half) * np.log2(1 + more / n))
    return float((full - half) * ((1 + more / n) ** power - 1) / (1 - 2**-power))


def prospect(
    objective_t: ArrayLike,
    noise_share: float,
    rng: np.random.Generator,
    *,
    more: int = 20,
    resamples: int = 200,
) -> Prospect:
    """Estimates by how much `more` trials would raise the best trial's true score.

    Args:
        objective_t: Search score of each trial, pruned ones included, shape [T]; NaN are left out.
        noise_share: Share of the variance among trials that is seed noise, 0 to 1.
        rng: Generator of the resampling.
        more: Further trials.
        resamples: Resampled sets of trials behind the interval (2.5 % and 97.5 % quantiles).
    """
    values: FloatArray = np.asarray(objective_t, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size < MIN_TRIALS:
        return Prospect(np.nan, NO_INTERVAL)
    true_share = 1 - noise_share
    rises = [expected_rise(rng.choice(values, values.size), more) for _ in range(resamples)]
    low, high = np.quantile(rises, [0.025, 0.975]) * true_share
    return Prospect(true_share * expected_rise(values, more), Interval(float(low), float(high)))

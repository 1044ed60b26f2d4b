"""Reproduction test of a retrained configuration against its confirmation, from both sets of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics import CONFIDENCE, NO_INTERVAL, WIDENING, Estimate, Interval, mean, mean_interval


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """New runs of a configuration, compared with its confirmation."""

    mean: float
    """Of the new runs."""
    interval: Interval
    """95 % interval of that mean."""
    confirmed_mean: float
    """Of the confirmation, as the verdict states it."""
    confirmed: Interval
    """The confirmation's interval, as the verdict states it."""
    expected: Interval
    """Prediction interval: where the mean of as many new runs lies in 95 of 100 sweeps, if nothing but the
    seeds has changed."""

    @property
    def within_confirmed(self) -> bool:
        """Whether the new mean lies in the confirmed interval; False where there is none."""
        return bool(self.confirmed.low <= self.mean <= self.confirmed.high)

    @property
    def within_expected(self) -> bool:
        """Whether the new mean is one that the confirmation leads to expect; False where it says nothing."""
        return bool(self.expected.low <= self.mean <= self.expected.high)


def reproduce(
    original: Estimate,
    retrained_s: Sequence[float],
    *,
    confirmed: Interval,
    confidence: float = CONFIDENCE,
) -> Reproduction:
    """Compares new runs with a confirmation.

    A confirmed interval is about the true mean. The mean of a few new runs strays from that by itself, so
    with as many new runs as old ones it leaves the interval in about one of eight faithful retrainings.
    Whether the result was reproduced is therefore asked of the prediction interval, which counts with both.

    Args:
        original: The confirmed mean.
        retrained_s: Values of the new runs, shape [S'].
        confirmed: The interval of the confirmed mean, as the verdict states it.
        confidence: Of the prediction interval.

    References:
        Hahn and Meeker 1991, Statistical Intervals, section 4.8: prediction interval for the mean of m
        future observations.
    """
    return Reproduction(
        mean=mean(retrained_s),
        interval=mean_interval(retrained_s),
        confirmed_mean=original.mean,
        confirmed=confirmed,
        expected=prediction_interval(original, len(retrained_s), confidence),
    )


def prediction_interval(original: Estimate, future: int, confidence: float = CONFIDENCE) -> Interval:
    """Computes the interval for the mean of `future` new runs from the mean of two or more; none from fewer.

    Student's t, widened as the interval of a mean is.
    """
    if future < 1:
        return NO_INTERVAL
    error = float(np.hypot(original.error, original.deviation / np.sqrt(future)))
    return original._replace(error=error).interval(confidence, WIDENING)

"""Interval for the true mean of the configuration that was picked for having the highest one.

The highest of several equal means is too high, and a configuration also wins because its runs happen to lie
close together: where runs are skewed, one without a bad run has both a high mean and a small spread. So the
interval reaches further down than up, and spread and skewness come from the runs of all contenders, not only
from those of the one that had the luck. docs/statistics.md says how often it encloses the truth.

References:
    Miller 1981, Simultaneous Statistical Inference, chapter 2: Bonferroni's t with a pooled variance.
    Andrews, Kitagawa and McCloskey 2024, Quarterly Journal of Economics 139(1): inference on winners.
"""

from typing import Final, NamedTuple

import numpy as np

from analysis.statistics import CONFIDENCE, Interval
from analysis.verdict.spread import FloatArray, located, pooled_spread

REACH: Final = 2.0
"""A contender might have been picked instead if it is at most so many standard errors (of the gap) behind."""


class Picked(NamedTuple):
    """Interval of the mean of a configuration that was picked, and how it came about."""

    interval: Interval
    """The interval."""
    choice: int
    """Number of configurations that might have been picked, the picked one included."""


def picked_interval(x_cs: FloatArray, picked: int, confidence: float = CONFIDENCE) -> Picked:
    """Computes the interval for the true mean of the contender that has the highest mean.

    Of the permitted error, one share of as many as might have been picked goes to the lower end, and the rest
    to the upper one: among equals the highest mean is never much too low, and alone it is as often too low as
    too high. Spread and skewness are those of all contenders' runs, or the spread its own if that is larger.

    Args:
        x_cs: Values of the contenders, shape [C, S]; NaN where a run has none.
        picked: Which one was picked.
        confidence: Of the interval.
    """
    own, pooled = located(x_cs), located(x_cs, pooled_spread(x_cs))
    behind_c = own.mean[picked] - own.mean
    reach_c = REACH * np.hypot(own.error[picked], own.error)
    choice = 1 + int((np.delete(behind_c, picked) <= np.delete(reach_c, picked)).sum())
    below = (1 - confidence) / max(choice, 2)
    low_c, high_c = pooled.ends(below, 1 - confidence - below)
    return Picked(Interval(float(low_c[picked]), float(high_c[picked])), choice)

"""Interval for the true mean of the configuration that was picked for having the highest one.

The highest of several equal means is too high, and a configuration also wins because its runs happen to lie
close together: where runs are skewed, one without a bad run has both a high mean and a small spread. So the
interval reaches further down than up, and the spread comes from the runs of all contenders, not only from
those of the one that had the luck. docs/statistics.md says how often it encloses the truth.

References:
    Miller 1981, Simultaneous Statistical Inference, chapter 2: Bonferroni's t with a pooled variance.
    Andrews, Kitagawa and McCloskey 2024, Quarterly Journal of Economics 139(1): inference on winners.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from analysis.statistics import CONFIDENCE, WIDENING, Interval, simultaneous_confidence
from analysis.verdict.race_estimates import Estimate

REACH: Final = 2.0
"""A contender might have been picked instead if it is at most so many standard errors (of the gap) behind."""
LARGER: Final = 0.1
"""An F-test at this level decides that the picked one's runs vary more than the others'."""
SMALLER: Final = 1e-5
"""The same for less. Far stricter, because skewed runs look like that by luck, and winners have luck."""


class Picked(NamedTuple):
    """Interval of the mean of a configuration that was picked, and how it came about."""

    interval: Interval
    """The interval."""
    choice: int
    """Number of configurations that might have been picked, the picked one included."""
    pooled: bool
    """Whether the spread is that of all contenders' runs."""


def picked_interval(
    picked: Estimate,
    others: Sequence[Estimate],
    *,
    counted: int | None = None,
    confidence: float = CONFIDENCE,
) -> Picked:
    """Computes the interval for the true mean of the contender that has the highest mean.

    Of the permitted error, one share of as many as might have been picked goes to the lower end, and the rest
    to the upper one: among equals the highest mean is never much too low, and alone it is as often too low as
    too high. The ends are Student's t with the contenders' pooled variance, as much widened as the interval
    of any mean, by the runs behind that variance. If the picked one's runs do vary differently, its own
    variance is used, at the confidence of as many intervals as might have been picked (Bonferroni).

    Args:
        picked: The mean that was picked.
        others: Those of the other contenders; the ones without a standard error are left out.
        counted: Most seeds of each contender that count in the pooled variance; None for all.
        confidence: Of the interval.
    """
    others = [other for other in others if other.seeds > 1]
    if not others or picked.seeds < 2:
        return Picked(picked.interval(confidence, WIDENING), 1, pooled=False)
    rivals = [o for o in others if picked.mean - o.mean <= REACH * np.hypot(picked.error, o.error)]
    choice = 1 + len(rivals)
    variance_c = np.array([contender.deviation**2 for contender in (picked, *others)])
    seeds_c = np.array([contender.seeds for contender in (picked, *others)])
    seeds_c = np.minimum(seeds_c, counted or seeds_c)
    degrees_c = seeds_c - 1
    theirs = np.average(variance_c[1:], weights=degrees_c[1:])
    if _differs(variance_c[0], theirs, degrees_c[0], degrees_c[1:].sum()):
        alone = picked.interval(simultaneous_confidence(choice, confidence), WIDENING)
        return Picked(alone, choice, pooled=False)
    pooled = np.average(variance_c, weights=degrees_c)
    error = picked.error_with(np.sqrt(pooled)) * (1 + WIDENING / seeds_c.sum())
    below = (1 - confidence) / max(choice, 2)
    down, up = error * stats.t.isf([below, 1 - confidence - below], degrees_c.sum())
    return Picked(Interval(float(picked.mean - down), float(picked.mean + up)), choice, pooled=True)


def _differs(own: float, theirs: float, own_degrees: int, their_degrees: int) -> bool:
    """Returns whether a variance is larger than that of the others, or very much smaller."""
    if own == theirs or theirs == 0:
        return own != theirs
    larger = stats.f.isf(LARGER, own_degrees, their_degrees)
    smaller = stats.f.ppf(SMALLER, own_degrees, their_degrees)
    return not smaller <= own / theirs <= larger

"""Gain to expect of a configuration that was claimed to be better, freed of the exaggeration of claims.

Only large differences are claimed, so claimed differences are too large: the smaller the true gain, the more.
Given that it was claimed, a difference follows the upper tail of its distribution. The gain to expect is the
true gain of which the claimed difference is the median of that tail; the interval's ends are those of which
it is a quantile.

References:
    Fithian, Sun and Taylor 2014, arXiv 1410.2597: inference after selection, given what was selected.
    Gelman and Carlin 2014, Perspectives on Psychological Science 9(6): errors of magnitude.
"""

from typing import Final, NamedTuple

from scipy import optimize, special, stats

from analysis.statistics import CONFIDENCE, Interval
from analysis.verdict.spread import Location, corrected, uncorrected

_FAR: Final = 1e3
"""Standard errors above a difference at which a true gain surely lies too high."""


class Gain(NamedTuple):
    """Gain to expect, given that one was claimed."""

    mean: float
    """Median-unbiased estimate; 0 or more."""
    interval: Interval
    """Its interval; holds the true gain in 95 % of the claims that are right."""


def expected_gain(
    difference: Location, error: float, choice: int = 1, confidence: float = CONFIDENCE
) -> Gain:
    """Computes the gain to expect from a difference that was claimed.

    Args:
        difference: As it was tested.
        error: One-sided p-value at or below which it was claimed.
        choice: Number of contenders that might as well have been picked for it, the picked one included: they
            share the permitted error of the lower end.
        confidence: Of the interval.
    """
    found = float(difference.mean)
    if not difference.error > 0:
        return Gain(found, Interval(found, found))
    scale, degrees, skewness = float(difference.error), difference.degrees, difference.skewness
    least = float(uncorrected(stats.t.isf(error, degrees), skewness)) * scale

    def true(share: float) -> float:
        """Returns the gain with which a claimed difference is this large or larger in a share of cases."""

        def excess(gain: float) -> float:
            this, any_claim = (
                special.stdtr(degrees, -corrected((claimed - gain) / scale, skewness))
                for claimed in (found, least)
            )
            return float(this - share * any_claim)

        if excess(0.0) >= 0:
            return 0.0
        return float(optimize.brentq(excess, 0.0, found + _FAR * scale))

    below = (1 - confidence) / 2
    return Gain(true(0.5), Interval(true(below / choice), true(1 - below)))

"""A claimed gain is too large, and the gain to expect is not."""

import numpy as np
import pytest
from scipy import stats

from analysis.verdict.gain import expected_gain
from analysis.verdict.spread import Location


def location(mean, error=1.0, skewness=0.0, degrees=1e9):
    return Location(*map(np.array, (mean, error, skewness, degrees)))


def test_a_gain_that_was_just_claimed_says_little_and_a_large_one_stands():
    bar = stats.norm.isf(0.01)
    just, far = expected_gain(location(bar + 0.1), 0.01), expected_gain(location(9.0), 0.01)
    assert just.mean < 0.5 * bar
    assert just.interval.low == 0.0
    assert far.mean == pytest.approx(9.0, abs=1e-3)
    assert far.interval == pytest.approx((9 - 1.96, 9 + 1.96), abs=1e-2)


def test_of_a_gain_that_only_just_was_claimed_next_to_nothing_is_to_be_expected():
    assert expected_gain(location(stats.norm.isf(0.01) + 1e-4), 0.01) == (0.0, (0.0, 0.0))


def test_the_ends_are_the_gains_of_which_the_claim_is_a_quantile_among_claims():
    found = expected_gain(location(3.0), 0.01, confidence=0.9)
    bar = stats.norm.isf(0.01)
    two = expected_gain(location(3.0), 0.01, choice=2, confidence=0.9)
    assert (two.mean, two.interval.high) == (found.mean, found.interval.high)
    assert two.interval.low <= found.interval.low
    for gain, share in [(found.mean, 0.5), (found.interval.high, 0.95)]:
        assert stats.norm.sf(3.0 - gain) / stats.norm.sf(bar - gain) == pytest.approx(share)
    far = expected_gain(location(5.0), 0.01, choice=2, confidence=0.9).interval.low
    assert stats.norm.sf(5.0 - far) / stats.norm.sf(bar - far) == pytest.approx(0.025)


def test_t_with_few_degrees_of_freedom_and_skewness_count_as_in_the_test():
    few, bar = expected_gain(location(4.5, degrees=6.0), 0.01), stats.t.isf(0.01, 6)
    assert stats.t.sf(4.5 - few.mean, 6) / stats.t.sf(bar - few.mean, 6) == pytest.approx(0.5)
    twice = expected_gain(location(9.0, error=2.0, degrees=6.0), 0.01)
    assert twice.mean == pytest.approx(2 * few.mean)
    assert expected_gain(location(3.5, skewness=-0.2), 0.01).mean < expected_gain(location(3.5), 0.01).mean


def test_without_any_spread_there_is_nothing_to_take_off():
    assert expected_gain(location(0.4, error=0.0), 0.01) == (0.4, (0.4, 0.4))


@pytest.mark.parametrize("true", [0.5, 2.0, 4.0])
def test_given_a_claim_the_interval_holds_the_true_gain_in_95_percent(true):
    claimed = true + np.random.default_rng(0).normal(size=20_000)
    claimed = claimed[claimed > stats.norm.isf(0.025)][:400]
    found = [expected_gain(location(mean), 0.025) for mean in claimed]
    held = np.mean([gain.interval.low <= true <= gain.interval.high for gain in found])
    assert 0.92 < held < 0.985
    assert np.median([gain.mean for gain in found]) == pytest.approx(true, abs=0.25)
    assert claimed.mean() > true

"""A retraining is held against what its confirmation leads to expect, and faithful ones pass."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import NO_INTERVAL, Interval, estimate, mean_interval
from analysis.verdict.reproduction import Reproduction, prediction_interval, reproduce


@pytest.mark.parametrize(("old", "new"), [(5, 10), (10, 10), (16, 5)])
def test_faithful_retrainings_fall_into_the_expected_interval_nearly_always(old, new):
    rng = np.random.default_rng(0)
    inside = {"confirmed": 0, "expected": 0}
    tries = 1500
    for _ in range(tries):
        confirmed, retrained = rng.normal(size=old), rng.normal(size=new)
        found = reproduce(estimate(confirmed), retrained, confirmed=mean_interval(confirmed))
        inside["confirmed"] += found.within_confirmed
        inside["expected"] += found.within_expected
    assert 0.94 < inside["expected"] / tries < 0.99
    # The reason why the confirmed interval alone does not decide.
    assert inside["confirmed"] < inside["expected"]


def test_a_result_far_away_is_outside_both_intervals():
    found = reproduce(estimate([0.9, 1.0, 1.1, 1.0, 0.95]), [0.1, 0.2], confirmed=Interval(0.9, 1.1))
    assert found.mean == pytest.approx(0.15)
    assert not found.within_confirmed
    assert not found.within_expected


def test_the_expected_interval_counts_with_the_doubt_of_both():
    # Five runs of variance 0.625 around 1, and two new ones.
    found = reproduce(estimate([0.0, 1.0, 1.5, 2.0, 0.5]), [1.0, 1.2], confirmed=NO_INTERVAL, confidence=0.9)
    half = np.sqrt(0.625 / 5 + 0.625 / 2) * stats.t.ppf(0.95, 4) * (1 + 0.8 / 5)
    assert found.expected == pytest.approx((1 - half, 1 + half))
    assert (found.confirmed_mean, found.confirmed) == (1.0, NO_INTERVAL)
    assert found.interval == mean_interval([1.0, 1.2])


@pytest.mark.parametrize("mean", [0.9, 1.1])
def test_an_end_belongs_to_its_interval(mean):
    found = Reproduction(
        mean=mean,
        interval=NO_INTERVAL,
        confirmed_mean=1.0,
        confirmed=Interval(0.9, 1.1),
        expected=Interval(0.9, 1.1),
    )
    assert found.within_confirmed
    assert found.within_expected


def test_many_new_runs_leave_only_the_confirmations_own_doubt():
    runs = [0.8, 0.9, 1.0, 1.1, 1.2]
    few, many = (prediction_interval(estimate(runs), new) for new in (5, 10**9))
    assert few.low < many.low < 1.0 < many.high < few.high
    assert many == pytest.approx(mean_interval(runs), rel=1e-6)


def test_one_confirmation_run_says_nothing():
    found = reproduce(estimate([0.9]), [0.9, 0.8], confirmed=NO_INTERVAL)
    assert not found.within_confirmed
    assert not found.within_expected
    assert math.isnan(found.expected.low)


def test_no_new_runs_have_no_interval():
    assert math.isnan(prediction_interval(estimate([1.0, 2.0]), 0).low)
    assert math.isfinite(prediction_interval(estimate([1.0, 2.0]), 1).low)

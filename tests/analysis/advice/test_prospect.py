"""What more trials would bring, against what they do bring where it is known."""

import numpy as np
import pytest

from analysis.advice.prospect import expected_best, expected_rise, prospect


def test_the_expected_best_of_some_of_the_trials_is_counted_by_hand():
    assert expected_best(np.array([1.0, 2.0, 4.0]), 2) == pytest.approx((2 + 4 + 4) / 3)
    assert expected_best(np.array([1.0, 2.0, 4.0]), 1) == pytest.approx(7 / 3)
    assert expected_best(np.array([1.0, 2.0, 4.0]), 3) == 4.0


def test_an_exponential_tail_rises_with_the_logarithm_of_the_number_of_trials():
    n = 400
    expected = np.cumsum(1 / np.arange(n, 0, -1))  # of the i-th lowest of n exponential values
    assert expected_rise(expected, 400) == pytest.approx(np.log(2), rel=0.02)


def test_trials_that_reach_the_top_have_nothing_left_to_gain():
    top = np.r_[np.linspace(0, 1, 20), np.ones(20)]
    assert expected_rise(top, 20) < 0.01
    assert expected_rise(np.ones(32), 20) == 0.0


@pytest.mark.parametrize("score", [1.0, 0.1, -0.3])
@pytest.mark.parametrize("trials", range(16, 80))
def test_trials_that_all_score_alike_have_nothing_to_gain_however_their_means_are_rounded(trials, score):
    assert expected_rise(np.full(trials, score), 20) == pytest.approx(0.0, abs=1e-9)


def test_seed_noise_is_taken_off_and_few_trials_tell_nothing():
    values = np.random.default_rng(0).normal(size=32)
    rng = np.random.default_rng(1)
    assert prospect(values, 0.75, rng).gain == pytest.approx(expected_rise(values, 20) / 4)
    assert np.isnan(prospect(values[:15], 0.0, rng).gain)
    found = prospect(values, 0.0, rng)
    assert 0 <= found.interval.low <= found.gain <= found.interval.high

"""The interval of a mean that was picked for being the highest, done by hand and held against simulations."""

import numpy as np
import pytest
from scipy import stats

from analysis.verdict.spread import pooled_spread, uncorrected
from analysis.verdict.winner_interval import picked_interval

SPREAD = np.array([-1.0, 0.0, 0.5, 1.0, -0.5])
"""Five runs around 0 with variance 0.625, without skewness."""


def around(*means):
    """Contenders whose runs lie around their means in the same way."""
    return np.add.outer(np.array(means), SPREAD)


def distances(found, mean):
    return mean - found.interval.low, found.interval.high - mean


def test_of_three_equals_the_lower_end_takes_a_third_of_the_error_and_the_upper_the_rest():
    found = picked_interval(around(1.0, 1.0, 1.0), 0)
    # 12 degrees of freedom from three times five runs; the standard error of a mean is sqrt(0.625 / 5).
    expected = np.sqrt(0.625 / 5) * stats.t.ppf([1 - 0.05 / 3, 1 - 0.05 * 2 / 3], 12)
    assert distances(found, 1.0) == pytest.approx(tuple(expected))
    assert found.choice == 3


def test_contenders_far_behind_lend_their_spread_and_leave_the_ends_alike():
    found = picked_interval(around(-3.0, 1.0, -4.0), 1)
    half = np.sqrt(0.625 / 5) * stats.t.ppf(0.975, 12)
    assert distances(found, 1.0) == pytest.approx((half, half))
    assert found.choice == 1


def test_a_winner_whose_bad_run_stayed_out_is_not_believed_to_be_that_steady():
    x_cs = around(1.0, 0.9, 0.8)
    x_cs[0] = 1.0 + 0.2 * SPREAD
    low, high = picked_interval(x_cs, 0).interval
    half = np.sqrt(0.2**2 * 0.625 / 5) * stats.t.ppf(0.975, 4)
    assert low < 1 - half
    assert high > 1 + half


def test_a_winner_that_varies_more_than_the_others_is_judged_by_its_own_spread():
    x_cs = around(1.0, -9.0, -9.0)
    x_cs[0] = 1.0 + 3 * SPREAD
    half = 3 * np.sqrt(0.625 / 5) * stats.t.ppf(0.975, 12)
    assert distances(picked_interval(x_cs, 0), 1.0) == pytest.approx((half, half))


def test_where_all_have_a_tail_of_bad_runs_the_interval_reaches_further_down():
    tail = np.array([0.0, 0.1, -0.1, 0.05, -2.0])
    x_cs = np.array([[1.0], [-9.0]]) + tail - tail.mean()
    spread = pooled_spread(x_cs)
    down, up = distances(picked_interval(x_cs, 0), 1.0)
    t = uncorrected(stats.t.isf([0.025, 0.975], 8), spread.skewness / np.sqrt(5))
    assert (down, -up) == pytest.approx(tuple(t * spread.deviation / np.sqrt(5)))
    assert down > 1.5 * up


@pytest.mark.parametrize(("behind", "choice"), [(1.99, 2), (2.01, 1)])
def test_who_is_two_standard_errors_of_the_gap_behind_might_have_been_picked(behind, choice):
    gap = np.sqrt(2 * 0.625 / 5)
    assert picked_interval(around(1.0, 1.0 - behind * gap), 0).choice == choice


def test_missing_runs_are_left_out_and_who_has_one_alone_is_no_rival():
    x_cs = np.array([[*SPREAD], [1.0, -1.0, np.nan, np.nan, np.nan], [9.0, *[np.nan] * 4]])
    found = picked_interval(x_cs, 0)
    deviation = np.sqrt((4 * 0.625 + 1 * 2.0) / 5)
    assert distances(found, 0.0) == pytest.approx((deviation / np.sqrt(5) * stats.t.ppf(0.975, 5),) * 2)
    assert found.choice == 2


def test_the_confidence_is_the_one_that_is_asked_for():
    found = picked_interval(around(1.0, 1.0, 1.0), 0, confidence=0.8)
    expected = np.sqrt(0.625 / 5) * stats.t.ppf([1 - 0.2 / 3, 1 - 0.4 / 3], 12)
    assert distances(found, 1.0) == pytest.approx(tuple(expected))


def test_a_winner_with_a_single_run_has_no_interval():
    x_cs = np.array([[1.0, *[np.nan] * 4], 0.5 + SPREAD])
    assert np.isnan(picked_interval(x_cs, 0).interval).all()


SHAPES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed": lambda rng, shape: (2 - rng.gamma(2.0, size=shape)) / np.sqrt(2),
    "bimodal": lambda rng, shape: (4 * (rng.random(shape) < 0.5) - 2 + rng.normal(size=shape)) / np.sqrt(5),
    "collapsing": lambda rng, shape: np.where(rng.random(shape) < 0.2, -6.4, 1.6) + rng.normal(size=shape),
}


@pytest.mark.parametrize("behind", [0.0, 1.0], ids=["equal", "one sd behind"])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_holds_the_true_mean_of_the_highest_of_three_in_about_95_percent(shape, behind):
    rng = np.random.default_rng(7)
    x_wcs = SHAPES[shape](rng, (600, 3, 10)) - behind * np.array([0.0, 1.0, 1.0])[:, None]
    true_c, held = -behind * np.array([0.0, 1.0, 1.0]), 0
    for x_cs in x_wcs:
        winner = int(x_cs.mean(axis=1).argmax())
        low, high = picked_interval(x_cs, winner).interval
        held += low <= true_c[winner] <= high
    assert 0.92 < held / len(x_wcs) <= 1.0

"""Spread pooled over contenders, and the correction of t for skewness, done by hand."""

import numpy as np
import pytest
from scipy import stats

from analysis.verdict.spread import Location, Spread, corrected, located, moments, pooled_spread, uncorrected

X = np.array([0.3, np.nan, -0.2, 0.9, 0.4, np.nan, 1.1])
THERE = X[np.isfinite(X)]


def test_moments_are_of_what_is_there():
    found = moments(X)
    assert found.number == 5
    assert found.mean == pytest.approx(THERE.mean())
    assert found.squares == pytest.approx(((THERE - THERE.mean()) ** 2).sum())
    assert found.cubes == pytest.approx(((THERE - THERE.mean()) ** 3).sum())


@pytest.mark.parametrize("values", [[0.1 + 0.2, 0.3, 0.3], [1e6, 1e6 + 1e-9], [np.nan, np.nan], [2.0]])
def test_rounding_noise_among_equals_is_no_spread(values):
    assert moments(np.array(values)).squares == 0.0
    assert pooled_spread(np.array([values])).skewness == 0.0


def test_a_spread_is_pooled_around_each_ones_own_mean():
    first, second = np.array([1.0, 2.0, 6.0]), np.array([10.0, 14.0, np.nan])
    found = pooled_spread(np.stack([first, second]))
    squares = ((first - 3) ** 2).sum() + 8
    assert found.deviation == pytest.approx(np.sqrt(squares / 3))
    assert found.degrees == 3
    # Third moment over the cube of the deviation, both with the number of values below.
    assert found.skewness == pytest.approx((-8 - 1 + 27) / 5 / (squares / 5) ** 1.5)
    alone = pooled_spread(np.stack([first, np.array([5.0, np.nan, np.nan])]))
    assert (alone.deviation, alone.degrees) == (pytest.approx(np.std(first, ddof=1)), 2)


@pytest.mark.parametrize(("contenders", "worth"), [(1, 1.0), (3, 2.0), (5, 2.5)])
def test_differences_from_one_default_are_worth_fewer_degrees_of_freedom(contenders, worth):
    x_ks = np.random.default_rng(0).normal(size=(contenders, 7))
    assert pooled_spread(x_ks, shared=True).degrees == pytest.approx(worth * 6)


def test_the_variance_of_pooled_differences_is_that_of_their_degrees_of_freedom():
    x_wcs = np.random.default_rng(1).normal(size=(20_000, 4, 6))
    found = pooled_spread(x_wcs[:, 1:] - x_wcs[:, :1], shared=True)
    variance_w = found.deviation**2
    assert 2 * variance_w.mean() ** 2 / variance_w.var() == pytest.approx(found.degrees[0], rel=0.05)


@pytest.mark.parametrize("skewness", [-1.5, -0.3, -1e-9, 0.0, 1e-5, 0.7])
def test_the_correction_rises_with_t_and_is_inverted(skewness):
    t = np.linspace(-8, 8, 41)
    z = corrected(t, skewness)
    assert (np.diff(z) > 0).all()
    assert uncorrected(z, skewness) == pytest.approx(t, abs=1e-6)


def test_a_tail_of_bad_runs_lowers_t_and_without_skewness_it_stays():
    assert corrected(2.5, -0.3) == pytest.approx(((1 - 0.25) ** 3 - 1) / -0.3 - 0.05)
    assert corrected(2.5, -0.3) < 2.5 < corrected(2.5, 0.3)
    assert corrected(2.5, 0.0) == 2.5
    assert corrected(np.inf, 0.0) == np.inf


def test_alone_a_mean_without_skewness_has_students_interval():
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    low, high = located(values + 3).ends(0.01, 0.05)
    error = stats.sem(values)
    assert (low, high) == pytest.approx((3 - stats.t.isf(0.01, 4) * error, 3 + stats.t.isf(0.05, 4) * error))


def test_the_spread_of_all_counts_where_it_is_larger_and_the_own_where_that_is():
    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    own = np.std(values, ddof=1) / np.sqrt(5)
    wide = located(values, Spread(np.array(5.0), np.array(-1.0), np.array(9.0)))
    assert (wide.error, wide.skewness, wide.degrees) == pytest.approx((5 / 5**0.5, -1 / 5**0.5, 9))
    narrow = located(values, Spread(np.array(0.1), np.array(-1.0), np.array(2.0)))
    assert (narrow.error, narrow.degrees) == pytest.approx((own, 4))


def test_one_value_has_no_error_and_none_no_mean():
    assert np.isnan(located(np.array([1.0, np.nan])).error)
    assert np.isnan(located(np.array([np.nan])).mean)


def test_the_difference_of_two_means_is_welchs():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=9), 3 * rng.normal(size=6)
    x, y = (np.concatenate([z, 2 * z.mean() - z]) for z in (x, y))  # without skewness
    found = located(x).minus(located(y))
    reference = stats.ttest_ind(x, y, equal_var=False)
    assert found.mean / found.error == pytest.approx(reference.statistic)
    assert found.degrees == pytest.approx(reference.df)
    assert found.skewness == pytest.approx(0.0, abs=1e-9)


def test_the_skewness_of_a_difference_is_that_of_its_third_cumulant():
    one = Location(*map(np.array, (1.0, 0.5, -0.4, 8.0)))
    other = Location(*map(np.array, (0.0, 0.2, 0.3, 4.0)))
    error = np.hypot(0.5, 0.2)
    assert one.minus(other).skewness == pytest.approx((-0.4 * 0.5**3 - 0.3 * 0.2**3) / error**3)
    certain = Location(*map(np.array, (1.0, 0.0, 0.0, 4.0)))
    assert certain.minus(certain) == (0.0, 0.0, 0.0, 4.0)

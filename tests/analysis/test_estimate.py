"""An estimate from one configuration's own runs."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import NOTHING, Estimate, estimate


def test_an_interval_is_students_widened_by_the_seeds():
    found = Estimate(mean=2.0, error=0.5, seeds=4, deviation=1.0).interval(0.9, 0.8)
    half = stats.t.ppf(0.95, 3) * 0.5 * (1 + 0.8 / 4)
    assert found == pytest.approx((2 - half, 2 + half))
    plain = Estimate(mean=2.0, error=0.5, seeds=2, deviation=1.0).interval(0.95)
    assert plain == pytest.approx((2 - stats.t.ppf(0.975, 1) * 0.5, 2 + stats.t.ppf(0.975, 1) * 0.5))
    assert np.isnan(Estimate(mean=2.0, error=0.5, seeds=1, deviation=1.0).interval(0.95)).all()
    assert np.isnan(NOTHING.interval(0.95)).all()


def test_it_is_of_the_values_that_are_there():
    found = estimate([1.0, np.nan, 3.0, 5.0])
    assert found == (3.0, pytest.approx(2 / 3**0.5), 3, pytest.approx(2.0))


@pytest.mark.parametrize(
    ("values", "mean", "seeds"), [([], np.nan, 0), ([0.4], 0.4, 1), ([np.nan, 3.0], 3.0, 1)]
)
def test_below_two_values_there_is_no_error(values, mean, seeds):
    found = estimate(values)
    assert found.mean == pytest.approx(mean, nan_ok=True)
    assert found.seeds == seeds
    assert np.isnan([found.error, found.deviation]).all()

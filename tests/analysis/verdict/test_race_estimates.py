"""Estimates after a race: their intervals, and the orders in which the race would have come as far."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.verdict.group_sequential import follow
from analysis.verdict.race import run_race
from analysis.verdict.race_estimates import NOTHING, Estimate, Estimates, Orders, estimate


def test_an_interval_is_students_widened_by_the_seeds():
    found = Estimate(mean=2.0, error=0.5, seeds=4, deviation=1.0).interval(0.9, 0.8)
    half = stats.t.ppf(0.95, 3) * 0.5 * (1 + 0.8 / 4)
    assert found == pytest.approx((2 - half, 2 + half))
    plain = Estimate(mean=2.0, error=0.5, seeds=2, deviation=1.0).interval(0.95)
    assert plain == pytest.approx((2 - stats.t.ppf(0.975, 1) * 0.5, 2 + stats.t.ppf(0.975, 1) * 0.5))
    assert np.isnan(Estimate(mean=2.0, error=0.5, seeds=1, deviation=1.0).interval(0.95)).all()
    assert np.isnan(NOTHING.interval(0.95)).all()


def test_another_deviation_scales_the_error():
    assert Estimate(mean=0.0, error=0.5, seeds=4, deviation=2.0).error_with(3.0) == pytest.approx(0.75)
    assert Estimate(mean=0.0, error=0.0, seeds=4, deviation=0.0).error_with(3.0) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("values", "mean", "seeds"), [([], np.nan, 0), ([0.4], 0.4, 1), ([np.nan, 3.0], 3.0, 1)]
)
def test_below_two_values_there_is_no_error(values, mean, seeds):
    found = estimate(values)
    assert found.mean == pytest.approx(mean, nan_ok=True)
    assert found.seeds == seeds
    assert np.isnan([found.error, found.deviation]).all()


def test_all_orders_together_have_the_standard_error_of_the_plain_mean():
    # The variance of a subset's mean, less that between the means of all subsets, is that of all runs' mean.
    x_s = np.array([0.3, -1.2, 0.8, 2.0, -0.4, 0.1, 1.1, -0.9])
    first_rf = np.array(list(itertools.combinations(range(8), 5)))
    found = estimate(x_s, first_rf)
    assert found.mean == pytest.approx(x_s.mean())
    assert found.error == pytest.approx(x_s.std(ddof=1) / np.sqrt(8), rel=1e-12)


def test_the_standard_error_over_two_orders_is_counted_by_hand():
    found = estimate([0, 4, 2, 8, 3, 3, 3, 3], np.array([[0, 1], [2, 3]]))
    # Means 2 and 5, variances 8 and 18: of a mean of two 4 and 9, 6.5 on average; between the means 2.25.
    assert found.mean == pytest.approx(3.5)
    assert found.error == pytest.approx(np.sqrt(6.5 - 2.25))
    assert (found.seeds, found.deviation) == (8, pytest.approx(np.std([0, 4, 2, 8, 3, 3, 3, 3], ddof=1)))


def test_orders_count_with_the_values_that_they_have_and_without_two_not_at_all():
    found = estimate([1.0, 3.0, np.nan, 11.0, *[5.0] * 4], np.array([[0, 1, 2], [0, 1, 3], [2, 2, 4]]))
    # The first order has 1 and 3, the second 1, 3 and 11, the third a single value.
    assert found.mean == pytest.approx((2 + 5) / 2)
    own, between = (2 / 2 + 28 / 3) / 2, 1.5**2
    assert found.error == pytest.approx(np.sqrt(own - between))
    assert found.seeds == 7


def test_an_estimate_is_never_surer_than_the_plain_mean():
    x_s = [0.0, 1.0, 0.0, 1.0, 9.0, -9.0]
    found = estimate(x_s, np.array([[0, 1], [2, 3]]))
    assert found.mean == 0.5
    assert found.error == pytest.approx(stats.sem(x_s))
    # Where the means of the orders differ more than their own variances say, too.
    assert estimate(x_s, np.array([[0, 2], [1, 3]])).error == pytest.approx(stats.sem(x_s))


def test_where_no_order_has_two_values_all_seeds_count_alike():
    x_s = [1.0, np.nan, np.nan, 3.0, 8.0]
    assert estimate(x_s, np.array([[0, 1], [1, 2]])) == estimate(x_s)
    assert estimate([1.0, 2.0, 6.0], np.array([[2, 1, 0]])) == estimate([1.0, 2.0, 6.0])


def test_the_orders_of_a_contender_are_those_in_which_it_comes_as_far():
    rng = np.random.default_rng(4)
    x_cs = rng.normal(size=(3, 12))
    x_cs[1:] += 1.1
    interim_analyses = (5, 8, 12)
    orders = Orders(x_cs, interim_analyses, [1, 2])
    assert orders.of_contender(0, 0).tolist() == [list(range(5))]
    assert orders.of_baseline(0).tolist() == [list(range(5))]
    for contender, stage in [(0, 1), (1, 1), (1, 2)]:
        first_rf = orders.of_contender(contender, stage)
        assert first_rf.shape[1] == 5
        assert 1 < len(first_rf) < 500
        assert first_rf[0].tolist() == list(range(5)), "the order in which they were run"
        assert {len(set(first)) for first in first_rf.tolist()} == {5}
        assert first_rf.max() == interim_analyses[stage] - 1
    assert len(orders.of_baseline(1)) >= len(orders.of_contender(0, 1))
    # By hand: the race up to the second interim analysis, on the seeds of the first two in any order.
    reached = 0
    for order in itertools.islice(itertools.permutations(range(8)), 0, 40_320, 40):
        reached += follow(x_cs[[0, 1, 2]][:, list(order)], interim_analyses, 1, 2).open[0]
    assert len(orders.of_contender(0, 1)) / 500 == pytest.approx(reached / 1008, abs=0.08)


def test_one_that_left_earlier_takes_no_part_in_later_orders():
    x_cs = np.random.default_rng(4).normal(size=(3, 12)) + np.array([[0.0], [1.1], [1.1]])
    x_cs[1, 8:] = np.nan
    orders = Orders(x_cs, (5, 8, 12), [1, 2])
    assert len(orders.of_contender(0, 2)) == 0
    assert orders.of_baseline(2).tolist() == orders.of_contender(1, 2).tolist()


def raced():
    rng = np.random.default_rng(11)
    gains = {"default": 0.0, "rllib": -1.0, "trial_0001": 0.9, "trial_0002": -4.0}
    rows = [
        (config, seed, "completed", gain + rng.normal())
        for config, gain in gains.items()
        for seed in range(15)
    ]
    return pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])


def test_means_and_differences_are_of_the_seeds_that_the_race_took():
    frame = raced()
    went = run_race(frame, (5, 8, 12, 15))
    assert went.seeds["trial_0002"] == 5 < went.seeds["trial_0001"]
    runs = {
        str(config): group.set_index("test_seed")["objective"]
        for config, group in went.counted(frame).groupby("config_id")
    }
    estimates = Estimates(runs, went)
    dropped = runs["trial_0002"]
    assert estimates.mean("trial_0002") == estimate(dropped)
    assert estimates.difference("trial_0002", "default") == estimate(dropped - runs["default"].loc[:4])
    far = runs["trial_0001"] - runs["default"]
    plain = estimates.difference("trial_0001", "default", plain=True)
    assert plain == estimate(far)
    freed = estimates.difference("trial_0001", "default")
    assert freed.seeds == plain.seeds == went.seeds["trial_0001"]
    assert freed.mean != plain.mean
    shared = estimates.difference("trial_0001", "rllib")
    assert shared.seeds == went.seeds["rllib"] == 8
    assert shared.deviation == pytest.approx((runs["trial_0001"].loc[:7] - runs["rllib"]).std())
    assert estimates.mean("default").seeds == went.seeds["default"]
    assert estimates.mean("default").mean != pytest.approx(runs["default"].mean())

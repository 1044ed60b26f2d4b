"""Aggregates and their intervals are those of rliable, the library of the paper.

`rliable.json` holds three decimals of scores of two algorithms, 4 tasks of 8 runs (normal around
[0.9, 0.6, 0.95, 0.3] and [0.7, 0.55, 0.9, 0.1], standard deviations [0.05, 0.2, 0.1, 0.3],
`numpy.random.default_rng(2021)`), and what rliable 1.2.0 makes of them: `library.get_interval_estimates` of
`metrics.aggregate_iqm`, `aggregate_optimality_gap` and `aggregate_mean` with 50,000 resamples,
`library.create_performance_profile` and `metrics.probability_of_improvement` with 20,000. Its arrays are
runs x tasks, those in the file tasks x runs.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.comparison import aggregates
from analysis.statistics import interquartile_interval, interquartile_mean

RLIABLE = json.loads(Path(__file__).with_name("rliable.json").read_text())
SCORES = {name: [np.array(task) for task in tasks] for name, tasks in RLIABLE["scores"].items()}
STATISTICS = (aggregates.interquartile_mean, aggregates.optimality_gap, aggregates.mean)
NEAR = 0.008
"""By how much ends of intervals from other random numbers may differ."""


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", ["tuned", "default"])
def test_aggregates_and_their_intervals_are_those_of_rliable(name, rng):
    values, (lows, highs) = RLIABLE["aggregates"][name]
    for number, statistic in enumerate(STATISTICS):
        assert statistic(SCORES[name]) == pytest.approx(values[number], abs=1e-4)
        low, high = aggregates.bootstrap(statistic, SCORES[name], rng=rng, resamples=20_000)
        assert (low, high) == (pytest.approx(lows[number], abs=NEAR), pytest.approx(highs[number], abs=NEAR))


@pytest.mark.parametrize("name", ["tuned", "default"])
def test_performance_profiles_and_their_intervals_are_those_of_rliable(name, rng):
    shares, (lows, highs) = RLIABLE["profiles"][name]

    def profile(scores):
        return aggregates.performance_profile(scores, RLIABLE["taus"])

    assert profile(SCORES[name]) == pytest.approx(shares, abs=1e-4)
    low, high = aggregates.bootstrap(profile, SCORES[name], rng=rng, resamples=20_000)
    assert low == pytest.approx(lows, abs=1 / 32)  # shares of 32 runs come in such steps
    assert high == pytest.approx(highs, abs=1 / 32)


def test_the_probability_of_improvement_and_its_interval_are_those_of_rliable(rng):
    chance, (lower, upper) = RLIABLE["improvement"]
    sides = SCORES["tuned"], SCORES["default"]
    assert aggregates.improvement(*sides) == pytest.approx(chance, abs=1e-4)
    low, high = aggregates.bootstrap(aggregates.improvement, *sides, rng=rng, resamples=20_000)
    assert (low, high) == (pytest.approx(lower, abs=NEAR), pytest.approx(upper, abs=NEAR))


def test_every_experiment_counts_the_same_however_many_runs_it_has():
    few, many = np.array([0.0, 0.0]), np.full(20, 1.0)
    assert aggregates.mean([few, many]) == 0.5
    assert aggregates.interquartile_mean([few, many]) == pytest.approx(0.5)
    assert aggregates.performance_profile([few, many], [0.5]).tolist() == [0.5]


def test_what_lies_beyond_the_optimum_does_not_make_up_for_what_falls_short():
    assert aggregates.optimality_gap([np.array([0.5, 1.5])]) == 0.25


def test_ties_count_half():
    assert aggregates.improvement([np.array([1.0, 2.0])], [np.array([1.0, 1.0])]) == 0.75


def test_the_interquartile_mean_takes_parts_of_the_runs_at_the_quarters():
    assert interquartile_mean([0.0, 1.0, 2.0, 30.0]) == 1.5
    assert interquartile_mean([0.0, 1.0, 2.0, 3.0, 40.0]) == pytest.approx((0.75 * 1 + 2 + 0.75 * 3) / 2.5)
    assert interquartile_mean([[3.0, 1.0], [5.0, 9.0]]).tolist() == [2.0, 7.0]


def test_the_interval_of_the_interquartile_mean_is_tukey_and_mclaughlins_widened():
    x_s = np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -50.0])
    winsorised = np.clip(np.sort(x_s), 2.0, 5.0)
    t_of_three_degrees = 3.1824463053
    half = t_of_three_degrees * 2 * winsorised.std(ddof=1) / np.sqrt(8) * (1 + 0.8 / 8)
    low, high = interquartile_interval(x_s)
    assert (low, high) == pytest.approx((3.5 - half, 3.5 + half))
    assert np.isnan(interquartile_interval(x_s[:4])).all()

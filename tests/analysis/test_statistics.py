import numpy as np
import pytest
from scipy import stats

from analysis import statistics as st


def test_the_interval_of_five_runs_for_the_median_is_lowest_to_highest():
    assert st.median_interval([3, 1, 2, 5, 4]) == (1.0, 5.0)


def test_ten_runs_interpolate_between_the_second_and_third_from_each_end():
    low, high = st.median_interval(np.arange(10))
    assert 1 < low < 2
    assert 7 < high < 8
    assert low + high == pytest.approx(9)


@pytest.mark.parametrize(
    ("runs", "confidence", "k"), [(10, 0.95, 2), (6, 0.95, 1), (15, 0.95, 4), (9, 0.8, 3), (20, 0.99, 4)]
)
def test_ends_between_order_statistics_are_weighed_by_the_confidence_of_both(runs, confidence, k):
    """Hettmansperger and Sheather's interpolation, between the k-th value from each end and the next one."""
    outer, inner = (1 - 2 * stats.binom.cdf(k + i - 1, runs, 0.5) for i in (0, 1))
    assert outer >= confidence > inner
    share = (outer - confidence) / (outer - inner)
    weight = (runs - k) * share / (k + (runs - 2 * k) * share)
    values = np.random.default_rng(1).normal(size=runs)
    rising = np.sort(values)
    expected = (
        rising[k - 1] + weight * (rising[k] - rising[k - 1]),
        rising[-k] + weight * (rising[-k - 1] - rising[-k]),
    )
    assert st.median_interval(values, confidence) == pytest.approx(expected)


@pytest.mark.parametrize("runs", [2, 3, 4, 5])
def test_with_few_runs_the_extremes_are_the_ends(runs):
    assert st.median_interval(np.arange(runs)[::-1]) == (0, runs - 1)


def test_with_two_or_three_runs_there_is_nothing_further_in_however_low_the_confidence():
    assert st.median_interval([3.0, 1.0], 0.1) == (1.0, 3.0)
    assert st.median_interval([3.0, 1.0, 2.0], 0.1) == (1.0, 3.0)


def test_the_interval_of_a_mean_is_students_widened_by_the_number_of_runs():
    # Mean 2, standard error 1 / sqrt(3), t(2, 0.975) = 4.3027, widening 1 + 0.8 / 3.
    low, high = st.mean_interval([1.0, 2.0, 3.0])
    half = 4.302653 / np.sqrt(3) * (1 + 0.8 / 3)
    assert (low, high) == pytest.approx((2 - half, 2 + half), abs=1e-5)


def test_the_interval_of_a_difference_is_that_of_the_paired_t_test():
    x, y = np.array([1.0, 2.0, 3.0, 4.5, 5.0]), np.array([0.5, 2.2, 2.0, 4.0, 4.4])
    reference = stats.ttest_rel(x, y)
    assert st.difference_interval(x - y) == pytest.approx(tuple(reference.confidence_interval()))


def test_probability_of_improvement_counts_pairs_and_halves_ties():
    # Of six pairs: 2>1, 2=2, 3>1, 3>2, 1=1, 1<2: three wins and two ties.
    assert st.probability_of_improvement([1, 2, 3], [1, 2]) == pytest.approx(4 / 6)


def test_five_wins_of_five_leave_room_for_doubt():
    low, high = st.probability_of_improvement_interval([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])
    assert 0.5 < low < 0.75
    assert high == 1.0
    mirrored = st.probability_of_improvement_interval([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert mirrored == pytest.approx((0.0, 1 - low))


def test_the_interval_of_no_difference_encloses_one_half():
    low, high = st.probability_of_improvement_interval([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert low < 0.5 < high
    assert low == pytest.approx(1 - high)


@pytest.mark.parametrize(("runs", "others"), [(5, 5), (4, 9), (12, 3)])
def test_one_half_is_an_end_of_the_interval_exactly_where_the_rank_test_is_at_its_level(runs, others):
    rng = np.random.default_rng(runs)
    x, y = rng.normal(0.5, 1, runs), rng.normal(0, 1, others)
    test = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=False)
    low, high = st.probability_of_improvement_interval(x, y, 1 - test.pvalue)
    end = low if st.probability_of_improvement(x, y) > 0.5 else high
    assert end == pytest.approx(0.5)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_ends_of_an_improvement_lie_as_many_standard_errors_away_as_the_confidence_says(confidence):
    x, y = np.array([0.2, 0.9, 1.4, 1.6, 2.2, 2.3]), np.array([0.1, 0.3, 1.0, 1.5, 2.1, 2.4])
    observed = st.probability_of_improvement(x, y)
    assert observed == 20 / 36
    for end in st.probability_of_improvement_interval(x, y, confidence):
        # Hanley and McNeil 1982: the variance under exponential distributions, for six values on each side.
        first, second = end / (2 - end), 2 * end**2 / (1 + end)
        variance = (end * (1 - end) + 5 * (first - end**2) + 5 * (second - end**2)) / 36
        assert abs(observed - end) == pytest.approx(stats.norm.ppf(0.5 + confidence / 2) * np.sqrt(variance))


def test_two_runs_each_are_enough_for_an_interval_of_an_improvement_and_one_is_not():
    assert np.isfinite(st.probability_of_improvement_interval([1.0, 2.0], [1.0, 2.0])).all()
    assert np.isnan(st.probability_of_improvement_interval([1.0, 2.0], [1.0])).all()
    assert np.isnan(st.probability_of_improvement([1.0], []))


def test_identical_runs_give_intervals_without_width():
    assert st.mean_interval([0.7] * 5) == (0.7, 0.7)
    assert st.median_interval([0.7] * 5) == (0.7, 0.7)
    assert st.difference_interval([0.1 + 0.2, 0.3, 0.3, 0.3, 0.3]) == pytest.approx((0.3, 0.3))


def test_rounding_noise_among_equals_is_no_spread_and_a_small_spread_is_one():
    assert st.standard_error(np.array([0.1 + 0.2, 0.3, 0.3])) == 0.0
    assert st.standard_error(np.array([1e6, 1e6 + 1e-9, 1e6])) == 0.0
    assert st.standard_error(np.array([0.0, 1e-13])) == 0.0
    assert st.standard_error(-np.array([1e6, 1e6 + 1e-9, 1e6])) == 0.0
    for values in ([0.3, 0.3, 0.3 + 2e-12], [1e6, 1e6 + 2e-6, 1e6]):
        assert st.standard_error(np.array(values)) == pytest.approx(stats.sem(values), rel=1e-3)


@pytest.mark.parametrize("runs", [[], [0.5], [np.nan, 0.5], [np.nan, np.nan]])
def test_below_two_runs_there_is_no_interval(runs):
    for interval in (st.mean_interval(runs), st.median_interval(runs), st.difference_interval(runs)):
        assert np.isnan(interval).all()
    assert np.isnan(st.probability_of_improvement_interval(runs, [1.0, 2.0])).all()


def test_two_runs_are_enough_for_an_interval():
    test = stats.ttest_1samp([0.2, 0.5], 0.0)
    assert st.difference_interval([0.2, 0.5]) == pytest.approx(tuple(test.confidence_interval()))
    assert np.isfinite(st.mean_interval([0.2, 0.5])).all()


def test_nothing_has_no_mean():
    assert np.isnan(st.mean([]))
    assert np.isnan(st.probability_of_improvement([], [1.0]))


def test_values_that_are_missing_are_left_out():
    assert st.mean([1.0, np.nan, 3.0]) == 2.0
    assert st.mean_interval([1.0, np.nan, 3.0, np.inf]) == st.mean_interval([1.0, 3.0])


def test_families_share_the_permitted_error():
    assert st.simultaneous_confidence(5) == pytest.approx(0.99)
    assert st.simultaneous_confidence(0) == pytest.approx(0.95)


def test_seed_noise_is_the_variance_within_over_the_variance_among():
    # Within: variance 1 in both groups; among the trials: variance 4.
    assert st.seed_noise_share([[0, 1, 2], [5, 6, 7]], [0, 2, 4]) == pytest.approx(0.25)
    assert st.seed_noise_share([[0, 1]], [0.0, 0.5]) == pytest.approx(4.0), "noisier than the trials"
    # Pooled by degrees of freedom: (2 * 1 + 1 * 0.5) / 3; a single run says nothing.
    assert st.seed_noise_share([[0, 1, 2], [3, 4], [9]], [0, 2, 4]) == pytest.approx(2.5 / 3 / 4)
    assert st.seed_noise_share([[0, 2], [np.nan, 1, np.nan]], [0, np.nan, 4]) == pytest.approx(2 / 8)
    assert np.isnan(st.seed_noise_share([[1.0]], [0.0, 1.0]))
    assert np.isnan(st.seed_noise_share([[1.0, 2.0]], [1.0]))
    assert np.isnan(st.seed_noise_share([[1.0, 2.0]], [1.0, 1.0]))


def test_trials_that_average_over_seeds_have_less_seed_noise():
    runs, trials = [[0.0, 2.0], [1.0, 3.0]], [0.0, 4.0, 8.0]
    alone = st.seed_noise_share(runs, trials)
    assert alone == pytest.approx(2.0 / 16.0)
    assert st.seed_noise_share(runs, trials, 4) == pytest.approx(alone / 4)

"""The boundary spends its error exactly, and a contender leaves exactly where the rules say."""

import numpy as np
import pytest
from scipy import stats

from analysis.verdict.group_sequential import boundary, critical_values, follow, t_statistics

PATTERN = {
    5: np.array([-1.0, 0.0, 0.5, 1.0, -0.5]),
    10: np.array([-1.0, 0.0, 0.5, 1.0, -0.5, 1.0, -1.0, 0.3, 0.2, -0.5]),
}
"""Spread around 0 of the first interim analysis's differences, and of the second's."""


def differences(t, n):
    """n values whose Student's t is t."""
    spread = PATTERN[n]
    return spread + t * stats.sem(spread)


def race(*contenders):
    """Values of a default that is 0 on every seed, and of contenders."""
    return np.array([np.zeros(len(contenders[0])), *contenders])


@pytest.mark.parametrize("interim_analyses", [(5, 10), (5, 8, 12), (4, 6, 7, 20)])
@pytest.mark.parametrize("comparisons", [1, 4])
def test_by_every_analysis_a_contender_without_a_difference_was_accepted_with_the_share_that_may_be_spent(
    interim_analyses, comparisons
):
    z = stats.norm.isf(boundary(interim_analyses, comparisons))
    n = np.array(interim_analyses)
    # Sums over the first n seeds: two of them share the seeds of the smaller one.
    correlation = np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))
    for upto in range(1, len(interim_analyses) + 1):
        never = stats.multivariate_normal(cov=correlation[:upto, :upto], abseps=1e-9, seed=0).cdf(z[:upto])
        permitted = 0.025 / comparisons * (interim_analyses[upto - 1] / interim_analyses[-1]) ** 2
        assert 1 - never == pytest.approx(permitted, rel=1e-3)


def test_a_contender_is_accepted_from_the_boundarys_t_on_and_dropped_without_a_prospect():
    accepted = stats.t.isf(boundary((5, 10), 1)[0], 4)
    # One standard error better, and on twice as many seeds, it would just reach the last boundary.
    hopeless = stats.t.isf(boundary((5, 10), 1)[1], 9) / np.sqrt(2) - 1
    assert hopeless < 1 < accepted
    for t, better, is_open, stage in [
        (accepted + 1e-6, True, False, 0),
        (accepted - 1e-6, False, True, 1),
        (hopeless + 1e-6, False, True, 1),
        (hopeless - 1e-6, False, False, 0),
    ]:
        outcome = follow(race(differences(t, 5)), (5, 10), 1)
        assert (outcome.better[0], outcome.open[0], outcome.stage[0]) == (better, is_open, stage), t
        assert not outcome.overtaken[0]


def test_at_the_last_analysis_everybody_leaves():
    last = stats.t.isf(boundary((5, 10), 1)[1], 9)
    for t, better in [(last + 1e-6, True), (last - 1e-6, False)]:
        values = differences(t, 10)
        assert follow(race(values), (5, 10), 1).open.tolist() == [True]
        outcome = follow(race(values), (5, 10))
        assert (outcome.better[0], outcome.open[0], outcome.overtaken[0], outcome.stage[0]) == (
            better, False, False, 1,
        )  # fmt: skip


def test_the_error_is_shared_among_contenders_that_have_left_too():
    t = stats.t.isf(boundary((5, 10), 3)[0], 4)
    for value, better in [(t + 1e-6, True), (t - 1e-6, False)]:
        assert follow(race(differences(value, 5)), (5, 10), 1, 3).better[0] == better
    assert follow(race(differences(t - 1e-6, 5)), (5, 10), 1).better[0]
    three = race(differences(t - 1e-6, 5), differences(1.0, 5), differences(1.0, 5))
    assert not follow(three, (5, 10), 1).better.any()


def test_before_the_first_analysis_everybody_is_open():
    outcome = follow(race(differences(9.0, 5)), (5, 10), 0)
    assert outcome.open.tolist() == [True]
    assert outcome.stage.tolist() == [0]


def test_with_four_pairs_nobody_is_accepted_or_dropped_and_with_none_everybody_is():
    for t in (50.0, -50.0):
        values = differences(t, 5)
        values[2] = np.nan
        outcome = follow(race(values), (5, 10), 1)
        assert (outcome.better[0], outcome.open[0]) == (False, True)
    outcome = follow(race(np.full(5, np.nan)), (5, 10), 1)
    assert (outcome.better[0], outcome.open[0], outcome.stage[0]) == (False, False, 0)


def test_whoever_is_behind_the_best_accepted_is_overtaken_and_an_accepted_one_never():
    far, near = differences(40.0, 5), differences(30.0, 5)
    open_below, open_above = differences(3.0, 5), differences(3.0, 5) * 100
    outcome = follow(race(far, near, open_below, open_above), (5, 10), 1)
    assert outcome.better.tolist() == [True, True, False, False]
    assert outcome.overtaken.tolist() == [False, False, True, False]
    assert outcome.open.tolist() == [False, False, False, True]
    assert outcome.stage.tolist() == [0, 0, 0, 1]


def test_one_that_was_accepted_counts_with_the_mean_that_it_was_accepted_with():
    early = np.r_[differences(40.0, 5), np.full(5, -100.0)]  # of no run: it has left
    other = differences(2.2, 10)
    assert 0 < other.mean() < early[:5].mean()
    outcome = follow(race(early, other), (5, 10))
    assert outcome.stage.tolist() == [0, 0]
    ahead = other * 100
    outcome = follow(race(early, ahead), (5, 10))
    assert outcome.stage.tolist() == [0, 1]
    assert outcome.overtaken.tolist() == [False, False]


def test_many_races_at_once_go_as_each_of_them_alone():
    x_ocs = np.random.default_rng(0).normal(size=(50, 4, 10)) + np.array([[0.0], [1.5], [2.0], [3.0]])
    together = follow(x_ocs, (5, 10))
    for o, x_cs in enumerate(x_ocs):
        for joint, alone in zip(together, follow(x_cs, (5, 10)), strict=True):
            assert joint[o].tolist() == alone.tolist()
    assert together.better.any()
    assert together.overtaken.any()


def test_t_is_students_over_what_is_there():
    x_s = np.array([0.3, np.nan, -0.2, 0.9, 0.4, np.nan, 1.1])
    t, pairs = t_statistics(x_s)
    assert t == pytest.approx(stats.ttest_1samp(x_s, 0.0, nan_policy="omit").statistic)
    assert pairs == 5


@pytest.mark.parametrize(
    ("values", "t"),
    [
        ([0.2] * 5, np.inf),
        ([-0.2] * 5, -np.inf),
        ([0.0] * 5, 0.0),
        ([0.1 + 0.2, 0.3, 0.3], np.inf),  # equal but for rounding
        ([1e-14, 0.0, -1e-14], 0.0),
        ([1e6, 1e6 + 1e-9], np.inf),
        ([np.nan, np.nan], 0.0),
    ],
)
def test_differences_that_are_all_alike_are_certain_and_none_are_none(values, t):
    assert t_statistics(np.array(values))[0] == t


def test_small_differences_are_differences():
    x_s = 1e-9 * np.array([1.0, 2.0, 3.0, 4.0])
    assert t_statistics(x_s)[0] == pytest.approx(stats.ttest_1samp(x_s, 0.0).statistic)


def test_critical_values_are_students_by_the_number_of_pairs():
    assert critical_values(0.025, 5).tolist() == pytest.approx(
        [np.inf, np.inf, *stats.t.isf(0.025, [1, 2, 3, 4])]
    )

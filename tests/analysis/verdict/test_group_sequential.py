"""A contender leaves exactly where the rules say, and is accepted by one test at the end."""

import numpy as np
import pytest
from scipy import stats

from analysis.verdict.group_sequential import critical_values, follow, permitted_error, t_statistics
from analysis.verdict.spread import corrected, pooled_spread

PATTERN = {
    5: np.array([-1.0, 0.0, 0.5, 1.0, -0.5]),
    10: np.array([-1.0, 0.0, 0.5, 1.0, -0.5, 1.0, -1.0, 0.3, 0.2, -0.5]),
}
"""Spread around 0 of the first interim analysis's differences, and of the second's; without skewness."""


def differences(t, n):
    """n values whose Student's t is t."""
    spread = PATTERN[n]
    return spread + t * stats.sem(spread)


def race(*contenders):
    """Values of a default that is 0 on every seed, and of contenders."""
    return np.array([np.zeros(len(contenders[0])), *contenders])


@pytest.mark.parametrize("upto", [1, 2])
def test_of_two_defaults_a_contender_has_to_beat_each(upto):
    rng = np.random.default_rng(3)
    x_ocs = rng.normal(size=(400, 4, 10)) + np.array([0.0, 0.5, 1.5, 2.0])[:, None]
    both = follow(x_ocs, (5, 10), upto, defaults=2)
    alone = [follow(x_ocs[:, [row, 2, 3]], (5, 10), upto) for row in (0, 1)]
    # Who is overtaken depends on who is ahead of both, so only those whom nobody overtakes are compared.
    plain = ~(both.overtaken | alone[0].overtaken | alone[1].overtaken).any(axis=1)
    assert plain.sum() > 50
    assert (both.open == (alone[0].open & alone[1].open))[plain].all()
    if upto == 2:
        accepted = alone[0].better & alone[1].better
        assert (both.better == accepted)[plain].all()
        assert 0 < both.better[plain].sum() < alone[0].better[plain].sum()


def test_one_of_two_defaults_that_lacks_values_lets_nothing_be_claimed():
    x_cs = np.array([np.zeros(10), np.zeros(10), differences(20.0, 10)])
    assert follow(x_cs, (10,), defaults=2).better.all()
    x_cs[1, 4:] = np.nan
    assert not follow(x_cs, (10,), defaults=2).better.any()


def test_the_permitted_error_is_two_and_a_half_percent_over_all():
    assert permitted_error(1) == pytest.approx(0.025)
    assert permitted_error(4) == pytest.approx(0.025 / 4)


def test_nobody_is_accepted_before_the_end_however_far_ahead():
    outcome = follow(race(differences(90.0, 5)), (5, 10), 1)
    assert (outcome.better[0], outcome.open[0]) == (False, True)


def test_a_contender_is_dropped_without_a_prospect():
    # Half a standard error better, and on twice as many seeds, it would just reach the last test.
    hopeless = stats.t.isf(0.025, 9) / np.sqrt(2) - 0.5
    for t, is_open, stage in [(hopeless + 1e-6, True, 1), (hopeless - 1e-6, False, 0)]:
        outcome = follow(race(differences(t, 5)), (5, 10), 1)
        assert (outcome.open[0], outcome.stage[0]) == (is_open, stage), t
        assert not outcome.overtaken[0]


def test_at_the_end_everybody_leaves_and_whoever_passes_the_test_is_accepted():
    values = PATTERN[10] - PATTERN[10].mean()
    assert abs(pooled_spread(values[None]).skewness) < 0.1
    skewness = pooled_spread(values[None]).skewness / np.sqrt(10)
    t = next(t for t in np.arange(2.0, 3.0, 1e-4) if corrected(t, skewness) >= stats.t.isf(0.025, 9))
    for shift, better in [(t, True), (t - 2e-4, False)]:
        outcome = follow(race(values + shift * stats.sem(values)), (5, 10))
        found = (outcome.better[0], outcome.open[0], outcome.overtaken[0], outcome.stage[0])
        assert found == (better, False, False, 1)


def test_bad_luck_of_the_others_that_might_be_its_own_keeps_a_contender_from_being_accepted():
    steady = 0.6 + 0.3 * PATTERN[10]
    collapsing = np.where(np.arange(10) == 9, -6.0, 0.6 + 0.3 * PATTERN[10])
    assert follow(race(steady, steady), (10,)).better.all()
    assert not follow(race(steady, collapsing), (10,)).better.any()


def test_a_tail_of_bad_runs_asks_for_more_than_students_t():
    tail = np.array([1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 1.0, 1.1, 0.9, -1.5])
    t, _ = t_statistics(tail)
    assert t > stats.t.isf(0.025, 9)
    assert not follow(race(tail), (10,)).better[0]
    assert follow(race(2 * tail.mean() - tail), (10,)).better[0], "the same t with a tail of good runs"


def test_the_error_is_shared_among_contenders_that_have_left_too():
    values = differences(2.6, 10)
    assert follow(race(values), (5, 10)).better[0]
    assert not follow(race(values), (5, 10), comparisons=8).better[0]
    others = [differences(-9.0, 10)] * 7
    assert not follow(race(0.1 * differences(-5.0, 10), values, *others), (5, 10)).better.any()


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
        assert not follow(race(values), (5,)).better[0]
    outcome = follow(race(np.full(5, np.nan)), (5, 10), 1)
    assert (outcome.better[0], outcome.open[0], outcome.stage[0]) == (False, False, 0)


def test_whoever_is_behind_the_best_of_those_ahead_is_overtaken():
    far, near = differences(40.0, 5), differences(30.0, 5)
    open_below, open_above = differences(3.0, 5), differences(3.0, 5) * 100
    outcome = follow(race(far, near, open_below, open_above), (5, 10), 1)
    assert outcome.overtaken.tolist() == [False, True, True, False]
    assert outcome.open.tolist() == [True, False, False, True]
    assert outcome.stage.tolist() == [1, 0, 0, 1]


def test_nobody_is_overtaken_while_nobody_is_ahead():
    ahead = stats.t.isf(0.025 / 2, 4)
    for t, overtaken in [(ahead + 1e-6, True), (ahead - 1e-6, False)]:
        outcome = follow(race(differences(t, 5), differences(2.0, 5)), (5, 10), 1)
        assert outcome.overtaken.tolist() == [False, overtaken]


def test_seeds_that_a_contender_did_not_take_say_nothing():
    left = np.r_[differences(-9.0, 5), np.full(5, 1000.0)]
    outcome = follow(race(differences(9.0, 10), left), (5, 10))
    assert outcome.better.tolist() == [True, False]
    assert outcome.stage.tolist() == [1, 0]


def test_many_races_at_once_go_as_each_of_them_alone():
    x_ocs = np.random.default_rng(0).normal(size=(50, 4, 10)) + np.array([[0.0], [1.5], [2.0], [3.0]])
    together = follow(x_ocs, (5, 10))
    for o, x_cs in enumerate(x_ocs):
        for joint, alone in zip(together, follow(x_cs, (5, 10)), strict=True):
            assert joint[o].tolist() == alone.tolist()
    assert together.better.any()
    assert together.overtaken.any()


def test_one_contender_that_does_not_differ_is_accepted_in_no_more_than_the_permitted_share():
    x_wcs = np.random.default_rng(1).normal(size=(20_000, 2, 20))
    assert 0.018 < follow(x_wcs, (20,)).better.mean() < 0.030
    assert 0.012 < follow(x_wcs, (5, 8, 13, 20)).better.mean() < 0.028


@pytest.mark.parametrize("one_in", [5, 10])
def test_a_collapse_that_no_seed_has_shown_yet_is_no_reason_for_a_claim(one_in):
    """Contenders of the default's mean that collapse now and then, against a default that hardly varies."""
    rng = np.random.default_rng(one_in)
    collapsed = rng.random((4000, 3, 20)) < 1 / one_in
    contenders = np.where(collapsed, -8 * (1 - 1 / one_in), 8 / one_in) + rng.normal(size=(4000, 3, 20))
    x_wcs = np.concatenate([0.1 * rng.normal(size=(4000, 1, 20)), contenders], axis=1)
    assert follow(x_wcs, (5, 8, 13, 20)).better.any(axis=1).mean() < 0.05


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
    values = critical_values(0.01, 4)
    assert np.isinf(values[:2]).all()
    assert values[2:] == pytest.approx(stats.t.isf(0.01, [1, 2, 3]))

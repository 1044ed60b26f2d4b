"""Pairs of winners are compared as the verdict compares, and by the seeds that they really share."""

import numpy as np
import pytest

from analysis.comparison.experiments import mean_gain, mean_of_largest
from analysis.comparison.pairs import Field, difference, interval, share_seeds
from analysis.sweep import SeedsRecord
from analysis.verdict.spread import located

RNG = np.random.default_rng(3)
ONE = Field(RNG.normal(0.9, 0.1, (3, 8)), 1, 2)
OTHER = Field(RNG.normal(0.7, 0.1, (2, 8)), 0, 1)
ALONE = Field(ONE.x_ks[:1], 0, 1), Field(OTHER.x_ks[:1], 0, 1)


def parts(location):
    return [float(part) for part in location]


def test_without_shared_seeds_the_difference_is_welchs_with_the_spread_of_all_contenders():
    found = difference(ONE, OTHER, paired=False)
    assert float(found.mean) == pytest.approx(ONE.x_ks[1].mean() - OTHER.x_ks[0].mean())
    errors = [
        max(np.sqrt(side.x_ks.var(axis=1, ddof=1).mean()), side.x_ks[side.picked].std(ddof=1)) / np.sqrt(8)
        for side in (ONE, OTHER)
    ]
    assert float(found.error) == pytest.approx(np.hypot(*errors))


def test_on_shared_seeds_of_single_configurations_the_difference_is_that_of_pairs():
    found = difference(*ALONE, paired=True)
    assert parts(found) == pytest.approx(parts(located(ALONE[0].x_ks[0] - ALONE[1].x_ks[0])))


def test_seeds_that_one_side_lacks_leave_a_pair_out():
    x_ks = ALONE[0].x_ks.copy()
    x_ks[0, 2] = np.nan
    found = difference(Field(x_ks, 0, 1), ALONE[1], paired=True)
    kept = np.delete(np.arange(8), 2)
    assert float(found.mean) == pytest.approx((ALONE[0].x_ks - ALONE[1].x_ks)[0, kept].mean())


def test_what_correlates_on_shared_seeds_gives_a_narrower_interval():
    luck = np.linspace(-1, 1, 8)
    one, other = (Field((own.x_ks + luck), own.picked, own.choice) for own in ALONE)
    widths = [np.diff(interval(one, other, difference(one, other, paired=p), 0.05)) for p in (True, False)]
    assert widths[0] < 0.4 * widths[1]


def ends(found, below, above):
    """The further ends of those with and without the correction for skewness."""
    (low, high), (plain_low, plain_high) = (
        each.ends(below, above) for each in (found, found._replace(skewness=0.0))
    )
    return pytest.approx([min(low, plain_low), max(high, plain_high)])


def test_an_estimated_skewness_never_narrows_an_interval():
    found = difference(*ALONE, paired=False)
    for tilt in (-0.3, 0.0, 0.3):
        tilted = found._replace(skewness=np.array(tilt))
        assert interval(*ALONE, tilted, 0.01) == ends(tilted, 0.005, 0.005)


def test_the_end_that_luck_of_a_pick_would_hurt_gets_the_smaller_share_of_the_error():
    found = difference(*ALONE, paired=False)
    alike = interval(*ALONE, found, 0.05)
    assert alike == ends(found, 0.025, 0.025)
    lucky = interval(ALONE[0]._replace(choice=4), ALONE[1], found, 0.05)
    assert lucky == ends(found, 0.01, 0.04)
    assert lucky.low < alike.low
    assert lucky.high < alike.high


def seeds(training, evaluation):
    return SeedsRecord(root=0, test_training=training, test_evaluation=evaluation)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (([1, 2], [7, 8]), ([1, 2, 3], [7, 8, 9]), True),
        (([1, 2], [7, 8]), ([1, 3], [7, 8]), False),
        (([1, 2], [7, 8]), ([1, 2], [7, 9]), False),
        (([], []), ([], []), False),
    ],
)
def test_seeds_are_shared_where_training_and_evaluation_are_the_same_at_each_number(one, other, shared):
    assert share_seeds(seeds(*one), seeds(*other)) is shared


def test_the_mean_of_the_largest_of_normal_values_is_tippetts():
    assert [round(mean_of_largest(number), 4) for number in (1, 2, 3, 5, 10)] == [
        0.0,
        0.5642,
        0.8463,
        1.163,
        1.5388,
    ]


def test_the_mean_gain_of_many_equal_winners_is_not_taken_for_a_gain():
    """A mean over experiments makes noise small, and what the picking of winners adds not."""
    rng, claims = np.random.default_rng(0), 0
    for _ in range(100):
        fields, tested = [], []
        for _ in range(20):
            x_ks, default_s = rng.normal(size=(3, 20)), rng.normal(size=20)
            winner = int(x_ks.mean(axis=1).argmax())
            fields.append(Field(x_ks, winner, 3))
            tested.append(located(x_ks[winner] - default_s))
        plain = [field._replace(choice=1) for field in fields]
        assert mean_gain(tested, plain)[1].low > mean_gain(tested, fields)[1].low
        claims += mean_gain(tested, fields)[1].low > 0
    assert claims <= 6


def test_the_mean_gain_of_differences_without_noise_is_known():
    same_s = np.ones(5)
    gain, ends = mean_gain([located(0.5 * same_s), located(same_s)], [Field(same_s[None], 0, 1)] * 2)
    assert (gain, *ends) == (0.75, 0.75, 0.75)

"""The interval of a mean that was picked for being the highest, done by hand and held against simulations."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import mean_interval
from analysis.verdict.race_estimates import estimate
from analysis.verdict.winner_interval import picked_interval

SPREAD = np.array([-1.0, 0.0, 0.5, 1.0, -0.5])
"""Five runs around 0 with variance 0.625."""


def around(*means, deviation=1.0):
    """Contenders whose runs lie around their means in the same way."""
    return [estimate(mean + deviation * SPREAD) for mean in means]


def distances(found, mean):
    return mean - found.interval.low, found.interval.high - mean


def test_of_three_equals_the_lower_end_takes_a_third_of_the_error_and_the_upper_the_rest():
    picked, *others = around(1.0, 1.0, 1.0)
    found = picked_interval(picked, others)
    # 12 degrees of freedom from three times five runs; the standard error of a mean is sqrt(0.625 / 5).
    error = np.sqrt(0.625 / 5) * (1 + 0.8 / 15)
    expected = error * stats.t.ppf([1 - 0.05 / 3, 1 - 0.05 * 2 / 3], 12)
    assert distances(found, 1.0) == pytest.approx(tuple(expected))
    assert (found.choice, found.pooled) == (3, True)


def test_contenders_far_behind_lend_their_spread_and_leave_the_ends_alike():
    picked, *others = around(1.0, -3.0, -4.0)
    found = picked_interval(picked, others)
    half = np.sqrt(0.625 / 5) * (1 + 0.8 / 15) * stats.t.ppf(0.975, 12)
    assert distances(found, 1.0) == pytest.approx((half, half))
    assert found.choice == 1


def test_more_contenders_within_reach_lower_the_lower_end_and_not_the_upper_one():
    lows, highs = zip(
        *[picked_interval(*split(around(*[1.0] * k))).interval for k in (2, 3, 5, 8)], strict=True
    )
    widths = np.subtract(1.0, lows) / np.subtract(highs, 1.0)
    assert widths[0] == pytest.approx(1.0)
    assert list(widths) == sorted(widths)
    assert list(highs) == sorted(highs, reverse=True)


def test_a_winner_whose_bad_run_stayed_out_is_not_believed_to_be_that_steady():
    picked = estimate(1.0 + 0.2 * SPREAD)
    others = around(0.9, 0.8)
    found = picked_interval(picked, others)
    assert found.pooled
    low, high = mean_interval(1.0 + 0.2 * SPREAD)
    assert found.interval.low < low
    assert found.interval.high > high


@pytest.mark.parametrize("deviation", [5.0, 0.02])
def test_a_winner_that_surely_varies_otherwise_is_judged_by_its_own_runs(deviation):
    picked = estimate(1.0 + deviation * SPREAD)
    found = picked_interval(picked, around(0.9, 0.8))
    assert not found.pooled
    confidence = 1 - 0.05 / found.choice
    assert found.interval == pytest.approx(mean_interval(1.0 + deviation * SPREAD, confidence))


@pytest.mark.parametrize(("behind", "choice"), [(1.99, 2), (2.01, 1)])
def test_who_is_two_standard_errors_of_the_gap_behind_might_have_been_picked(behind, choice):
    gap = np.sqrt(2 * 0.625 / 5)
    found = picked_interval(*split(around(1.0, 1.0 - behind * gap)))
    assert found.choice == choice


def test_contenders_with_fewer_seeds_have_less_weight_in_the_spread():
    picked, few = estimate(SPREAD), estimate([1.0, -1.0])
    found = picked_interval(picked, [few])
    pooled = (4 * 0.625 + 1 * 2.0) / 5
    error = np.sqrt(pooled / 5) * (1 + 0.8 / 7)
    assert distances(found, 0.0) == pytest.approx((error * stats.t.ppf(0.975, 5),) * 2)


def test_the_confidence_is_the_one_that_is_asked_for():
    picked, *others = around(1.0, 1.0, 1.0)
    down, up = distances(picked_interval(picked, others, confidence=0.8), 1.0)
    error = np.sqrt(0.625 / 5) * (1 + 0.8 / 15)
    assert (down, up) == pytest.approx(tuple(error * stats.t.ppf([1 - 0.2 / 3, 1 - 0.4 / 3], 12)))
    steady = picked_interval(estimate(1 + 0.02 * SPREAD), others, confidence=0.8).interval
    assert steady == pytest.approx(mean_interval(1 + 0.02 * SPREAD, 1 - 0.2 / 3))
    assert picked_interval(picked, [], confidence=0.8).interval == pytest.approx(
        mean_interval(1 + SPREAD, 0.8)
    )


@pytest.mark.parametrize(
    ("ratio", "pooled"),
    [
        (stats.f.isf(0.101, 4, 8), True),
        (stats.f.isf(0.099, 4, 8), False),
        (stats.f.ppf(1.1e-5, 4, 8), True),
        (stats.f.ppf(0.9e-5, 4, 8), False),
    ],
    ids=["hardly larger", "larger", "hardly smaller", "far smaller"],
)
def test_a_spread_is_the_winners_own_if_larger_at_ten_percent_or_smaller_at_one_in_a_hundred_thousand(
    ratio, pooled
):
    """F-test of the winner's variance, of four degrees of freedom, over the others', of eight."""
    assert picked_interval(estimate(np.sqrt(ratio) * SPREAD), around(-0.1, -0.2)).pooled is pooled


def test_the_only_contender_has_the_interval_of_any_mean():
    runs = 1.0 + SPREAD
    lucky = estimate([9.0])
    for others in ([], [lucky]):
        found = picked_interval(estimate(runs), others)
        assert found.interval == pytest.approx(mean_interval(runs))
        assert (found.choice, found.pooled) == (1, False)


def test_a_winner_with_a_single_run_has_no_interval():
    assert np.isnan(picked_interval(estimate([1.0]), around(0.5)).interval).all()


def test_identical_runs_give_an_interval_without_width():
    same = estimate([0.7] * 5)
    assert picked_interval(same, [same, same]).interval == (0.7, 0.7)
    assert picked_interval(same, around(0.5)).interval == (0.7, 0.7)


def test_seeds_that_do_not_count_give_their_variance_less_weight_and_the_ends_fewer_degrees_of_freedom():
    many, few = estimate(np.tile(0.8 * SPREAD, 3)), estimate(SPREAD)
    everything, first_five = picked_interval(few, [many]), picked_interval(few, [many], counted=5)
    assert first_five.interval.low < everything.interval.low
    pooled = (0.625 + many.deviation**2) / 2
    half = np.sqrt(pooled / 5) * (1 + 0.8 / 10) * stats.t.ppf(0.975, 8)
    assert distances(first_five, 0.0) == pytest.approx((half, half))


SHAPES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed": lambda rng, shape: (2 - rng.gamma(2.0, size=shape)) / np.sqrt(2),
    "bimodal": lambda rng, shape: (4 * (rng.random(shape) < 0.5) - 2 + rng.normal(size=shape)) / np.sqrt(5),
}


@pytest.mark.parametrize("behind", [0.0, 1.0], ids=["equal", "one sd behind"])
@pytest.mark.parametrize("shape", SHAPES)
def test_five_seeds_of_three_contenders_cover_between_93_and_97_percent(shape, behind):
    true = np.array([0.0, -behind, -behind])
    hits = []
    for x_cs in SHAPES[shape](np.random.default_rng(7), (1000, 3, 5)) + true[:, None]:
        contenders = [estimate(x_s) for x_s in x_cs]
        winner = int(x_cs.mean(axis=1).argmax())
        low, high = picked_interval(contenders.pop(winner), contenders).interval
        hits.append(low <= true[winner] <= high)
    assert 0.93 < np.mean(hits) < 0.97


def split(contenders):
    return contenders[0], contenders[1:]

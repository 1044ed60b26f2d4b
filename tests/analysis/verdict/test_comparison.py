"""Two configurations are compared on the seeds that both have, and after a race as it decided."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.verdict.comparison import against_default, against_rllib, compare_paired, values_by_seed
from analysis.verdict.spread import located, pooled_spread

X = pd.Series([0.9, 0.8, 1.0, 0.7, 0.95], index=[0, 1, 2, 3, 4])
Y = pd.Series([0.5, 0.6, 0.4, 0.55, 0.45, 9.0], index=[4, 3, 2, 1, 0, 7])


@pytest.mark.parametrize("comparisons", [0, 1, 4])
def test_a_comparison_is_the_paired_t_test_on_shared_seeds_at_the_familys_confidence(comparisons):
    found = compare_paired(X, Y, comparisons)
    family = max(comparisons, 1)
    reference = stats.ttest_rel(X.to_numpy(), Y.loc[[0, 1, 2, 3, 4]].to_numpy())
    assert found.pairs == 5
    assert found.difference == pytest.approx(np.mean([0.45, 0.25, 0.6, 0.1, 0.45]))
    ends = tuple(reference.confidence_interval(1 - 0.05 / family))
    assert (found.low, found.high) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("pairs", "low", "high", "above", "below"),
    [
        (5, 0.1, 0.3, True, False),
        (4, 0.1, 0.3, False, False),
        (5, -0.3, -0.1, False, True),
        (4, -0.3, -0.1, False, False),
        (5, -0.1, 0.1, False, False),
        (5, 0.0, 0.2, False, False),
        (5, -0.2, 0.0, False, False),
    ],
)
def test_a_claim_needs_five_pairs_and_a_whole_interval_on_its_side(pairs, low, high, above, below):
    found = compare_paired(X, Y, 1)
    made = type(found)(pairs=pairs, difference=(low + high) / 2, low=low, high=high)
    assert (made.above_zero, made.below_zero) == (above, below)


def test_there_is_no_difference_where_both_score_the_same_on_every_shared_seed():
    runs = {"default": X, "same": X.iloc[:3], "other": X + 0.1, "rllib": X}
    found = against_default(runs, 2)
    assert (found["same"].is_none, found["other"].is_none, found["rllib"].is_none) == (True, False, True)
    assert compare_paired(X, X, 1).is_none
    assert not compare_paired(X, X.set_axis([90, 91, 92, 93, 94]), 1).is_none


def test_runs_count_once_with_their_last_value_if_they_ended_with_one():
    frame = pd.DataFrame(
        [
            ("b", 0, "completed", 1.0),
            ("a", 1, "completed", 0.2),
            ("a", 0, "completed", 0.1),
            ("a", 0, "completed", 0.3),  # written again
            ("a", 2, "diverged", -0.5),
            ("a", 3, "failed", 0.7),
            ("a", 4, "running", 0.8),
            ("a", 5, "completed", np.nan),
            ("a", 6, "completed", np.inf),
            ("c", 0, "failed", np.nan),
        ],
        columns=["config_id", "test_seed", "state", "objective"],
    )
    found = values_by_seed(frame)
    assert list(found) == ["a", "b"]
    assert found["a"].sort_index().to_dict() == {0: 0.3, 1: 0.2, 2: -0.5}


def test_contenders_are_compared_with_the_default_on_shared_seeds_by_the_spread_of_all():
    runs = {"default": Y, "a": X, "b": 2 * X.iloc[:3], "rllib": X - 1}
    found = against_default(runs, 2)
    a, b = (runs[name].loc[sorted(runs[name].index)].to_numpy() for name in "ab")
    theirs = Y.loc[[0, 1, 2, 3, 4]].to_numpy()
    difference_ks = np.stack([a - theirs, np.r_[b - theirs[:3], np.nan, np.nan]])
    reference = located(difference_ks, pooled_spread(difference_ks, shared=True))
    low_k, high_k = reference.ends(0.025 / 2, 0.025 / 2)
    for k, (name, pairs) in enumerate([("a", 5), ("b", 3)]):
        one = found[name]
        assert one.pairs == pairs
        assert (one.difference, one.low, one.high) == pytest.approx((reference.mean[k], low_k[k], high_k[k]))
    assert set(found) == {"a", "b", "rllib"}
    assert against_default({"a": X}, 1) == {}


def test_the_two_baselines_are_compared_by_welchs_test_corrected_for_skewness():
    runs = {"default": Y, "rllib": X - 1}
    reference = located(Y.to_numpy()).minus(located(X.to_numpy() - 1))
    low, high = reference.ends(0.025, 0.025)
    found = against_rllib(runs, 1)["default"]
    assert (found.difference, found.low, found.high) == pytest.approx((Y.mean() - X.mean() + 1, low, high))
    mirrored = against_default(runs, 1)["rllib"]
    assert (mirrored.difference, mirrored.low, mirrored.high) == pytest.approx(
        (-found.difference, -high, -low)
    )


def test_against_rllibs_defaults_each_side_counts_with_all_of_its_seeds():
    runs = {"a": X, "b": X - 2, "rllib": X.iloc[:3] - 1}
    found = against_rllib(runs, 2)
    assert set(found) == {"a", "b"}
    assert found["a"].pairs == 3
    assert found["a"].difference == pytest.approx(X.mean() - X.iloc[:3].mean() + 1)
    spread = pooled_spread(np.stack([X, X - 2]))
    reference = located(X.to_numpy(), spread).minus(located(X.iloc[:3].to_numpy() - 1))
    assert found["a"].low == pytest.approx(reference.ends(0.0125, 0.0125)[0])
    assert against_rllib({"a": X}, 1) == {}

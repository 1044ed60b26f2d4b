"""Two configurations are compared on the seeds that both have, and after a race as it decided."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics import Interval
from analysis.verdict.comparison import compare, compare_all, settled_interval, values_by_seed

X = pd.Series([0.9, 0.8, 1.0, 0.7, 0.95], index=[0, 1, 2, 3, 4])
Y = pd.Series([0.5, 0.6, 0.4, 0.55, 0.45, 9.0], index=[4, 3, 2, 1, 0, 7])


@pytest.mark.parametrize("comparisons", [0, 1, 4])
def test_a_comparison_is_the_paired_t_test_on_shared_seeds_at_the_familys_confidence(comparisons):
    found = compare(X, Y, comparisons)
    family = max(comparisons, 1)
    reference = stats.ttest_rel(X.to_numpy(), Y.loc[[0, 1, 2, 3, 4]].to_numpy())
    assert found.pairs == 5
    assert found.difference == pytest.approx(np.mean([0.45, 0.25, 0.6, 0.1, 0.45]))
    ends = tuple(reference.confidence_interval(1 - 0.05 / family))
    assert (found.low, found.high) == pytest.approx(ends)
    assert found.p_adjusted == pytest.approx(min(1.0, family * reference.pvalue))


@pytest.mark.parametrize(
    ("pairs", "low", "high", "above", "below", "none"),
    [
        (5, 0.1, 0.3, True, False, False),
        (4, 0.1, 0.3, False, False, False),
        (5, -0.3, -0.1, False, True, False),
        (4, -0.3, -0.1, False, False, False),
        (5, -0.1, 0.1, False, False, False),
        (5, 0.0, 0.2, False, False, False),
        (5, -0.2, 0.0, False, False, False),
        (5, 0.0, 0.0, False, False, True),
        (1, 0.0, 0.0, False, False, True),
        (0, 0.0, 0.0, False, False, False),
    ],
)
def test_a_claim_needs_five_pairs_and_a_whole_interval_on_its_side(pairs, low, high, above, below, none):
    found = compare(X, Y, 1)
    made = type(found)(pairs=pairs, difference=(low + high) / 2, low=low, high=high, p_adjusted=0.5)
    assert (made.above_zero, made.below_zero, made.is_none) == (above, below, none)


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


def test_everybody_but_the_baseline_is_compared_with_it():
    runs = {"default": Y, "a": X, "rllib": X - 1}
    found = compare_all(runs, "default", 2, None)
    assert found == {"a": compare(X, Y, 2), "rllib": compare(X - 1, Y, 2)}
    assert compare_all(runs, "nobody", 2, None) == {}


@pytest.mark.parametrize(
    ("low", "boundary", "accepted", "expected"),
    [
        (0.2, 0.1, True, 0.2),
        (-0.1, 0.05, True, 0.05),
        (0.2, -0.1, False, -0.1),
        (0.2, 0.1, False, 0.0),
        (-0.2, 0.1, False, -0.2),
        (0.0, -0.3, False, 0.0),
    ],
)
def test_a_lower_end_lies_above_zero_exactly_where_the_race_accepted(low, boundary, accepted, expected):
    found = settled_interval(Interval(low, 0.5), boundary, accepted=accepted)
    assert found == (expected, 0.5)
    assert (found.low > 0) == accepted

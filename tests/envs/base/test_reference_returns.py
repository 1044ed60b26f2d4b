"""Scores are what the references say: 0 at the floor, 1 at the optimum, and no score where both are one."""

import numpy as np
import pytest

import envs
from envs import ReferencePolicy, References


def references(floor, optimum):
    def act(dynamics, rng):
        return np.zeros(dynamics.num_lanes, dtype=np.int64)

    return References(
        policies={
            "nothing": ReferencePolicy("does nothing", floor, act),
            "best": ReferencePolicy("does it all", optimum, act),
        },
        floor_policy="nothing",
        optimal_policy="best",
        source="by hand",
    )


def test_a_score_is_the_share_of_the_way_from_the_floor_to_the_optimum():
    assert references(-2.0, 8.0).score(3.0) == 0.5
    assert references(-2.0, 8.0).score([[-2.0, 8.0], [-7.0, 13.0]]).tolist() == [[0.0, 1.0], [-0.5, 1.5]]


def test_a_missing_return_has_no_score():
    assert np.isnan(references(0.0, 1.0).score(np.nan))


@pytest.mark.parametrize("optimum", [1.0, 0.5, float("nan")])
def test_an_optimum_that_is_not_above_the_floor_is_refused(optimum):
    with pytest.raises(ValueError, match="is not above the floor"):
        references(1.0, optimum)


def test_a_stock_that_cannot_gain_leaves_nothing_to_score():
    with pytest.raises(ValueError, match="every policy is as good as any other"):
        envs.references("sweeps/Trading-v0", drift=0.0)


def test_equal_parameters_are_solved_once():
    first = envs.references("sweeps/TradingMeanReverting-v0", max_steps=5)
    assert (
        envs.references("sweeps/Trading-v0", max_steps=5, mean_reversion=0.05, fee_rate=0.001, drift=0.0)
        is first
    )

import numpy as np
import pandas as pd

from analysis.advice.importance import MIN_TRIALS, importances
from analysis.sweep.manifest import HyperparameterRecord, RealDomain, RealRange

UNIT = HyperparameterRecord(distribution=RealDomain(RealRange(low=0.0, high=1.0)), default=0.5)
SPACE = {"matters": UNIT, "noise": UNIT}


def trials(count, seed=0):
    rng = np.random.default_rng(seed)
    matters, noise = rng.uniform(size=(2, count))
    return pd.DataFrame(
        {"config/matters": matters, "config/noise": noise, "objective": -((matters - 0.3) ** 2)}
    )


def test_the_name_that_decides_comes_first_with_an_interval_around_it():
    frame = importances(trials(60), SPACE, np.random.default_rng(0), resamples=50)
    assert frame["name"].tolist() == ["matters", "noise"]
    assert frame["importance"].sum() == 1.0 or abs(frame["importance"].sum() - 1) < 1e-9
    assert (frame["low"] <= frame["high"]).all()
    assert frame.loc[0, "low"] > frame.loc[1, "importance"]


def test_the_same_generator_gives_the_same_interval():
    first, second = (importances(trials(30), SPACE, np.random.default_rng(7), resamples=10) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_too_few_trials_have_no_importance():
    assert importances(trials(MIN_TRIALS - 1), SPACE, np.random.default_rng(0)).empty


def test_trials_without_an_objective_or_without_spread_do_not_count():
    frame = trials(40)
    assert importances(frame.assign(objective=np.nan), SPACE, np.random.default_rng(0)).empty
    assert importances(frame.assign(objective=1.0), SPACE, np.random.default_rng(0)).empty

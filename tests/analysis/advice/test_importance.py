"""Importances name what decided, with an interval, and are Optuna's on the same trials."""

import json
import warnings

import msgspec
import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import json_to_distribution
from optuna.importance import PedAnovaImportanceEvaluator

from analysis.advice.importance import MIN_TRIALS, importances
from analysis.sweep.manifest import (
    ChoiceDomain,
    Choices,
    HyperparameterRecord,
    RealDomain,
    RealRange,
    WholeDomain,
    WholeRange,
)

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


def optunas(trials, space, rng, resamples):
    """The same by Optuna's own evaluator: a study of all trials, and one for each resampled set of them."""
    domains = {
        name: json_to_distribution(json.dumps(msgspec.to_builtins(entry.distribution)))
        for name, entry in space.items()
    }
    frozen = []
    for row in trials.to_dict("records"):
        params = {name: row[f"config/{name}"] for name in domains if pd.notna(row[f"config/{name}"])}
        own = {name: domains[name] for name in params}
        frozen.append(optuna.trial.create_trial(params=params, distributions=own, value=row["objective"]))
    draws = []
    resampled = [rng.integers(len(frozen), size=len(frozen)) for _ in range(resamples)]
    for chosen in (range(len(frozen)), *resampled):
        study = optuna.create_study(direction="maximize")
        study.add_trials([frozen[i] for i in chosen])
        evaluator = PedAnovaImportanceEvaluator(target_quantile=0.25)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            draws.append(optuna.importance.get_param_importances(study, evaluator=evaluator))
    return pd.DataFrame(draws).fillna(0.0)


def entry(domain, default=None):
    return HyperparameterRecord(distribution=domain, default=default)


EVERY_KIND = {
    "real": entry(RealDomain(RealRange(low=-1.0, high=3.0))),
    "log": entry(RealDomain(RealRange(low=1e-5, high=1e-2, log=True))),
    "stepped": entry(RealDomain(RealRange(low=0.1, high=0.9, step=0.1))),
    "whole": entry(WholeDomain(WholeRange(low=3, high=20))),
    "many": entry(WholeDomain(WholeRange(low=0, high=1000))),
    "pairs": entry(WholeDomain(WholeRange(low=2, high=12, step=2))),
    "powers": entry(WholeDomain(WholeRange(low=1, high=512, log=True))),
    "words": entry(ChoiceDomain(Choices(choices=["a", "b", "c"]))),
    "numbers": entry(ChoiceDomain(Choices(choices=[512, 1024, 2048]))),
    "flag": entry(ChoiceDomain(Choices(choices=[False, True]))),
    "alone": entry(ChoiceDomain(Choices(choices=["x"]))),
    "fixed": entry(WholeDomain(WholeRange(low=4, high=4))),
    "seldom": entry(RealDomain(RealRange(low=0.0, high=1.0))),
}


def of_every_kind(count, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "config/real": rng.uniform(-1, 3, count),
            "config/log": 10 ** rng.uniform(-5, -2, count),
            "config/stepped": 0.1 + 0.1 * rng.integers(0, 9, count),
            "config/whole": pd.array(rng.integers(3, 21, count), dtype="Int64"),
            "config/many": pd.array(rng.integers(0, 1001, count), dtype="Int64"),
            "config/pairs": pd.array(2 * rng.integers(1, 7, count), dtype="Int64"),
            "config/powers": pd.array(2 ** rng.integers(0, 10, count), dtype="Int64"),
            "config/words": rng.choice(["a", "b", "c"], count),
            "config/numbers": pd.array(rng.choice([512, 1024, 2048], count), dtype="Int64"),
            "config/flag": pd.array(rng.random(count) < 0.5, dtype="boolean"),
            "config/alone": "x",
            "config/fixed": pd.array([4] * count, dtype="Int64"),
        }
    )
    # Active in one branch only, and so seldom that it is missing from some resampled sets.
    frame["config/seldom"] = np.where(np.arange(count) < max(1, count // 20), rng.random(count), np.nan)
    score = -((frame["config/real"] - 0.5) ** 2) + (frame["config/words"] == "b") + rng.normal(0, 0.3, count)
    # Trials that reached the same are all good or all not.
    return frame.assign(objective=score.round(1))


@pytest.mark.parametrize(("count", "seed"), [(16, 0), (17, 1), (40, 2), (160, 3), (600, 4)])
def test_the_importances_are_optunas_on_the_same_trials(count, seed):
    frame = of_every_kind(count, seed)
    ours = importances(frame, EVERY_KIND, np.random.default_rng(seed), resamples=8).set_index("name")
    theirs = optunas(frame, EVERY_KIND, np.random.default_rng(seed), 8)
    assert set(ours.index) == set(theirs.columns)
    for name, draw in theirs.items():
        estimate, (low, high) = draw[0], np.quantile(draw[1:], [0.025, 0.975])
        expected = [estimate, min(low, estimate), max(high, estimate)]
        assert ours.loc[name].tolist() == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def test_values_of_another_space_do_not_count():
    frame = trials(40)
    strange = frame.assign(**{"config/noise": np.where(np.arange(40) < 20, 7.0, frame["config/noise"])})
    found = importances(strange, SPACE, np.random.default_rng(0), resamples=20)
    assert set(found["name"]) == {"matters", "noise"}
    assert importances(frame.drop(columns="config/noise"), SPACE, np.random.default_rng(0))[
        "name"
    ].tolist() == ["matters"]


def test_trials_none_of_whose_values_is_of_the_space_do_not_count():
    strange = trials(40).assign(**{"config/matters": 7.0, "config/noise": 7.0})
    assert importances(strange, SPACE, np.random.default_rng(0)).empty

"""Every number of the confirmation's table, recomputed from the runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import statistics
from analysis.verdict.decision import decide

RUNS = {
    "default": [0.50, 0.52, 0.49, 0.51, 0.50, 0.47],
    "rllib": [0.10, 0.20, 0.15, 0.12, 0.18],
    "trial_0003": [0.90, 0.53, 0.48, 0.91, 0.92],
    "trial_0007": [0.45, 0.66, 0.70, 0.48, 0.64, -0.72],
}
"""The last of trial_0007 is a failed run: as far below the worst run as that lies below the best."""


@pytest.fixture(scope="module")
def verdict():
    rows = [
        (config, seed, "completed", score)
        for config, scores in RUNS.items()
        for seed, score in enumerate(scores)
    ]
    rows[-1] = ("trial_0007", 5, "failed", np.nan)
    rows += [
        ("trial_0007", 6, "running", 0.1),
        ("gone", 0, "failed", np.nan),
    ]
    rows[-4] = (*rows[-4][:2], "diverged", rows[-4][3])
    table = pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])
    search = pd.DataFrame({"config_id": ["trial_0000", "trial_0003"], "objective": [0.45, 0.99]})
    return decide(table, search)


def test_rows_come_by_falling_mean_and_those_without_one_last(verdict):
    assert verdict.table["config_id"].tolist() == ["trial_0003", "default", "trial_0007", "rllib", "gone"]
    assert verdict.table.index.tolist() == [0, 1, 2, 3, 4]
    assert verdict.table["standing"].tolist() == [""] * 5


def test_counts_are_whole_numbers(verdict):
    table = verdict.table.set_index("config_id")
    for column, expected in {
        "n": [5, 6, 6, 5, 0],
        "missing": [0, 0, 1, 0, 1],
        "failed": [0, 0, 1, 0, 1],
        "diverged": [0, 0, 1, 0, 0],
        "pairs": [5, 0, 6, 5, 0],
        "rllib_pairs": [5, 5, 5, 0, 0],
    }.items():
        assert table[column].tolist() == expected, column
        assert table[column].dtype.kind == "i", column


@pytest.mark.parametrize("config", RUNS)
def test_means_and_medians_are_of_the_runs(verdict, config):
    row, runs = verdict.row(config), RUNS[config]
    assert row["mean"] == pytest.approx(np.mean(runs))
    assert row["median"] == pytest.approx(np.median(runs))
    assert (row["median_low"], row["median_high"]) == pytest.approx(statistics.median_interval(runs))
    if config == verdict.winner:
        assert (row["mean_low"], row["mean_high"]) == verdict.picked.interval
    else:
        assert (row["mean_low"], row["mean_high"]) == pytest.approx(statistics.mean_interval(runs))


@pytest.mark.parametrize(("baseline", "prefix"), [("default", ""), ("rllib", "rllib_")])
@pytest.mark.parametrize("config", RUNS)
def test_differences_are_those_from_both_baselines(verdict, config, baseline, prefix):
    row = verdict.row(config)
    found = [row[f"{prefix}{name}"] for name in ("difference", "difference_low", "difference_high")]
    if config == baseline:
        assert np.isnan(found).all()
        return
    evidence = verdict.evidence
    against = {"default": evidence.against_default, "rllib": evidence.against_rllib}[baseline][config]
    assert found == [against.difference, against.low, against.high]
    assert against.low < against.difference < against.high


@pytest.mark.parametrize("config", RUNS)
def test_the_probability_of_improvement_is_over_the_default(verdict, config):
    row = verdict.row(config)
    found = (row["improvement"], row["improvement_low"], row["improvement_high"])
    if config == "default":
        assert np.isnan(found).all()
        return
    wins = stats.mannwhitneyu(RUNS[config], RUNS["default"]).statistic
    assert found[0] == pytest.approx(wins / len(RUNS[config]) / len(RUNS["default"]))
    assert found[1:] == statistics.probability_of_improvement_interval(RUNS[config], RUNS["default"])


def test_search_scores_are_those_of_the_same_configuration(verdict):
    searched = verdict.table.set_index("config_id")["search_objective"]
    curse = verdict.table.set_index("config_id")["winners_curse"]
    assert searched[["trial_0003", "default"]].tolist() == [0.99, 0.45]
    assert curse["trial_0003"] == pytest.approx(0.99 - np.mean(RUNS["trial_0003"]))
    assert curse["default"] == pytest.approx(0.45 - np.mean(RUNS["default"]))
    assert searched[["trial_0007", "rllib", "gone"]].isna().all()
    assert curse[["trial_0007", "rllib", "gone"]].isna().all()


def test_a_configuration_whose_runs_have_no_value_has_no_numbers(verdict):
    row = verdict.row("gone")
    numbers = [name for name in verdict.table.columns if verdict.table[name].dtype.kind == "f"]
    assert len(numbers) == 20
    assert row[numbers].isna().all()


def test_without_a_search_nothing_is_known_of_it(verdict):
    table = pd.DataFrame(
        [("default", seed, "completed", 0.5) for seed in range(5)],
        columns=["config_id", "test_seed", "state", "objective"],
    )
    assert decide(table).table["search_objective"].isna().all()

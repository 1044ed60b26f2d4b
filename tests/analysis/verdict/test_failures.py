"""A configuration whose bad runs crash does not look better for it."""

import numpy as np
import pandas as pd
import pytest

from analysis.verdict.decision import decide
from analysis.verdict.failures import count_failures
from analysis.verdict.race import run_race


def table(*rows):
    return pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])


def runs(config, values):
    """Runs on seeds 0, 1, ...; None is a failed one."""
    return [
        (config, seed, "failed" if value is None else "completed", np.nan if value is None else value)
        for seed, value in enumerate(values)
    ]


def test_a_contenders_failed_run_counts_as_far_below_the_worst_as_that_lies_below_the_best():
    confirmation = table(*runs("default", [0.5, 0.6]), *runs("trial_0001", [0.9, None]))
    counted = count_failures(confirmation)
    assert counted["objective"].tolist() == pytest.approx([0.5, 0.6, 0.9, 0.1])
    assert counted["state"].tolist() == ["completed", "completed", "completed", "diverged"]
    assert confirmation["state"].tolist()[-1] == "failed", "the table that was given stays as it was"


@pytest.mark.parametrize("state", ["running", "lost"])
def test_what_was_lost_or_is_unfinished_stays_missing(state):
    confirmation = table(
        *runs("default", [0.5, 0.6]), ("trial_0001", 0, state, np.nan), *runs("trial_0001", [0.9])
    )
    assert count_failures(confirmation) is confirmation


@pytest.mark.parametrize("baseline", ["default", "rllib"])
def test_a_baselines_failed_run_stays_missing(baseline):
    confirmation = table(*runs(baseline, [0.5, None]), *runs("trial_0001", [0.9, 0.8]))
    assert count_failures(confirmation) is confirmation


def test_who_has_only_failed_has_no_value():
    confirmation = table(*runs("default", [0.5, 0.6]), *runs("trial_0001", [None, None]))
    assert count_failures(confirmation) is confirmation


def test_later_seeds_do_not_change_what_a_failure_counts_as():
    first = [*runs("default", [0.5, 0.6]), *runs("trial_0001", [0.9, None])]
    later = [("default", 2, "completed", -50.0), ("trial_0001", 2, "completed", 70.0)]
    for rows in (first, first + later):
        counted = count_failures(table(*rows), (2, 3))
        assert counted.loc[counted["state"] == "diverged", "objective"].tolist() == pytest.approx([0.1])


def test_three_crashes_of_eight_are_no_gain():
    default = [0.75, 0.76, 0.74, 0.75, 0.77, 0.73, 0.75, 0.76]
    tuned = [0.90, None, 0.91, 0.89, None, 0.90, None, 0.91]
    confirmation = table(*runs("default", default), *runs("trial_0001", tuned))
    verdict = decide(confirmation)
    assert not verdict.beats_default
    assert verdict.chosen == "default"
    row = verdict.row("trial_0001")
    assert (row["n"], row["missing"], row["failed"], row["diverged"], row["pairs"]) == (8, 0, 3, 0, 8)
    assert any(
        "trial_0001: 3 confirmation runs failed, counted as worse than all" in n for n in verdict.notes
    )
    whole = [0.9 if value is None else value for value in tuned]
    assert decide(table(*runs("default", default), *runs("trial_0001", whole))).beats_default


def test_a_race_counts_them_in_the_same_way():
    default = [0.75, 0.76, 0.74, 0.75, 0.77]
    confirmation = table(*runs("default", default), *runs("trial_0001", [0.9, None, 0.91, None, 0.9]))
    assert run_race(confirmation, (5, 8)).standings["trial_0001"] == "dropped"


def test_a_default_whose_bad_runs_crash_is_only_harder_to_beat():
    tuned = [0.80, 0.82, 0.79, 0.81, 0.80, 0.83]
    default = [0.80, 0.40, 0.81, 0.40, 0.79, 0.80]
    crashed = [None if value == 0.40 else value for value in default]
    verdict = decide(table(*runs("default", crashed), *runs("trial_0001", tuned)))
    assert verdict.outcome == "too few seeds"
    assert verdict.row("default")["missing"] == 2
    assert any("default: 2 confirmation runs failed or unfinished" in note for note in verdict.notes)

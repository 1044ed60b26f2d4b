"""How often a training may collapse is bounded from how often it did; an experiment may ask for a bound."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.sweep import Scale
from analysis.verdict.collapse import (
    bound_of,
    collapses_of,
    missing_runs,
    most_extra_seeds,
    permitted_error,
    seeds_for,
)
from analysis.verdict.decision import decide
from analysis.verdict.evidence import Evidence

NOISE = np.random.default_rng(0).normal(size=400)


def table(seeds, *, gain=1.0, collapsed=(), state="completed"):
    """A default and a winner with little noise; the winner's runs on some seeds collapse."""
    rows = [
        (config, seed, "completed", level + 0.01 * NOISE[2 * seed + number])
        for number, (config, level) in enumerate({"default": 0.0, "trial_0001": gain}.items())
        for seed in range(seeds[number])
    ]
    rows = [
        (
            config,
            seed,
            state if (config, seed) in fallen else "completed",
            -3.0 if (config, seed) in fallen else value,
        )
        for fallen in [{("trial_0001", seed) for seed in collapsed}]
        for config, seed, _, value in rows
    ]
    return pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])


def collapses(confirmation, *, max_collapse=None, minimal_effect=0.0):
    evidence = Evidence.of(confirmation)
    return collapses_of(
        confirmation, evidence, "trial_0001", minimal_effect=minimal_effect, max_collapse=max_collapse
    )


def test_the_bound_is_the_exact_one_of_a_binomial_share():
    assert bound_of(0, 20, 0.05) == pytest.approx(1 - 0.05 ** (1 / 20))
    assert stats.binom.cdf(2, 30, bound_of(2, 30, 0.05)) == pytest.approx(0.05)
    assert bound_of(3, 3, 0.05) == 1.0


def test_twenty_trainings_without_a_collapse_leave_room_for_one_in_seven():
    found = collapses(table((20, 20)))
    assert found == (0, 20, pytest.approx(0.139, abs=1e-3))
    sentence = decide(table((20, 20))).sentence
    assert (
        "Of 20 trainings none collapsed: a collapse in up to 14% of trainings is still possible." in sentence
    )


def test_the_fewest_seeds_for_a_bound_are_enough_and_one_less_is_not():
    for number in (0, 1, 2):
        seeds = seeds_for(number, 0.1, 0.05)
        assert bound_of(number, seeds, 0.05) <= 0.1 < bound_of(number, seeds - 1, 0.05)
    assert seeds_for(0, 0.1, 0.05) == 29


def test_runs_far_below_the_others_have_collapsed_and_diverged_or_failed_ones_too():
    effect = {"minimal_effect": 0.1}
    assert collapses(table((20, 20), collapsed=[3, 7]), **effect).number == 2
    confirmation = table((20, 20), collapsed=[3])
    confirmation.loc[confirmation["objective"] == -3.0, ["state", "objective"]] = ["diverged", 1.0]
    assert collapses(confirmation, **effect).number == 1
    confirmation.loc[confirmation["state"] == "diverged", ["state", "objective"]] = ["failed", np.nan]
    assert collapses(confirmation, **effect)[:2] == (1, 20)


def test_a_run_is_far_below_from_three_robust_deviations_on_and_if_it_matters():
    confirmation = table((20, 20))
    mine = confirmation["config_id"] == "trial_0001"
    values = confirmation.loc[mine, "objective"].to_numpy(copy=True)
    values[0] = values.min() - 1
    low = np.median(values) - 3 * 1.4826 * np.median(np.abs(values - np.median(values)))
    for value, number in [(low - 1e-3, 1), (low + 1e-3, 0)]:
        values[0] = value
        confirmation.loc[mine, "objective"] = values
        assert collapses(confirmation).number == number
    values[0] = low - 0.5
    confirmation.loc[mine, "objective"] = values
    assert [collapses(confirmation, minimal_effect=effect).number for effect in (0.4, 0.6)] == [1, 0]


def test_contenders_that_might_have_been_picked_share_the_bounds_error_and_looks_do_too():
    assert permitted_error(1, None) == pytest.approx(0.05)
    assert permitted_error(3, None) == pytest.approx(0.05 / 3)
    assert permitted_error(3, 0.1) == pytest.approx(0.05 / 9)
    assert most_extra_seeds(3, None) == 0
    assert most_extra_seeds(3, 0.1) == seeds_for(2, 0.1, 0.05 / 9)


def run_out(max_collapse, collapsed=(), gain=1.0):
    """Does what is asked for until nothing more is; the table, and the winner's seeds after each request."""
    done, seen = [0, 0], []
    names = ["default", "trial_0001"]
    for _ in range(9):
        now = table(done, gain=gain, collapsed=collapsed)
        asked = missing_runs(now, (5, 8), names, max_collapse=max_collapse)
        if not asked:
            return now, seen
        for config, seed in asked:
            assert seed == done[names.index(config)]
            done[names.index(config)] += 1
        seen.append(done[1])
    raise AssertionError("it does not end")


def test_a_winner_takes_seeds_until_the_bound_holds_and_nobody_else_does():
    confirmation, seen = run_out(0.1)
    assert seen == [5, 8, seeds_for(0, 0.1, 0.05 / 3)]
    assert (confirmation["config_id"] == "default").sum() == 8
    verdict = decide(confirmation, interim_analyses=(5, 8), max_collapse=0.1)
    assert verdict.outcome == "better"
    assert verdict.chosen == "trial_0001"
    assert verdict.collapses.bound <= 0.1
    assert verdict.row("trial_0001")["n"] == 8, "the seeds beyond the race are for the bound alone"


def test_a_collapse_asks_for_more_seeds_and_after_three_nothing_can_help():
    _, seen = run_out(0.1, collapsed=[20])
    assert seen == [5, 8, seeds_for(0, 0.1, 0.05 / 3), seeds_for(1, 0.1, 0.05 / 3)]
    confirmation, seen = run_out(0.1, collapsed=[10, 12, 14])
    assert seen == [5, 8, seeds_for(0, 0.1, 0.05 / 3)]
    verdict = decide(confirmation, interim_analyses=(5, 8), max_collapse=0.1, scale=Scale(floor=0, optimum=1))
    assert verdict.outcome == "may collapse"
    assert verdict.chosen == "default"
    assert not verdict.beats_default
    assert verdict.sentence.startswith(
        "Better on average, and not safe: the best tuned configuration, trial_0001"
    )
    assert "3 collapsed" in verdict.sentence
    assert verdict.sentence.endswith("The experiment allows 10%, so keep the default.")


def test_nobody_who_does_not_beat_the_default_takes_more_seeds():
    _, seen = run_out(0.1, gain=0.0)
    assert seen[-1] <= 8
    assert run_out(None)[1] == [5, 8]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_the_bound_is_right_in_95_percent_also_for_the_best_of_three(share):
    rng = np.random.default_rng(round(100 * share))
    right, tries = 0, 120
    for _ in range(tries):
        fallen = rng.random((3, 20)) < share
        scores = np.where(fallen, -8.0, 0.0) + rng.normal(size=(3, 20))
        rows = [
            (config, seed, "completed", value)
            for config, values in zip(["trial_0001", "trial_0002", "trial_0003"], scores, strict=True)
            for seed, value in enumerate(values)
        ]
        confirmation = pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])
        evidence = Evidence.of(confirmation)
        found = collapses_of(confirmation, evidence, evidence.winner(), minimal_effect=0.0, max_collapse=None)
        right += found.bound >= share
    assert right >= 0.92 * tries

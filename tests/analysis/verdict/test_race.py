"""A race accepts, drops or goes on; what it asks for next follows from the table alone."""

import numpy as np
import pandas as pd
import pytest

from analysis.verdict.decision import decide
from analysis.verdict.evidence import Evidence
from analysis.verdict.race import Standing, missing_runs, most_seeds, run_race
from analysis.verdict.wording import race_note

INTERIM_ANALYSES = (5, 8, 13, 20)
ALL = ["rllib", "default", "trial_0001", "trial_0002"]


def table(seeds, *, gains, rng_seed=0, state="completed"):
    """Runs of every configuration on its number of seeds; noise of standard deviation 1 around its gain."""
    noise = {config: np.random.default_rng([rng_seed, row]).normal(size=40) for row, config in enumerate(ALL)}
    rows = [
        (config, seed, state, gains.get(config, 0.0) + noise[config][seed])
        for config, n in seeds.items()
        for seed in range(n)
    ]
    return pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])


def run_out(gains, rng_seed=0, interim_analyses=INTERIM_ANALYSES):
    """Do what the race asks for until it asks for nothing more; the table, and how often it asked."""
    done = dict.fromkeys(ALL, 0)
    for asked in range(len(interim_analyses) + 1):
        now = table(done, gains=gains, rng_seed=rng_seed)
        missing = missing_runs(now, interim_analyses, ALL)
        if not missing:
            return now, asked
        for config, seed in missing:
            assert seed == done[config]  # in order, none twice, none left out
            done[config] += 1
    raise AssertionError("the race does not end")


def test_every_configuration_begins_with_the_first_analysis_in_the_order_it_was_named():
    empty = table({}, gains={})
    assert missing_runs(empty, INTERIM_ANALYSES, ALL) == [
        (config, seed) for config in ALL for seed in range(5)
    ]


def test_a_fixed_number_of_seeds_is_a_race_with_one_analysis():
    empty = table({}, gains={})
    assert len(missing_runs(empty, (7,), ALL)) == 4 * 7
    assert missing_runs(table(dict.fromkeys(ALL, 7), gains={}), (7,), ALL) == []


def test_a_huge_gain_is_accepted_once_all_seeds_are_used_up_and_a_loss_is_dropped_at_once():
    confirmation, asked = run_out({"trial_0001": 30.0, "trial_0002": -3.0})
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert asked == 4
    assert state.is_over
    assert state.standings == {"trial_0001": Standing.BETTER, "trial_0002": Standing.DROPPED}
    assert (state.spent, state.most) == (2 * 20 + 5 + 8, 3 * 20 + 8)


def test_seeds_go_to_the_open_contender_and_the_default_and_up_to_the_second_analysis_to_rllibs():
    confirmation, _ = run_out({"trial_0001": 1.0, "trial_0002": -3.0}, rng_seed=1)
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert state.seeds["trial_0002"] == 5
    assert state.seeds["trial_0001"] > 5
    assert state.seeds["default"] == state.seeds["trial_0001"] > state.seeds["rllib"] == 8


@pytest.mark.parametrize(("interim_analyses", "most"), [((5, 10, 15, 20), 10), ((5, 6), 6), ((7,), 7)])
def test_rllibs_defaults_stop_at_the_second_analysis(interim_analyses, most):
    assert most_seeds("rllib", interim_analyses) == most
    assert most_seeds("default", interim_analyses) == interim_analyses[-1]


def test_two_interim_analyses_are_a_race_and_one_is_none():
    confirmation, _ = run_out({"trial_0001": 30.0}, interim_analyses=(5, 8))
    assert Evidence.of(confirmation, (5, 8)).race == run_race(confirmation, (5, 8))
    assert Evidence.of(confirmation, (5,)).race is None


def test_an_open_contender_behind_one_that_is_ahead_is_overtaken_and_its_interval_claims_nothing():
    confirmation, _ = run_out({"trial_0001": 9.0, "trial_0002": 5.0})
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert state.standings == {"trial_0001": Standing.BETTER, "trial_0002": Standing.OVERTAKEN}
    assert state.seeds["trial_0002"] == 5
    found = Evidence.of(confirmation, INTERIM_ANALYSES).against_default
    assert found["trial_0001"].above_zero
    assert found["trial_0002"].low == 0.0 < found["trial_0002"].difference


def test_while_the_race_goes_on_nothing_is_claimed_and_the_sentence_says_so():
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0001": 30.0})
    verdict = decide(confirmation, interim_analyses=INTERIM_ANALYSES)
    assert verdict.outcome == "too few seeds"
    assert verdict.chosen == "default"
    assert "the race for more of them goes on" in verdict.sentence


@pytest.mark.parametrize("rng_seed", range(12))
def test_whoever_left_the_race_never_comes_back(rng_seed):
    gains = {"trial_0001": 1.0, "trial_0002": 0.4}
    confirmation, _ = run_out(gains, rng_seed)
    final = run_race(confirmation, INTERIM_ANALYSES)
    more = table(dict.fromkeys(ALL, 20), gains=gains, rng_seed=rng_seed)
    assert run_race(more, INTERIM_ANALYSES).standings == final.standings
    assert run_race(more, INTERIM_ANALYSES).seeds == final.seeds
    assert missing_runs(more, INTERIM_ANALYSES, ALL) == []


@pytest.mark.parametrize("rng_seed", range(6))
def test_the_order_of_the_rows_does_not_matter(rng_seed):
    confirmation, _ = run_out({"trial_0001": 1.0}, rng_seed)
    shuffled = confirmation.sample(frac=1, random_state=rng_seed)
    assert run_race(confirmation, INTERIM_ANALYSES) == run_race(shuffled, INTERIM_ANALYSES)
    pd.testing.assert_frame_equal(
        decide(confirmation, interim_analyses=INTERIM_ANALYSES).table,
        decide(shuffled, interim_analyses=INTERIM_ANALYSES).table,
    )


@pytest.mark.parametrize("rng_seed", range(12))
def test_better_is_claimed_exactly_where_the_race_accepted_and_the_interval_says_the_same(rng_seed):
    confirmation, _ = run_out({"trial_0001": 1.4, "trial_0002": 0.7}, rng_seed)
    verdict = decide(confirmation, interim_analyses=INTERIM_ANALYSES)
    assert verdict.beats_default == (Standing.BETTER in verdict.race.standings.values())
    for config in ("trial_0001", "trial_0002"):
        row = verdict.row(config)
        assert (row["difference_low"] > 0) == (row["standing"] == Standing.BETTER)
        assert row["n"] == verdict.race.seeds[config]
    assert f"spent {verdict.race.spent} of 68 runs" in race_note(verdict.race)
    assert verdict.notes == ()


def test_runs_on_seeds_that_the_race_does_not_know_say_nothing():
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0001": 1.0})
    other = pd.DataFrame(
        [("trial_0001", seed, "completed", 99.0) for seed in (20, 40, -1, np.nan)],
        columns=confirmation.columns,
    )
    more = pd.concat([confirmation, other], ignore_index=True)
    assert missing_runs(more, INTERIM_ANALYSES, ALL) == missing_runs(confirmation, INTERIM_ANALYSES, ALL)
    assert run_race(more, INTERIM_ANALYSES).standings == run_race(confirmation, INTERIM_ANALYSES).standings


def test_a_failed_run_is_not_asked_for_again_and_an_unfinished_one_is():
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0001": 1.0})
    of_default = confirmation.index[confirmation["config_id"] == "default"]
    confirmation.loc[of_default[0], "state"] = "failed"
    confirmation.loc[of_default[1], "state"] = "running"
    assert missing_runs(confirmation, INTERIM_ANALYSES, ALL) == [("default", 1)]


def test_with_fewer_than_five_values_nothing_is_decided_before_the_last_analysis():
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0001": 30.0})
    confirmation.loc[confirmation["test_seed"] == 2, ["state", "objective"]] = ["failed", np.nan]
    assert run_race(confirmation, INTERIM_ANALYSES).standings["trial_0001"] == Standing.OPEN
    assert decide(confirmation, interim_analyses=INTERIM_ANALYSES).outcome == "too few seeds"


def test_a_contender_whose_runs_all_fail_takes_no_more_seeds_and_keeps_nobody_running():
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0002": -3.0})
    confirmation.loc[confirmation["config_id"] == "trial_0001", ["state", "objective"]] = ["failed", np.nan]
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert state.standings == {"trial_0001": Standing.FAILED, "trial_0002": Standing.DROPPED}
    assert missing_runs(confirmation, INTERIM_ANALYSES, ALL) == []
    assert "trial_0001 dropped because all its runs failed, on 5 seeds" in race_note(state)
    assert decide(confirmation, interim_analyses=INTERIM_ANALYSES).winner == "trial_0002"


def test_runs_that_are_all_alike_are_dropped_without_a_warning():
    confirmation = table(dict.fromkeys(ALL, 5), gains={}).assign(objective=1.0)
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert set(state.standings.values()) == {Standing.DROPPED}
    assert decide(confirmation, interim_analyses=INTERIM_ANALYSES).row("trial_0001")["difference"] == 0.0


def test_the_adapted_default_runs_for_as_long_as_the_default_and_a_contender_that_trails_it_is_dropped():
    noise = np.random.default_rng(0).normal(size=(4, 40))
    means = {"default": 0.0, "adapted": 10.0, "trial_0001": 3.0, "trial_0002": 10.0}

    def ended(seeds):
        rows = [
            (config, seed, "completed", mean + noise[row][seed])
            for row, (config, mean) in enumerate(means.items())
            for seed in range(seeds)
        ]
        return pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])

    state = run_race(ended(5), INTERIM_ANALYSES)
    assert state.standings["trial_0001"] == Standing.DROPPED
    assert run_race(ended(5).query("config_id != 'adapted'"), INTERIM_ANALYSES).standings["trial_0001"] == (
        Standing.OVERTAKEN
    )
    waiting = ended(5).query("config_id != 'adapted' or test_seed < 4")
    assert missing_runs(waiting, INTERIM_ANALYSES, list(means)) == [("adapted", 4)]


def test_an_adapted_default_whose_runs_all_failed_holds_nobody_up():
    failed = [("adapted", seed, "failed", np.nan) for seed in range(5)]
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0001": 30.0, "trial_0002": -3.0})
    both = pd.concat([confirmation, pd.DataFrame(failed, columns=confirmation.columns)])
    assert run_race(both, INTERIM_ANALYSES).standings == run_race(confirmation, INTERIM_ANALYSES).standings

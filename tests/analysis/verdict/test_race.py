"""A race accepts, drops or goes on; what it asks for next follows from the table alone."""

import numpy as np
import pandas as pd
import pytest

from analysis.verdict.decision import decide
from analysis.verdict.evidence import Evidence
from analysis.verdict.group_sequential import boundary, follow
from analysis.verdict.race import Standing, missing_runs, most_seeds, run_race
from analysis.verdict.race_estimates import Estimates, Orders, estimate
from analysis.verdict.wording import race_note

INTERIM_ANALYSES = (5, 8, 12, 15)
ALL = ["rllib", "default", "trial_0001", "trial_0002"]


def table(seeds, *, gains, rng_seed=0, state="completed"):
    """Runs of every configuration on its number of seeds; noise of standard deviation 1 around its gain."""
    noise = {config: np.random.default_rng([rng_seed, row]).normal(size=30) for row, config in enumerate(ALL)}
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


def test_a_huge_gain_is_accepted_at_the_first_analysis_and_a_loss_is_dropped_there():
    confirmation, asked = run_out({"trial_0001": 30.0, "trial_0002": -3.0})
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert asked == 1
    assert state.is_over
    assert state.standings == {"trial_0001": Standing.BETTER, "trial_0002": Standing.DROPPED}
    assert (state.spent, state.most) == (20, 3 * 15 + 8)


def test_seeds_go_to_the_open_contender_and_the_default_and_for_the_first_half_to_rllibs():
    confirmation, _ = run_out({"trial_0001": 1.0, "trial_0002": -3.0}, rng_seed=1)
    state = run_race(confirmation, INTERIM_ANALYSES)
    assert state.seeds["trial_0002"] == 5
    assert state.seeds["trial_0001"] > 5
    assert state.seeds["default"] == state.seeds["trial_0001"] > state.seeds["rllib"] == 8


@pytest.mark.parametrize(("interim_analyses", "most"), [((5, 10, 15, 20), 10), ((5, 6), 5), ((7,), 7)])
def test_rllibs_defaults_stop_at_the_first_analysis_in_the_second_half(interim_analyses, most):
    assert most_seeds("rllib", interim_analyses) == most
    assert most_seeds("default", interim_analyses) == interim_analyses[-1]


def test_at_the_last_analysis_an_interval_is_as_wide_as_its_boundary_asks_for_and_before_as_the_family():
    confirmation, _ = run_out({"trial_0001": 0.6, "trial_0002": -0.3}, rng_seed=3)
    found = Evidence.of(confirmation, INTERIM_ANALYSES)
    assert found.race.seeds == {"trial_0001": 15, "trial_0002": 5, "default": 15, "rllib": 8}
    differences = Estimates(found.runs, found.race)
    confidence = {"trial_0001": 1 - 2 * found.race.level("trial_0001"), "trial_0002": 1 - 0.05 / 2}
    for config, level in confidence.items():
        interval = differences.difference(config, "default").interval(level)
        assert (found.against_default[config].low, found.against_default[config].high) == interval
    assert confidence["trial_0001"] > confidence["trial_0002"]


def test_two_interim_analyses_are_a_race_and_one_is_none():
    confirmation, _ = run_out({"trial_0001": 30.0}, interim_analyses=(5, 8))
    assert Evidence.of(confirmation, (5, 8)).race == run_race(confirmation, (5, 8))
    assert Evidence.of(confirmation, (5,)).race is None


def test_an_open_contender_behind_an_accepted_one_is_overtaken():
    x_cs = np.zeros((3, 15))
    x_cs[1] = 10 + 0.1 * np.arange(15) % 0.3
    x_cs[2] = np.tile([2.0, 0.2, 1.0], 5)
    outcome = follow(x_cs, INTERIM_ANALYSES)
    assert outcome.better.tolist() == [True, False]
    assert outcome.overtaken.tolist() == [False, True]
    assert outcome.stage.tolist() == [0, 0]


@pytest.mark.parametrize("rng_seed", range(12))
def test_whoever_left_the_race_never_comes_back(rng_seed):
    gains = {"trial_0001": 1.0, "trial_0002": 0.4}
    confirmation, _ = run_out(gains, rng_seed)
    final = run_race(confirmation, INTERIM_ANALYSES)
    more = table(dict.fromkeys(ALL, 15), gains=gains, rng_seed=rng_seed)
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
    assert f"spent {verdict.race.spent} of 53 runs" in race_note(verdict.race)
    assert verdict.notes == ()


def test_runs_on_seeds_that_the_race_does_not_know_say_nothing():
    confirmation = table(dict.fromkeys(ALL, 5), gains={"trial_0001": 1.0})
    other = pd.DataFrame(
        [("trial_0001", seed, "completed", 99.0) for seed in (15, 40, -1, np.nan)],
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


def test_the_boundary_spends_the_permitted_error_and_no_more():
    assert boundary((10,), 3) == pytest.approx((0.025 / 3,))
    levels = boundary(INTERIM_ANALYSES, 3)
    assert levels[0] == pytest.approx(0.025 / 3 / 9)
    assert sorted(levels) == list(levels)
    assert sum(levels) > 0.025 / 3 > levels[-1]
    x_wcs = np.random.default_rng(1).normal(size=(20_000, 2, 15))
    # A single contender: 2.5 %, less what the drops cost; three standard errors are 0.3 %.
    assert 0.018 < follow(x_wcs, INTERIM_ANALYSES).better.mean() < 0.028


def test_where_every_order_would_have_come_as_far_the_estimate_is_the_plain_mean():
    x_s = np.random.default_rng(0).normal(size=8)
    first_rf = np.array([np.roll(np.arange(8), shift)[:5] for shift in range(8)])
    assert estimate(x_s, first_rf).mean == pytest.approx(x_s.mean())
    assert estimate(x_s).error == pytest.approx(x_s.std(ddof=1) / np.sqrt(8))


def test_the_race_biases_a_plain_mean_and_not_the_estimate():
    rng = np.random.default_rng(3)
    x_wcs = rng.normal(size=(1500, 2, 15))
    outcome = follow(x_wcs, INTERIM_ANALYSES)
    plain, freed, halfway = [], [], []
    for x_cs, stage in zip(x_wcs, outcome.stage[:, 0].tolist(), strict=True):
        orders = Orders(x_cs, INTERIM_ANALYSES, [stage])
        plain.append(x_cs[1, : INTERIM_ANALYSES[stage]].mean())
        freed.append(estimate(x_cs[1, : INTERIM_ANALYSES[stage]], orders.of_contender(0, stage)).mean)
        # As it is compared with RLlib's defaults, which have no later seeds.
        shared = min(stage, 1)
        halfway.append(estimate(x_cs[1, : INTERIM_ANALYSES[shared]], orders.of_contender(0, shared)).mean)
    assert np.mean(plain) < -0.04
    for unbiased in (freed, halfway):
        assert abs(np.mean(unbiased)) < 3 * np.std(unbiased) / np.sqrt(len(unbiased))

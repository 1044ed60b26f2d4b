import numpy as np
import pandas as pd
import pytest

from analysis.advice.diagnosis import against_second
from analysis.report.figures import confirmed
from analysis.statistics import mean_interval
from analysis.sweep.scale import Scale
from analysis.verdict.comparison import against_default, values_by_seed
from analysis.verdict.confirmed_table import TABLE_COLUMNS
from analysis.verdict.decision import decide
from analysis.verdict.winner_interval import picked_interval

UNIT = Scale(floor=0.0, optimum=1.0)

SCORES = {
    "default": [0.50, 0.52, 0.49, 0.51, 0.50],
    "rllib": [0.10, 0.20, 0.15, 0.12, 0.18],
    "trial_0003": [0.90, 0.93, 0.88, 0.91, 0.92],
    "trial_0007": [0.85, 0.86, 0.80, 0.88, 0.84],
}


def confirmation(scores, **states):
    """The confirmation table; `states` maps a configuration to the states of its runs."""
    return pd.DataFrame(
        [
            (config, seed, states.get(config, ["completed"] * len(runs))[seed], score)
            for config, runs in scores.items()
            for seed, score in enumerate(runs)
        ],
        columns=["config_id", "test_seed", "state", "objective"],
    )


def test_a_clear_gain_is_a_clear_verdict():
    verdict = decide(confirmation(SCORES))
    assert verdict.outcome == "better"
    assert verdict.winner == verdict.chosen == "trial_0003"
    assert verdict.beats_default
    assert verdict.beats_rllib
    assert verdict.sentence.startswith("Tuning paid: trial_0003 scores") or "returns" in verdict.sentence
    assert "It beats RLlib's own defaults" in verdict.sentence
    assert verdict.contenders == 2


def test_a_comparison_on_fewer_seeds_than_the_winner_has_says_so():
    rising = [0.90 + 0.001 * seed for seed in range(6)]
    scores = {"default": [0.5, 0.51, 0.5, 0.49, 0.5, 0.51], "trial_0001": rising}
    assert "that both have" not in decide(confirmation(scores | {"rllib": [0.1] * 6})).sentence
    # RLlib's defaults are compared with all that each side has.
    assert "that both have" not in decide(confirmation(scores | {"rllib": [0.1] * 5})).sentence
    longer = scores | {"default": [*scores["default"], 0.5]}
    assert "(on the 6 seeds that both have) against the default" in decide(confirmation(longer)).sentence


def test_no_gain_keeps_the_default():
    scores = SCORES | {"trial_0003": [0.55, 0.45, 0.50, 0.53, 0.49], "trial_0007": [0.4] * 5}
    verdict = decide(confirmation(scores))
    assert verdict.outcome == "not better"
    assert not verdict.beats_default
    assert verdict.beats_rllib
    assert verdict.winner == "trial_0003"
    assert verdict.chosen == "default"
    assert verdict.sentence.startswith("Nothing beat the default")
    assert "does not exclude zero" in verdict.sentence


@pytest.mark.parametrize(
    ("tuned", "default", "expected"),
    [
        ([0.55, 0.45, 0.50, 0.53, 0.49], 0.0, "It beats RLlib's own defaults (0.15) by +0.35 ["),
        (
            [0.70, 0.10, 0.95, 0.05, 0.80],
            -0.35,
            "It cannot be told apart from RLlib's own defaults (0.15): +0.004 [",
        ),
        (
            [0.05, 0.04, 0.03, 0.05, 0.04],
            -0.35,
            "It cannot be told apart from RLlib's own defaults (0.15): +0.004 [",
        ),
    ],
    ids=["no gain", "no gain on a poor default", "harm"],
)
def test_what_follows_keep_the_default_is_about_the_default(tuned, default, expected):
    defaults = [value + default for value in SCORES["default"]]
    scores = {"default": defaults, "rllib": SCORES["rllib"], "trial_0003": tuned}
    assert f"Keep the default. {expected}" in decide(confirmation(scores), scale=UNIT).sentence


def test_only_the_seeds_that_were_asked_for_count():
    longer = {config: [*runs, *[0.0] * 3] for config, runs in SCORES.items()} | {"trial_0009": [0.9] * 8}
    verdict = decide(confirmation(longer), interim_analyses=(5,))
    assert verdict.table["n"].unique().tolist() == [5]
    assert verdict.row("trial_0003")["mean"] == pytest.approx(np.mean(SCORES["trial_0003"]))
    name, comparison = against_second(verdict)
    assert (name, comparison.pairs) == ("trial_0009", 5)
    assert confirmed.seed_differences(verdict.evidence.runs)["test_seed"].max() == 4


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_fewer_than_five_shared_seeds_claim_nothing_however_large_the_gain(seeds):
    verdict = decide(confirmation({config: runs[:seeds] for config, runs in SCORES.items()}))
    assert verdict.outcome == "too few seeds"
    assert not verdict.beats_default
    assert not verdict.beats_rllib
    assert verdict.chosen == "default"
    assert f"share {seeds} test seed" in verdict.sentence


def test_without_a_confirmation_there_is_no_verdict():
    verdict = decide(confirmation({}))
    assert verdict.outcome == "not confirmed"
    assert verdict.winner is verdict.chosen is None
    assert verdict.table.empty
    assert tuple(verdict.table.columns) == TABLE_COLUMNS


def test_baselines_alone_are_no_verdict_but_the_default_can_be_used():
    verdict = decide(confirmation({config: SCORES[config] for config in ("default", "rllib")}))
    assert verdict.outcome == "not confirmed"
    assert verdict.chosen == "default"


def test_without_the_default_the_verdict_says_so():
    verdict = decide(confirmation({config: runs for config, runs in SCORES.items() if config != "default"}))
    assert verdict.outcome == "default missing"
    assert not verdict.beats_default
    assert verdict.beats_rllib
    assert verdict.chosen == "trial_0003"
    assert "it was not confirmed" in verdict.sentence


def test_without_rllibs_defaults_the_sentence_is_silent_about_them():
    verdict = decide(confirmation({config: runs for config, runs in SCORES.items() if config != "rllib"}))
    assert verdict.beats_default
    assert not verdict.beats_rllib
    assert "RLlib" not in verdict.sentence


def test_an_unfinished_run_does_not_count_although_it_has_a_value():
    states = {"trial_0003": ["running"] * 5}
    verdict = decide(confirmation(SCORES, **states))
    assert verdict.winner == "trial_0007"
    assert verdict.row("trial_0003")["n"] == 0
    assert verdict.table["config_id"].iloc[-1] == "trial_0003"


def test_a_diverged_run_counts_with_its_value_and_is_mentioned():
    scores = SCORES | {"trial_0003": [0.90, 0.93, 0.88, 0.91, 0.0]}
    verdict = decide(confirmation(scores, trial_0003=["completed"] * 4 + ["diverged"]))
    assert verdict.row("trial_0003")["mean"] == pytest.approx(0.724)
    assert verdict.winner == "trial_0007"
    assert any("trial_0003: 1 confirmation run diverged" in note for note in verdict.notes)


def test_a_higher_mean_that_is_not_sure_gives_way_to_one_that_beats_the_default():
    scores = SCORES | {"trial_0003": [1.4, 0.7, 1.3, 0.8, 0.5]}
    verdict = decide(confirmation(scores))
    assert verdict.row("trial_0003")["mean"] > verdict.row("trial_0007")["mean"]
    assert verdict.winner == "trial_0007"
    assert verdict.beats_default


def test_a_lucky_single_run_does_not_win_over_configurations_with_seeds_enough():
    verdict = decide(confirmation(SCORES | {"trial_0001": [0.99]}))
    assert verdict.winner == "trial_0003"
    none_is_better = {"default": [0.9] * 5, "trial_0002": [0.8, 0.9, 0.7, 0.9, 0.9], "trial_0001": [0.99] * 4}
    assert decide(confirmation(none_is_better)).winner == "trial_0002"


def test_identical_runs_on_all_seeds_are_compared_without_a_warning():
    same = decide(confirmation({"default": [1.0] * 5, "trial_0001": [1.0] * 5}))
    assert same.outcome == "not better"
    assert same.same_as_default
    assert "scores the same on every one of them" in same.sentence
    better = decide(confirmation({"default": [0.6] * 5, "trial_0001": [1.0] * 5}))
    assert better.outcome == "better"
    assert not better.same_as_default
    assert better.row("trial_0001")["difference_low"] == pytest.approx(0.4)


def test_more_contenders_widen_the_intervals():
    few = decide(confirmation(SCORES)).row("trial_0003")
    extra = {f"trial_{number:04d}": SCORES["trial_0007"] for number in range(10, 14)}
    many = decide(confirmation(SCORES | extra)).row("trial_0003")
    assert many["difference_high"] - many["difference_low"] > few["difference_high"] - few["difference_low"]


def test_the_winner_has_an_interval_of_its_own_kind_and_the_others_the_usual_one():
    scores = SCORES | {"trial_0003": [0.90, 0.83, 0.88, 0.91, 0.85]}
    verdict = decide(confirmation(scores))
    contenders = np.array([scores["trial_0003"], scores["trial_0007"]])
    ends = verdict.table.set_index("config_id")[["mean_low", "mean_high"]]
    assert tuple(ends.loc["trial_0003"]) == picked_interval(contenders, 0).interval
    for config in ("default", "rllib", "trial_0007"):
        assert tuple(ends.loc[config]) == pytest.approx(mean_interval(scores[config]))
    low, high = ends.loc["trial_0003"]
    assert f"scores 0.87 [{low:.2f}, {high:.2f}]" in decide(confirmation(scores), scale=UNIT).sentence


def test_the_winners_curse_is_search_minus_confirmed():
    search = pd.DataFrame(
        {"config_id": ["trial_0000", "trial_0003", "trial_0007"], "objective": [0.45, 0.99, np.nan]}
    )
    verdict = decide(confirmation(SCORES), search)
    assert verdict.row("trial_0003")["winners_curse"] == pytest.approx(0.99 - 0.908)
    assert verdict.row("default")["winners_curse"] == pytest.approx(0.45 - 0.504)
    assert np.isnan(verdict.row("trial_0007")["winners_curse"])
    assert np.isnan(verdict.row("rllib")["winners_curse"])


def test_gains_are_also_given_in_the_environments_unit():
    scale = Scale(floor=-10.0, optimum=90.0, unit="points", floor_policy="random")
    sentence = decide(confirmation(SCORES), scale=scale).sentence
    assert "trial_0003 scores 0.91" in sentence
    assert "+40.4 in return (points)" in sentence


def test_without_references_the_numbers_are_returns():
    scores = {config: [1000 * run for run in runs] for config, runs in SCORES.items()}
    sentence = decide(confirmation(scores), scale=Scale(unit="points")).sentence
    assert "trial_0003 returns 908" in sentence
    assert "(in points)" in sentence


def test_the_order_of_the_rows_does_not_matter():
    table = confirmation(SCORES)
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(decide(table).table, decide(shuffled).table)


def test_a_small_interval_is_not_rounded_onto_zero():
    assert Scale(floor=0.0, optimum=1.0).text(0.012, 0.004, 0.02, signed=True) == [
        "+0.012",
        "+0.004",
        "+0.020",
    ]


def test_six_hundred_sweeps_without_any_difference_claim_better_in_at_most_five_percent():
    rng = np.random.default_rng(5)
    names = ["default", "trial_0001", "trial_0002", "trial_0003"]
    table = confirmation({name: [0.0] * 5 for name in names})
    claims = 0
    for sweep in range(600):
        values = table.assign(objective=rng.normal(size=len(table)))
        against = against_default(values_by_seed(values), 3)
        better = any(difference.above_zero for difference in against.values())
        # The rest of a verdict takes most of the time, and is made where there is something to claim.
        if better or sweep < 20:
            assert decide(values).beats_default == better
        claims += better
    assert 0 < claims <= 0.05 * 600


def test_a_worse_configuration_is_not_called_harm_since_the_default_is_kept():
    scores = SCORES | {"trial_0003": [0.30, 0.31, 0.29, 0.30, 0.33], "trial_0007": [0.1, 0.1, 0.1, 0.12, 0.1]}
    verdict = decide(confirmation(scores))
    assert verdict.outcome == "worse"
    assert verdict.chosen == "default"
    assert "harm" not in verdict.sentence
    assert "Keep the default" in verdict.sentence


def test_a_gain_below_the_minimal_effect_is_too_little_to_matter():
    rng = np.random.default_rng(0)
    scores = {"default": 0.5 + 0.004 * rng.normal(size=20), "trial_0001": 0.51 + 0.004 * rng.normal(size=20)}
    verdict = decide(confirmation(scores), scale=UNIT)
    assert verdict.outcome == "better"
    assert verdict.gain.mean < 0.02
    assert verdict.sentence.startswith("Better, and too little to matter: trial_0001")
    assert decide(confirmation(scores), scale=UNIT, minimal_effect=0.001).sentence.startswith("Tuning paid")
    # Returns have no scale on which an effect could be minimal.
    assert decide(confirmation(scores)).sentence.startswith("Tuning paid")


def test_the_gain_to_expect_is_stated_beside_the_claimed_one_and_is_no_larger():
    verdict = decide(confirmation(SCORES), scale=UNIT)
    claimed = verdict.row("trial_0003")["difference"]
    assert 0 <= verdict.gain.interval.low <= verdict.gain.mean <= claimed
    assert "As only large differences are claimed, expect +0." in verdict.sentence
    assert decide(confirmation(SCORES | {"trial_0003": [0.5] * 5, "trial_0007": [0.4] * 5})).gain is None


BETTER_ADAPTED = {**SCORES, "adapted": [0.87, 0.95, 0.90, 0.89, 0.93]}


def test_a_winner_has_to_beat_the_adapted_default_too_and_else_the_better_default_is_used():
    verdict = decide(confirmation(BETTER_ADAPTED), batches=(512, 2048))
    assert (verdict.outcome, verdict.winner, verdict.chosen) == ("not better", "trial_0003", "adapted")
    assert not verdict.beats_default
    assert verdict.evidence.against_default["trial_0003"].above_zero
    assert verdict.gain is None
    assert verdict.contenders == 2, "it is no contender"
    without = decide(confirmation(SCORES))
    assert (without.outcome, without.chosen) == ("better", "trial_0003")


def test_a_winner_that_beats_both_defaults_is_compared_with_the_better_one():
    scores = {**SCORES, "adapted": [0.60, 0.62, 0.59, 0.61, 0.60]}
    verdict = decide(confirmation(scores))
    assert (verdict.outcome, verdict.chosen) == ("better", "trial_0003")
    assert verdict.gain.mean == pytest.approx(0.304, abs=0.01)
    row = verdict.row("trial_0003")
    assert (row["difference"], row["adapted_difference"]) == pytest.approx((0.404, 0.304))


def test_an_adapted_default_that_is_worse_is_not_used():
    scores = {**BETTER_ADAPTED, "adapted": [0.30, 0.31, 0.29, 0.30, 0.32], "trial_0003": [0.4] * 5}
    verdict = decide(confirmation(scores | {"trial_0007": [0.45, 0.5, 0.55, 0.48, 0.52]}))
    assert (verdict.outcome, verdict.chosen) == ("not better", "default")


@pytest.mark.parametrize("state", ["failed", "running"])
def test_an_adapted_default_without_a_value_decides_nothing(state):
    judged = decide(confirmation({**SCORES, "adapted": [np.nan] * 5}, adapted=[state] * 5))
    assert (judged.outcome, judged.chosen) == ("better", "trial_0003")


def test_a_gain_over_the_default_alone_is_too_few_seeds_where_the_adapted_one_has_too_few():
    states = {"adapted": ["completed"] * 4 + ["failed"]}
    verdict = decide(confirmation({**SCORES, "adapted": [0.5, 0.5, 0.5, 0.5, np.nan]}, **states))
    assert (verdict.outcome, verdict.beats_default) == ("too few seeds", False)


def test_where_neither_default_is_beaten_the_sentence_is_about_the_one_to_use():
    scores = {**SCORES, "trial_0003": [0.55, 0.45, 0.50, 0.53, 0.49], "trial_0007": [0.4] * 5}
    adapted = decide(confirmation({**scores, "adapted": [0.51, 0.53, 0.50, 0.52, 0.51]}))
    assert adapted.chosen == "adapted"
    assert adapted.sentence.startswith("Nothing beat the default with its batch adapted to the budget: ")
    assert adapted.sentence.count("adapted default") == 2
    default = decide(confirmation({**scores, "adapted": [0.48, 0.51, 0.48, 0.50, 0.49]}))
    assert default.chosen == "default"
    assert default.sentence.startswith("Nothing beat the default: ")
    assert "adapted" not in default.sentence

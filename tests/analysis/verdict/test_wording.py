"""Every branch of the verdict is a whole sentence with the numbers and the seeds that it rests on."""

import pandas as pd
import pytest

from analysis.sweep import Scale
from analysis.verdict.decision import decide
from analysis.verdict.race import Race, Standing
from analysis.verdict.wording import look_notes, notes, race_note

UNIT = Scale(floor=0.0, optimum=1.0)
DEFAULT = [0.50, 0.52, 0.49, 0.51, 0.50]
RLLIB = [0.10, 0.20, 0.15, 0.12, 0.18]
BEST = [0.90, 0.93, 0.88, 0.91, 0.92]
SECOND = [0.85, 0.86, 0.80, 0.88, 0.84]


def told(scale=UNIT, **scores):
    rows = [
        (config, seed, "completed", score)
        for config, runs in scores.items()
        for seed, score in enumerate(runs)
    ]
    table = pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])
    return decide(table, scale=scale, batches=(512, 2048)).sentence


def thousandfold(runs):
    return [1000 * value for value in runs]


@pytest.mark.parametrize(
    ("scale", "gain"),
    [
        (UNIT, ", or +0.404 in return"),
        (Scale(floor=-10.0, optimum=90.0, unit="points"), ", or +40.4 in return (points)"),
    ],
)
def test_tuning_that_paid(scale, gain):
    sentence = told(scale, default=DEFAULT, rllib=RLLIB, trial_0003=BEST, trial_0007=SECOND)
    assert sentence == (
        "Tuning paid: trial_0003 scores 0.91 [0.87, 0.93] on 5 seeds that the search never saw; "
        f"that is +0.40 [+0.38, +0.42] against the default configuration's 0.50{gain}. "
        "As only large differences are claimed, expect +0.40 [+0.38, +0.42]. "
        "It beats RLlib's own defaults (0.15) by +0.76 [+0.69, +0.82]. "
        "Of 5 trainings none collapsed: a collapse in up to 45% of trainings is still possible."
    )


@pytest.mark.parametrize(("unit", "told_unit"), [("points", " (in points)"), ("", "")])
def test_tuning_that_paid_in_raw_returns(unit, told_unit):
    runs = {"default": DEFAULT, "trial_0003": BEST, "trial_0007": SECOND}
    sentence = told(Scale(unit=unit), **{config: thousandfold(values) for config, values in runs.items()})
    assert sentence == (
        "Tuning paid: trial_0003 returns 908 [873.1, 929.5] on 5 seeds that the search never saw; "
        f"that is +404 [+378.4, +424.4] against the default configuration's 504{told_unit}. "
        "As only large differences are claimed, expect +403.9 [+383.3, +421.1]. "
        "Of 5 trainings none collapsed: a collapse in up to 45% of trainings is still possible."
    )


def test_tuning_that_is_worse_than_the_default_that_is_kept():
    sentence = told(
        default=DEFAULT, rllib=RLLIB,
        trial_0003=[0.30, 0.31, 0.29, 0.30, 0.33], trial_0007=[0.1, 0.1, 0.1, 0.12, 0.1],
    )  # fmt: skip
    assert sentence == (
        "Nothing beat the default: the best tuned configuration, trial_0003, scores 0.31 [0.29, 0.37] on 5 "
        "seeds that the search never saw; that is -0.20 [-0.22, -0.17] against the default's 0.50. "
        "Keep the default. It beats RLlib's own defaults (0.15) by +0.35 [+0.29, +0.42]."
    )


@pytest.mark.parametrize(
    ("rllib", "theirs"),
    [
        (RLLIB, " It beats RLlib's own defaults (0.15) by +0.35 [+0.29, +0.42]."),
        (BEST, " It is worse than RLlib's own defaults (0.91): -0.40 [-0.43, -0.37]."),
        (
            [0.9, 0.1, 0.8, 0.2, 0.5],
            " It cannot be told apart from RLlib's own defaults (0.50): +0.004 [-0.548, +0.556].",
        ),
        (DEFAULT, " It scores the same as RLlib's own defaults (0.50)."),
        (RLLIB[:3], " Too few shared seeds to compare it with RLlib's own defaults (0.15)."),
        ([], ""),
    ],
    ids=["better", "worse", "unknown", "same", "few", "none"],
)
def test_a_difference_that_may_be_none(rllib, theirs):
    sentence = told(
        default=DEFAULT, rllib=rllib, trial_0003=[0.55, 0.45, 0.50, 0.53, 0.49], trial_0007=[0.4] * 5
    )
    assert sentence == (
        "Nothing beat the default: the best tuned configuration, trial_0003, scores 0.50 [0.46, "
        "0.54] on 5 seeds "
        "that the search never saw. Its difference from the default's 0.50 is +0.00 [-0.24, "
        "+0.04], which does "
        f"not exclude zero. Keep the default.{theirs}"
    )


def test_no_difference_at_all():
    assert told(default=[1.0] * 5, trial_0001=[1.0] * 5) == (
        "Nothing beat the default: the best tuned configuration, trial_0001, scores 1.00 [no "
        "interval] on 5 seeds "
        "that the search never saw, and the default scores the same on every one of them. Keep the default."
    )


def test_too_few_seeds():
    assert told(default=DEFAULT[:2], rllib=RLLIB[:2], trial_0003=BEST[:2]) == (
        "Too few seeds to tell: trial_0003 and the default share 2 test seeds, and a verdict needs 5. "
        "So far 0.92 against 0.51."
    )


def test_no_default():
    assert told(rllib=RLLIB, trial_0003=BEST, trial_0007=SECOND) == (
        "No verdict against the default: it was not confirmed. The best tuned configuration, "
        "trial_0003, scores "
        "0.91 [0.87, 0.93] on 5 seeds that the search never saw. "
        "It beats RLlib's own defaults (0.15) by +0.76 [+0.69, +0.82]."
    )
    assert told(trial_0003=[0.9]) == (
        "No verdict against the default: it was not confirmed. The best tuned configuration, "
        "trial_0003, scores "
        "0.90 on 1 seed that the search never saw."
    )


def test_nothing_confirmed():
    assert told(default=DEFAULT) == told() == (
        "No verdict yet: no tuned configuration has been confirmed on test seeds, and search "
        "scores alone are "
        "optimistic."
    )  # fmt: skip


def race(**standings):
    seeds = dict.fromkeys(standings, 5) | {"default": 8, "rllib": 8}
    return Race(interim_analyses=(5, 8, 15), standings=standings, seeds=seeds, spent=31)


def test_how_a_race_went():
    note = race_note(
        race(
            a=Standing.BETTER,
            b=Standing.DROPPED,
            c=Standing.OVERTAKEN,
            d=Standing.EXHAUSTED,
            e=Standing.FAILED,
        )
    )
    assert note == (
        "The race spent 31 of 98 runs and saved 67: a better than the default on all 5 seeds; "
        "b dropped as out of reach of a verdict after 5 seeds; c dropped behind one that was "
        "ahead after 5 seeds; "
        "d not told apart from the default by 5 seeds; e dropped because all its runs failed, on 5 seeds."
    )


def test_how_far_a_race_is():
    assert race_note(race(a=Standing.OPEN)) == (
        "The race of the confirmation is unfinished after 31 runs: a still open before 5 seeds."
    )


def test_what_is_missing_and_what_diverged():
    table = pd.DataFrame(
        {"config_id": list("abc"), "n": 5, "missing": [0, 1, 2], "failed": [0, 0, 3], "diverged": [2, 0, 1]},
    )
    assert notes(table) == (
        "a: 2 confirmation runs diverged, counted as the floor or as random actions, whichever is worse.",
        "b: 1 confirmation run failed or unfinished, so without a value. Comparisons use the seeds "
        "that both sides "
        "have.",
        "c: 2 confirmation runs failed or unfinished, so without a value. Comparisons use the "
        "seeds that both sides "
        "have.",
        "c: 3 confirmation runs failed, counted as worse than all others, since a configuration that "
        "crashes must not look better for it.",
        "c: 1 confirmation run diverged, counted as the floor or as random actions, whichever is worse.",
    )


def test_how_many_looks_there_have_been():
    assert look_notes(1) == ()
    (note,) = look_notes(3)
    assert note.startswith(
        "Look 3 at test seeds: 2 sweeps of this experiment, or that it started from, took some"
    )
    assert "none of them saw" in note


ADAPTED = [0.60, 0.62, 0.59, 0.61, 0.60]


def test_a_winner_is_compared_with_both_defaults_the_better_one_first():
    assert told(default=DEFAULT, adapted=ADAPTED, trial_0003=BEST, trial_0007=SECOND) == (
        "Tuning paid: trial_0003 scores 0.91 [0.87, 0.93] on 5 seeds that the search never saw; "
        "that is +0.30 [+0.28, +0.32] against the 0.60 of the default with its batch adapted to the budget "
        "(512 instead of 2048), or +0.304 in return, "
        "and +0.40 [+0.38, +0.42] against the default (0.50). "
        "As only large differences are claimed, expect +0.30 [+0.28, +0.32]. "
        "Of 5 trainings none collapsed: a collapse in up to 45% of trainings is still possible."
    )


def test_where_nothing_beats_the_adapted_default_it_is_used_and_told_from_the_default():
    sentence = told(default=ADAPTED, adapted=SECOND, rllib=RLLIB, trial_0003=[0.8, 0.9, 0.82, 0.85, 0.84])
    assert sentence.startswith(
        "Nothing beat the default with its batch adapted to the budget (512 instead of 2048): the best tuned"
    )
    assert "Its difference from the adapted default's 0.85 is -0.004 [" in sentence
    assert ", which does not exclude zero. Use the adapted default. It beats RLlib's own" in sentence


def test_a_race_against_two_defaults_says_both():
    standings = {"trial_0001": Standing.BETTER, "trial_0002": Standing.EXHAUSTED}
    seeds = {"trial_0001": 20, "trial_0002": 20, "default": 20, "adapted": 20}
    race = Race(interim_analyses=(5, 20), standings=standings, seeds=seeds, spent=80)
    assert "trial_0001 better than both defaults on all 20 seeds" in race_note(race)
    assert "trial_0002 not told apart from a default by 20 seeds" in race_note(race)

"""Every branch of the verdict is a whole sentence with the numbers and the seeds that it rests on."""

import pandas as pd
import pytest

from analysis.sweep import Scale
from analysis.verdict.decision import decide
from analysis.verdict.race import Race, Standing
from analysis.verdict.wording import notes, race_note

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
    return decide(table, scale=scale).sentence


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
        "Tuning paid: trial_0003 scores 0.91 [0.88, 0.94] on 5 seeds that the search never saw; "
        "that is +0.40 "
        f"[+0.39, +0.42] against the default configuration's 0.50{gain}. "
        "It beats RLlib's own defaults (0.15) by +0.76 [+0.70, +0.81]."
    )


@pytest.mark.parametrize(("unit", "told_unit"), [("points", " (in points)"), ("", "")])
def test_tuning_that_paid_in_raw_returns(unit, told_unit):
    runs = {"default": DEFAULT, "trial_0003": BEST, "trial_0007": SECOND}
    sentence = told(Scale(unit=unit), **{config: thousandfold(values) for config, values in runs.items()})
    assert sentence == (
        "Tuning paid: trial_0003 returns 908 [880.2, 935.8] on 5 seeds that the search never saw; "
        "that is +404 "
        f"[+386.2, +421.8] against the default configuration's 504{told_unit}."
    )


def test_tuning_that_did_harm():
    sentence = told(
        default=DEFAULT, rllib=RLLIB,
        trial_0003=[0.30, 0.31, 0.29, 0.30, 0.33], trial_0007=[0.1, 0.1, 0.1, 0.12, 0.1],
    )  # fmt: skip
    assert sentence == (
        "Nothing beat the default, and tuning did harm: the best tuned configuration, trial_0003, "
        "scores 0.31 "
        "[0.29, 0.32] on 5 seeds that the search never saw; that is -0.20 [-0.22, -0.17] against "
        "the default's "
        "0.50. Keep the default. It beats RLlib's own defaults (0.15) by +0.35 [+0.29, +0.41]."
    )


@pytest.mark.parametrize(
    ("rllib", "theirs"),
    [
        (RLLIB, " It beats RLlib's own defaults (0.15) by +0.35 [+0.29, +0.41]."),
        (BEST, " It is worse than RLlib's own defaults (0.91): -0.40 [-0.42, -0.39]."),
        (
            [0.9, 0.1, 0.8, 0.2, 0.5],
            " It cannot be told apart from RLlib's own defaults (0.50): +0.004 [-0.564, +0.572].",
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
        "Nothing beat the default: the best tuned configuration, trial_0003, scores 0.50 [0.45, "
        "0.56] on 5 seeds "
        "that the search never saw. Its difference from the default's 0.50 is +0.000 [-0.070, "
        "+0.070], which does "
        f"not exclude zero. Keep the default.{theirs}"
    )


def test_no_difference_at_all():
    assert told(default=[1.0] * 5, trial_0001=[1.0] * 5) == (
        "Nothing beat the default: the best tuned configuration, trial_0001, scores 1.00 [1.00, "
        "1.00] on 5 seeds "
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
        "0.91 [0.88, 0.94] on 5 seeds that the search never saw. "
        "It beats RLlib's own defaults (0.15) by +0.76 [+0.70, +0.81]."
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
        "The race spent 31 of 98 runs and saved 67: a accepted as better than the default after 5 seeds; "
        "b dropped as out of reach of a verdict after 5 seeds; c dropped behind an accepted one "
        "after 5 seeds; "
        "d not told apart from the default by 5 seeds; e dropped because all its runs failed, on 5 seeds."
    )


def test_how_far_a_race_is():
    assert race_note(race(a=Standing.OPEN)) == (
        "The race of the confirmation is unfinished after 31 runs: a still open before 5 seeds."
    )


def test_what_is_missing_and_what_diverged():
    table = pd.DataFrame(
        {"config_id": ["a", "b", "c"], "missing": [0, 1, 2], "diverged": [2, 0, 1]},
    )
    assert notes(table) == (
        "a: 2 confirmation runs diverged, counted as the floor or as random actions, whichever is worse.",
        "b: 1 confirmation run failed or unfinished, so without a value. Comparisons use the seeds "
        "that both sides "
        "have.",
        "c: 2 confirmation runs failed or unfinished, so without a value. Comparisons use the "
        "seeds that both sides "
        "have.",
        "c: 1 confirmation run diverged, counted as the floor or as random actions, whichever is worse.",
    )

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.advice.diagnosis import diagnose, edges
from analysis.sweep.loading import load_sweep
from analysis.sweep.manifest import HyperparameterRecord, RealDomain, RealRange
from analysis.verdict.decision import verdict_on


def distribution(low, high, *, log=False):
    return HyperparameterRecord(
        distribution=RealDomain(RealRange(low=low, high=high, log=log)), default=low, source=""
    )


def trials(values):
    """Completed trials, best first."""
    return pd.DataFrame(
        {
            "trial_id": [f"trial_{number:04d}" for number in range(len(values))],
            "state": "completed",
            "objective": np.linspace(1, 0, len(values)),
            "config/lr": values,
        }
    )


@pytest.mark.parametrize(
    ("values", "direction"),
    [([0.99, 0.9, 0.85, 0.5, 0.1, 0.2], "up"), ([0.01, 0.1, 0.15, 0.5, 0.9, 0.8], "down")],
)
def test_good_trials_that_crowd_at_an_end_say_which_way_to_widen(values, direction):
    (edge,) = edges(trials(values), {"lr": distribution(0.0, 1.0)}, "trial_0000")
    assert (edge.name, edge.direction) == ("lr", direction)


def test_a_single_best_trial_at_an_end_is_no_alarm():
    assert edges(trials([0.99, 0.5, 0.4, 0.5, 0.1]), {"lr": distribution(0.0, 1.0)}, "trial_0000") == []


def test_places_are_measured_on_the_scale_of_the_search():
    values = [1e-5, 2e-5, 1.5e-5, 1e-5, 1e-3]
    assert (
        edges(trials(values), {"lr": distribution(1e-5, 1e-1, log=True)}, "trial_0000")[0].direction == "down"
    )
    middle = [1e-3, 2e-3, 1e-3, 5e-4, 1e-3]
    assert edges(trials(middle), {"lr": distribution(1e-5, 1e-1, log=True)}, "trial_0000") == []


def test_too_few_trials_have_no_edges():
    assert edges(trials([0.99, 0.98]), {"lr": distribution(0.0, 1.0)}, "trial_0000") == []
    assert edges(trials([0.99] * 5), {"lr": distribution(0.0, 1.0)}, None) == []


@pytest.mark.parametrize("confirm", [True, False])
def test_every_question_has_an_answer_at_every_stage(writer, tmp_path, confirm):
    sweep = load_sweep(writer.write_sweep(tmp_path / "sweep", trials=12, confirm=confirm))
    verdict = verdict_on(sweep)
    findings = diagnose(sweep, verdict, pd.DataFrame(columns=["name", "importance", "low", "high"]))
    assert len(findings) == 6
    assert all(finding.answer for finding in findings)
    assert (findings[0].settled is None) == (not confirm)


def test_one_confirmation_seed_answers_nothing_that_needs_more(writer, tmp_path):
    sweep = load_sweep(writer.write_sweep(tmp_path / "sweep", trials=20, seeds=1))
    verdict = verdict_on(sweep)
    findings = diagnose(sweep, verdict, pd.DataFrame(columns=["name", "importance", "low", "high"]))
    answers = {finding.topic: finding for finding in findings}
    assert not any("nan" in finding.answer for finding in findings)
    assert "too few test seeds" in answers["second best"].answer
    assert answers["second best"].settled is answers["more trials"].settled is None


def test_where_everything_scores_the_same_there_is_nothing_left_to_do(writer, tmp_path):
    sweep = load_sweep(writer.write_sweep(tmp_path / "sweep", trials=20))
    same = replace(
        sweep,
        trials=sweep.trials.assign(objective=1.0),
        confirmation=sweep.confirmation.assign(objective=1.0),
    )
    verdict = verdict_on(same)
    findings = diagnose(same, verdict, pd.DataFrame(columns=["name", "importance", "low", "high"]))
    settled = {finding.topic: finding.settled for finding in findings}
    assert settled["default"]
    assert settled["seed noise"]
    assert settled["more trials"]


def test_seed_noise_is_told_where_no_trial_was_stopped_early_and_is_not_cut_off_at_all_of_it(
    writer, tmp_path
):
    sweep = load_sweep(writer.write_sweep(tmp_path / "sweep", trials=20))
    whole = sweep.trials.assign(state="completed")
    first_stopped = whole.assign(state=["pruned", *["completed"] * (len(whole) - 1)])
    alike = whole.assign(objective=0.5 + 1e-4 * np.arange(len(whole)))

    def answer(trials):
        given = replace(sweep, trials=trials)
        nothing = pd.DataFrame(columns=["name", "importance", "low", "high"])
        found = {finding.topic: finding for finding in diagnose(given, verdict_on(given), nothing)}
        return found["seed noise"]

    assert answer(first_stopped).answer.startswith("Cannot be told: it takes trials that all trained")
    assert answer(whole).answer.startswith("One configuration's seeds have about ")
    share = int(re.search(r"about (\d+)%", answer(alike).answer).group(1))
    assert share > 100
    assert not answer(alike).settled

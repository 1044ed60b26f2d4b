import json
import re

import numpy as np
import pandas as pd
import pytest
import vl_convert

from analysis.advice.importance import importances
from analysis.report.figures import confirmed, curves, draw_all, history, hyperparameters, theme
from analysis.sweep.loading import load_sweep
from analysis.verdict.comparison import values_by_seed
from analysis.verdict.decision import verdict_on


def runs(rows):
    return pd.DataFrame(rows, columns=["config_id", "trial_id", "test_seed", "state", "steps", "score"])


def test_the_mean_curve_is_the_mean_over_seeds_at_each_step():
    frame = runs(
        [
            ("a", "a_seed0", 0, "completed", 10, 0.0),
            ("a", "a_seed1", 1, "completed", 10, 1.0),
            ("a", "a_seed0", 0, "completed", 20, 2.0),
            ("a", "a_seed1", 1, "completed", 20, 4.0),
        ]
    )
    means = curves.mean_curves(frame)
    assert means[["steps", "mean", "n"]].to_numpy().tolist() == [[10, 0.5, 2], [20, 3.0, 2]]
    assert (means["low"] < means["mean"]).all()


def test_a_diverged_run_stays_in_the_mean_with_what_it_counts_as():
    frame = runs(
        [
            ("a", "a_seed0", 0, "diverged", 10, 0.5),
            ("a", "a_seed0", 0, "diverged", 13, -1.0),
            ("a", "a_seed1", 1, "completed", 10, 0.5),
            ("a", "a_seed1", 1, "completed", 20, 1.0),
        ]
    )
    means = curves.mean_curves(frame)
    assert means[["steps", "mean", "n"]].to_numpy().tolist() == [[10, 0.5, 2], [20, 0.0, 2]]


def test_seeds_are_averaged_evaluation_by_evaluation_though_their_steps_differ():
    frame = runs(
        [
            ("a", f"a_seed{seed}", seed, "completed", 100 * number + seed, float(number))
            for seed in range(3)
            for number in (1, 2, 3)
        ]
    )
    means = curves.mean_curves(frame)
    assert means[["steps", "mean", "n"]].to_numpy().tolist() == [[101, 1, 3], [201, 2, 3], [301, 3, 3]]


def test_a_failed_run_is_drawn_but_not_averaged():
    frame = runs([("a", "a_seed0", 0, "failed", 10, 0.0), ("a", "a_seed1", 1, "completed", 10, 1.0)])
    assert curves.mean_curves(frame)["mean"].tolist() == [1.0]


def test_best_so_far_counts_completed_trials_only():
    trials = pd.DataFrame(
        {
            "trial_id": ["a", "b", "c", "d"],
            "state": ["pruned", "completed", "failed", "completed"],
            "cause": [None] * 4,
            "objective": [0.9, 0.2, np.nan, 0.1],
            "steps": [1.0] * 4,
        }
    )
    assert history.history(trials)["best"].fillna(-1).tolist() == [-1, 0.2, 0.2, 0.2]


def test_differences_are_taken_on_shared_seeds():
    table = pd.DataFrame(
        [("default", 0, 0.5), ("default", 1, 0.6), ("trial_0001", 1, 0.9), ("trial_0001", 2, 0.8)],
        columns=["config_id", "test_seed", "objective"],
    ).assign(state="completed")
    differences = confirmed.seed_differences(values_by_seed(table))
    assert differences["test_seed"].tolist() == [1]
    assert differences["difference"].item() == pytest.approx(0.3)


def test_a_panel_holds_trials_with_a_value_and_an_objective(sweep_folder):
    trials = load_sweep(sweep_folder).trials
    frame = hyperparameters.panel_frame(trials, "lr", "trial_0004")
    assert len(frame) == 31
    assert set(frame["kind"]) == {"completed", "stopped early", "default", "winner"}
    assert hyperparameters.panel_frame(trials, "unknown", None).empty


def test_each_kind_of_trial_has_its_colour_opacity_and_size(sweep_folder):
    svg = vl_convert.vegalite_to_svg(draw(sweep_folder)["hyperparameters"].picture())
    for colour, opacity, size in hyperparameters.KINDS.values():
        marks = re.findall(rf'd="M([0-9.]*),[^>]*fill="{colour}" fill-opacity="([0-9.]*)"', svg)
        assert {(float(radius), float(shown)) for radius, shown in marks} == {
            (round(np.sqrt(size) / 2, 3), opacity)
        }


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1e-5, 1e-2, [1e-5, 1e-4, 1e-3, 1e-2]),
        (0.003, 0.03, [0.005, 0.01, 0.02]),
        (0.1, 2, [0.1, 0.2, 0.5, 1, 2]),
        (3, 4, [3, 4]),
    ],
)
def test_a_logarithmic_axis_is_labelled_with_round_numbers(low, high, ticks):
    assert hyperparameters.log_ticks(low, high) == pytest.approx(ticks)


def test_labels_are_moved_apart_in_their_order():
    assert theme.spread_labels([0.0, 1.0], 0.5) == [0.0, 1.0]
    assert theme.spread_labels([1.0, 1.0], 0.5) == [0.75, 1.25]
    placed = theme.spread_labels([0.1, 0.0, 0.05, 3.0], 1.0)
    assert sorted(range(4), key=placed.__getitem__) == [1, 2, 0, 3]
    assert min(np.diff(sorted(placed))) >= 1.0 - 1e-9
    assert theme.spread_labels([], 1.0) == []


def test_baselines_and_winner_always_have_their_colours():
    colours = theme.colours(["trial_0001", "trial_0002", "default", "adapted", "rllib"], "trial_0002")
    assert colours["trial_0002"] == theme.WINNER
    assert colours["default"] == theme.DEFAULT_COLOUR
    assert len(set(colours.values())) == 5


def draw(folder):
    sweep = load_sweep(folder)
    verdict = verdict_on(sweep)
    weights = importances(sweep.trials, sweep.manifest.space, np.random.default_rng(0), resamples=3)
    return {figure.name: figure for figure in draw_all(sweep, verdict, weights)}


def test_a_finished_sweep_has_all_figures_and_each_can_be_drawn(sweep_folder):
    figures = draw(sweep_folder)
    assert list(figures) == [
        "confirmed_curves",
        "confirmed_scores",
        "paired_differences",
        "search_history",
        "search_curves",
        "hyperparameters",
        "importance",
    ]
    for figure in figures.values():
        svg = vl_convert.vegalite_to_svg(figure.picture())
        assert "NaN" not in svg
        assert "undefined" not in svg
        assert all(json.dumps(spec, allow_nan=False) for spec in figure.page_specs())


def test_the_reward_curves_show_every_seed(sweep_folder):
    svg = vl_convert.vegalite_to_svg(draw(sweep_folder)["confirmed_curves"].picture())
    assert svg.count('stroke-width="0.9"') >= 25


def test_the_titles_state_the_finding(sweep_folder):
    figures = draw(sweep_folder)
    assert "beats the default" in figures["confirmed_curves"].title
    assert figures["search_history"].title.startswith("32 trials: ")


@pytest.mark.parametrize(
    ("low", "finding"), [([0.6, 0.0], "lr for certain"), ([0.3, 0.2], "nothing for certain")]
)
def test_the_importance_names_only_what_surely_decided(sweep_folder, low, finding):
    sweep = load_sweep(sweep_folder)
    weights = pd.DataFrame({"name": ["lr", "clip"], "importance": [0.7, 0.3], "low": low, "high": [0.9, 0.5]})
    *_, figure = draw_all(sweep, verdict_on(sweep), weights)
    assert figure.title.endswith(finding)


def test_figures_without_data_are_left_out(writer, tmp_path):
    assert draw(writer.write_sweep(tmp_path / "empty", trials=0, confirm=False)) == {}
    searched = draw(writer.write_sweep(tmp_path / "searched", trials=6, confirm=False))
    assert list(searched) == ["search_history", "search_curves", "hyperparameters"]

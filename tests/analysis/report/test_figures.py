import json
import re

import numpy as np
import pandas as pd
import pytest
import vl_convert

from analysis.advice.importance import importances
from analysis.report.figures import colours, confirmed, curves, draw_all, history, hyperparameters, theme
from analysis.sweep.loading import load_sweep
from analysis.verdict.comparison import values_by_seed
from analysis.verdict.decision import verdict_on


def runs(rows):
    columns = ["config_id", "trial_id", "test_seed", "state", "steps", "score"]
    return pd.DataFrame(rows, columns=columns).assign(wall_s=lambda frame: frame["steps"] / 10)


def shown(frame):
    return curves.typical_curves(frame)[["steps", "wall_s", "middle", "n"]].to_numpy().tolist()


def test_a_typical_curve_is_the_interquartile_mean_over_seeds_at_each_step():
    scores = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 90.0]
    frame = runs(
        [
            ("a", f"a_seed{seed}", seed, "completed", steps, score * steps)
            for steps in (10, 20)
            for seed, score in enumerate(scores)
        ]
    )
    assert shown(frame) == [[10, 1, 35.0, 8], [20, 2, 70.0, 8]]
    typical = curves.typical_curves(frame)
    assert ((typical["low"] < typical["middle"]) & (typical["middle"] < typical["high"])).all()


def test_fewer_than_five_seeds_have_no_band():
    frame = runs([("a", f"a_seed{seed}", seed, "completed", 10, float(seed)) for seed in range(4)])
    assert curves.typical_curves(frame)[["low", "high"]].isna().all(axis=None)


def test_a_diverged_run_stays_in_the_curve_with_what_it_counts_as():
    frame = runs(
        [
            ("a", "a_seed0", 0, "diverged", 10, 0.5),
            ("a", "a_seed0", 0, "diverged", 13, -1.0),
            ("a", "a_seed1", 1, "completed", 10, 0.5),
            ("a", "a_seed1", 1, "completed", 20, 1.0),
        ]
    )
    assert shown(frame) == [[10, 1, 0.5, 2], [20, 2, 0.0, 2]]


def test_seeds_are_compared_evaluation_by_evaluation_though_their_steps_differ():
    frame = runs(
        [
            ("a", f"a_seed{seed}", seed, "completed", 100 * number + seed, float(number))
            for seed in range(3)
            for number in (1, 2, 3)
        ]
    )
    assert [[at, middle, n] for at, _, middle, n in shown(frame)] == [[101, 1, 3], [201, 2, 3], [301, 3, 3]]


def test_a_failed_run_is_drawn_but_does_not_count():
    frame = runs([("a", "a_seed0", 0, "failed", 10, 0.0), ("a", "a_seed1", 1, "completed", 10, 1.0)])
    assert curves.typical_curves(frame)["middle"].tolist() == [1.0]


def test_a_run_that_recorded_no_time_has_a_curve_over_steps():
    frame = runs([("a", "a_seed0", 0, "completed", 10, 0.5)]).assign(wall_s=np.nan)
    assert curves.typical_curves(frame)[["steps", "middle"]].to_numpy().tolist() == [[10, 0.5]]


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


def test_a_configuration_has_one_colour_in_every_figure(sweep_folder):
    verdict = verdict_on(load_sweep(sweep_folder))
    of = colours.of_configurations(verdict)
    assert list(of) == verdict.table["config_id"].tolist()
    assert (of[verdict.winner], of["default"]) == (colours.WINNER, colours.DEFAULT_COLOUR)
    assert len(set(of.values())) == len(of)
    assert not set(of.values()) & {
        colour for state, (colour, _) in colours.STATES.items() if state != "running"
    }
    scales = [
        layer["encoding"]["color"]["scale"]
        for figure in ("confirmed_curves", "confirmed_scores", "paired_differences")
        for layer in draw(sweep_folder)[figure].page_specs()[0]["layer"]
        if "scale" in layer.get("encoding", {}).get("color", {})
    ]
    assert len(scales) > 8
    assert all(scale["domain"] == [theme.label(config) for config in of] for scale in scales)
    assert all(scale["range"] == list(of.values()) for scale in scales)


@pytest.mark.parametrize("colour", [colours.INK, colours.WINNER, colours.DEFAULT_COLOUR, colours.PAPER])
def test_every_colour_that_a_dark_page_would_hide_has_another_one_there(colour):
    assert colours.dark_style().count(f'[fill="{colour}" i]') == 1
    assert colours.dark_style().count(f'[stroke="{colour}" i]') == 1


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


def lines(svg, width):
    """Opacity of each line of a width."""
    found = re.findall(r"<path [^>]*>", svg)
    widths = [path for path in found if f'stroke-width="{width:g}"' in path]
    return [float((re.search(r'stroke-opacity="([0-9.]+)"', path) or ["", "1"])[1]) for path in widths]


def test_the_reward_curves_show_winner_and_baselines_first_and_every_seed_on_demand(sweep_folder):
    figure = draw(sweep_folder)["confirmed_curves"]
    svg = vl_convert.vegalite_to_svg(figure.picture())
    assert lines(svg, curves.SEED_WIDTH) == [0.0] * 25
    assert len(lines(svg, 3.6)) == 1
    assert len(lines(svg, 2.4)) == 2
    assert lines(svg, 1.3) == [0.5, 0.5]
    asked = figure.picture() | {}
    (toggle,) = (param for param in asked["params"] if param.get("bind"))
    toggle["value"] = True
    assert min(lines(vl_convert.vegalite_to_svg(asked), curves.SEED_WIDTH)) > 0.3


def test_no_band_is_cut_by_the_ends_of_the_axis(sweep_folder):
    spec = draw(sweep_folder)["confirmed_curves"].picture()
    (band,) = (layer for layer in spec["layer"] if layer.get("mark", {}).get("type") == "area")
    low, high = band["encoding"]["y"]["scale"]["domain"]
    rows = spec["datasets"][band["data"]["name"]]
    assert {row["config_id"] for row in rows} >= {"default", "rllib"}
    assert low < min(row["low"] for row in rows)
    assert high > max(row["high"] for row in rows)


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

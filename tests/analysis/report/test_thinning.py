"""A figure takes as much data as its pixels can show, however large the sweep, and keeps the extremes."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.advice import importances
from analysis.report import write_report
from analysis.report.figures import draw_all, thinning
from analysis.report.figures.thinning import FEWEST_POINTS, MOST_POINTS, places, thin_dots, thin_lines
from analysis.sweep import RunName, load_sweep
from analysis.verdict import verdict_on


def lines(number, points, *, seed=0):
    rng = np.random.default_rng(seed)
    rising = np.linspace(0, 1, points) ** 2
    return pd.DataFrame(
        {
            "line": np.repeat([f"line {n}" for n in range(number)], points),
            "x": np.tile(np.arange(points, dtype=float), number),
            "y": np.concatenate([rising + rng.normal(0, 0.1, points) for _ in range(number)]),
        }
    )


def thinned(frame, **kwargs):
    return thin_lines(frame, **{"line": "line", "x": "x", "y": ["y"], "height": 300.0, **kwargs})


def test_few_points_are_all_drawn():
    frame = lines(10, 50)
    pd.testing.assert_frame_equal(thinned(frame), frame)


def test_every_line_keeps_its_ends_and_its_extremes_exactly():
    frame = lines(20, 500)
    fewer = thinned(frame, most=400)
    assert len(fewer) <= 400
    for name, line in frame.groupby("line"):
        kept = fewer[fewer["line"] == name]
        assert (kept["y"].min(), kept["y"].max()) == (line["y"].min(), line["y"].max())
        assert {line["x"].min(), line["x"].max()} <= set(kept["x"])
        assert kept["x"].is_monotonic_increasing


def test_what_is_left_out_of_few_lines_lies_within_half_a_pixel():
    smooth = lines(2, 5000).assign(y=lambda frame: np.sin(frame["x"] / 500))
    fewer = thinned(smooth, most=2000)
    assert len(fewer) < 200
    for name, line in smooth.groupby("line"):
        kept = fewer[fewer["line"] == name]
        gap = np.abs(line["y"] - np.interp(line["x"], kept["x"], kept["y"]))
        assert gap.max() <= 0.5 * 2 / 300 * 1.001


def test_lines_too_many_for_their_points_keep_a_few_each():
    fewer = thinned(lines(100, 30), most=50)
    assert fewer.groupby("line").size().tolist() == [FEWEST_POINTS] * 100


def test_several_heights_keep_the_extremes_of_each():
    frame = lines(1, 1000).assign(low=lambda f: f["y"] - f["x"] % 7, high=lambda f: f["y"] + f["x"] % 5)
    fewer = thinned(frame, y=["y", "low", "high"], most=60)
    for name in ("y", "low", "high"):
        assert (fewer[name].min(), fewer[name].max()) == (frame[name].min(), frame[name].max())


def test_dots_that_others_hide_are_left_out_but_for_the_extremes_and_other_kinds():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.random(20_000), "y": rng.random(20_000), "kind": "usual"})
    frame.loc[777, "kind"] = "rare"
    dots = thin_dots(frame, x=frame["x"], y=frame["y"], kind="kind", width=100, height=50)
    assert 1000 <= len(dots) <= 50 * 25 + 3
    assert (dots["kind"] == "rare").sum() == 1
    assert (dots["y"].min(), dots["y"].max()) == (frame["y"].min(), frame["y"].max())
    few = frame.head(thinning.FEW_DOTS)
    assert thin_dots(few, x=few["x"] * 0, y=few["y"] * 0, kind="kind", width=100, height=50) is few


def test_places_lie_between_the_ends():
    assert places([2.0, 3.0, 4.0], 2.0, 4.0).tolist() == [0.0, 0.5, 1.0]
    assert places([2.0, 2.0], 2.0, 2.0).tolist() == [0.0, 0.0]


def test_a_confirmation_of_more_rows_than_altair_takes_by_itself_is_reported(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", seeds=20, evaluations=51)
    assert len(load_sweep(folder).curves.query("phase == 'confirm'")) == 5 * 20 * 51
    report = write_report(folder)
    assert {path.stem for path in report.figures} >= {"confirmed_curves", "search_curves"}


def enlarged(sweep, trials, evaluations):
    """The sweep as if it had so many trials of so many evaluations."""
    rng = np.random.default_rng(0)
    completed = sweep.trials[sweep.trials["state"] == "completed"]
    names = [str(RunName(f"trial_{number:04d}")) for number in range(trials)]
    many = completed.iloc[rng.integers(len(completed), size=trials)].reset_index(drop=True)
    steps = np.linspace(0, 65536, evaluations + 1)[1:]
    reached = rng.uniform(0, 1, trials)
    many = many.assign(
        trial_id=names, config_id=names, objective=reached, evaluations=evaluations,
        **{"config/lr": 10 ** rng.uniform(-5, -2, trials), "config/clip": rng.uniform(0.1, 0.4, trials)},
    )  # fmt: skip
    curves = pd.DataFrame(
        {
            "phase": "search",
            "trial_id": np.repeat(names, evaluations),
            "state": "completed",
            "steps": np.tile(steps, trials),
            "score": (reached[:, None] * np.linspace(0, 1, evaluations)).ravel()
            + rng.normal(0, 0.05, trials * evaluations),
        }
    )
    confirmed = sweep.curves[sweep.curves["phase"] == "confirm"]
    return replace(sweep, trials=many, curves=pd.concat([curves, confirmed], ignore_index=True))


def test_a_page_of_thousands_of_trials_weighs_little(sweep_folder):
    sweep = enlarged(load_sweep(sweep_folder), 3000, 100)
    rng = np.random.default_rng(0)
    weights = importances(sweep.trials, sweep.manifest.space, rng, resamples=2)
    figures = draw_all(sweep, verdict_on(sweep), weights)
    for figure in figures:
        assert max(len(rows) for rows in figure.picture()["datasets"].values()) <= MOST_POINTS, figure.name
    assert len(json.dumps([figure.page_specs() for figure in figures])) < 6e6


@pytest.mark.parametrize("trials", [300, 1200])
def test_the_best_and_the_worst_evaluation_are_in_the_picture_exactly(sweep_folder, trials):
    sweep = enlarged(load_sweep(sweep_folder), trials, 100)
    weights = pd.DataFrame(columns=["name", "importance", "low", "high"])
    figures = {figure.name: figure for figure in draw_all(sweep, verdict_on(sweep), weights)}
    drawn = [row for rows in figures["search_curves"].picture()["datasets"].values() for row in rows]
    scores = sweep.curves.loc[sweep.curves["phase"] == "search", "score"]
    assert max(row["score"] for row in drawn if "score" in row) == pytest.approx(scores.max(), rel=1e-5)

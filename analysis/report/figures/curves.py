"""Learning curves of the confirmation and of the search."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from analysis import statistics
from analysis.report.figures import theme
from analysis.report.figures.thinning import thin_lines
from analysis.sweep import COUNTED, Phase, Scale, State
from analysis.verdict import Verdict

HEIGHT = 360
SEARCH_HEIGHT = 300
_RUN = ["config_id", "trial_id", "test_seed"]


def confirmed_runs(curves: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Returns the evaluations of the confirmation runs that count: config_id, trial_id, state, steps, score.

    Args:
        curves: All evaluations.
        counted: One row per confirmation run that counts: config_id, test_seed.
    """
    runs = curves.loc[curves["phase"] == Phase.CONFIRM, [*_RUN, "state", "steps", "score"]]
    return runs.merge(counted[["config_id", "test_seed"]]).dropna(subset=["steps", "score"])


def mean_curves(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns the mean over seeds with its interval at each evaluation: config_id, steps, mean, low, high, n.

    Seeds are compared evaluation by evaluation, as lanes whose episodes end at other times overshoot its step
    by other numbers of steps; `steps` are the mean of theirs. A diverged run stays in the mean after its end
    with what it counts as, its last score; else the mean would rise when a run dies.
    """
    rows = []
    for config_id, group in runs[runs["state"].isin(COUNTED)].groupby("config_id", sort=False):
        ordered = group.sort_values("steps")
        ordered = ordered.assign(evaluation=ordered.groupby("trial_id").cumcount())
        score_er, steps_er = (
            ordered.pivot_table(index="evaluation", columns="trial_id", values=name)
            for name in ("score", "steps")
        )
        state_r = ordered.groupby("trial_id")["state"].last()
        diverged = state_r.index[state_r == State.DIVERGED]
        score_er[diverged] = score_er[diverged].ffill()
        going_on = state_r.index.difference(diverged)  # a run does not diverge where others are evaluated
        steps_e = steps_er[going_on if len(going_on) else diverged].mean(axis=1)
        for steps, score_r in zip(steps_e, score_er.to_numpy(dtype=float), strict=True):
            low, high = statistics.mean_interval(score_r)
            n = int(np.isfinite(score_r).sum())
            rows.append((config_id, steps, statistics.mean(score_r), low, high, n))
    return pd.DataFrame(rows, columns=["config_id", "steps", "mean", "low", "high", "n"])


def draw_confirmed(runs: pd.DataFrame, means: pd.DataFrame, verdict: Verdict, scale: Scale) -> theme.Layered:
    """Draws seeds as thin lines, means as thick ones with their interval bands, and references as rules."""
    order = [config for config in verdict.table["config_id"] if config in set(runs["config_id"])]
    colour = alt.Color("label:N", scale=theme.colour_scale(order, verdict.winner), legend=None)
    low, high = _domain(runs["score"], scale)
    # Clipped here and not by the renderer, whose clip paths make the PNG fifteen times slower.
    runs = runs.assign(score=runs["score"].clip(low, high))
    means = means.assign(bottom=means["low"].clip(low, high), top=means["high"].clip(low, high))
    runs = thin_lines(
        runs[["config_id", "trial_id", "steps", "score"]],
        line="trial_id",
        x="steps",
        y=["score"],
        height=HEIGHT,
    )
    means = thin_lines(means, line="config_id", x="steps", y=["mean", "bottom", "top"], height=HEIGHT)
    named = [_winner_last(frame, order) for frame in (runs, means)]
    y = alt.Scale(domain=[low, high], nice=False, zero=False)
    x = steps_axis(runs)
    seeds = alt.Chart(named[0]).mark_line(strokeWidth=0.9, strokeOpacity=0.34).encode(
        x=x, y=alt.Y("score:Q", scale=y, title=scale.axis_title), color=colour, detail="trial_id:N",
    )  # fmt: skip
    band = alt.Chart(named[1].dropna(subset=["low"])).mark_area(fillOpacity=0.11, opacity=1).encode(
        x=x, y=alt.Y("bottom:Q", scale=y), y2="top:Q", color=colour,
    )  # fmt: skip
    mean = alt.Chart(named[1]).mark_line(strokeWidth=2.8, strokeCap="round").encode(
        x=x, y=alt.Y("mean:Q", scale=y), color=colour,
        tooltip=[
            alt.Tooltip("label:N", title="configuration"), alt.Tooltip("steps:Q", format=","),
            alt.Tooltip("mean:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
            alt.Tooltip("high:Q", format=".3f"), alt.Tooltip("n:Q", title="seeds"),
        ],
    )  # fmt: skip
    ends = named[1].sort_values("steps").groupby("config_id", sort=False).tail(1)
    gap = (high - low) * 17 / HEIGHT
    ends = ends.assign(at=theme.spread_labels(ends["mean"].tolist(), gap) if len(ends) else [])
    names = alt.Chart(ends).mark_text(align="left", dx=10, fontSize=12, fontWeight=600).encode(
        x=alt.value("width"), y=alt.Y("at:Q", scale=y), text="label:N", color=colour,
    )  # fmt: skip
    layers = [*references(scale, y, inside=True), band, seeds, mean, names]
    return alt.layer(*layers).properties(width=theme.WIDTH - 120, height=HEIGHT)


def draw_search(curves: pd.DataFrame, trials: pd.DataFrame, scale: Scale) -> theme.Layered:
    """Draws every search trial's curve, coloured by the objective that it ended with."""
    runs = curves[(curves["phase"] == Phase.SEARCH) & curves["score"].notna()]
    runs = runs[["trial_id", "state", "steps", "score"]].merge(
        trials[["trial_id", "objective"]].rename(columns={"objective": "final"}), on="trial_id"
    )
    low, high = _domain(runs["score"], scale)
    runs = runs.assign(score=runs["score"].clip(low, high))
    y = alt.Scale(domain=[low, high], nice=False, zero=False)
    lines = (
        alt.Chart(thin_lines(runs, line="trial_id", x="steps", y=["score"], height=SEARCH_HEIGHT))
        .mark_line(strokeWidth=1.4, strokeOpacity=0.85)
        .encode(
            x=steps_axis(runs),
            y=alt.Y("score:Q", scale=y, title=scale.axis_title),
            detail="trial_id:N",
            order="steps:Q",
            color=alt.Color(
                "final:Q",
                title="Final objective",
                scale=alt.Scale(scheme=alt.SchemeParams(name="viridis", extent=[0.0, 0.9]), reverse=True),
                legend=alt.Legend(type="gradient", gradientLength=200, gradientThickness=9),
            ),
            tooltip=["trial_id:N", "state:N", alt.Tooltip("final:Q", title="objective", format=".3f")],
        )
    )
    ends = (
        runs[runs["state"].isin([State.PRUNED, State.DIVERGED])]
        .sort_values("steps")
        .groupby("trial_id")
        .tail(1)
    )
    stops = (
        alt.Chart(ends)
        .mark_point(shape="circle", size=18, filled=True, opacity=0.9)
        .encode(x="steps:Q", y=alt.Y("score:Q", scale=y), color="final:Q")
    )
    return alt.layer(*references(scale, y), lines, stops).properties(
        width=theme.WIDTH - 90, height=SEARCH_HEIGHT
    )


def references(scale: Scale, y: alt.Scale, *, inside: bool = False) -> list[theme.Layered]:
    """Draws labelled rules at 0 and 1, with their meaning; nothing where an environment states no references.

    Args:
        scale: The environment's scale.
        y: The y scale that the chart's layers share.
        inside: Write the labels inside the plot, because the space to its right is taken.
    """
    if not scale.has_references:
        return []
    layers = []
    for at, name in (
        (1.0, "optimum"),
        (0.0, f"floor: {scale.floor_policy}" if scale.floor_policy else "floor"),
    ):
        base = alt.Chart(pd.DataFrame({"at": [at], "name": [name]})).encode(y=alt.Y("at:Q", scale=y))
        rule = base.mark_rule(color=theme.INK, strokeDash=[2, 3], strokeWidth=1, strokeOpacity=0.75)
        text = base.encode(text="name:N")
        style: dict[str, Any] = {"fontSize": 11, "color": theme.MUTED}
        if not inside:
            written = text.mark_text(align="left", dx=8, **style).encode(x=alt.value("width"))
        elif at == 1.0:
            written = text.mark_text(align="left", dx=6, dy=-8, **style).encode(x=alt.value(0))
        else:
            written = text.mark_text(align="right", dx=-4, dy=13, **style).encode(x=alt.value("width"))
        layers.append(alt.layer(rule, written))
    return layers


def _winner_last(frame: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """Labels the configurations and sorts the best one to the end, so that it is drawn on top."""
    rank = {config: place for place, config in enumerate(reversed(order))}
    frame = frame[frame["config_id"].isin(order)]
    frame = frame.assign(label=frame["config_id"].map(theme.label), rank=frame["config_id"].map(rank))
    return frame.sort_values(["rank", "steps"], kind="stable").drop(columns="rank")


def steps_axis(runs: pd.DataFrame) -> alt.X:
    """Returns the axis of environment steps, from 0 to the last of the runs."""
    last = float(runs["steps"].max()) if len(runs) else 1.0
    axis = alt.Axis(
        grid=False,
        tickCount=6,
        labelExpr="datum.value == 0 ? '0' : format(datum.value, '~s')",
        labelFlush=False,
    )
    return alt.X(
        "steps:Q", title="Environment steps", scale=alt.Scale(domain=[0, last], nice=False), axis=axis
    )


def _domain(scores: "pd.Series[Any]", scale: Scale) -> tuple[float, float]:
    """Returns a range that shows all seeds and the references, with some air."""
    values = [*scores.dropna().tolist(), *([0.0, 1.0] if scale.has_references else [])] or [0.0, 1.0]
    low, high = float(np.quantile(values, 0.005)), max(values)
    air = 0.06 * ((high - low) or 1.0)
    return (min(low, -air) if scale.has_references else low) - 0.5 * air, high + air

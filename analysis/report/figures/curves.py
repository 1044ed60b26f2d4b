"""Learning curves of the confirmation and of the search."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from analysis import statistics
from analysis.report.figures import colours, theme
from analysis.report.figures.thinning import thin_lines
from analysis.sweep import BASELINES, COUNTED, Phase, Scale, State
from analysis.verdict import Verdict

HEIGHT = 360
SEARCH_HEIGHT = 300
SEED_WIDTH = 0.9
"""Width of one seed's line, in px; nothing else has it."""
AXES = ("steps", "wall_s")
"""What a curve can be drawn over."""
_RUN = ["config_id", "trial_id", "test_seed"]


def confirmed_runs(curves: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Returns the evaluations of the confirmation runs that count, a row each.

    Columns: config_id, trial_id, test_seed, state, steps, wall_s, score.

    Args:
        curves: All evaluations.
        counted: One row per confirmation run that counts: config_id, test_seed.
    """
    runs = curves.loc[curves["phase"] == Phase.CONFIRM, [*_RUN, "state", *AXES, "score"]]
    return runs.merge(counted[["config_id", "test_seed"]]).dropna(subset=["steps", "score"])


def typical_curves(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns the interquartile mean over seeds with its interval at each evaluation.

    Seeds are compared evaluation by evaluation, as lanes whose episodes end at other times overshoot its step
    by other numbers of steps; `steps` are the mean of theirs, and so is `wall_s`. A diverged run stays in
    with what it counts as after its end, its last score; else the curve would rise when a run dies.

    Returns:
        Columns config_id, steps, wall_s, middle, low, high, n.
    """
    rows = []
    for config_id, group in runs[runs["state"].isin(COUNTED)].groupby("config_id", sort=False):
        ordered = group.sort_values("steps")
        ordered = ordered.assign(evaluation=ordered.groupby("trial_id").cumcount())
        score_er, *axes_er = (
            ordered.pivot_table(index="evaluation", columns="trial_id", values=name, dropna=False)
            for name in ("score", *AXES)
        )
        state_r = ordered.groupby("trial_id")["state"].last()
        diverged = state_r.index[state_r == State.DIVERGED]
        score_er[diverged] = score_er[diverged].ffill()
        going_on = state_r.index.difference(diverged)  # a run does not diverge where others are evaluated
        at_e = zip(
            *(axis_er[going_on if len(going_on) else diverged].mean(axis=1) for axis_er in axes_er),
            strict=True,
        )
        for at, score_r in zip(at_e, score_er.to_numpy(dtype=float), strict=True):
            score_r = statistics.finite(score_r)
            middle = float(statistics.interquartile_mean(score_r))
            rows.append((config_id, *at, middle, *statistics.interquartile_interval(score_r), score_r.size))
    return pd.DataFrame(rows, columns=["config_id", *AXES, "middle", "low", "high", "n"])


def draw_confirmed(
    runs: pd.DataFrame, typical: pd.DataFrame, verdict: Verdict, scale: Scale
) -> theme.Layered:
    """Draws winner and baselines with their bands, the other contenders faintly, and seeds on demand."""
    order = [config for config in verdict.table["config_id"] if config in set(runs["config_id"])]
    asked = [config for config in order if config in {verdict.winner, *BASELINES}]
    colour = alt.Color("label:N", scale=theme.colour_scale(verdict), legend=None)
    shown = typical.assign(asked=typical["config_id"].isin(asked))
    low, high = _domain(shown, scale)
    # Clipped here and not by the renderer, whose clip paths make the PNG fifteen times slower.
    seeds = runs[[*_RUN, "steps", "score"]].assign(score=runs["score"].clip(low, high))
    seeds = thin_lines(seeds, line="trial_id", x="steps", y=["score"], height=HEIGHT)
    shown = thin_lines(shown, line="config_id", x="steps", y=["middle", "low", "high"], height=HEIGHT)
    seeds, shown = (_winner_last(frame, order) for frame in (seeds, shown))
    y = alt.Scale(domain=[low, high], nice=False, zero=False)
    x = steps_axis(runs)
    tooltip = [
        alt.Tooltip("label:N", title="configuration"), alt.Tooltip("steps:Q", format=","),
        *(alt.Tooltip(f"{name}:Q", format=".3f", title=title) for name, title in (
            ("middle", "interquartile mean"), ("low", "low"), ("high", "high"))),
        alt.Tooltip("n:Q", title="seeds"),
    ]  # fmt: skip
    lines = {
        "other": (shown[~shown["asked"]], 1.3, 0.5),
        "baseline": (shown[shown["asked"] & (shown["config_id"] != verdict.winner)], 2.4, 1.0),
        "winner": (shown[shown["config_id"] == verdict.winner], 3.6, 1.0),
    }
    banded = shown[shown["asked"]].dropna(subset=["low"])
    band = alt.Chart(banded).mark_area(fillOpacity=0.16, opacity=1).encode(
        x=x, y=alt.Y("low:Q", scale=y, title=scale.axis_title), y2="high:Q", color=colour,
    )  # fmt: skip
    every_seed = alt.param(name="seeds", value=False, bind=alt.binding_checkbox(name="Every seed"))
    thin = alt.Chart(seeds).mark_line(
        strokeWidth=SEED_WIDTH, strokeOpacity=alt.expr("seeds ? 0.45 : 0")
    ).encode(x=x, y=alt.Y("score:Q", scale=y), color=colour, detail="trial_id:N")  # fmt: skip
    middle = [
        alt.Chart(frame).mark_line(strokeWidth=width, strokeOpacity=opacity, strokeCap="round").encode(
            x=x, y=alt.Y("middle:Q", scale=y), color=colour, tooltip=tooltip)
        for frame, width, opacity in lines.values()
        if not frame.empty
    ]  # fmt: skip
    names = end_labels(shown, y, [low, high], colour)
    layers = [*references(scale, y, inside=True), band, thin, *middle, *names]
    return alt.layer(*layers).add_params(every_seed).properties(width=theme.WIDTH - 120, height=HEIGHT)


def end_labels(
    shown: pd.DataFrame, y: alt.Scale, domain: Sequence[float], colour: alt.Color, *, last: str = "steps"
) -> list[theme.Layered]:
    """Draws the name of each line right of its end, moved apart where they would overlap.

    Args:
        shown: Points of lines: config_id, label, asked, middle and the horizontal axis.
        y: The y scale that the chart's layers share.
        domain: Its ends.
        colour: The labels' colours.
        last: Column of the horizontal axis.
    """
    ends = shown.sort_values(last).groupby("config_id", sort=False).tail(1)
    gap = (domain[1] - domain[0]) * 17 / HEIGHT
    ends = ends.assign(at=theme.spread_labels(ends["middle"].tolist(), gap) if len(ends) else [])
    return [
        alt.Chart(ends[ends["asked"] == asked]).mark_text(
            align="left", dx=10, fontSize=12,
            fontWeight=600 if asked else "normal", opacity=1 if asked else 0.75,
        ).encode(x=alt.value("width"), y=alt.Y("at:Q", scale=y), text="label:N", color=colour)
        for asked in (False, True)
        if (ends["asked"] == asked).any()
    ]  # fmt: skip


def draw_search(curves: pd.DataFrame, trials: pd.DataFrame, scale: Scale) -> theme.Layered:
    """Draws every search trial's curve, coloured by the objective that it ended with."""
    runs = curves[(curves["phase"] == Phase.SEARCH) & curves["score"].notna()]
    runs = runs[["trial_id", "state", "steps", "score"]].merge(
        trials[["trial_id", "objective"]].rename(columns={"objective": "final"}), on="trial_id"
    )
    known = [*runs["score"], *([0.0, 1.0] if scale.has_references else [])]
    low, high = with_air(np.r_[np.quantile(known, 0.005), max(known)], scale)
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
                scale=alt.Scale(range=list(colours.RAMP)),
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
        rule = base.mark_rule(color=colours.INK, strokeDash=[2, 3], strokeWidth=1, strokeOpacity=0.75)
        text = base.encode(text="name:N")
        style: dict[str, Any] = {"fontSize": 11, "color": colours.MUTED}
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


def steps_axis(runs: pd.DataFrame, column: str = "steps", title: str = "Environment steps") -> alt.X:
    """Returns the axis of environment steps, or of another cost, from 0 to the last of the runs."""
    last = float(runs[column].max()) if len(runs) else 1.0
    axis = alt.Axis(
        grid=False,
        tickCount=6,
        labelExpr="datum.value < 1 ? format(datum.value, '~g') : format(datum.value, '~s')",
        labelFlush=False,
    )
    return alt.X(f"{column}:Q", title=title, scale=alt.Scale(domain=[0, last], nice=False), axis=axis)


def _domain(shown: pd.DataFrame, scale: Scale) -> tuple[float, float]:
    """Returns a range that shows all lines, all bands that are drawn and the references, with some air."""
    values = [
        *shown["middle"].dropna(),
        *shown.loc[shown["asked"], ["low", "high"]].to_numpy(dtype=float).ravel(),
        *([0.0, 1.0] if scale.has_references else []),
    ]
    known = statistics.finite(values)
    return with_air(known, scale)


def with_air(values: Any, scale: Scale) -> tuple[float, float]:
    """Returns a range that shows values, with some air and room for the references' labels."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    air = 0.06 * ((high - low) or 1.0)
    return (min(low, -air) if scale.has_references else low) - 0.5 * air, high + air

"""Figures of sweeps of one experiment: differences, learning curves, and search efficiency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from analysis.comparison.contestants import ROLES, TUNED
from analysis.comparison.efficiency import cores
from analysis.comparison.rows import HEIGHT, Across, dots, numbers, rows, rule
from analysis.comparison.versions import SweepsCompared
from analysis.report.figures import Figure, colours, curves, theme
from analysis.sweep import Scale

AXES: Final = {
    "steps": ("steps", "Environment steps"),
    "wall_s": ("seconds", "Seconds of training"),
    "core_s": ("core_seconds", "Core-seconds of training"),
}
"""Column that curves are drawn over -> end of the figure's name, and title of its axis."""
MARKS: Final = ("circle", "square", "triangle-up", "diamond")
"""Shapes of the roles, in their order."""


def draw_sweeps(compared: SweepsCompared) -> Iterator[Figure]:
    """Draws what the comparison has data for, in the order of the page."""
    yield Figure(
        name="winners",
        title=f"Winners of {len(compared.contestants)} sweeps, and what they had to beat",
        reading="Dots: mean over test seeds of the winner with its 95 % interval, which allows for its "
        "having been picked. Hollow: the baselines of the same sweep.",
        panels=(_draw_means(compared),),
    )
    pairs = compared.pairs[compared.pairs["role"] == TUNED]
    yield Figure(
        name="differences",
        title="Differences between winners" + ("" if pairs["claimed"].any() else ": none excludes zero"),
        reading="Each winner minus another one, with 95 % intervals, blue where one excludes zero."
        + (f" They hold together for all {len(pairs)} pairs." if len(pairs) > 1 else ""),
        panels=(_draw_pairs(pairs, compared.scale),),
    )
    differing = len({cores(side) for side in compared.contestants}) > 1
    for axis, (name, title) in AXES.items():
        known = compared.curves[axis].notna().any()
        if known and (axis != "core_s" or differing):
            yield Figure(
                name=f"curves_over_{name}",
                title=f"Learning curves over {title.lower()}",
                reading="Winners, and dashed the default of each sweep: interquartile mean over test seeds, "
                "with its 95 % interval around the winners.",
                panels=(_draw_curves(compared, axis),),
            )
    if compared.incumbents["search_score"].notna().any():
        yield Figure(
            name="efficiency",
            title="What the searches had found with what they had spent",
            reading="Lines: search score of the best completed trial so far, one seed each and optimistic. "
            "Dots: mean on test seeds of those that were confirmed.",
            panels=(_draw_incumbents(compared),),
        )


def colour_of(compared: SweepsCompared) -> alt.Color:
    """Returns the colour of each sweep, the same in every figure."""
    labels = [side.label for side in compared.contestants]
    hues = [colours.OF_SWEEPS[index % len(colours.OF_SWEEPS)] for index in range(len(labels))]
    return alt.Color("sweep:N", scale=alt.Scale(domain=labels, range=hues), legend=None)


def _draw_means(compared: SweepsCompared) -> theme.Layered:
    table = compared.table.assign(configuration=compared.table["config_id"].map(theme.label))
    y, colour = rows("sweep", [side.label for side in compared.contestants]), colour_of(compared)
    x = Across("mean", compared.scale.axis_title)
    tip = ["sweep:N", "configuration:N", *numbers("mean", "low", "high"), alt.Tooltip("n:Q", title="seeds")]
    layers: list[Any] = []
    roles = [role for role in ROLES if (table["role"] == role).any()]
    for place, role in enumerate(roles):
        tuned = role == TUNED
        base = alt.Chart(table[table["role"] == role]).encode(y=y, color=colour)
        hollow = {} if tuned else {"filled": False, "fill": colours.PAPER, "strokeWidth": 1.6}
        offset, size = 10 * (place - (len(roles) - 1) / 2), 105 if tuned else 48
        shape = MARKS[place % len(MARKS)]
        layers += dots(base, x, tip, offset=offset, size=size, shape=shape, **hollow)
    return alt.layer(*layers).properties(
        width=theme.WIDTH - 130, height=(HEIGHT + 14) * len(compared.contestants)
    )


def _draw_pairs(pairs: pd.DataFrame, scale: Scale) -> theme.Layered:
    named = pairs.assign(pair=pairs["sweep"] + " − " + pairs["other"])
    colour = alt.condition("datum.claimed", alt.value(colours.WINNER), alt.value(colours.RLLIB_COLOUR))
    base = alt.Chart(named).encode(y=rows("pair", named["pair"]), color=colour)
    tip = ["pair:N", "test:N", *numbers("difference", "low", "high", form="+.3f")]
    layers = [rule(0.0), *dots(base, Across("difference", f"Difference in {scale.noun}"), tip)]
    return alt.layer(*layers).properties(width=theme.WIDTH - 220, height=HEIGHT * len(named))


def _draw_curves(compared: SweepsCompared, axis: str) -> theme.Layered:
    scale = compared.scale
    shown = compared.curves.dropna(subset=[axis]).sort_values(axis)
    shown = shown.assign(
        config_id=shown["sweep"] + " " + shown["role"], label=shown["sweep"], asked=shown["role"] == TUNED
    )
    tuned, default = shown[shown["asked"]], shown[~shown["asked"]]
    ends = [shown["middle"], tuned["low"], tuned["high"], [0.0, 1.0] if scale.has_references else []]
    known = np.concatenate([np.asarray(each, dtype=float) for each in ends])
    domain = curves.with_air(known[np.isfinite(known)], scale)
    y, colour = alt.Scale(domain=list(domain), nice=False, zero=False), colour_of(compared)
    x = curves.steps_axis(shown, axis, AXES[axis][1])
    tooltip: list[Any] = [
        "sweep:N", "role:N", alt.Tooltip(f"{axis}:Q", format=",.0f"), *numbers("middle", "low", "high"),
    ]  # fmt: skip
    layers: list[Any] = [
        *curves.references(scale, y, inside=True),
        alt.Chart(tuned.dropna(subset=["low"])).mark_area(fillOpacity=0.14, opacity=1).encode(
            x=x, y=alt.Y("low:Q", scale=y, title=scale.axis_title), y2="high:Q", color=colour),
        alt.Chart(default).mark_line(strokeWidth=1.6, strokeDash=[5, 4]).encode(
            x=x, y=alt.Y("middle:Q", scale=y), color=colour, detail="config_id:N", tooltip=tooltip),
        alt.Chart(tuned).mark_line(strokeWidth=3.2, strokeCap="round").encode(
            x=x, y=alt.Y("middle:Q", scale=y), color=colour, tooltip=tooltip),
        *curves.end_labels(tuned, y, domain, colour, last=axis),
    ]  # fmt: skip
    return alt.layer(*layers).properties(width=theme.WIDTH - 120, height=curves.HEIGHT)


def _draw_incumbents(compared: SweepsCompared) -> theme.Layered:
    scale, frame = compared.scale, compared.incumbents.dropna(subset=["search_score"])
    known = np.concatenate([frame["search_score"], frame["confirmed_score"].dropna()])
    domain = curves.with_air(known, Scale())
    y, colour = alt.Scale(domain=list(domain), nice=False, zero=False), colour_of(compared)
    last = compared.incumbents.groupby("sweep", sort=False)["steps"].max()
    x = curves.steps_axis(frame, "steps", "Environment steps of all trials so far")
    confirmed = frame.dropna(subset=["confirmed_score"]).drop_duplicates(["sweep", "incumbent"])
    ends = frame.groupby("sweep", sort=False).tail(1)
    ends = ends.assign(
        config_id=ends["sweep"], label=ends["sweep"], asked=True, middle=ends["search_score"],
        steps=ends["sweep"].map(last),
    )  # fmt: skip
    tooltip = [
        "sweep:N",
        "incumbent:N",
        alt.Tooltip("steps:Q", format=",.0f"),
        *numbers("search_score", "confirmed_score"),
    ]
    layers: list[Any] = [
        alt.Chart(frame).mark_line(interpolate="step-after", strokeWidth=2.4).encode(
            x=x, y=alt.Y("search_score:Q", scale=y, title=scale.axis_title), color=colour, tooltip=tooltip),
        alt.Chart(confirmed).mark_point(size=80, filled=True, opacity=1).encode(
            x=x, y=alt.Y("confirmed_score:Q", scale=y), color=colour, tooltip=tooltip),
        *curves.end_labels(ends, y, domain, colour),
    ]  # fmt: skip
    return alt.layer(*layers).properties(width=theme.WIDTH - 120, height=300)

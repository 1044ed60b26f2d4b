"""Figures of several experiments: scores, aggregates, performance profiles, probability of improvement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import altair as alt
import pandas as pd

from analysis.comparison.contestants import ROLES, TUNED
from analysis.comparison.experiments import ExperimentsCompared
from analysis.comparison.rows import HEIGHT, Across, dots, numbers, rows, rule
from analysis.report.figures import Figure, colours, theme

COLOURS: Final = {TUNED: colours.WINNER} | colours.BASELINE_COLOURS
MEAN: Final = "mean of all"
SCORE: Final = "Score (0 = floor policy, 1 = optimum)"


def draw_experiments(compared: ExperimentsCompared) -> Iterator[Figure]:
    """Draws the figures in the order of the page."""
    yield Figure(
        name="scores",
        title="Scores in each experiment",
        reading="Mean over test seeds with its 95 % interval; a winner's allows for its having been picked.",
        panels=(_draw_scores(compared),),
    )
    yield Figure(
        name="gains",
        title="Gain of the winner over the default in each experiment",
        reading="The intervals hold together for all experiments with 95 %; blue where the gain is certain. "
        "The mean gain's lower end allows for the picking of winners.",
        panels=(_draw_gains(compared),),
    )
    yield Figure(
        name="aggregates",
        title="Aggregates over all experiments",
        reading="Each experiment counts the same. Lines: 95 % stratified bootstrap intervals, which do not "
        "know that winners were picked. Of an optimality gap less is better.",
        panels=tuple(
            _draw_aggregate(own, str(name))
            for name, own in compared.aggregates.groupby("aggregate", sort=False)
        ),
    )
    yield Figure(
        name="performance_profile",
        title="Performance profile: how many runs reach which score",
        reading="Share of runs above each score, averaged over experiments, with 95 % stratified bootstrap "
        "intervals at each score. Higher is better.",
        panels=(_draw_profiles(compared.profiles),),
    )
    if not compared.improvement.empty:
        yield Figure(
            name="probability_of_improvement",
            title="Probability that a run of the winner beats one of a baseline",
            reading="Averaged over experiments, ties count half, with 95 % stratified bootstrap intervals; a "
            "half is a draw.",
            panels=(_draw_improvement(compared.improvement),),
        )


def _labelled(frame: pd.DataFrame, role: str = "role") -> pd.DataFrame:
    return frame.assign(label=frame[role].map(theme.label))


def _colour(roles: Iterable[str], *, legend: bool = False) -> alt.Color:
    known = [role for role in ROLES if role in set(roles)]
    scale = alt.Scale(domain=[theme.label(role) for role in known], range=[COLOURS[role] for role in known])
    return alt.Color("label:N", scale=scale, legend=alt.Legend(title=None) if legend else None)


def _draw_scores(compared: ExperimentsCompared) -> theme.Layered:
    table = _labelled(compared.table[compared.table["role"].isin(ROLES)])
    roles = [role for role in ROLES if (table["role"] == role).any()]
    y, colour = rows("experiment", compared.gains["experiment"]), _colour(roles, legend=True)
    x = Across("mean", SCORE, alt.Scale(zero=True, nice=True))
    tip = ["experiment:N", "config_id:N", *numbers("mean", "low", "high"), alt.Tooltip("n:Q", title="seeds")]
    layers: list[Any] = [rule(0.0, 1.0, strokeDash=[2, 3], strokeOpacity=0.75)]
    for place, role in enumerate(roles):
        base = alt.Chart(table[table["role"] == role]).encode(y=y, color=colour)
        layers += dots(base, x, tip, offset=10 * (place - (len(roles) - 1) / 2))
    height = (HEIGHT + 18) * len(compared.gains)
    return alt.layer(*layers).properties(width=theme.WIDTH - 130, height=height)


def _draw_gains(compared: ExperimentsCompared) -> theme.Layered:
    mean = {
        "experiment": MEAN, "difference": compared.gain, "low": compared.interval.low,
        "high": compared.interval.high, "pays": compared.pays,
    }  # fmt: skip
    each = pd.concat([compared.gains, pd.DataFrame([mean])], ignore_index=True)
    colour = alt.condition("datum.pays", alt.value(colours.WINNER), alt.value(colours.RLLIB_COLOUR))
    x = Across("difference", "Difference in score from the default")
    tip = ["experiment:N", *numbers("difference", "low", "high", form="+.3f")]
    layers = [rule(0.0, colour=colours.DEFAULT_COLOUR)]
    for own, shape, size in ((each[:-1], "circle", 105), (each[-1:], "diamond", 190)):
        base = alt.Chart(own).encode(y=rows("experiment", each["experiment"]), color=colour)
        layers += dots(base, x, tip, shape=shape, size=size)
    return alt.layer(*layers).properties(width=theme.WIDTH - 130, height=HEIGHT * len(each))


def _draw_aggregate(own: pd.DataFrame, name: str) -> theme.Layered:
    own = _labelled(own)
    base = alt.Chart(own).encode(y=rows("label", own["label"]), color=_colour(own["role"]))
    x = Across("value", name.capitalize(), ticks=3)
    layers = dots(base, x, ["label:N", *numbers("value", "low", "high")])
    return alt.layer(*layers).properties(width=theme.PANEL_WIDTH - 60, height=HEIGHT * len(own))


def _draw_profiles(profiles: pd.DataFrame) -> theme.Layered:
    shown = _labelled(profiles)
    ends = [shown["score"].min(), shown["score"].max()]
    axis = alt.Axis(grid=False, labelFlush=False, tickCount=7)
    x = alt.X("score:Q", title=SCORE, axis=axis, scale=alt.Scale(domain=ends, nice=False))
    base = alt.Chart(shown).encode(x=x, color=_colour(shown["role"], legend=True))
    y = alt.Scale(domain=[0, 1])
    band = alt.Y("low:Q", scale=y, title="Share of runs above", axis=alt.Axis(format="%", tickCount=5))
    tip = ["label:N", *numbers("score", form=".2f"), *numbers("share", "low", "high", form=".0%")]
    return alt.layer(
        base.mark_area(fillOpacity=0.14, opacity=1).encode(y=band, y2="high:Q"),
        base.mark_line(strokeWidth=2.8).encode(y=alt.Y("share:Q", scale=y), tooltip=tip),
    ).properties(width=theme.WIDTH - 90, height=300)


def _draw_improvement(improvement: pd.DataFrame) -> theme.Layered:
    own = _labelled(improvement, "over")
    base = alt.Chart(own).encode(y=rows("label", own["label"]), color=_colour(own["over"]))
    x = Across("probability", "Probability that the winner is better", alt.Scale(domain=[0, 1]), form="%")
    layers = [rule(0.5), *dots(base, x, ["label:N", *numbers("probability", "low", "high", form=".0%")])]
    return alt.layer(*layers).properties(width=theme.WIDTH - 160, height=HEIGHT * len(own))

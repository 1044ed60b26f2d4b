"""Figures of the search space: objective against each hyperparameter, and their importance."""

from math import ceil, floor, log10
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from analysis.report.figures import colours, theme
from analysis.report.figures.thinning import FloatArray, places, thin_dots
from analysis.sweep import CONFIG_PREFIX, FIRST_TRIAL, ChoiceDomain, Domain, Scale, State

PANEL_HEIGHT: Final = 150
KINDS: Final[dict[str, tuple[str, float, int]]] = {
    "stopped early": ("#9aa5b1", 0.5, 30),
    "completed": ("#56a5d8", 0.85, 46),
    "default": (colours.DEFAULT_COLOUR, 1.0, 95),
    "winner": (colours.WINNER, 1.0, 130),
}
"""End of a trial -> colour, opacity and size of its mark."""
SHORT_NUMBER: Final = """
datum.value != 0 && abs(datum.value) < 0.001 ? format(datum.value, '.0e') : format(datum.value, '~g')
"""
"""An axis label: 1e-5 instead of 0.00001, but 0.01 and 10 as one writes them."""


def panel_frame(trials: pd.DataFrame, name: str, winner: str | None) -> pd.DataFrame:
    """Returns the trials that have a value of `name` and an objective: trial_id, value, objective, kind."""
    column = f"{CONFIG_PREFIX}{name}"
    if column not in trials:
        return pd.DataFrame(columns=["trial_id", "value", "objective", "kind"])
    frame = trials[["trial_id", "state", column, "objective"]].rename(columns={column: "value"})
    frame = frame.dropna(subset=["value", "objective"])
    kind = frame["state"].map({State.COMPLETED: "completed"}).fillna("stopped early")
    kind = kind.mask(frame["trial_id"] == FIRST_TRIAL, "default").mask(frame["trial_id"] == winner, "winner")
    return frame.assign(kind=kind).drop(columns="state")


def draw_panel(frame: pd.DataFrame, name: str, domain: Domain, scale: Scale) -> Any:
    """Draws the objective against one hyperparameter, on the scale it was searched on."""
    if not isinstance(domain, ChoiceDomain):
        bounds = (domain.attributes.low, domain.attributes.high)
        log = domain.attributes.log
        kind: dict[str, Any] = {"type": "log"} if log else {"type": "linear", "zero": False}
        x_scale = alt.Scale(domain=list(bounds), nice=False, **kind)
        ticks: dict[str, Any] = {"values": log_ticks(*bounds)} if log else {"tickCount": 4}
        axis = alt.Axis(grid=False, labelExpr=SHORT_NUMBER, labelOverlap=True, **ticks)
        x: alt.X = alt.X("value:Q", scale=x_scale, title=name, axis=axis)
    else:
        frame = frame.assign(value=frame["value"].astype(str))
        choices = [str(choice) for choice in domain.attributes.choices]
        axis = alt.Axis(
            grid=False, labelAngle=-30 if max(map(len, choices), default=0) > 5 else 0, labelLimit=110
        )
        x = alt.X("value:N", scale=alt.Scale(domain=choices), title=name, axis=axis)
    objective = frame["objective"].to_numpy(dtype=float)
    dots = thin_dots(
        frame, x=_across(frame["value"], domain), y=places(objective, objective.min(), objective.max()),
        kind="kind", width=theme.PANEL_WIDTH, height=PANEL_HEIGHT,
    )  # fmt: skip
    # Those that one looks for come last, and so lie on top.
    dots = dots.sort_values("kind", key=lambda kinds: kinds.map([*KINDS].index), kind="stable")
    colour, opacity, size = (
        alt.Scale(type="ordinal", domain=list(KINDS), range=[style[i] for style in KINDS.values()])
        for i in range(3)
    )
    return (
        alt.Chart(dots)
        .mark_point(filled=True, opacity=1)
        .encode(
            x=x,
            y=alt.Y(
                "objective:Q",
                title=scale.noun.capitalize(),
                scale=alt.Scale(zero=False),
                axis=alt.Axis(tickCount=4),
            ),
            color=alt.Color("kind:N", scale=colour, legend=None),
            fillOpacity=alt.FillOpacity("kind:O", scale=opacity, legend=None),
            size=alt.Size("kind:O", scale=size, legend=None),
            tooltip=["trial_id:N", "value", alt.Tooltip("objective:Q", format=".3f"), "kind:N"],
        )
        .properties(width=theme.PANEL_WIDTH, height=PANEL_HEIGHT)
    )


def _across(values: "pd.Series[Any]", domain: Domain) -> FloatArray:
    """Returns where values lie across a panel, 0 to 1; elsewhere, or NaN, if they are not of the domain."""
    if isinstance(domain, ChoiceDomain):
        order = {str(choice): place for place, choice in enumerate(domain.attributes.choices)}
        return places(values.map(order), 0, len(order))
    ends = [domain.attributes.low, domain.attributes.high]
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if not domain.attributes.log:
        return places(numbers, *ends)
    with np.errstate(divide="ignore", invalid="ignore"):
        return places(np.log10(numbers), *np.log10(ends))


def log_ticks(low: float, high: float) -> list[float]:
    """Returns the powers of ten from low to high; where these are few, more round numbers, or the ends."""
    powers = [10.0**exponent for exponent in range(floor(log10(low)), ceil(log10(high)) + 1)]
    whole = [power for power in powers if low <= power <= high]
    if len(whole) > 2:
        return whole
    finer = [tick for power in powers for tick in (power, 2 * power, 5 * power) if low <= tick <= high]
    return finer if len(finer) > 1 else [low, high]


def draw_importance(frame: pd.DataFrame) -> theme.Layered:
    """Draws the importance of each hyperparameter with its interval, most important first."""
    y = alt.Y(
        "name:N",
        sort=frame["name"].tolist(),
        title=None,
        axis=alt.Axis(domain=False, ticks=False, grid=False),
    )
    x = alt.X("importance:Q", title="Share of importance (PED-ANOVA)", axis=alt.Axis(format="%", tickCount=6))
    base = alt.Chart(frame)
    tooltip = ["name:N", *(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("importance", "low", "high"))]
    bars = base.mark_bar(color=colours.WINNER, fillOpacity=0.25, height={"band": 0.62}).encode(
        x=x, y=y, tooltip=tooltip
    )
    rules = base.mark_rule(color=colours.WINNER, strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y)
    points = base.mark_point(color=colours.WINNER, filled=True, size=60, opacity=1).encode(
        x=x, y=y, tooltip=tooltip
    )
    return alt.layer(bars, rules, points).properties(width=theme.WIDTH - 130, height=26 * max(len(frame), 1))

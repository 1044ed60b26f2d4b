"""Figure of a population: members as lines over steps, copies as arrows, one lineage on top."""

from typing import Any

import altair as alt
import pandas as pd

from analysis.report.figures import colours, curves, theme
from analysis.sweep import FIRST_TRIAL, Scale


def draw(
    parts: pd.DataFrame, copies: pd.DataFrame, line: pd.DataFrame, member: str, scale: Scale
) -> theme.Layered:
    """Draws every part of every member's training, every copy, and one lineage.

    Args:
        parts: As `analysis.sweep.lineage.parts` gives them.
        copies: As `analysis.sweep.lineage.copies` gives them.
        line: The shown member's evaluations along its donors.
        member: Its name.
        scale: The environment's scale.
    """
    known = [*parts["objective"].dropna(), *([0.0, 1.0] if scale.has_references else [])] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = 0.08 * ((high - low) or 1.0)
    y = alt.Scale(domain=[low - air, high + air], nice=False, zero=False)
    x = curves.steps_axis(parts)
    height = alt.Y("objective:Q", scale=y, title=f"Objective: {scale.axis_title}")
    donor_height = alt.Y("donor_objective:Q", scale=y)
    others, default = parts[parts["member"] != FIRST_TRIAL], parts[parts["member"] == FIRST_TRIAL]
    tip: list[Any] = [
        "member:N",
        alt.Tooltip("steps:Q", format=","),
        alt.Tooltip("objective:Q", format=".3f"),
    ]
    copy_tip: list[Any] = ["member:N", "donor:N", alt.Tooltip("steps:Q", format=",")]
    base = alt.Chart(copies)
    layers = [
        _line(others, colours.RLLIB_COLOUR, 1.2).encode(x=x, y=height, detail="part:N", tooltip=tip),
        _line(default, colours.DEFAULT_COLOUR, 1.8).encode(x=x, y=height, detail="part:N", tooltip=tip),
        _line(line, colours.WINNER, 3.0).encode(x=x, y=height),
        base.mark_rule(color=colours.INK, strokeDash=[3, 3], strokeOpacity=0.6).encode(
            x=x, y=height, y2="donor_objective:Q"),
        base.mark_point(
            shape="cross", angle=45, size=46, filled=True, color=colours.INK, opacity=0.75
        ).encode(x=x, y=height, tooltip=copy_tip),
        base.mark_point(shape="triangle-up", size=52, filled=True, color=colours.INK, opacity=0.9).encode(
            x=x, y=donor_height, tooltip=copy_tip),
        *(
            alt.Chart(frame.sort_values("steps").tail(1)).mark_text(
                align="left", dx=8, fontSize=12, fontWeight=600, color=colour, text=text,
            ).encode(x=alt.value("width"), y=height)
            for frame, colour, text in (
                (default, colours.DEFAULT_COLOUR, "default"), (line, colours.WINNER, theme.label(member)),
            )
            if text != FIRST_TRIAL
        ),
    ]  # fmt: skip
    chart = alt.layer(*curves.references(scale, y, inside=True), *layers)
    return chart.properties(width=theme.WIDTH - 120, height=320)


def _line(frame: pd.DataFrame, colour: str, width: float) -> Any:
    return alt.Chart(frame).mark_line(color=colour, strokeWidth=width, strokeOpacity=0.85)

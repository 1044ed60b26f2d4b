"""Rows of dots with intervals, of which most figures of a comparison are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from analysis.report.figures import colours

HEIGHT = 32
"""Height of a row, in px."""
SMALL = 60
"""Area up to which a dot is small, and its interval thin, in square px."""


def rows(name: str, order: Iterable[str]) -> alt.Y:
    """Returns the axis of rows that have names.

    Args:
        name: Column of the names.
        order: The names from top to bottom.
    """
    axis = alt.Axis(
        domain=False, ticks=False, grid=False, labelFontSize=12.5, labelColor=colours.INK, labelPadding=12,
        labelLimit=260,
    )  # fmt: skip
    return alt.Y(f"{name}:N", sort=list(order), title=None, axis=axis)


def numbers(*names: str, form: str = ".3f") -> list[alt.Tooltip]:
    """Returns tooltips of numbers."""
    return [alt.Tooltip(f"{name}:Q", format=form) for name in names]


class Across(NamedTuple):
    """Axis that dots lie on."""

    name: str
    """Column of their places."""
    title: str
    """What it shows."""
    scale: alt.Scale = alt.Scale(zero=False, nice=True)
    """Its ends."""
    ticks: int = 7
    """About how many numbers it has."""
    form: str = "~g"
    """How these are written."""

    def of(self, column: str) -> alt.X:
        """Returns the axis for the places in a column."""
        axis = alt.Axis(tickCount=self.ticks, format=self.form, labelFlush=False, labelOverlap=True)
        return alt.X(f"{column}:Q", title=self.title, scale=self.scale, axis=axis)


def dots(
    base: alt.Chart, x: Across, tip: Sequence[Any], *, offset: float = 0.0, size: float = 105, **mark: Any
) -> list[Any]:
    """Draws dots with their intervals, from `low` to `high`.

    Args:
        base: Chart with rows and colours.
        x: Where the dots lie.
        tip: What is told of one.
        offset: How much lower than the middle of its row it lies, in px.
        size: Area of a dot, in square px.
        mark: Further settings of a dot.
    """
    known, width = base.transform_filter("isValid(datum.low)"), 2.4 if size > SMALL else 1.3
    dot = {"filled": True, "opacity": 1, "size": size, "yOffset": offset} | mark
    return [
        known.mark_rule(strokeWidth=width, yOffset=offset).encode(x=x.of("low"), x2="high:Q"),
        base.mark_point(**dot).encode(x=x.of(x.name), tooltip=list(tip)),
    ]


def rule(*at: float, colour: str = colours.INK, **mark: Any) -> Any:
    """Draws upright rules at places that mean something."""
    chart = alt.Chart(pd.DataFrame({"at": at})).mark_rule(color=colour, strokeWidth=1.2, **mark)
    return chart.encode(x="at:Q")

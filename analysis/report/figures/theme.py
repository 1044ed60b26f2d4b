"""Theme of all figures: typography, sizes and labels; colours are in `colours`."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Final

import altair as alt

from analysis.report.figures import colours
from analysis.sweep import ADAPTED, DEFAULT, RLLIB
from analysis.verdict import Verdict

WIDTH: Final = 760
"""Width of a figure's plotting area in PNG and SVG, in px; in the report it follows the page."""
PANEL_WIDTH: Final = 224
"""Width of one of three small panels side by side, in px."""
FONT: Final = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

Layered = alt.LayerChart | alt.FacetChart
"""Type of what `alt.layer` returns."""


def label(config_id: str) -> str:
    """Names a configuration as a reader knows it."""
    named = {DEFAULT: "default", ADAPTED: "default, batch adapted", RLLIB: "RLlib's defaults"}
    return named.get(config_id, config_id)


def colour_scale(verdict: Verdict) -> alt.Scale:
    """Returns the scale from all confirmed configurations' labels to their colours."""
    named = colours.of_configurations(verdict)
    return alt.Scale(domain=[label(config) for config in named], range=list(named.values()))


def titled(chart: Any, title: str, subtitle: str = "", *, columns: int = 92) -> Any:
    """Puts a title, and under it a sentence, above a chart; long lines are broken."""
    return chart.properties(
        title=alt.TitleParams(
            text=wrap(title, columns), subtitle=wrap(subtitle, int(columns * 1.2)) or alt.Undefined
        )
    )


def styled(chart: Any) -> Any:
    """Returns a finished chart the common style."""
    return (
        chart.configure(font=FONT, background=colours.PAPER, padding=12)
        .configure_view(stroke=None)
        .configure_title(
            anchor="start", frame="group", color=colours.INK, fontSize=16, fontWeight=600, offset=14,
            subtitleColor=colours.MUTED, subtitleFontSize=12.5, subtitlePadding=6, subtitleLineHeight=17,
        )
        .configure_axis(
            labelColor=colours.MUTED, labelFontSize=11.5, labelPadding=5, titleColor=colours.MUTED,
            titleFontSize=12, titleFontWeight="normal", titlePadding=10, gridColor=colours.GRID,
            domainColor=colours.RULE, tickColor=colours.RULE, tickSize=4,
        )
        .configure_legend(
            labelColor=colours.INK, labelFontSize=12, titleColor=colours.MUTED, titleFontSize=12,
            titleFontWeight="normal", orient="top", symbolStrokeWidth=2, padding=0, offset=10,
        )
    )  # fmt: skip


def specification(chart: Any) -> dict[str, Any]:
    """Returns the Vega-Lite specification of a chart in the common style.

    Of each fraction six digits are kept: far less than a pixel, and half of what a page would weigh.
    """
    # Altair stops at 5,000 rows, in case they go into a notebook; how many a figure has is decided before.
    with alt.data_transformers.disable_max_rows():
        spec: dict[str, Any] = styled(chart).to_dict(validate=False)
    for rows in spec["datasets"].values():
        for row in rows:
            for name, value in row.items():
                if type(value) is float and not value.is_integer():
                    row[name] = float(f"{value:.6g}")
    return spec


def spread_labels(positions: Sequence[float], gap: float) -> list[float]:
    """Moves positions apart, in their order, until neighbours are at least `gap` away from each other."""
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    groups: list[tuple[float, list[int]]] = []  # centre, members
    for index in order:
        centre, members = positions[index], [index]
        while (
            groups
            and groups[-1][0] + (len(groups[-1][1]) - 1) * gap / 2 > centre - (len(members) + 1) * gap / 2
        ):
            other, joined = groups.pop()
            members = joined + members
            centre = (other * len(joined) + centre * (len(members) - len(joined))) / len(members)
        groups.append((centre, members))
    placed = list(positions)
    for centre, members in groups:
        for rank, index in enumerate(members):
            placed[index] = centre + (rank - (len(members) - 1) / 2) * gap
    return placed

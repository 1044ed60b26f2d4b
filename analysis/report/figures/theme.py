"""Theme of all figures: palette, typography, sizes and labels."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Final

import altair as alt

from analysis.sweep import ADAPTED, DEFAULT, RLLIB

WIDTH: Final = 760
"""Width of a figure's plotting area in PNG and SVG, in px; in the report it follows the page."""
PANEL_WIDTH: Final = 224
"""Width of one of three small panels side by side, in px."""
FONT: Final = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

INK: Final = "#1c2733"
MUTED: Final = "#5f6c7b"
GRID: Final = "#e9edf1"
PAPER: Final = "#ffffff"
WINNER: Final = "#0072b2"
DEFAULT_COLOUR: Final = "#d55e00"
ADAPTED_COLOUR: Final = "#e69f00"
RLLIB_COLOUR: Final = "#6b7280"
# Okabe and Ito's remaining colours, told apart by every common colour vision.
CONTENDERS: Final = ("#009e73", "#a15c9b", "#56a5d8", "#b58900", "#7a5230")

STATES: Final = {
    "completed": (WINNER, "circle"),
    "pruned": ("#9aa5b1", "circle"),
    "diverged": ("#d55e00", "cross"),
    "failed": ("#b3261e", "triangle-down"),
    "running": ("#b58900", "square"),
}
"""State -> colour and shape of its mark."""

Layered = alt.LayerChart | alt.FacetChart
"""Type of what `alt.layer` returns."""


def label(config_id: str) -> str:
    """Names a configuration as a reader knows it."""
    named = {DEFAULT: "default", ADAPTED: "default, batch adapted", RLLIB: "RLlib's defaults"}
    return named.get(config_id, config_id)


def colours(config_ids: Sequence[str], winner: str | None) -> dict[str, str]:
    """Returns each configuration its colour: the winner and the baselines always have the same."""
    fixed = {DEFAULT: DEFAULT_COLOUR, ADAPTED: ADAPTED_COLOUR, RLLIB: RLLIB_COLOUR}
    fixed |= {winner: WINNER} if winner else {}
    others = [config for config in config_ids if config not in fixed]
    rest = {config: CONTENDERS[index % len(CONTENDERS)] for index, config in enumerate(others)}
    return {config: (fixed | rest)[config] for config in config_ids}


def colour_scale(config_ids: Sequence[str], winner: str | None) -> alt.Scale:
    """Returns the scale from configurations' labels to their colours."""
    named = colours(config_ids, winner)
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
        chart.configure(font=FONT, background=PAPER, padding=12)
        .configure_view(stroke=None)
        .configure_title(
            anchor="start", frame="group", color=INK, fontSize=16, fontWeight=600, offset=14,
            subtitleColor=MUTED, subtitleFontSize=12.5, subtitlePadding=6, subtitleLineHeight=17,
        )
        .configure_axis(
            labelColor=MUTED, labelFontSize=11.5, labelPadding=5, titleColor=MUTED, titleFontSize=12,
            titleFontWeight="normal", titlePadding=10, gridColor=GRID, domainColor="#c5ccd4",
            tickColor="#c5ccd4", tickSize=4,
        )
        .configure_legend(
            labelColor=INK, labelFontSize=12, titleColor=MUTED, titleFontSize=12, titleFontWeight="normal",
            orient="top", symbolStrokeWidth=2, padding=0, offset=10,
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

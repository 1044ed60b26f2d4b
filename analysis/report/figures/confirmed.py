"""Figures of the confirmation: scores on test seeds, and paired differences from the default."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analysis.report.figures import colours, theme
from analysis.sweep import DEFAULT, RLLIB, Scale
from analysis.verdict import Verdict

ROW = 52
"""Height of one configuration's row, in px."""


def seed_differences(runs: "Mapping[str, pd.Series[float]]") -> pd.DataFrame:
    """Returns each difference to the default on a shared test seed: config_id, test_seed, difference.

    Args:
        runs: Each configuration's values by test seed.
    """
    rows = [
        (config_id, seed, values[seed] - runs[DEFAULT][seed])
        for config_id, values in runs.items()
        if DEFAULT in runs and config_id != DEFAULT
        for seed in values.index.intersection(runs[DEFAULT].index)
    ]
    return pd.DataFrame(rows, columns=["config_id", "test_seed", "difference"])


def draw_scores(verdict: Verdict, scale: Scale) -> theme.Layered:
    """Draws every seed as a point, mean and interval as a bar, the search's score as a hollow diamond."""
    table = verdict.table[verdict.table["n"] > 0]
    table = table.assign(label=table["config_id"].map(theme.label))
    seeds = pd.DataFrame(
        [
            (theme.label(config), seed, value)
            for config, values in verdict.evidence.runs.items()
            for seed, value in values.items()
        ],
        columns=["label", "test_seed", "objective"],
    )
    y = alt.Y("label:N", sort=table["label"].tolist(), title=None, axis=_row_axis())
    colour = alt.Color("label:N", scale=theme.colour_scale(verdict), legend=None)
    x_scale = alt.Scale(zero=False, nice=True)
    points = alt.Chart(seeds).mark_circle(size=46, opacity=1, fillOpacity=0.45, yOffset=9).encode(
        x=alt.X("objective:Q", scale=x_scale, title=scale.axis_title), y=y, color=colour,
        tooltip=["label:N", "test_seed:Q", alt.Tooltip("objective:Q", format=".3f")],
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("label:N", title="configuration"),
        *(
            alt.Tooltip(f"{name}:Q", format=".3f")
            for name in ("mean", "mean_low", "mean_high", "search_objective")
        ),
    ]
    interval = alt.Chart(table.dropna(subset=["mean_low"])).mark_rule(strokeWidth=2.4, yOffset=-6).encode(
        x=alt.X("mean_low:Q", scale=x_scale), x2="mean_high:Q", y=y, color=colour,
    )  # fmt: skip
    mean = alt.Chart(table).mark_point(size=110, filled=True, opacity=1, yOffset=-6).encode(
        x=alt.X("mean:Q", scale=x_scale), y=y, color=colour, tooltip=tooltip
    )  # fmt: skip
    found = table.dropna(subset=["search_objective"])
    search = alt.Chart(found).mark_point(
        size=90, shape="diamond", filled=False, strokeWidth=1.8, opacity=1, yOffset=-6
    ).encode(x=alt.X("search_objective:Q", scale=x_scale), y=y, color=colour, tooltip=tooltip)  # fmt: skip
    chart = alt.layer(points, interval, mean, search)
    return chart.properties(width=theme.WIDTH - 130, height=ROW * max(len(table), 1))


def draw_differences(verdict: Verdict, scale: Scale) -> theme.Layered:
    """Draws the mean paired differences to the default with simultaneous intervals around a zero line."""
    table = verdict.table.dropna(subset=["difference"])
    table = table[table["config_id"] != RLLIB]  # its distance would squeeze those that the figure is about
    table = table.assign(label=table["config_id"].map(theme.label))
    seeds = seed_differences(verdict.evidence.runs)
    seeds = seeds[seeds["config_id"].isin(table["config_id"])]
    seeds = seeds.assign(label=seeds["config_id"].map(theme.label))
    y = alt.Y("label:N", sort=table["label"].tolist(), title=None, axis=_row_axis())
    colour = alt.Color("label:N", scale=theme.colour_scale(verdict), legend=None)
    title = f"Difference in {scale.noun} from the default, on the same test seed"
    x_scale = alt.Scale(nice=True)
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=colours.DEFAULT_COLOUR, strokeWidth=1.6)
    points = alt.Chart(seeds).mark_circle(size=46, opacity=1, fillOpacity=0.45, yOffset=9).encode(
        x=alt.X("difference:Q", scale=x_scale, title=title), y=y, color=colour,
        tooltip=["label:N", "test_seed:Q", alt.Tooltip("difference:Q", format="+.3f")],
    )  # fmt: skip
    ranged = table.dropna(subset=["difference_low"])
    interval = alt.Chart(ranged).mark_rule(strokeWidth=2.4, yOffset=-6).encode(
        x=alt.X("difference_low:Q", scale=x_scale), x2="difference_high:Q", y=y, color=colour,
    )  # fmt: skip
    mean = alt.Chart(table).mark_point(size=110, filled=True, opacity=1, yOffset=-6).encode(
        x=alt.X("difference:Q", scale=x_scale), y=y, color=colour,
        tooltip=[
            alt.Tooltip("label:N", title="configuration"),
            *(alt.Tooltip(f"difference{end}:Q", format="+.3f") for end in ("", "_low", "_high")),
            alt.Tooltip("pairs:Q", title="shared seeds"),
        ],
    )  # fmt: skip
    chart = alt.layer(zero.encode(x=alt.X("at:Q", scale=x_scale)), points, interval, mean)
    return chart.properties(width=theme.WIDTH - 130, height=ROW * max(len(table), 1))


def _row_axis() -> alt.Axis:
    return alt.Axis(
        domain=False, ticks=False, grid=False, labelFontSize=12.5, labelColor=colours.INK, labelPadding=12
    )

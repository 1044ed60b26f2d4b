"""Figure of an ablation: the share of the winner's gain with each change that was taken over."""

import altair as alt
import pandas as pd

from analysis.advice import Ablated
from analysis.report.figures import colours, theme

ROW = 30
"""Height of a bar with its gap, in px."""


def carried(ablated: Ablated) -> pd.DataFrame:
    """Returns the path with its ends: label, carried (a share of the gain), kind."""
    rows = [("default", 0.0, "default")]
    rows += [(f"+ {ablated.change(step.change)}", step.carried, "step") for step in ablated.path.steps]
    rows.append((f"all: {ablated.winner}", 1.0, "winner"))
    return pd.DataFrame(rows, columns=["label", "carried", "kind"])


def draw(frame: pd.DataFrame) -> theme.Layered:
    """Draws a bar for each configuration of the path, in its order."""
    kinds = {"default": colours.DEFAULT_COLOUR, "step": colours.CONTENDERS[2], "winner": colours.WINNER}
    axis = alt.Axis(domain=False, ticks=False, grid=False, labelLimit=360, labelColor=colours.INK)
    base = alt.Chart(frame).encode(
        x=alt.X("carried:Q", title="Share of the winner's gain", axis=alt.Axis(format="%", tickCount=6)),
        y=alt.Y("label:N", sort=frame["label"].tolist(), title=None, axis=axis),
    )
    bars = base.mark_bar(height={"band": 0.62}).encode(
        color=alt.Color("kind:N", scale=alt.Scale(domain=[*kinds], range=[*kinds.values()]), legend=None),
        tooltip=["label:N", alt.Tooltip("carried:Q", format=".0%")],
    )
    numbers = base.mark_text(align="left", dx=5, color=colours.INK).encode(
        text=alt.Text("carried:Q", format=".0%")
    )
    return alt.layer(bars, numbers).properties(width=theme.WIDTH - 320, height=ROW * len(frame))

"""Figure of the search's history: the objective of every trial in order, whatever became of it."""

import altair as alt
import pandas as pd

from analysis.report.figures import colours, theme
from analysis.report.figures.curves import references
from analysis.report.figures.thinning import places, thin_dots
from analysis.sweep import FIRST_TRIAL, Scale, State

HEIGHT = 300


def history(trials: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per trial: number, trial_id, state, cause, objective, best completed one so far."""
    frame = trials[["trial_id", "state", "cause", "objective", "steps"]].reset_index(drop=True)
    frame.insert(0, "number", range(len(frame)))
    completed = frame["objective"].where(frame["state"] == State.COMPLETED)
    return frame.assign(best=completed.cummax().ffill())


def draw(frame: pd.DataFrame, scale: Scale) -> theme.Layered:
    """Draws objectives by trial number; a trial without one stays visible, on the bottom edge."""
    known = [*frame["objective"].dropna(), *([0.0, 1.0] if scale.has_references else [])] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = 0.08 * ((high - low) or 1.0)
    y = alt.Scale(domain=[low - air, high + air], nice=False, zero=False)
    shown = frame.assign(
        at=frame["objective"].fillna(low - 0.6 * air),
        valued=frame["objective"].map(lambda value: "none" if pd.isna(value) else f"{value:.3f}"),
    )
    present = [state for state in colours.STATES if (frame["state"] == state).any()]
    fills, shapes = ([colours.STATES[state][index] for state in present] for index in (0, 1))
    x = alt.X(
        "number:Q",
        title="Trial, in the order of the search",
        scale=alt.Scale(domain=[-0.5, len(frame) - 0.5], nice=False),
        axis=alt.Axis(grid=False, tickMinStep=1),
    )
    legend = alt.Legend(title=None)
    dots = thin_dots(
        shown.drop(columns=["best", "objective"]),
        x=places(shown["number"], 0, len(shown)),
        y=places(shown["at"], low - air, high + air),
        kind="state",
        width=theme.WIDTH - 90,
        height=HEIGHT,
    )
    points = alt.Chart(dots).mark_point(size=58, filled=True, opacity=0.9).encode(
        x=x, y=alt.Y("at:Q", scale=y, title=f"Objective: {scale.axis_title}"),
        color=alt.Color("state:N", scale=alt.Scale(domain=present, range=fills), legend=legend),
        shape=alt.Shape("state:N", scale=alt.Scale(domain=present, range=shapes), legend=legend),
        tooltip=[
            "trial_id:N", "state:N", alt.Tooltip("valued:N", title="objective"),
            alt.Tooltip("steps:Q", format=","), "cause:N",
        ],
    )  # fmt: skip
    # A line of steps needs no more than where one begins, and its end.
    begins = frame["best"].diff().ne(0) | (frame["number"] == len(frame) - 1)
    risen = frame.loc[begins, ["number", "best"]].dropna()
    best = alt.Chart(risen).mark_line(
        interpolate="step-after", strokeWidth=2, color=colours.INK, strokeOpacity=0.8
    ).encode(x=x, y=alt.Y("best:Q", scale=y))  # fmt: skip
    default = alt.Chart(shown[shown["trial_id"] == FIRST_TRIAL])
    ring = default.mark_point(size=210, filled=False, strokeWidth=2, color=colours.DEFAULT_COLOUR, opacity=1)
    name = default.mark_text(
        align="left", dx=12, dy=12, fontSize=12, fontWeight=600, color=colours.DEFAULT_COLOUR, text="default"
    )
    marks = [layer.encode(x=x, y=alt.Y("at:Q", scale=y)) for layer in (ring, name)]
    chart = alt.layer(*references(scale, y), best, points, *marks)
    return chart.properties(width=theme.WIDTH - 90, height=HEIGHT)

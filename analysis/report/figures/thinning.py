"""Thinning of a figure's data to what its pixels can show; the extremes stay exactly what they are.

A sweep of thousands of trials has hundreds of thousands of evaluations, and a figure a few hundred pixels.
What is left out lies within half a pixel of what is drawn or, where lines are too many for that, changes the
shape of each line least.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST_POINTS: Final = 30_000
"""Points of all lines of a figure together; those of a small sweep are all drawn."""
FEWEST_POINTS: Final = 6
"""Points of a line, however many lines there are: its ends, its extremes, and its two largest bends."""
HALF_A_PIXEL: Final = 0.5
FEW_DOTS: Final = 500
"""Dots that are all drawn, also where one hides another."""
DOT: Final = 2.0
"""Pixels within which one dot hides another; each of them is six pixels wide or more."""

FloatArray = NDArray[np.float64]


def thin_lines(
    frame: pd.DataFrame, *, line: str, x: str, y: Sequence[str], height: float, most: int = MOST_POINTS
) -> pd.DataFrame:
    """Returns the rows of lines that are enough to draw them; all of them where they are few.

    Args:
        frame: One row per point.
        line: Column that names the line which a point belongs to.
        x: Column of the horizontal axis.
        y: Columns that are drawn against it. Each line keeps the least and the largest of each one.
        height: Pixels from the least to the largest of all that is drawn.
        most: Points of all lines together.
    """
    if len(frame) <= most:
        return frame
    values = frame[[x, *y]].to_numpy(dtype=float)
    drawn = values[:, 1:]
    tolerance = HALF_A_PIXEL * float(np.nanmax(drawn) - np.nanmin(drawn)) / height
    lines = list(frame.groupby(line, sort=False, observed=True).indices.values())
    each = max(FEWEST_POINTS, most // len(lines))
    kept = np.concatenate([own[_bends(values[own], each, tolerance)] for own in map(np.asarray, lines)])
    return frame.iloc[np.sort(kept)]


def thin_dots(
    frame: pd.DataFrame, *, x: FloatArray, y: FloatArray, kind: str, width: float, height: float
) -> pd.DataFrame:
    """Returns the rows of dots of which none hides another of its kind; the least and the largest stay.

    Args:
        frame: One row per dot.
        x: Where each one lies between the ends of the horizontal axis, 0 to 1.
        y: The same of the vertical axis.
        kind: Column of what is told apart by colour.
        width: Pixels of the horizontal axis.
        height: Pixels of the vertical axis.
    """
    if len(frame) <= FEW_DOTS:
        return frame
    cells = pd.DataFrame(
        {"x": np.floor(x * width / DOT), "y": np.floor(y * height / DOT), "kind": frame[kind].to_numpy()}
    )
    shown = ~cells.duplicated().to_numpy()
    shown[[np.argmin(y), np.argmax(y)]] = True
    return frame[shown]


def _bends(points: FloatArray, most: int, tolerance: float) -> NDArray[np.int64]:
    """Returns which points of a line to keep: its ends and extremes, then where it is furthest from the rest.

    Args:
        points: Horizontal place and heights, [N, 1 + Y].
        most: How many to keep.
        tolerance: Distance that nobody can see.
    """
    if len(points) <= most:
        return np.arange(len(points))
    order = np.argsort(points[:, 0], kind="stable")
    x, heights = points[order, 0], points[order, 1:].T
    kept = np.zeros(len(x), dtype=bool)
    kept[[0, -1]] = True
    for height in heights:
        if not np.isnan(height).all():
            kept[[np.nanargmin(height), np.nanargmax(height)]] = True
    while kept.sum() < most:
        gaps = [np.abs(height - np.interp(x, x[kept], height[kept])) for height in heights]
        distance = np.nan_to_num(np.max(gaps, axis=0))
        furthest = int(np.argmax(distance))
        if distance[furthest] <= tolerance:
            break
        kept[furthest] = True
    return order[kept]


def places(values: Any, low: float, high: float) -> FloatArray:
    """Returns where values lie between two ends, 0 to 1."""
    return (np.asarray(values, dtype=np.float64) - low) / ((high - low) or 1.0)

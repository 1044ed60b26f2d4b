"""Line charts on a canvas: axes and curves in the units of the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from envs.base.rendering import GRID, INK, MUTED, Canvas, Colour, Point

MARKER = 6.0
"""Half the width of a marker, in pixels."""


@dataclass(frozen=True)
class Plot:
    """A rectangle of the canvas with a scale on each side.

    The data's range is mapped onto the rectangle; curves are not cut, so the ranges must hold the data.
    """

    canvas: Canvas
    """What it draws on."""
    box: tuple[float, float, float, float]
    """Left, top, width and height of the area of the curves, in pixels; labels lie outside of it."""
    x_range: tuple[float, float]
    """Data values at the left and the right edge."""
    y_range: tuple[float, float]
    """Data values at the bottom and the top edge."""

    def at(self, x: float, y: float) -> Point:
        """Returns the place of a data point on the canvas."""
        left, top, width, height = self.box
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return left + across * width, top + (1.0 - up) * height

    def axes(
        self,
        title: str,
        x_label: str = "",
        *,
        x_format: Callable[[float], str] = "{:g}".format,
        y_format: Callable[[float], str] = "{:g}".format,
    ) -> None:
        """Draws grid lines and numbers on round values, the title above and the x label below."""
        left, top, width, height = self.box
        for value in ticks(*self.y_range, count=max(2, round(height / 32))):
            y = self.at(0, value)[1]
            self.canvas.line([(left, y), (left + width, y)], GRID, 1)
            self.canvas.text(left - 8, y, y_format(value), size=12, colour=MUTED, anchor="right")
        self.canvas.line([(left, top + height), (left + width, top + height)], MUTED, 1)
        self.canvas.text(left, top - 14, title, size=13, colour=INK)
        if x_label:
            for value in ticks(*self.x_range, count=max(2, round(width / 90))):
                x = self.at(value, 0)[0]
                self.canvas.line([(x, top + height), (x, top + height + 4)], MUTED, 1)
                self.canvas.text(
                    x, top + height + 13, x_format(value), size=12, colour=MUTED, anchor="center"
                )
            self.canvas.text(left + width, top + height + 30, x_label, size=12, colour=MUTED, anchor="right")

    def line(self, xs: ArrayLike, ys: ArrayLike, colour: Colour, width: float = 2) -> None:
        """Draws a curve; NaN leaves a gap."""
        points = np.column_stack([np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)])
        holes = np.flatnonzero(np.isnan(points[:, 1]))
        for start, stop in pairwise([-1, *holes.tolist(), len(points)]):
            self.canvas.line([self.at(x, y) for x, y in points[start + 1 : stop].tolist()], colour, width)

    def dashes(self, y: float, colour: Colour) -> None:
        """Draws a dashed level line at a value."""
        left, _, width, _ = self.box
        height = self.at(0, y)[1]
        for start in range(0, int(width), 10):
            self.canvas.line([(left + start, height), (left + start + 6, height)], colour, 1)

    def area(self, xs: Sequence[float], ys: Sequence[float], colour: Colour) -> None:
        """Fills what lies between a curve of two or more points and the bottom edge."""
        if len(xs) < 2:
            return
        bottom = self.y_range[0]
        outline = [(xs[0], bottom), *zip(xs, ys, strict=True), (xs[-1], bottom)]
        self.canvas.polygon([self.at(x, y) for x, y in outline], colour)

    def marker(self, x: float, y: float, colour: Colour, *, up: bool) -> None:
        """Draws a triangle that stands below the data point pointing up, or above it pointing down."""
        centre, tip = self.at(x, y)
        base = tip + (2 if up else -2) * MARKER
        self.canvas.polygon([(centre, tip), (centre - MARKER, base), (centre + MARKER, base)], colour)


def ticks(low: float, high: float, *, count: int) -> list[float]:
    """Returns about `count` round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.999 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def padded(values: ArrayLike, *, share: float = 0.08) -> tuple[float, float]:
    """Returns the range of the values, widened on both sides by a share of it; never empty."""
    low, high = float(np.min(values)), float(np.max(values))
    margin = share * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin

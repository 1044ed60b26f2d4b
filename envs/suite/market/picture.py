"""Picture of a trading episode: price, trades and portfolio value so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.base import BLUE, GREEN, INK, MARKER, MUTED, PALE_BLUE, RED, Canvas, Plot, padded

Floats = NDArray[np.float64]

LEFT, WIDTH = 72, 544
PRICE_TOP, PRICE_HEIGHT = 84, 140
VALUE_TOP, VALUE_HEIGHT = 264, 88


@dataclass(frozen=True)
class MarketFrame:
    """One episode up to the present step t."""

    prices: Floats
    """Price at every time so far, [t + 1], in currency units."""
    shares: Floats
    """Shares held at every time so far, [t + 1]; the trade of step i lies between i and i + 1."""
    values: Floats
    """Cash plus shares at their price at every time so far, [t + 1], in currency units."""
    max_steps: int
    """Steps until the market closes."""
    usual_prices: tuple[float, float]
    """The axis of the price shows at least this range, so that it seldom jumps and tells no future."""
    mean_price: float | None
    """The price that the market reverts to; None where there is none."""

    @property
    def trades(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Times at which shares were bought, and at which they were sold."""
        change = np.diff(self.shares)
        return np.flatnonzero(change > 0), np.flatnonzero(change < 0)

    @property
    def earned(self) -> float:
        """What the episode earned so far, as a fraction of the initial cash."""
        return float(self.values[-1] / self.values[0] - 1.0)

    @property
    def summary(self) -> str:
        """Time, position and portfolio in one line."""
        return (
            f"day {len(self.prices) - 1} of {self.max_steps}   price {self.prices[-1]:,.2f}   "
            f"{self.shares[-1]:,.0f} shares   portfolio {self.values[-1]:,.0f} ({self.earned:+.1%})"
        )


def draw_market(canvas: Canvas, frame: MarketFrame) -> None:
    """Draws the price with buys and sells above the portfolio's value, on one time axis (640x400)."""
    canvas.text(24, 26, "One stock: hold, buy all or sell all", size=20)
    earned_colour = GREEN if frame.earned > 0 else RED if frame.earned < 0 else MUTED
    canvas.text(616, 26, f"{frame.earned:+.1%}", size=20, colour=earned_colour, anchor="right")
    canvas.text(24, 48, frame.summary, size=13, colour=MUTED)
    _draw_prices(canvas, frame)
    _draw_values(canvas, frame)


def _draw_prices(canvas: Canvas, frame: MarketFrame) -> None:
    low, high = padded([*frame.usual_prices, frame.prices.min(), frame.prices.max()])
    plot = Plot(canvas, (LEFT, PRICE_TOP, WIDTH, PRICE_HEIGHT), (0, frame.max_steps), (low, high))
    _shade_holding(plot, frame)
    plot.axes("Price")
    _draw_legend(canvas, mean=frame.mean_price is not None)
    if frame.mean_price is not None:
        plot.dashes(frame.mean_price, MUTED)
    plot.line(np.arange(len(frame.prices)), frame.prices, INK)
    bought, sold = frame.trades
    for time in bought.tolist():
        plot.marker(time, frame.prices[time], GREEN, up=True)
    for time in sold.tolist():
        plot.marker(time, frame.prices[time], RED, up=False)


def _draw_values(canvas: Canvas, frame: MarketFrame) -> None:
    start = frame.values[0]
    low, high = padded([0.95 * start, 1.05 * start, frame.values.min(), frame.values.max()])
    plot = Plot(canvas, (LEFT, VALUE_TOP, WIDTH, VALUE_HEIGHT), (0, frame.max_steps), (low, high))
    plot.axes("Portfolio value: cash and shares", "day", y_format="{:,.0f}".format)
    plot.dashes(start, MUTED)
    plot.line(np.arange(len(frame.values)), frame.values, BLUE)


def _shade_holding(plot: Plot, frame: MarketFrame) -> None:
    left, top, _, height = plot.box
    for time in np.flatnonzero(frame.shares[1:] > 0).tolist():
        start, end = plot.at(time, 0)[0], plot.at(time + 1, 0)[0]
        plot.canvas.rectangle(max(start, left), top, end - start, height, PALE_BLUE)


def _draw_legend(canvas: Canvas, *, mean: bool) -> None:
    y = PRICE_TOP - 14
    base, tip = y + MARKER, y - MARKER
    canvas.polygon([(322, tip), (322 - MARKER, base), (322 + MARKER, base)], GREEN)
    canvas.text(332, y, "buys", size=12)
    canvas.polygon([(382, base), (382 - MARKER, tip), (382 + MARKER, tip)], RED)
    canvas.text(392, y, "sells", size=12)
    canvas.rectangle(436, y - 6, 14, 12, PALE_BLUE)
    canvas.text(456, y, "holds shares", size=12)
    if mean:
        canvas.line([(546, y), (552, y)], MUTED, 1)
        canvas.line([(556, y), (562, y)], MUTED, 1)
        canvas.text(568, y, "mean", size=12)

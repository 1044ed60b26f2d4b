"""Picture of a day: load against capacity, and the queue, so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.base import BLUE, INK, MUTED, PALE_BLUE, PALE_RED, RED, Canvas, Plot

Floats = NDArray[np.float64]

LEFT, WIDTH = 72, 544
LOAD_TOP, LOAD_HEIGHT = 88, 148
QUEUE_TOP, QUEUE_HEIGHT = 276, 76
QUARTERS = 4.0
"""The axis of time counts quarters of the day, so that its marks fall on every third hour."""
SHOWN_QUEUE = 50
"""The axis of the queue shows at least so many jobs, so that a few do not look like a disaster."""


@dataclass(frozen=True)
class ServiceFrame:
    """One day up to the present step t."""

    loads: NDArray[np.int64]
    """Jobs that arrived in every step so far, [t]."""
    capacities: NDArray[np.int64]
    """Jobs that the running servers could complete in every step so far, [t]."""
    queues: NDArray[np.int64]
    """Jobs left waiting after every step so far, [t]."""
    booting: int
    """Servers that are booting now."""
    servers: int
    """Servers that run now."""
    cost: float
    """What the day has cost so far, in cost units."""
    expected_loads: Floats
    """Expected jobs of every step of the day, [T]."""
    largest_capacity: int
    """Jobs that the largest fleet completes in a step."""
    queue_limit: int
    """Jobs that can wait."""

    @property
    def summary(self) -> str:
        """Time, load, servers and queue in one line."""
        steps = len(self.expected_loads)
        minutes = len(self.loads) * 24 * 60 // steps
        booting = f" (+{self.booting} booting)" if self.booting else ""
        last_load = f"   {self.loads[-1]} jobs came" if len(self.loads) else ""
        waiting = self.queues[-1] if len(self.queues) else 0
        return (
            f"{minutes // 60:02d}:{minutes % 60:02d}{last_load}   {self.servers} servers run{booting}   "
            f"{waiting} jobs wait"
        )


def draw_service(canvas: Canvas, frame: ServiceFrame) -> None:
    """Draws load and capacity above the queue, on one axis of the day (640x400)."""
    canvas.text(24, 26, "Servers for a day: rent or return up to two every 5 minutes", size=18)
    canvas.text(616, 26, f"cost {frame.cost:,.0f}", size=18, anchor="right")
    canvas.text(24, 50, frame.summary, size=13, colour=MUTED)
    edges = np.arange(len(frame.loads) + 1) * QUARTERS / len(frame.expected_loads)
    _draw_load(canvas, frame, edges)
    _draw_queue(canvas, frame, edges)


def _draw_load(canvas: Canvas, frame: ServiceFrame, edges: Floats) -> None:
    highest = 1.05 * max(frame.largest_capacity, *frame.loads.tolist(), 0)
    plot = Plot(canvas, (LEFT, LOAD_TOP, WIDTH, LOAD_HEIGHT), (0.0, QUARTERS), (0.0, highest))
    times, capacities = _stairs(edges, frame.capacities)
    plot.area(times, capacities, PALE_BLUE)
    plot.axes("Jobs per 5 minutes")
    whole_day = np.arange(len(frame.expected_loads)) * QUARTERS / len(frame.expected_loads)
    for start in range(0, len(whole_day), 8):
        dash = slice(start, start + 4)
        plot.line(whole_day[dash], frame.expected_loads[dash], MUTED, 1)
    plot.line(*_stairs(edges, frame.loads), INK, 1.5)
    plot.line(times, capacities, BLUE, 2)
    _draw_legend(canvas)


def _draw_queue(canvas: Canvas, frame: ServiceFrame, edges: Floats) -> None:
    highest = 1.1 * max(SHOWN_QUEUE, *frame.queues.tolist(), 0)
    plot = Plot(canvas, (LEFT, QUEUE_TOP, WIDTH, QUEUE_HEIGHT), (0.0, QUARTERS), (0.0, highest))
    times, queues = _stairs(edges, frame.queues)
    plot.area(times, queues, PALE_RED)
    plot.axes("Jobs waiting", "time of day", x_format=lambda quarter: f"{6 * quarter:02.0f}:00")
    plot.line(times, queues, RED, 1.5)
    if highest > frame.queue_limit:
        plot.dashes(frame.queue_limit, RED)
        canvas.text(LEFT + WIDTH, QUEUE_TOP - 14, "dashed: the queue is full", size=12, anchor="right")


def _draw_legend(canvas: Canvas) -> None:
    y = LOAD_TOP - 14
    canvas.line([(272, y), (288, y)], INK, 1.5)
    canvas.text(294, y, "arriving", size=12)
    canvas.line([(356, y), (361, y)], MUTED, 1)
    canvas.line([(366, y), (371, y)], MUTED, 1)
    canvas.text(378, y, "expected", size=12)
    canvas.rectangle(446, y - 6, 16, 12, PALE_BLUE)
    canvas.line([(446, y - 6), (462, y - 6)], BLUE, 2)
    canvas.text(468, y, "what the servers complete", size=12)


def _stairs(edges: Floats, values: NDArray[np.int64]) -> tuple[list[float], list[float]]:
    """Returns the corners of a curve that holds each value between its two edges."""
    return np.repeat(edges, 2)[1:-1].tolist(), np.repeat(values, 2).astype(np.float64).tolist()

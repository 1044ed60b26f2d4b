"""Picture of the board, and the action that a click on it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.base import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PANEL, RED, Canvas, Colour, Point

LEFT, TOP, SIDE = 24.0, 24.0, 352.0
"""The board's place on the canvas, in pixels."""


@dataclass(frozen=True)
class PointFrame:
    """One board; positions are centres, in board units."""

    board_size: float
    """Width and height of the board."""
    radius: float
    """Radius of both discs."""
    max_steps: int
    """Jumps after which an episode is truncated."""
    target: Point
    """The target's centre."""
    path: tuple[Point, ...]
    """All jumps of the episode, in order; the last one is where the worker is."""
    hit: bool
    """Whether the last jump touched the target."""

    @property
    def summary(self) -> str:
        """Target, worker and result in one line."""
        target = f"target at ({self.target[0]:.1f}, {self.target[1]:.1f})"
        if not self.path:
            return f"jump 0 of {self.max_steps}   {target}"
        x, y = self.path[-1]
        result = "hit, +1" if self.hit else "missed, -1"
        return (
            f"jump {len(self.path)} of {self.max_steps}   {target}   worker at ({x:.1f}, {y:.1f}): {result}"
        )


def draw_board(canvas: Canvas, frame: PointFrame) -> None:
    """Draws board, discs with their boxes, past jumps and a legend (640x400)."""
    canvas.rectangle(LEFT, TOP, SIDE, SIDE, PANEL)
    for line in range(0, int(frame.board_size) + 1, 10):
        at = line * SIDE / frame.board_size
        canvas.line([(LEFT + at, TOP), (LEFT + at, TOP + SIDE)], GRID, 1)
        canvas.line([(LEFT, TOP + at), (LEFT + SIDE, TOP + at)], GRID, 1)
    _draw_disc(canvas, frame, frame.target, ORANGE)
    for jump in frame.path[:-1][-50:]:
        canvas.circle(*_pixel(frame, jump), 3, MUTED)
    if frame.path:
        _draw_disc(canvas, frame, frame.path[-1], GREEN if frame.hit else BLUE)
        # A worker that hits may cover the target.
        _draw_disc(canvas, frame, frame.target, None, outline=ORANGE)
    canvas.rectangle(LEFT, TOP, SIDE, SIDE, None, outline=INK)
    _draw_legend(canvas, frame)


def action_at(point: Point, board_size: float, radius: float) -> NDArray[np.float32] | None:
    """Returns the jump to a point of the canvas, clipped to where the disc fits; None off the board."""
    position = (np.array(point) - (LEFT, TOP)) * board_size / SIDE
    if (position < 0).any() or (position > board_size).any():
        return None
    return np.clip(position, radius, board_size - radius).astype(np.float32)


def _pixel(frame: PointFrame, position: Point) -> Point:
    scale = SIDE / frame.board_size
    return LEFT + position[0] * scale, TOP + position[1] * scale


def _draw_disc(
    canvas: Canvas, frame: PointFrame, position: Point, colour: Colour | None, outline: Colour | None = None
) -> None:
    """Draws a disc and its box, filled with a colour or, where that is None, outlined."""
    x, y = _pixel(frame, position)
    radius = frame.radius * SIDE / frame.board_size
    canvas.circle(x, y, radius, colour, outline=outline)
    canvas.rectangle(x - radius, y - radius, 2 * radius, 2 * radius, None, outline=outline or colour)


def _draw_legend(canvas: Canvas, frame: PointFrame) -> None:
    left = LEFT + SIDE + 24
    canvas.text(left, 38, "Jump onto the target", size=20)
    canvas.text(left, 66, "+1 and the end if the boxes touch,", size=13, colour=MUTED)
    canvas.text(left, 84, "otherwise -1", size=13, colour=MUTED)
    entries = (("target", ORANGE), ("worker", BLUE), ("worker that hit", GREEN))
    for row, (name, colour) in enumerate(entries):
        canvas.circle(left + 9, 124 + 28 * row, 9, colour)
        canvas.text(left + 28, 124 + 28 * row, name, size=14)
    canvas.circle(left + 9, 208, 3, MUTED)
    canvas.text(left + 28, 208, "earlier jumps", size=14)
    canvas.text(left, 258, f"jump {len(frame.path)} of {frame.max_steps}", size=14)
    if frame.path:
        result, colour = ("hit: +1", GREEN) if frame.hit else ("missed: -1", RED)
        canvas.text(left, 288, result, size=20, colour=colour)

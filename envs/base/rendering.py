"""Canvas that environments are drawn on, and a window that is opened only when asked for.

pygame is imported when the first canvas is made and a display is opened by :class:`Window` alone, so training
loads neither and a machine without a screen still renders frames.
"""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Point = tuple[float, float]
Anchor = Literal["left", "center", "right"]

# The hues are those of Okabe and Ito (2008), "Color Universal Design", which the colour-blind tell apart.
INK: Colour = (38, 43, 51)
MUTED: Colour = (120, 127, 137)
GRID: Colour = (224, 227, 232)
PANEL: Colour = (241, 243, 246)
PAPER: Colour = (255, 255, 255)
BLUE: Colour = (0, 114, 178)
PALE_BLUE: Colour = (214, 232, 244)
GREEN: Colour = (0, 158, 115)
ORANGE: Colour = (230, 159, 0)
RED: Colour = (213, 94, 0)
PALE_RED: Colour = (250, 226, 210)

SUPERSAMPLING = 2
"""Shapes are drawn this many times larger and shrunk, since pygame itself does not smooth their edges."""


def load_pygame() -> Any:
    """Imports pygame when it is needed for the first time.

    Raises:
        gymnasium.error.DependencyNotInstalled: It is missing; the message says how to install it.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import PIL  # noqa: F401  # holds the font
        import pygame
    except ImportError as missing:
        raise gym.error.DependencyNotInstalled(
            "rendering needs pygame and pillow: pip install pygame-ce pillow"
        ) from missing
    return pygame


class Canvas:
    """Picture in the making: what is drawn later covers what was drawn before.

    Coordinates are logical pixels with the origin in the top left corner and may be fractions.

    Args:
        size: Width and height in pixels.
        background: Its colour.
    """

    def __init__(self, size: tuple[int, int], background: Colour = PAPER) -> None:
        self.size = size
        self._pygame = load_pygame()
        self._shapes = self._pygame.Surface((size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
        self._shapes.fill(background)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: Colour | None,
        *,
        outline: Colour | None = None,
        radius: float = 0,
    ) -> None:
        """Fills a rectangle (unless `colour` is None) from its top left corner (x, y); `radius` rounds it."""
        # Edges are rounded, not sizes, so that rectangles that share an edge neither overlap nor gap.
        left, top = _enlarged(x), _enlarged(y)
        box = (left, top, max(_enlarged(x + width) - left, 1), max(_enlarged(y + height) - top, 1))
        if colour is not None:
            self._pygame.draw.rect(self._shapes, colour, box, border_radius=_enlarged(radius))
        if outline is not None:
            self._pygame.draw.rect(
                self._shapes, outline, box, width=2 * SUPERSAMPLING, border_radius=_enlarged(radius)
            )

    def circle(
        self, x: float, y: float, radius: float, colour: Colour | None, *, outline: Colour | None = None
    ) -> None:
        """Fills a circle (unless `colour` is None) around (x, y)."""
        centre = (_enlarged(x), _enlarged(y))
        if colour is not None:
            self._pygame.draw.circle(self._shapes, colour, centre, _enlarged(radius))
        if outline is not None:
            self._pygame.draw.circle(
                self._shapes, outline, centre, _enlarged(radius), width=2 * SUPERSAMPLING
            )

    def line(self, points: Sequence[Point], colour: Colour, width: float = 2) -> None:
        """Draws a line through the points; fewer than two draw nothing."""
        enlarged = [(_enlarged(x), _enlarged(y)) for x, y in points]
        thickness = max(_enlarged(width), 1)
        for start, end in itertools.pairwise(enlarged):
            self._pygame.draw.line(self._shapes, colour, start, end, thickness)
        if thickness > 3:
            for joint in enlarged[1:-1]:
                self._pygame.draw.circle(self._shapes, colour, joint, thickness // 2)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fills the area that three or more points enclose."""
        self._pygame.draw.polygon(self._shapes, colour, [(_enlarged(x), _enlarged(y)) for x, y in points])

    def image(self, x: float, y: float, width: float, height: float, pixels: NDArray[np.uint8]) -> None:
        """Places an image ([rows, columns, 3], uint8), every pixel of it a sharp-edged block."""
        surface = self._pygame.surfarray.make_surface(np.ascontiguousarray(pixels.swapaxes(0, 1)))
        scaled = self._pygame.transform.scale(surface, (_enlarged(width), _enlarged(height)))
        self._shapes.blit(scaled, (_enlarged(x), _enlarged(y)))

    def text(
        self,
        x: float,
        y: float,
        string: str,
        *,
        size: int = 16,
        colour: Colour = INK,
        anchor: Anchor = "left",
    ) -> None:
        """Writes one line: (x, y) is its left end, middle or right end, at half its height."""
        drawn = _font(size * SUPERSAMPLING).render(string, True, colour)
        shift = {"left": 0.0, "center": 0.5, "right": 1.0}[anchor] * drawn.get_width()
        self._shapes.blit(drawn, (_enlarged(x) - shift, _enlarged(y) - drawn.get_height() / 2))

    def surface(self) -> Any:
        """Returns the finished picture as a `pygame.Surface`."""
        return self._pygame.transform.smoothscale(self._shapes, self.size)

    def pixels(self) -> NDArray[np.uint8]:
        """Returns the finished picture as an array [height, width, 3]."""
        array: NDArray[np.uint8] = self._pygame.surfarray.array3d(self.surface())
        return np.ascontiguousarray(array.swapaxes(0, 1))


class Window:
    """Window on the screen that shows one canvas after another.

    Args:
        size: Width and height in pixels.
        title: What its title bar says.

    Raises:
        OSError: There is a screen, but it cannot be used.
    """

    def __init__(self, size: tuple[int, int], title: str) -> None:
        self._pygame = load_pygame()
        try:
            self._pygame.display.init()
        except self._pygame.error as reason:
            raise OSError(f"no window can be opened here: {reason}") from reason
        self._screen = self._pygame.display.set_mode(size)
        self._pygame.display.set_caption(title)
        self._clock = self._pygame.time.Clock()

    @property
    def visible(self) -> bool:
        """Whether anybody can see it: without a screen SDL draws to nowhere, unless it was told to."""
        return _shown(self._pygame)

    def show(self, canvas: Canvas, frames_per_second: int) -> None:
        """Shows a canvas and waits as long as the frame rate asks for."""
        self._screen.blit(canvas.surface(), (0, 0))
        # Without it the desktop takes the window for a program that hangs.
        self._pygame.event.pump()
        self._pygame.display.flip()
        self._clock.tick(frames_per_second)

    def close(self) -> None:
        """Takes the window off the screen."""
        self._pygame.display.quit()


def has_screen() -> bool:
    """Returns whether a window could be seen; a driver that SDL was told to use counts, whatever it is."""
    pygame = load_pygame()
    opened = pygame.display.get_init()
    try:
        pygame.display.init()
        return _shown(pygame)
    except pygame.error:
        return False
    finally:
        if not opened:
            pygame.display.quit()


def _shown(pygame: Any) -> bool:
    return "SDL_VIDEODRIVER" in os.environ or pygame.display.get_driver() not in ("offscreen", "dummy")


@cache
def _font(size: int) -> Any:
    """Loads Pillow's own font: the same on every machine, and so are the pictures; pygame's is bold only."""
    from PIL import ImageFont

    pygame = load_pygame()
    pygame.font.init()
    # Asked for a size, Pillow gives a scalable font.
    scalable = cast("ImageFont.FreeTypeFont", ImageFont.load_default(size))
    return pygame.font.Font(io.BytesIO(scalable.font_bytes), size)


def _enlarged(length: float) -> int:
    return round(length * SUPERSAMPLING)

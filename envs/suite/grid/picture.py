"""Images of the grid world for any number of lanes, painted without a loop over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.suite.grid.optimum import Grid

FLOOR = (236, 238, 241)
LINE = (214, 217, 222)
WALL = (70, 76, 86)
TARGET = (0, 158, 115)
AGENT = (0, 78, 168)

LEAST_CELL = 4
"""Pixels a side that a cell needs: the agent covers its inner half, so that both squares are seen even when
the agent stands on the target."""


class Frames:
    """Painter of the agent and the target of every lane onto one background.

    Args:
        grid: What is painted.
        image_size: Pixels a side, at least `LEAST_CELL` for each cell; what is left over becomes a margin.
    """

    def __init__(self, grid: Grid, image_size: int) -> None:
        self._grid = grid.size
        self._cell = image_size // grid.size
        self._margin = (image_size - self._cell * grid.size) // 2
        self._inset = self._cell // 4
        self._background = np.empty((image_size, image_size, 3), dtype=np.uint8)
        self._background[:] = WALL
        cells = self._cells(self._background[None])[0]
        cells[:] = FLOOR
        # A line on two sides of each cell is enough to tell neighbours apart.
        cells[:, 0] = LINE
        cells[:, :, :, 0] = LINE
        rows, columns = np.nonzero(grid.wall.reshape(grid.size, grid.size))
        cells[rows, :, columns] = WALL

    def paint(self, agents: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Paints the images [N, image_size, image_size, 3] of lanes with agents and targets in cells [N]."""
        lane = np.arange(len(agents))
        frames = np.empty((len(agents), *self._background.shape), dtype=np.uint8)
        frames[:] = self._background
        cells = self._cells(frames)
        inner = slice(self._inset, self._cell - self._inset)
        row, column = np.divmod(targets, self._grid)
        cells[lane, row, :, column] = TARGET
        row, column = np.divmod(agents, self._grid)
        cells[lane, row, inner, column, inner] = AGENT
        return frames

    def _cells(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns a view of images by lane, row, pixel row, column, pixel column and colour."""
        inside = slice(self._margin, self._margin + self._cell * self._grid)
        board = frames[:, inside, inside]
        return board.reshape(len(frames), self._grid, self._cell, self._grid, self._cell, 3)

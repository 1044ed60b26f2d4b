"""Solver of the grid world: shortest ways between all cells, and the return of random moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""What each action does to (row, column): up, down, left, right."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """A square grid of cells, numbered row by row, with or without four rooms.

    Axes: [C] cells, [O] open cells, [A] actions.
    """

    size: int
    """Rows and columns."""
    walls: bool
    """Whether a wall along the middle row and one along the middle column make four rooms, with one door
    between any two neighbours: Sutton, Precup and Singh (1999), Between MDPs and semi-MDPs, figure 2."""

    @cached_property
    def wall(self) -> NDArray[np.bool_]:
        """Whether a cell is a wall, [C]."""
        wall = np.zeros((self.size, self.size), dtype=np.bool_)
        if self.walls:
            middle, doors = self.size // 2, [self.size // 4, 3 * self.size // 4]
            wall[middle] = wall[:, middle] = True
            wall[middle, doors] = wall[doors, middle] = False
        return wall.ravel()

    @cached_property
    def open_cells(self) -> Integers:
        """The cells one can stand on, in ascending order, [O]."""
        return np.flatnonzero(~self.wall).astype(np.int64)

    @cached_property
    def after(self) -> Integers:
        """The cell that each move leads to; against a wall or the edge one stays, [C, A]."""
        rows, columns = np.divmod(np.arange(self.size**2), self.size)
        after = np.zeros((self.size**2, len(MOVES)), dtype=np.int64)
        for action, (down, right) in enumerate(MOVES):
            row = np.clip(rows + down, 0, self.size - 1)
            column = np.clip(columns + right, 0, self.size - 1)
            cell = row * self.size + column
            after[:, action] = np.where(self.wall[cell], np.arange(self.size**2), cell)
        return after

    @cached_property
    def distances(self) -> Integers:
        """Moves on a shortest way by target and start, [C, C]; -1 where none leads there.

        Found by breadth-first search from all targets at once: what is first reached after n moves is n away.
        """
        reached = np.diag(~self.wall)
        distances = np.where(reached, 0, -1).astype(np.int64)
        for moves in range(1, self.size**2):
            # A move can be undone, so the cells next to those reached are those that lead there.
            new = reached[:, self.after].any(axis=-1) & ~self.wall & ~reached
            if not new.any():
                break
            distances[new] = moves
            reached |= new
        return distances

    @cached_property
    def best_moves(self) -> Integers:
        """An action on a shortest way by target and start, [C, C]; any where there is none."""
        closer = self.distances[:, self.after]
        moves: Integers = np.where(closer < 0, self.size**2, closer).argmin(axis=-1)
        return moves

    def optimal_return(self, starts: Integers, max_steps: int, reward: float, step_reward: float) -> float:
        """Returns the best expected return over starts and targets.

        Args:
            starts: Cells that are equally likely to be the start; any other open cell may be the target.
            max_steps: Moves until the episode is cut off.
            reward: What the move onto the target pays.
            step_reward: What every other move pays; not positive.
        """
        moves = self.distances[self.open_cells[:, None], starts]
        in_time = (moves >= 0) & (moves <= max_steps)
        returns = np.where(in_time, reward + (moves - 1) * step_reward, max_steps * step_reward)
        return self._mean(returns, starts)

    def random_return(self, starts: Integers, max_steps: int, reward: float, step_reward: float) -> float:
        """Returns the expected return of uniformly random moves, by exact recursion over the moves left."""
        targets = self.open_cells
        pays = np.where(self.after == targets[:, None, None], reward, step_reward).mean(axis=-1)
        value = np.zeros((len(targets), self.size**2))
        for _ in range(max_steps):
            # The episode is over on the target, so nothing is earned there.
            value[np.arange(len(targets)), targets] = 0.0
            value = pays + sum(value[:, self.after[:, action]] for action in range(len(MOVES))) / len(MOVES)
        return self._mean(value[:, starts], starts)

    def _mean(self, returns: Floats, starts: Integers) -> float:
        """Returns the mean of returns [O, starts] over all pairs of a target and another start."""
        return float(returns[self.open_cells[:, None] != starts].mean())

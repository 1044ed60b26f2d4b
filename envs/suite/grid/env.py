"""Grid world, observed as an image or as four numbers: dynamics, specification and ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.base import (
    INK,
    MUTED,
    BatchedEnv,
    Canvas,
    DrawnAhead,
    Dynamics,
    Lanes,
    Parameters,
    ReferencePolicy,
    References,
    SingleEnv,
    Transition,
    register,
)
from envs.suite.grid.optimum import MOVES, Grid
from envs.suite.grid.picture import AGENT, LEAST_CELL, TARGET, WALL, Frames

TARGET_REWARD = 10.0
STEP_REWARD = -0.1
LEAST_GRID_WITH_WALLS = 5
"""Below, the rooms of the last row and column would be single cells."""


@dataclass(frozen=True, kw_only=True)
class VisualParameters(Parameters):
    """Parameters of the grid world: its size and how it is observed."""

    grid_size: int = 8
    """Rows and columns of the grid; 2 to 20, with walls 5 to 20."""
    image_size: int = 64
    """Pixels a side of the image; at least 4 for each cell, at most 256."""
    random_start: bool = False
    """Whether the agent starts in a cell drawn each episode instead of in the top left corner."""
    walls: bool = False
    """Whether two walls with four doors divide the grid into four rooms."""
    max_steps: int = 100
    """Moves until the episode is cut off; 1 to 10,000."""
    symbolic: bool = False
    """Whether the policy sees four numbers instead of the image."""

    def __post_init__(self) -> None:
        self.check("grid_size", 2, 20)
        self.check("image_size", 1, 256)
        self.check("max_steps", 1, 10_000)
        for name in ("random_start", "walls", "symbolic"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"Visual {name}={getattr(self, name)!r}: expected True or False")
        if self.walls and self.grid_size < LEAST_GRID_WITH_WALLS:
            raise ValueError(
                f"Visual grid_size={self.grid_size} has no room for walls: expected at least "
                f"{LEAST_GRID_WITH_WALLS}, or walls=False"
            )
        least = LEAST_CELL * self.grid_size
        if not self.symbolic and self.image_size < least:
            raise ValueError(
                f"Visual image_size={self.image_size} is too small to show both squares on grid_size="
                f"{self.grid_size}: the smallest image that would do is {least}"
            )

    @property
    def grid(self) -> Grid:
        """What the optimum depends on."""
        return Grid(self.grid_size, self.walls)


class Visual(Dynamics[VisualParameters]):
    """Grid world in which the agent walks to the green cell, seen as an image or as four numbers.

    ## Action Space

    `Discrete(4)`: 0 up, 1 down, 2 left, 3 right, by one cell. A move against the edge or a wall does nothing.

    ## Observation Space

    Visual-v0: `Box(0, 255, (image_size, image_size, 3), uint8)`, rows, columns, red-green-blue. Every cell is
    a square of `image_size // grid_size` pixels a side; a rest becomes a margin in the walls' colour. The
    target fills its cell with green, the agent the inner half of its cell with blue, so both are seen even
    on the same cell, and sizes that leave a cell less than 4 pixels a side are refused.

    VisualSymbolic-v0 (`symbolic`): `Box(-1, 1, (4,), float32)`. `image_size` has no effect, and the walls, the
    same in every episode, are not shown.

    | index | meaning | range | unit |
    | --- | --- | --- | --- |
    | 0 | row of the agent, -1 the top one, 1 the bottom one | -1 to 1 | half of the grid |
    | 1 | column of the agent, -1 the left one, 1 the right one | -1 to 1 | half of the grid |
    | 2 | row of the target | -1 to 1 | half of the grid |
    | 3 | column of the target | -1 to 1 | half of the grid |

    The agent never leaves the grid, so the bounds hold for every policy.

    ## Rewards

    +10 for the move onto the target, -0.1 for any other.

    ## Starting State

    The agent is in the top left corner, with `random_start` in an open cell, each with the same probability.
    The target is in any other open cell, each with the same probability. With `walls`, a wall along the middle
    row and one along the middle column leave four rooms, with a door between any two that share a wall.

    ## Episode End

    - Termination: the agent is on the target.
    - Truncation: after `max_steps` moves, if it is not. No observation shows the moves left.

    The info of the last step carries

    | name | meaning |
    | --- | --- |
    | reached | 1 if the agent got to the target, else 0 |
    | detour | moves made beyond those of a shortest way; NaN if it did not get there |

    ## Arguments

    The fields of :class:`VisualParameters`.

    ## References

    The optimum walks a shortest way, found by breadth-first search from every target, also around walls. The
    floor is a policy of uniformly random moves; its return is exact, by recursion over the moves left.

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = VisualParameters
    return_unit: ClassVar[str] = "reward points"
    moves_finished_lanes: ClassVar[bool] = True
    action_names: ClassVar[tuple[str, ...]] = ("up", "down", "left", "right")

    def __init__(self, parameters: VisualParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        p = parameters
        self._grid = p.grid
        size = LEAST_CELL * 2 * p.grid_size if p.symbolic else p.image_size
        self._frames = Frames(self._grid, size)
        self.observation_space = (
            spaces.Box(-1.0, 1.0, (4,), np.float32)
            if p.symbolic
            else spaces.Box(0, 255, (p.image_size, p.image_size, 3), np.uint8)
        )
        self.action_space = spaces.Discrete(len(MOVES))
        cells = np.divmod(np.arange(p.grid_size**2), p.grid_size)
        self._positions = (2.0 * np.column_stack(cells) / (p.grid_size - 1) - 1.0).astype(np.float32)
        self.agent = np.zeros(num_lanes, dtype=np.int64)
        """The agent's cell, [N]."""
        self.target = np.zeros(num_lanes, dtype=np.int64)
        """The target's cell, [N]."""
        self.time = np.zeros(num_lanes, dtype=np.int64)
        """Moves made in the present episode, [N]."""
        self._draws = DrawnAhead(num_lanes, 2)
        self._shortest = np.zeros(num_lanes, dtype=np.int64)

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Draws each lane's start and target."""
        open_cells = self._grid.open_cells
        # Both numbers are always drawn, so a seed has the same target with and without a random start.
        draws = self._draws.take(lanes, rngs)
        start = (draws[:, 0] * len(open_cells)).astype(np.int64) * self.parameters.random_start
        target = (draws[:, 1] * (len(open_cells) - 1)).astype(np.int64)
        target += target >= start
        self.agent[lanes], self.target[lanes] = open_cells[start], open_cells[target]
        self._shortest[lanes] = self._grid.distances[self.target[lanes], self.agent[lanes]]
        self.time[lanes] = 0

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Moves each agent by one cell."""
        agent = self._grid.after[self.agent[lanes], actions]
        time = self.time[lanes] + 1
        self.agent[lanes], self.time[lanes] = agent, time
        reached = agent == self.target[lanes]
        rewards = np.where(reached, TARGET_REWARD, STEP_REWARD)
        return Transition(rewards, reached, ~reached & (time == self.parameters.max_steps))

    def observe(self) -> NDArray[Any]:
        """Returns the image or the four numbers of every lane, [N, ...]."""
        if not self.parameters.symbolic:
            return self._frames.paint(self.agent, self.target)
        return np.concatenate([self._positions[self.agent], self._positions[self.target]], axis=1)

    def summarise(self, lanes: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
        """Returns whether the agents got there, and how directly."""
        reached = self.agent[lanes] == self.target[lanes]
        return {
            "reached": reached.astype(np.float64),
            "detour": np.where(reached, self.time[lanes] - self._shortest[lanes], np.nan),
        }

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Draws the image that the policy sees, enlarged, with a legend."""
        agent, target = self.agent[lane], self.target[lane]
        canvas.text(24, 26, "Walk to the green cell", size=20)
        canvas.image(24, 56, 320, 320, self._frames.paint(agent[None], target[None])[0])
        legend = [("the agent", AGENT, 6), ("the target", TARGET, 0)]
        if self.parameters.walls:
            legend.append(("a wall", WALL, 0))
        for row, (name, colour, inset) in enumerate(legend):
            y = 72 + 36 * row
            canvas.rectangle(376 + inset, y - 12 + inset, 24 - 2 * inset, 24 - 2 * inset, colour)
            canvas.text(412, y, name, size=15)
        left = self._grid.distances[target, agent]
        way = "arrived" if left == 0 else f"{left} to go on a shortest way"
        canvas.text(376, 212, f"move {self.time[lane]} of {self.parameters.max_steps}", size=18)
        canvas.text(376, 240, way, size=15, colour=INK)
        size = self.parameters.image_size
        sees = "4 numbers: both positions" if self.parameters.symbolic else f"these {size} x {size} pixels"
        canvas.text(376, 340, "+10 on the target, -0.1 for any other move", size=12, colour=MUTED)
        canvas.text(376, 362, f"The policy sees {sees}", size=12, colour=MUTED)

    def describe(self, lane: int) -> str:
        """Writes the grid in letters: A agent, T target, X both, # wall."""
        signs = np.where(self._grid.wall, "#", ".")
        signs[self.target[lane]] = "T"
        signs[self.agent[lane]] = "X" if self.agent[lane] == self.target[lane] else "A"
        size = self.parameters.grid_size
        return "\n".join(" ".join(row) for row in signs.reshape(size, size))

    @classmethod
    def references(cls, parameters: VisualParameters) -> References[Visual]:
        """Returns random moves and shortest ways."""
        p, grid = parameters, parameters.grid
        starts = grid.open_cells if p.random_start else grid.open_cells[:1]
        return References(
            policies={
                "random": ReferencePolicy(
                    "uniformly random moves",
                    grid.random_return(starts, p.max_steps, TARGET_REWARD, STEP_REWARD),
                    lambda visual, rng: rng.integers(len(MOVES), size=visual.num_lanes),
                ),
                "optimal": ReferencePolicy(
                    "walks a shortest way",
                    grid.optimal_return(starts, p.max_steps, TARGET_REWARD, STEP_REWARD),
                    lambda visual, rng: grid.best_moves[visual.target, visual.agent],
                ),
            },
            floor_policy="random",
            optimal_policy="optimal",
            source="breadth-first search for shortest ways",
        )


class VisualEnv(SingleEnv):
    """One walk: what `gymnasium.make` builds. Specification: :class:`Visual`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Visual


class VisualVectorEnv(BatchedEnv):
    """N independent walks: what `gymnasium.make_vec` builds. Specification: :class:`Visual`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Visual


register("sweeps/Visual-v0", Visual)
register("sweeps/VisualSymbolic-v0", Visual, symbolic=True)

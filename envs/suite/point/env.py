"""Board on which a worker jumps onto a target: dynamics, specification and ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.base import (
    BatchedEnv,
    Canvas,
    DrawnAhead,
    Dynamics,
    Lanes,
    Parameters,
    Point,
    ReferencePolicy,
    References,
    SingleEnv,
    Transition,
    register,
)
from envs.suite.point.picture import PointFrame, action_at, draw_board

QUADRATURE_NODES = 64
"""Per smooth piece of the integrand: exact to rounding for any number of steps."""


@dataclass(frozen=True, kw_only=True)
class PointTargetParameters(Parameters):
    """Parameters of the board: sizes of board and discs, and where the target lies."""

    board_size: float = 50.0
    """Width and height of the board, in board units; above 0."""
    radius: float = 6.0
    """Radius of the worker's and the target's disc, in board units; above 0, below a sixth of the board, so
    that a jump can miss."""
    max_steps: int = 1000
    """Jumps after which an episode is truncated; 1 to 100,000."""
    random_target: bool = False
    """Whether each episode draws its target; otherwise it lies in the centre."""

    def __post_init__(self) -> None:
        self.check("board_size", 0, 1e6, above=True)
        self.check("radius", 0, above=True)
        self.check("max_steps", 1, 100_000)
        if not 6 * self.radius < self.board_size:
            raise ValueError(
                f"PointTarget radius={self.radius:g} on board_size={self.board_size:g}: expected less than "
                f"{self.board_size / 6:g}, a sixth of the board, so that a jump can miss"
            )
        if not isinstance(self.random_target, bool):
            raise ValueError(f"PointTarget random_target={self.random_target!r}: expected True or False")

    @property
    def low(self) -> float:
        """The smallest coordinate that a disc's centre can have, in board units."""
        return self.radius

    @property
    def high(self) -> float:
        """The largest coordinate that a disc's centre can have, in board units."""
        return self.board_size - self.radius

    @property
    def reach(self) -> float:
        """The boxes touch where the centres are at most this far apart on both axes, in board units."""
        return 2.0 * self.radius


class PointTarget(Dynamics[PointTargetParameters]):
    """Board on which a worker jumps to positions until it touches the target.

    ## Action Space

    `Box(radius, board_size - radius, (2,), float32)`: the position (x, y) to which the worker's centre jumps,
    in board units. Every position at which its disc lies wholly on the board can be chosen; actions beyond
    are clipped to the nearest of them.

    ## Observation Space

    `Box(-1, 1, (2,), float32)`: where the target is. It depends on no action, so no policy can push it out of
    its bounds.

    | index | meaning | range | unit |
    | --- | --- | --- | --- |
    | 0 | x of the target's centre from the board's centre | -1 to 1 | `board_size / 2 - radius` |
    | 1 | y of the target's centre from the board's centre | -1 to 1 | `board_size / 2 - radius` |

    ## Rewards

    +1 for a jump after which the two discs' bounding boxes touch, -1 for every other. Both boxes have sides
    of `2 * radius` around their disc's centre, so they touch where the centres are at most `2 * radius`
    apart on both axes.

    ## Starting State

    The target lies in the centre of the board (`sweeps/PointTarget-v0`) or, with `random_target`, wherever
    its disc fits, uniformly (`sweeps/PointTargetRandom-v0`). The worker is nowhere until its first jump.

    ## Episode End

    - Termination: the boxes touch.
    - Truncation: `max_steps` jumps have missed.

    ## Arguments

    The fields of :class:`PointTargetParameters`.

    ## References

    Exact. The optimum hits with the first jump: +1. The floor is a policy of uniformly random jumps. If one
    of them hits with probability p, the number of misses is geometric, cut off at T = `max_steps`:

        E[return] = P(hit) - E[misses] = (1 - (1 - p)**T) * (2 - 1 / p)

    p is the share of the action box that touches the target: the overlap of two rectangles, smaller near the
    border. With a random target the mean over its position is an integral, by Gauss-Legendre quadrature on
    each smooth piece.

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = PointTargetParameters
    return_unit: ClassVar[str] = "points: +1 a hit, -1 a miss"
    moves_finished_lanes: ClassVar[bool] = True

    def __init__(self, parameters: PointTargetParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Box(parameters.low, parameters.high, (2,), np.float32)
        self._centre = parameters.board_size / 2
        self._half_span = self._centre - parameters.radius
        # [N, 6]: where the target is in units of the observation, and the smallest and the largest position
        # from which it is touched.
        self._unit_scaled = np.tile(self._place(np.zeros(2)), (num_lanes, 1))
        self._draws = DrawnAhead(num_lanes, 2, self._place_drawn)
        self.jumps = np.zeros(num_lanes, dtype=np.int64)
        """Jumps in the present episode, [N]."""
        # Whether the last jump hit, [N], and each lane's jumps in the present episode; for pictures only.
        self._hit = np.zeros(num_lanes, dtype=np.bool_)
        self._path: list[list[Point]] = [[] for _ in range(num_lanes)]

    @property
    def targets(self) -> NDArray[np.float64]:
        """The target's centre in each lane, [N, 2], in board units."""
        return self._centre + self._half_span * self._unit_scaled[:, :2]

    def _place_drawn(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places targets by uniform numbers, [..., 2]."""
        # An action space that was given the same seed draws the same numbers, and its jumps would land on
        # the target. The later digits of a number say nothing about the first ones.
        later = drawn * 2.0**20
        return self._place(2.0 * (later - np.floor(later)) - 1.0)

    def _place(self, view: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns a row of `_unit_scaled` for each of the given places, [..., 2]."""
        p = self.parameters
        target = self._centre + self._half_span * view
        # A jump beyond the border lands on it, so it touches whatever the border touches.
        nearest = np.where(target - p.reach <= p.low, -np.inf, target - p.reach)
        furthest = np.where(target + p.reach >= p.high, np.inf, target + p.reach)
        return np.concatenate([view, nearest, furthest], axis=-1)

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Places the targets."""
        self.jumps[lanes] = 0
        if self.parameters.random_target:
            self._unit_scaled[lanes] = self._draws.take(lanes, rngs)
        if self.recording:
            self._hit[lanes] = False
            for lane in lanes:
                self._path[lane] = []

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Moves the worker and sees whether it touches the target."""
        p = self.parameters
        jumped_to = actions.astype(np.float64)
        placed = self._unit_scaled[lanes]
        near = (jumped_to >= placed[:, 2:4]) & (jumped_to <= placed[:, 4:])
        hit = near[:, 0] & near[:, 1]
        self.jumps[lanes] = jumps = self.jumps[lanes] + 1
        if self.recording:
            self._hit[lanes] = hit
            positions = np.clip(actions, p.low, p.high)
            for lane, (x, y) in zip(np.arange(self.num_lanes)[lanes], positions.tolist(), strict=True):
                self._path[lane].append((x, y))
        return Transition(np.where(hit, 1.0, -1.0), hit, np.greater(jumps == p.max_steps, hit))

    def observe(self) -> NDArray[np.float32]:
        """Returns the place of each lane's target, [N, 2]."""
        return self._unit_scaled[:, :2].astype(np.float32)

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Draws the board with target, worker and past jumps."""
        draw_board(canvas, self._frame(lane))

    def describe(self, lane: int) -> str:
        """Describes target, worker and result in one line."""
        return self._frame(lane).summary

    def action_at(self, point: Point) -> NDArray[np.float32] | None:
        """Returns the jump that a click on the picture means: to where the pointer is."""
        return action_at(point, self.parameters.board_size, self.parameters.radius)

    def _frame(self, lane: int) -> PointFrame:
        p = self.parameters
        x, y = self.targets[lane].tolist()
        path = tuple(self._path[lane])
        return PointFrame(p.board_size, p.radius, p.max_steps, (x, y), path, bool(self._hit[lane]))

    @classmethod
    def references(cls, parameters: PointTargetParameters) -> References[PointTarget]:
        """Returns random jumps, always the centre, and straight onto the target."""
        return References(
            policies={
                "random": ReferencePolicy(
                    "uniformly random jumps",
                    _random_return(parameters),
                    lambda board, rng: rng.uniform(
                        board.parameters.low, board.parameters.high, (board.num_lanes, 2)
                    ),
                ),
                "centre": ReferencePolicy(
                    "always jumps to the centre of the board",
                    _centre_return(parameters),
                    lambda board, rng: np.full((board.num_lanes, 2), board.parameters.board_size / 2),
                ),
                "optimal": ReferencePolicy(
                    "jumps onto the target", 1.0, lambda board, rng: board.targets.copy()
                ),
            },
            floor_policy="random",
            optimal_policy="optimal",
            source="exact: the first jump hits",
        )


class PointTargetEnv(SingleEnv):
    """One board: what `gymnasium.make` builds. Specification: :class:`PointTarget`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = PointTarget


class PointTargetVectorEnv(BatchedEnv):
    """N boards: what `gymnasium.make_vec` builds. Specification: :class:`PointTarget`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = PointTarget


def _touching_length(p: PointTargetParameters, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the length of the worker's coordinates that touch `target`, in the shape of `target`."""
    return np.minimum(p.high, target + p.reach) - np.maximum(p.low, target - p.reach)


def _random_return(p: PointTargetParameters) -> float:
    """Returns the expected return of uniformly random jumps."""
    span = p.high - p.low
    if p.random_target:
        # The touching length has kinks where the border begins to cut it off.
        kinks = np.unique(np.clip([p.low, p.low + p.reach, p.high - p.reach, p.high], p.low, p.high))
        nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
        starts, widths = kinks[:-1, None], np.diff(kinks)[:, None]
        targets = (starts + widths * (nodes + 1) / 2).ravel()
        density = (widths * weights / 2).ravel() / span
    else:
        targets, density = np.array([p.board_size / 2]), np.ones(1)
    share = _touching_length(p, targets) / span
    hit_probability = np.outer(share, share)
    # log1p keeps small probabilities exact where 1 - (1 - p)**T would cancel.
    ever_hits = -np.expm1(p.max_steps * np.log1p(-hit_probability))
    return float(density @ (ever_hits * (2.0 - 1.0 / hit_probability)) @ density)


def _centre_return(p: PointTargetParameters) -> float:
    """Returns the expected return of always jumping to the centre, which hits at once or never."""
    if not p.random_target:
        return 1.0
    hits = (2.0 * p.reach / (p.high - p.low)) ** 2
    return hits - p.max_steps * (1.0 - hits)


register("sweeps/PointTarget-v0", PointTarget)
register("sweeps/PointTargetRandom-v0", PointTarget, random_target=True)

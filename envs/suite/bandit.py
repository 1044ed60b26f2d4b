"""Bandit with five levers, one of which pays: the smallest test of a training setup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.base import (
    GREEN,
    GRID,
    INK,
    MUTED,
    PANEL,
    PAPER,
    RED,
    BatchedEnv,
    Canvas,
    Dynamics,
    Lanes,
    Parameters,
    ReferencePolicy,
    References,
    SingleEnv,
    Transition,
    register,
)

ARMS = 5
PAYING_ARM = 2


@dataclass(frozen=True, kw_only=True)
class BanditParameters(Parameters):
    """Parameters of the bandit: the length of an episode."""

    pulls: int = 1
    """Independent pulls in one episode, all under the same rule; 1 to 100,000."""

    def __post_init__(self) -> None:
        self.check("pulls", 1, 100_000)


class Bandit(Dynamics[BanditParameters]):
    """Bandit with five levers, of which always the same one pays.

    The smallest environment there is: what does not learn here is broken.

    ## Action Space

    `Discrete(5)`: the lever to pull.

    ## Observation Space

    `Discrete(2)`: 0 at the start of an episode, 1 after every pull. It tells nothing about the levers.

    ## Rewards

    +1 for lever 2, -1 for every other.

    ## Starting State

    Observation 0. Nothing here is random.

    ## Episode End

    - Termination: after `pulls` pulls.
    - Truncation: never.

    ## Arguments

    The fields of :class:`BanditParameters`. Why `pulls`: in batched form every episode is followed by a reset
    step, in which nothing is learned (autoreset in NEXT_STEP mode), so one vector step in `pulls + 1` is a
    reset, half of them all with one pull. Measured in processor time on one core:

    | pulls in an episode | 1 | 4 | 16 | 64 |
    | --- | --- | --- | --- | --- |
    | share of reset steps | 1/2 | 1/5 | 1/17 | 1/65 |
    | million pulls per second, 256 lanes, no training | 14 | 24 | 30 | 32 |
    | seconds of RLlib's PPO per 4,096 pulls, 64 lanes | 2.5 | 1.3 | 1.0 | 0.9 |

    (minibatches of 512, 10 epochs). Training pays more than twice, since RLlib's learner also adds a row to
    every episode for the value after its end.

    ## References

    Exact. The floor is a policy of uniformly random levers: -0.6 a pull. The optimum always pulls lever 2:
    +1 a pull.

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = BanditParameters
    action_names: ClassVar[tuple[str, ...]] = ("lever 0", "lever 1", "lever 2", "lever 3", "lever 4")
    return_unit: ClassVar[str] = "points: +1 or -1 a pull"
    canvas_size: ClassVar[tuple[int, int]] = (640, 320)

    def __init__(self, parameters: BanditParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        self.observation_space = spaces.Discrete(2)
        self.action_space = spaces.Discrete(ARMS)
        self.pulled = np.zeros(num_lanes, dtype=np.int64)
        """Pulls in the present episode, [N]."""
        # [N, ARMS] and [N]: how often each lever was pulled, and the last one; written for pictures only.
        self._counts = np.zeros((num_lanes, ARMS), dtype=np.int64)
        self._last_arm = np.zeros(num_lanes, dtype=np.int64)

    @property
    def horizon(self) -> int:
        """Every episode has exactly this many steps."""
        return self.parameters.pulls

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Puts the lanes before their first pull."""
        del rngs
        self.pulled[lanes] = 0
        if self.recording:
            self._counts[lanes] = 0

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Pays for the levers pulled."""
        self.pulled[lanes] = pulled = self.pulled[lanes] + 1
        if self.recording:
            self._counts[np.arange(self.num_lanes)[lanes], actions] += 1
            self._last_arm[lanes] = actions
        rewards = np.where(actions == PAYING_ARM, 1.0, -1.0)
        ended = pulled == self.parameters.pulls
        return Transition(rewards, ended, np.zeros(len(ended), dtype=np.bool_))

    def observe(self) -> NDArray[np.int64]:
        """Returns whether each lane has pulled yet, [N]."""
        return np.minimum(self.pulled, 1)

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Draws the five levers, how often each was pulled, and what the last one paid."""
        pulled, last = int(self.pulled[lane]), int(self._last_arm[lane])
        canvas.text(24, 28, "Five levers: one pays +1, the others -1", size=20)
        canvas.text(24, 52, self.describe(lane), size=13, colour=MUTED)
        for arm in range(ARMS):
            x = 24 + 120 * arm
            chosen = pulled > 0 and arm == last
            colour = GREEN if arm == PAYING_ARM else RED
            canvas.rectangle(x, 84, 112, 170, PANEL, outline=colour if chosen else GRID, radius=10)
            self._draw_lever(canvas, x + 56, 150, down=chosen)
            canvas.text(x + 56, 206, f"lever {arm}", size=15, anchor="center")
            canvas.text(
                x + 56, 228, f"pulled {self._counts[lane, arm]}x", size=12, colour=MUTED, anchor="center"
            )
            if chosen:
                payment = "+1" if arm == PAYING_ARM else "-1"
                canvas.circle(x + 56, 278, 20, colour)
                canvas.text(x + 56, 278, payment, size=18, colour=PAPER, anchor="center")

    def describe(self, lane: int) -> str:
        """Says how often the levers were pulled and what the last one paid."""
        pulled, pulls = int(self.pulled[lane]), self.parameters.pulls
        if pulled == 0:
            return f"pull 0 of {pulls}"
        arm = int(self._last_arm[lane])
        return f"pull {pulled} of {pulls}   lever {arm} paid {'+1' if arm == PAYING_ARM else '-1'}"

    @staticmethod
    def _draw_lever(canvas: Canvas, x: float, y: float, *, down: bool) -> None:
        tip = (x + 26, y + 22) if down else (x + 26, y - 40)
        canvas.line([(x - 8, y), tip], INK, 6)
        canvas.circle(*tip, 9, INK)
        canvas.rectangle(x - 28, y - 10, 36, 40, MUTED, radius=6)

    @classmethod
    def references(cls, parameters: BanditParameters) -> References[Bandit]:
        """Returns the random and the optimal policy, both exact."""
        return References(
            policies={
                "random": ReferencePolicy(
                    "uniformly random levers",
                    parameters.pulls * (2.0 / ARMS - 1.0),
                    lambda bandit, rng: rng.integers(ARMS, size=bandit.num_lanes),
                ),
                "optimal": ReferencePolicy(
                    f"always pulls lever {PAYING_ARM}",
                    float(parameters.pulls),
                    lambda bandit, rng: np.full(bandit.num_lanes, PAYING_ARM),
                ),
            },
            floor_policy="random",
            optimal_policy="optimal",
            source="exact: every pull pays at most +1",
        )


class BanditEnv(SingleEnv):
    """One row of levers: what `gymnasium.make` builds. Specification: :class:`Bandit`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Bandit


class BanditVectorEnv(BatchedEnv):
    """N rows of levers: what `gymnasium.make_vec` builds. Specification: :class:`Bandit`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Bandit


register("sweeps/Bandit-v0", Bandit)

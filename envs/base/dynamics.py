"""Base class of an environment's rules, written once for any number of lanes.

Glossary: a *lane* is one of the N copies that advance together; `[N]` marks arrays with one entry a lane of
the environment, `[L]` arrays with one entry for each of the lanes named in a call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from envs.base.parameters import Parameters
from envs.base.reference_returns import References
from envs.base.rendering import Canvas, Point

P = TypeVar("P", bound=Parameters)

Lanes = NDArray[np.intp] | slice
"""Which lanes a call is about: their indices [L], or `slice(None)` when it is all of them."""


class Transition(NamedTuple):
    """Result of one step of L lanes."""

    rewards: NDArray[np.float64]
    """[L], in the environment's own unit."""
    terminated: NDArray[np.bool_]
    """[L], whether the task itself ended the episode."""
    truncated: NDArray[np.bool_]
    """[L], whether a limit outside the task ended the episode."""


class Dynamics(ABC, Generic[P]):
    """Base class of an environment's rules on N lanes; a subclass' docstring is its specification.

    Both `gymnasium.make` (one lane) and `gymnasium.make_vec` (N lanes) run the same object, so there is no
    second version of the rules that could differ. Every operation must work lane by lane: a lane's numbers
    may depend neither on its neighbours nor on how many there are.

    Args:
        parameters: What the environment is configured with.
        num_lanes: N, how many episodes run side by side.
    """

    parameters_type: ClassVar[type[Parameters]]
    """The dataclass of the environment's keywords."""
    return_unit: ClassVar[str]
    """What one unit of the return means, for axes and tables."""
    observation_space: gym.Space[Any]
    """The space of one lane's observation; set in `__init__`."""
    action_space: gym.Space[Any]
    """The space of one lane's action; set in `__init__`."""
    action_names: ClassVar[tuple[str, ...]] = ()
    """What each choice of a discrete action does, in a word; "up", "down", "left" and "right" are played
    with the arrow keys."""
    canvas_size: ClassVar[tuple[int, int]] = (640, 400)
    """Width and height of the picture that `draw` fills, in pixels."""
    moves_finished_lanes: ClassVar[bool] = False
    """Whether `advance` may be given lanes whose episode is over as well, so that the batched form need not
    pick the others out; what it does to them is overwritten by `begin`."""
    recording: bool = False
    """Whether this will be drawn, so that what only a picture needs (past actions, say) is worth keeping."""

    def __init__(self, parameters: P, num_lanes: int) -> None:
        self.parameters = parameters
        self.num_lanes = num_lanes

    @classmethod
    @abstractmethod
    def references(cls, parameters: P) -> References[Any]:
        """Returns the returns against which any policy in this environment can be judged."""

    @abstractmethod
    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Starts a new episode in each of the given lanes.

        All random numbers of an episode are drawn here, each lane's from its own generator, so that an
        episode's randomness depends on its seed alone and never on the actions taken.

        Args:
            lanes: The lanes that begin, [L].
            rngs: Their generators, L of them.
        """

    @abstractmethod
    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Moves the given lanes by one step.

        Args:
            lanes: The lanes that move; lanes whose episode is over are among them only if
                `moves_finished_lanes`, and then their results do not count.
            actions: Their actions, [L, ...], already known to be valid.
        """

    @abstractmethod
    def observe(self) -> Any:
        """Returns what every lane shows now: a new array [N, ...], or a batch of the observation space."""

    def summarise(self, lanes: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
        """Returns what to report of the episodes that have just ended in the given lanes.

        Returns:
            Names and values, each [L]; NaN where a value does not exist.
        """
        del lanes
        return {}

    @property
    def horizon(self) -> int | None:
        """The most steps an episode can have: the parameter `max_steps` unless a subclass knows better."""
        return getattr(self.parameters, "max_steps", None)

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Draws one lane's present state so that a stranger understands it; its text unless overridden."""
        for row, text in enumerate([type(self).__name__, *self.describe(lane).splitlines()]):
            canvas.text(24, 32 + 24 * row, text, size=20 if row == 0 else 14)

    def present(self, lane: int) -> dict[str, float]:
        """Returns one lane's present numbers for whoever steps it by hand: none, unless overridden."""
        del lane
        return {}

    def describe(self, lane: int) -> str:
        """Returns one lane's present state as text: its observation, unless overridden."""
        observations = self.observe()
        if isinstance(observations, np.ndarray):
            return f"observation {observations[lane]}"
        batched = batch_space(self.observation_space, self.num_lanes)
        return f"observation {list(iterate(batched, observations))[lane]}"

    def action_at(self, point: Point) -> Any | None:
        """Returns the action that a click on the picture of `draw` means; None where it means none."""
        del point
        return None

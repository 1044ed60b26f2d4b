"""One-step memory task over any observation and action space: dynamics, specification and ids."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import GraphInstance
from numpy.typing import NDArray

from envs.base import (
    BLUE,
    GREEN,
    MUTED,
    PANEL,
    RED,
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
from envs.spaces import ActionDecoder, collate, member, take
from envs.suite.any_space.answers import Answers
from envs.suite.any_space.messages import messages
from envs.suite.any_space.probe_spaces import ACTION_SPACES, OBSERVATION_SPACES, resolve, space_of


@dataclass(frozen=True, kw_only=True)
class SpacesParameters(Parameters):
    """Parameters of the memory task: the spaces to probe, and the number of observations."""

    observation_space: str = "discrete-start"
    """A Gymnasium space, the name of one in :data:`envs.suite.any_space.probe_spaces.OBSERVATION_SPACES`, or its text
    (:func:`envs.spaces.text.to_text`, JSON); kept as name or text, so that it can be hashed and written down."""
    action_space: str = "discrete-start"
    """The same, with the names of :data:`envs.suite.any_space.probe_spaces.ACTION_SPACES`; one that PPO can act in."""
    max_messages: int = 16
    """How many different observations there are at most, 2 to 1024; fewer where the space has fewer."""

    def __post_init__(self) -> None:
        self.check("max_messages", 2, 1024)
        object.__setattr__(self, "observation_space", resolve(self.observation_space, OBSERVATION_SPACES))
        object.__setattr__(self, "action_space", resolve(self.action_space, ACTION_SPACES))
        observations = space_of(self.observation_space, OBSERVATION_SPACES)
        if len(messages(observations, 2)) < 2:
            raise ValueError(
                f"Spaces observation_space={observations}: expected at least two different members"
            )
        # Whatever PPO cannot act in is refused here, with what to use instead.
        ActionDecoder(space_of(self.action_space, ACTION_SPACES))


class Spaces(Dynamics[SpacesParameters]):
    """One-step memory task: one of M observations is shown, and each stands for one right action.

    Any space of Gymnasium can be the observation, and any that PPO can act in the action. A trainer gets
    through only if it reads every part of the one and writes every part of the other;
    :func:`envs.spaces.encode` and :func:`envs.spaces.encode_vector` make sure that it can.

    ## Action Space

    `action_space`. It is seen as C elements: the choices of Discrete, MultiDiscrete and MultiBinary and the
    numbers of Box, in the space's own order, through Dict and Tuple.

    ## Observation Space

    `observation_space`. The M observations are members of it chosen by :func:`envs.suite.any_space.messages.messages`:
    a plain one, and others that differ from it in a single place (an element, a character, an item, an edge,
    a branch, a length), taken in turns from all parts of the space. M is `max_messages`, or the number of
    members that can be made so if that is smaller. The observation stays the same after the step.

    ## Rewards

    The mean over the C elements of the action of

    - 1 for the right choice, 0 for another. Message m asks element c for choice (m + c) modulo the number of
      its choices;
    - 1 - d**2 for a number, where d is its distance from the right one, as a fraction of the element's range.
      The right one lies a quarter of the range above its lower end where m + c is even, and a quarter below
      its upper end where it is odd. The range of an element without bounds is -2 to 2, with a single bound
      it is the 2 next to it, and a number outside the range counts as the nearest inside.

    ## Starting State

    One of the M observations, each as likely as another.

    ## Episode End

    - Termination: after one step.
    - Truncation: never.

    The info of the last step carries nothing.

    ## Arguments

    The fields of :class:`SpacesParameters`. For example

        gymnasium.make("sweeps/Spaces-v0", observation_space="graph", action_space=Box(-1, 1, (2, 2)))

    ## References

    All of them are exact. The floor acts at random: uniform choices, and numbers uniform in their ranges. The
    optimum gives every answer exactly, return 1. `blind` gives the best answer that does not depend on the
    observation, so what lies above it can only come from reading.

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = SpacesParameters
    return_unit: ClassVar[str] = "share of the answer that is right"
    canvas_size: ClassVar[tuple[int, int]] = (720, 420)

    def __init__(self, parameters: SpacesParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        self.observation_space = space_of(parameters.observation_space, OBSERVATION_SPACES)
        self.action_space = space_of(parameters.action_space, ACTION_SPACES)
        self._shown = collate(
            self.observation_space, messages(self.observation_space, parameters.max_messages)
        )
        self.answers, self.targets = _task(parameters)
        """The elements of an action; and the right answer to every message, [M, C]."""
        self.message = np.zeros(num_lanes, dtype=np.intp)
        """Which of the M observations each lane shows, [N]."""
        self._draws = DrawnAhead(num_lanes, 1)
        self._given: list[tuple[Any, float] | None] = [None] * num_lanes

    @property
    def horizon(self) -> int:
        """One step."""
        return 1

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Draws each lane's message."""
        drawn = self._draws.take(lanes, rngs)[:, 0]
        self.message[lanes] = (drawn * len(self.targets)).astype(np.intp)
        if self.recording:
            for lane in lanes:
                self._given[lane] = None

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Compares each answer with the right one."""
        targets = self.targets[self.message[lanes]]
        rewards = self.answers.closeness(actions, targets)
        if self.recording:
            for row, lane in enumerate(np.arange(self.num_lanes)[lanes]):
                self._given[lane] = (member(self.action_space, actions, row), float(rewards[row]))
        over = np.ones(len(targets), dtype=np.bool_)
        return Transition(rewards, over, np.zeros_like(over))

    def observe(self) -> Any:
        """Returns every lane's message, as a batch of the observation space."""
        return take(self.observation_space, self._shown, self.message)

    def describe(self, lane: int) -> str:
        """Says what is seen, what is right, and what was answered."""
        seen, right, given = self._told(lane)
        answered = "nothing yet" if given is None else f"{given[0]} (reward {given[1]:.2f})"
        return f"seen      {seen}\nright     {right}\nanswered  {answered}"

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Shows the observation above, the right answer below it, and the given one beside that."""
        seen, right, given = self._told(lane)
        width, height = self.canvas_size
        canvas.text(24, 32, "Memory task: every observation has one right answer", size=20)
        count = f"observation {self.message[lane] + 1} of {len(self.targets)}"
        canvas.text(width - 24, 32, count, size=14, colour=MUTED, anchor="right")
        _panel(canvas, (24, 60, width - 48, 150), "seen", seen)
        half = (width - 60) / 2
        _panel(canvas, (24, 222, half, height - 246), "right answer", right)
        _panel(
            canvas, (36 + half, 222, half, height - 246), "given answer", "" if given is None else given[0]
        )
        if given is not None:
            verdict = f"reward {given[1]:.2f} of 1"
            colour = GREEN if given[1] > 0.95 else RED
            canvas.text(width - 40, height - 44, verdict, size=18, colour=colour, anchor="right")

    def _told(self, lane: int) -> tuple[str, str, tuple[str, float] | None]:
        seen = member(self.observation_space, self.observe(), lane)
        answer = self.answers.batch(self.targets[self.message[lane]][None])
        given = self._given[lane]
        told = None if given is None else (_one_line(given[0]), given[1])
        return _one_line(seen), _one_line(member(self.action_space, answer, 0)), told

    @classmethod
    def references(cls, parameters: SpacesParameters) -> References[Spaces]:
        """Returns the random, the blind and the optimal policy, all exact."""
        answers, targets = _task(parameters)
        blind = answers.blind(targets)
        return References(
            policies={
                "random": ReferencePolicy(
                    "uniformly random answers",
                    answers.random_closeness(targets),
                    lambda task, rng: task.answers.batch(task.answers.random(task.num_lanes, rng)),
                ),
                "blind": ReferencePolicy(
                    "the best answer that does not depend on the observation",
                    float(answers.element_closeness(blind, targets).mean()),
                    lambda task, rng: task.answers.batch(np.tile(blind, (task.num_lanes, 1))),
                ),
                "optimal": ReferencePolicy(
                    "the right answer",
                    1.0,
                    lambda task, rng: task.answers.batch(task.targets[task.message]),
                ),
            },
            floor_policy="random",
            optimal_policy="optimal",
            source="exact: the right answer to every observation is known, and earns 1",
        )


def _task(parameters: SpacesParameters) -> tuple[Answers, NDArray[np.float64]]:
    """Returns the elements of an action, and the right answer to every message, [M, C]."""
    shown = messages(space_of(parameters.observation_space, OBSERVATION_SPACES), parameters.max_messages)
    answers = Answers.of(space_of(parameters.action_space, ACTION_SPACES))
    return answers, answers.targets(len(shown))


def _one_line(thing: Any) -> str:
    return str(_plain(thing))


def _plain(thing: Any) -> Any:
    """Returns the same values without the names of NumPy's types, numbers to two digits after the point."""
    if isinstance(thing, GraphInstance):
        return _plain({name: part for name, part in thing._asdict().items() if part is not None})
    if isinstance(thing, dict):
        return {key: _plain(part) for key, part in thing.items()}
    if isinstance(thing, tuple):
        return tuple(_plain(part) for part in thing)
    if isinstance(thing, np.ndarray | np.generic):
        return (np.round(thing.astype(np.float64), 2) if thing.dtype.kind == "f" else thing).tolist()
    return thing


def _panel(canvas: Canvas, box: tuple[float, float, float, float], title: str, text: str) -> None:
    x, y, width, height = box
    canvas.rectangle(x, y, width, height, PANEL, radius=8)
    canvas.text(x + 16, y + 20, title, size=14, colour=BLUE)
    rows, columns = int((height - 50) // 20), int((width - 32) // 6.5)
    for row, line in enumerate(textwrap.wrap(text, columns, max_lines=rows, placeholder=" ...")):
        canvas.text(x + 16, y + 46 + 20 * row, line, size=14)


class SpacesEnv(SingleEnv):
    """One memory task: what `gymnasium.make` builds. Specification: :class:`Spaces`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Spaces


class SpacesVectorEnv(BatchedEnv):
    """N independent memory tasks: what `gymnasium.make_vec` builds. Specification: :class:`Spaces`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Spaces


register("sweeps/Spaces-v0", Spaces)

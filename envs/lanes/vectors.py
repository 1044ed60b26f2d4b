"""Vector environments that close what they are made of exactly once, also where they are made by half."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

from envs.lanes.closing import close, close_all
from envs.lanes.raised import LaneError, is_of_users, raised_in
from envs.lanes.reports import reported
from envs.lanes.under_way import under_way
from envs.spaces import alike, shortened


class SyncLanes(SyncVectorEnv):
    """Single environments that step together, as Gymnasium steps them.

    Args:
        makers: Make one environment each. Where one of them raises, those made before it are closed.
        copy: Whether observations are copied before they are handed out.
        autoreset_mode: When a finished lane begins its next episode.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], gym.Env[Any, Any]]],
        *,
        copy: bool = True,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        self.closed = True  # there is nothing to close for Gymnasium, should what follows raise
        with ExitStack() as made:
            lanes = []
            for make in makers:
                lanes.append(make())
                made.callback(close, lanes[-1])
                _agree(lanes[0], lanes[-1])
            super().__init__(
                [partial(_same, lane) for lane in lanes], copy=copy, autoreset_mode=autoreset_mode
            )
            made.pop_all()
        self.env_fns = ()
        self.closed = False

    def close(self, **kwargs: Any) -> None:
        """Closes every lane, once."""
        if not self.closed:
            self.closed = True
            close_all(self.envs)


def _agree(first: gym.Env[Any, Any], lane: gym.Env[Any, Any]) -> None:
    """Gives a lane the first one's spaces.

    Raises:
        LaneError: It has others.
    """
    for name in ("observation_space", "action_space"):
        one, other = getattr(first, name), getattr(lane, name)
        if not alike(one, other):
            raise LaneError(
                f"{type(lane.unwrapped).__name__} has in one instance the {name} {shortened(one)}, in "
                f"another {shortened(other)}: expected every instance to have the same"
            )
        setattr(lane, name, one)


def _same(lane: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    return lane


class NativeLanes(VectorWrapper):
    """Vector environment of a user's own, which is closed at most once, whatever its `close` does.

    Where it collects its lanes' infos with Gymnasium's method, numbers keep their value: that one gives all
    lanes the type of the first that reports, cuts later floats to integers, and raises at None.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        self.closed = False
        self._steps = 0
        inner = env.unwrapped
        if type(inner)._add_info is VectorEnv._add_info:
            inner._add_info = partial(_add_numbers, inner.num_envs)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Starts an episode in every lane.

        Raises:
            EnvironmentRaisedError: The environment's own code raised something.
            EnvironmentExitedError: The environment called `sys.exit`.
        """
        self._steps = 0
        with self._errors_told("reset", "reset"):
            return self.env.reset(**kwargs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Takes a step in every lane.

        Raises:
            EnvironmentRaisedError: The environment's own code raised something.
            EnvironmentExitedError: The environment called `sys.exit`.
        """
        self._steps += 1
        with self._errors_told("step", f"step {self._steps}"):
            return self.env.step(actions)

    @contextmanager
    def _errors_told(self, name: str, call: str) -> Iterator[None]:
        """Notes which call is under way, and says in which one an error was raised."""
        try:
            with under_way.of(name):
                yield
        except BaseException as error:
            if not is_of_users(error):
                raise
            raise raised_in(call, type(self.env.unwrapped).__name__, error) from error

    def close(self, **kwargs: Any) -> None:
        """Closes the environment, once."""
        if not self.closed:
            self.closed = True
            try:
                close(self.env)
            finally:
                # Gymnasium closes again what is dropped and does not say that it is closed.
                self.env.unwrapped.closed = True


def _add_numbers(lanes: int, infos: dict[str, Any], info: Any, lane: int) -> dict[str, Any]:
    """Adds the numbers in one lane's info to those of all lanes, in Gymnasium's form."""
    for name, number in reported(info).items():
        infos.setdefault(name, np.full(lanes, np.nan))[lane] = number
        infos.setdefault(f"_{name}", np.zeros(lanes, dtype=np.bool_))[lane] = True
    return infos

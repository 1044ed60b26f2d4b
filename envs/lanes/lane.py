"""Lane of a batch: a user's environment whose answers fit beside the others', or are named."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from envs.lanes.reports import reported
from envs.spaces import fitting


class LaneError(ValueError):
    """Error of an environment that returned what cannot be trained with; it says what, and what to return."""


class EnvironmentExitedError(RuntimeError):
    """Error of an environment that asked its process to end, by which the run would end without a cause."""


class Lane(gym.Wrapper[Any, Any, Any, Any]):
    """Single environment of any habits, in the form that a batch of them needs.

    Rewards become floats, flags booleans; infos are the numbers in them, and only those of an episode's last
    step, which is all that anything here reads. So lanes may report different names and types.

    Args:
        env: The environment, which the lane closes at most once.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        # A copy, since a batch notes its autoreset mode here, and the class's own belongs to all lanes.
        self.metadata = {**(env.metadata or {})}
        self._misfit = fitting(env.observation_space)
        self._steps = 0
        self._closed = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode.

        Raises:
            LaneError: The observation does not fit its space.
            EnvironmentExitedError: The environment called `sys.exit`.
        """
        try:
            observation, _ = self.env.reset(seed=seed, options=options)
        except SystemExit as end:
            raise _exited("reset", end) from end
        self._steps = 0
        misfit = self._misfit(observation)
        if misfit is not None:
            raise LaneError(f"{self._who()} returns from reset an observation {misfit}")
        return observation, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Takes a step.

        Raises:
            LaneError: The observation does not fit its space, or the reward is no number.
            EnvironmentExitedError: The environment called `sys.exit`.
        """
        try:
            observation, reward, terminated, truncated, info = self.env.step(action)
        except SystemExit as end:
            raise _exited(f"step {self._steps + 1} of an episode", end) from end
        self._steps += 1
        misfit = self._misfit(observation)
        if misfit is not None:
            raise LaneError(
                f"{self._who()} returns at step {self._steps} of an episode an observation {misfit}"
            )
        if type(reward) is not float:
            reward = self._number(reward)
        over = bool(terminated), bool(truncated)
        return observation, reward, *over, reported(info) if any(over) else {}

    def close(self) -> None:
        """Closes the environment, once."""
        if not self._closed:
            self._closed = True
            self.env.close()  # type: ignore[no-untyped-call]  # Gymnasium forgot its annotation

    def _number(self, reward: Any) -> float:
        number = reward_of(reward)
        if number is None:
            raise LaneError(
                f"{self._who()} returns at step {self._steps} of an episode the reward {in_brief(reward)}, "
                "expected a number"
            )
        return number

    def _who(self) -> str:
        return type(self.env.unwrapped).__name__


def reward_of(value: Any) -> float | None:
    """Returns a reward as a float; None where it is no number of Python's or NumPy's, nor an array of one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    return float(value) if isinstance(value, int | float | np.integer | np.floating | np.bool_) else None


def in_brief(value: Any) -> str:
    """Returns a value on one line with its type."""
    return f"{' '.join(repr(value).split())} of type {type(value).__name__}"


def _exited(where: str, end: SystemExit) -> BaseException:
    """Returns what stands for `sys.exit` in a user's code; a signal's own SystemExit goes on its way."""
    if end.__traceback__ is not None and _raised_by_ray(end):
        return end
    said = f": {end.code}" if end.code is not None else ""
    return EnvironmentExitedError(f"the environment ended its process with sys.exit in {where}{said}")


def _raised_by_ray(end: SystemExit) -> bool:
    last = end.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__", "")).startswith("ray.")

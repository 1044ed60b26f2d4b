"""Lane of a batch: a user's environment whose answers fit beside the others', or are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from envs.lanes.closing import close
from envs.lanes.raised import LaneError, is_of_users, place_of_code, raised_in, raising_module, told
from envs.lanes.reports import reported
from envs.lanes.under_way import under_way
from envs.spaces import fitting

OLD_GYM = "this is the interface of the old gym package"
MASK_NAMES = ("action_mask", "action_masks", "valid_actions")
"""Names under which environments say which actions are allowed, in an observation, an info or a method."""


class Lane(gym.Wrapper[Any, Any, Any, Any]):
    """Single environment of any habits, in the form that a batch of them needs.

    Rewards become floats, flags booleans; infos are the numbers in them, and only those of an episode's last
    step, which is all that anything here reads. So lanes may report different names and types.

    Args:
        env: The environment, which the lane closes at most once.
    """

    left_out: ClassVar[Mapping[str, str]] = {}
    """Parts of the observation that are not trained on; all of them are seen, unless an encoding cannot."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        # A copy, since a batch notes its autoreset mode here, and the class's own belongs to all lanes.
        self.metadata = {**(env.metadata or {})}
        self._misfit = fitting(self._space("observation_space"))
        self._space("action_space")
        self._steps = 0
        self._infos: tuple[Any, Any] = None, None  # of the last reset and the last step
        self._closed = False

    @classmethod
    def made_by(cls, make: Callable[[], gym.Env[Any, Any]]) -> Lane:
        """Makes an environment, and the lane that it is in.

        Args:
            make: Calls the environment's constructor.

        Raises:
            EnvironmentRaisedError: The constructor raised something.
            EnvironmentExitedError: It called `sys.exit`.
            LaneError: The environment has no spaces.
        """
        try:
            with under_way.of("its constructor"):
                env = make()
        except BaseException as error:
            if not is_of_users(error):
                raise
            raise raised_in("its constructor", "it", error) from error
        try:
            return cls(env)
        except BaseException:
            close(env)
            raise

    @property
    def has_action_mask(self) -> bool:
        """Whether the environment says which actions are allowed, as far as it was played."""
        space = self.observation_space
        parts = space.spaces if isinstance(space, gym.spaces.Dict) else {}
        infos = [info for info in self._infos if isinstance(info, Mapping)]
        named = any(name in each for name in MASK_NAMES for each in (parts, *infos))
        # What is computed when it is asked for may raise.
        has = {*dir(type(self.unwrapped)), *vars(self.unwrapped)}
        return named or not has.isdisjoint(MASK_NAMES)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode.

        Raises:
            LaneError: It does not return an observation of its space and an info.
            EnvironmentRaisedError: The environment's own code raised something.
            EnvironmentExitedError: The environment called `sys.exit`.
        """
        under_way.begin("reset")
        try:
            returned = self.env.reset(seed=seed, options=options)
        except BaseException as error:
            if not is_of_users(error):
                raise
            place = place_of_code(self.unwrapped.reset)
            raise raised_in("reset", self._who(), error, hint=_reset_hint(error), place=place) from error
        finally:
            under_way.end()
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise LaneError(
                f"{self._who()} returns from reset {_kind(returned)}, expected an observation and an info: "
                f"{OLD_GYM}; return observation, {{}}"
            )
        observation, info = returned
        self._infos = info, None
        self._steps = 0
        misfit = self._misfit_of(observation)
        if misfit is not None:
            raise LaneError(f"{self._who()} returns from reset an observation {misfit}")
        return observation, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Takes a step.

        Raises:
            LaneError: The observation does not fit its space, the reward is no number, or it returns
                something else than five values.
            EnvironmentRaisedError: The environment's own code raised something.
            EnvironmentExitedError: The environment called `sys.exit`.
        """
        self._steps += 1
        under_way.begin("step")
        try:
            returned = self.env.step(action)
        except BaseException as error:
            if not is_of_users(error):
                raise
            raise self._raised(error) from error
        finally:
            under_way.end()
        if not isinstance(returned, tuple | list) or len(returned) != 5:
            raise self._no_five_values(_kind(returned))
        observation, reward, terminated, truncated, info = returned
        misfit = self._misfit_of(observation)
        if misfit is not None:
            raise self._returned(f"an observation {misfit}")
        if type(reward) is not float:
            reward = self._number(reward)
        if type(terminated) is not bool or type(truncated) is not bool:
            terminated, truncated = self._flag("terminated", terminated), self._flag("truncated", truncated)
        self._infos = self._infos[0], info
        return observation, reward, terminated, truncated, reported(info) if terminated or truncated else {}

    def close(self) -> None:
        """Closes the environment, once."""
        if not self._closed:
            self._closed = True
            close(self.env)

    def _number(self, reward: Any) -> float:
        number = reward_of(reward)
        if number is None:
            raise self._returned(f"the reward {in_brief(reward)}, expected a number")
        return number

    def _flag(self, name: str, flag: Any) -> bool:
        number = reward_of(flag)
        if number not in (0.0, 1.0):
            raise self._returned(f"{name}={in_brief(flag)}, expected True or False")
        return bool(number)

    def _misfit_of(self, observation: Any) -> str | None:
        try:
            return self._misfit(observation)
        except Exception as error:  # what a user's object raises when it is looked at may be anything
            return f"of type {type(observation).__name__} that raises {told(error)} when it is read"

    def _returned(self, what: str) -> LaneError:
        return LaneError(f"{self._who()} returns at step {self._steps} of an episode {what}")

    def _raised(self, error: BaseException) -> Exception:
        """Returns the error that says what is wrong with a step."""
        # Wrappers of Gymnasium's unpack what the environment returns before this lane sees it.
        is_gymnasiums = raising_module(error).partition(".")[0] == "gymnasium"
        if isinstance(error, ValueError) and "unpack" in str(error) and is_gymnasiums:
            return self._no_five_values("something else")
        hint = ""
        if self.has_action_mask:
            hint = (
                "it says which actions are allowed, and training takes any of the action space, since action "
                "masks are not supported: let a forbidden action change nothing, and pay less for it"
            )
        return raised_in(self._when(), self._who(), error, hint=hint)

    def _no_five_values(self, returned: str) -> LaneError:
        return LaneError(
            f"{self._who()} returns from step {returned}, expected five values: {OLD_GYM}; return "
            "observation, reward, terminated, truncated, info, where terminated says that the task is over "
            "and truncated that time is up"
        )

    def _when(self) -> str:
        return f"step {self._steps} of an episode"

    def _space(self, name: str) -> gym.Space[Any]:
        """Returns one of the environment's spaces."""
        space = getattr(self.env, name, None)
        if isinstance(space, gym.Space):
            return space
        kind = f"{type(space).__module__}.{type(space).__name__}"
        got = f"no {name}" if space is None else f"as {name} a {kind}, not a space of Gymnasium's"
        raise LaneError(
            f"{self._who()} has after its constructor {got}: set self.{name} there to one of gymnasium.spaces"
        )

    def _who(self) -> str:
        return type(self.env.unwrapped).__name__


def reward_of(value: Any) -> float | None:
    """Returns a reward as a float; None where it is no number of Python's or NumPy's, nor an array of one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
        return None
    try:
        return float(value)
    except Exception:  # too large, or of a user's class
        return None


def in_brief(value: Any) -> str:
    """Returns a value on one line, not longer than a person reads, with its type."""
    try:
        text = " ".join(repr(value).split())
    except Exception as error:  # of a user's class
        text = f"what raises {told(error)} when it is shown,"
    return f"{text if len(text) <= 100 else f'{text[:97]}...'} of type {type(value).__name__}"


def _reset_hint(error: BaseException) -> str:
    if not isinstance(error, TypeError) or "unexpected keyword argument 'seed'" not in str(error):
        return ""
    declared = "reset(self, *, seed=None, options=None)"
    return f"{OLD_GYM}; declare {declared}, and call super().reset(seed=seed) in it"


def _kind(value: Any) -> str:
    """Returns what something is, without its content."""
    if isinstance(value, tuple | list):
        return f"{len(value)} values"
    return type(value).__name__

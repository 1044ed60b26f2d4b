"""Recorded runs of a vector environment under a fixed script of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from functools import cached_property
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import concatenate, create_empty_array, iterate
from numpy.typing import NDArray

from envs.lanes import closed_at_last

MakeVector = Callable[[int], VectorEnv[Any, Any, Any]]
"""Makes the environment with the given number of lanes."""
MakeSingle = Callable[[], gym.Env[Any, Any]]
Problem = str | None
"""What breaks a rule, or None where it is kept."""


class Transitions(NamedTuple):
    """Return values of one call of `reset` or `step`, copied."""

    observations: Any
    """A batch of the observation space."""
    rewards: Any
    """[N]; zeros after `reset`."""
    terminated: Any
    """[N]; False after `reset`."""
    truncated: Any
    """[N]; False after `reset`."""
    infos: dict[str, Any]
    """As returned."""

    @property
    def over(self) -> NDArray[np.bool_]:
        """Which lanes' episodes ended, [N]; none after `reset`."""
        return np.asarray(self.terminated, dtype=np.bool_) | np.asarray(self.truncated, dtype=np.bool_)


class Runs:
    """Recorded runs that the rules look at, each made once; leaving the context closes what was made.

    Args:
        make: Makes the vector environment.
        num_envs: N, how many lanes to run side by side.
        steps: How long a run lasts.
        seed: Lane i is seeded with `seed + i`.
    """

    def __init__(self, make: MakeVector, num_envs: int, steps: int, seed: int) -> None:
        self.make, self.num_envs, self.steps, self.seed = make, num_envs, steps, seed
        self._made = ExitStack()

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *exception: object) -> None:
        self._made.close()

    @cached_property
    def env(self) -> VectorEnv[Any, Any, Any]:
        """One instance, to ask for its spaces and metadata; never stepped."""
        return self._made.enter_context(closed_at_last(self.make(self.num_envs)))

    @cached_property
    def lane(self) -> VectorEnv[Any, Any, Any]:
        """An instance of one lane, to ask for its spaces; never stepped."""
        return self._made.enter_context(closed_at_last(self.make(1)))

    @property
    def mode(self) -> Any:
        """The declared autoreset mode, or None."""
        return self.env.metadata.get("autoreset_mode")

    @cached_property
    def script(self) -> list[list[Any]]:
        """Random actions, [step][lane]."""
        space = deepcopy(self.env.single_action_space)
        space.seed(self.seed)
        return [[space.sample() for _ in range(self.num_envs)] for _ in range(self.steps)]

    @cached_property
    def main(self) -> list[Transitions]:
        """The run that all others are compared with: frame 0 is the reset, frame t follows step t."""
        return self.play(self.script)

    @cached_property
    def endings(self) -> list[tuple[int, int]]:
        """Transitions and lane of every episode's last step that has a frame after it."""
        frames = self.main[:-1]
        return [(t, int(lane)) for t, frame in enumerate(frames) for lane in np.flatnonzero(frame.over)]

    def play(
        self, script: Sequence[Sequence[Any]], *, lane: int | None = None, **kwargs: Any
    ) -> list[Transitions]:
        """Runs a script in all lanes, or one lane's part of it in an environment of one lane."""
        if lane is None:
            return play(self.make(self.num_envs), script, self.seed, **kwargs)
        return play(self.make(1), [[actions[lane]] for actions in script], self.seed + lane, **kwargs)


def play(
    env: VectorEnv[Any, Any, Any],
    script: Sequence[Sequence[Any]],
    seed: int,
    *,
    scribble: bool = False,
    reset_last: bool = False,
) -> list[Transitions]:
    """Runs a script of actions [step][lane] in a vector environment and closes it.

    Args:
        env: The environment; with autoreset disabled, finished lanes are reset by mask.
        script: The actions.
        seed: What `reset` is given.
        scribble: Whether the caller overwrites every array it was given, as it may.
        reset_last: Whether a call of `reset` without a seed follows the last step.
    """
    with closed_at_last(env):
        observations, infos = env.reset(seed=seed)
        lanes = len(script[0])
        nothing = np.zeros(lanes), np.zeros(lanes, dtype=np.bool_), np.zeros(lanes, dtype=np.bool_)
        frames = [Transitions(*deepcopy((observations, *nothing, infos)))]
        for actions in script:
            if env.metadata.get("autoreset_mode") == AutoresetMode.DISABLED and frames[-1].over.any():
                env.reset(options={"reset_mask": frames[-1].over})
            if scribble:
                for array in _arrays(observations):
                    array.fill(0)
            returned = take_step(env, actions)
            observations = returned[0]
            frames.append(Transitions(*deepcopy(returned)))
        if reset_last:
            observations, infos = env.reset()
            frames.append(Transitions(*deepcopy((observations, *nothing, infos))))
    return frames


def take_step(env: VectorEnv[Any, Any, Any], actions: Sequence[Any]) -> tuple[Any, ...]:
    """Steps with one action a lane, whatever the structure of their space."""
    batch = create_empty_array(env.single_action_space, n=len(actions))
    return env.step(concatenate(env.single_action_space, actions, batch))


def lane_view(env: VectorEnv[Any, Any, Any], frame: Transitions, lane: int) -> dict[str, Any]:
    """Takes one lane's part out of a frame, without the batch axis."""
    observation = list(iterate(env.observation_space, frame.observations))[lane]
    return {
        "observation": observation,
        "reward": frame.rewards[lane],
        "terminated": frame.terminated[lane],
        "truncated": frame.truncated[lane],
        "info": _lane_info(frame.infos, lane),
    }


def _lane_info(infos: dict[str, Any], lane: int) -> dict[str, Any]:
    info = {}
    for name, values in infos.items():
        if f"_{name}" in infos and infos[f"_{name}"][lane]:
            info[name] = _lane_info(values, lane) if isinstance(values, dict) else values[lane]
    return info


def _arrays(observations: Any) -> Iterator[NDArray[Any]]:
    """Yields every numeric array in a batch of any structure."""
    if isinstance(observations, np.ndarray):
        yield observations
    elif isinstance(observations, dict):
        for part in observations.values():
            yield from _arrays(part)
    elif isinstance(observations, tuple | list):
        for part in observations:
            yield from _arrays(part)

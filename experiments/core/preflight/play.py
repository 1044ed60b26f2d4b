"""Moment of play in an experiment's environment with random actions: what it is like, and how fast."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AsyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from analysis.sweep import OUTPUT_FILE
from analysis.text import counted
from envs.lanes import SyncLanes
from experiments.core.declaration import Experiment, Vectorization
from experiments.core.environments import imported_spec, is_image, make_vector
from experiments.core.records import Printed
from experiments.core.training import hyperparameters, trainer_part

EPISODES = 3
"""Whole episodes that are played, if there is time for them."""
LARGE = 100.0
"""Magnitude of rewards and observations from which a note says how to scale them."""
SMALL = 0.1
"""Change of most numbers of the observations, below which a note says the same."""
SOME_STEPS = 10
"""Steps that lanes take at least where several are measured together."""
KEPT = 256
"""Observations and rewards that are kept."""


@dataclass(frozen=True, kw_only=True)
class Play:
    """What a moment of play showed, of one lane."""

    observation_space: gym.Space[Any]
    """Of one observation, as it is trained on."""
    action_space: gym.Space[Any]
    """Of one action, as it is chosen."""
    observations: Sequence[Any]
    """Some of what was seen, of the first step at least."""
    rewards: Sequence[float]
    """What was paid in those steps."""
    make_s: float
    """Seconds on the clock of making one lane."""
    step_s: float
    """Seconds on the clock of one step, the resets shared out among them."""
    lengths: Sequence[int]
    """Steps of the episodes that ended."""
    has_action_mask: bool
    """Whether the environment says which actions it allows."""
    left_out: Mapping[str, str]
    """Parts of the observation that are not trained on, by name, with the class of each."""

    @property
    def length_mean(self) -> float:
        """Mean steps of the episodes that ended; NaN if none did."""
        return float(np.mean(self.lengths)) if self.lengths else math.nan

    @property
    def largest_reward(self) -> float:
        """Magnitude of the largest reward."""
        return float(np.max(np.abs(self.rewards), initial=0.0))

    @property
    def largest_observation(self) -> float:
        """Magnitude of the largest number observed; 0 for images, which are scaled by their type."""
        if is_image(self.observation_space):
            return 0.0
        return max((float(np.max(np.abs(each), initial=0.0)) for each in self.observations), default=0.0)

    @property
    def usual_change(self) -> float:
        """By how much the numbers of observations change that do, in the median; 0 if none does."""
        return float(np.median(self._changes)) if self._changes.size else 0.0

    @property
    def least_change(self) -> float:
        """By how much the number of the observations changes that changes least, but does; 0 if none does."""
        return float(np.min(self._changes)) if self._changes.size else 0.0

    @cached_property
    def _changes(self) -> NDArray[np.float64]:
        """Ranges of the numbers of the observations that change."""
        if is_image(self.observation_space) or not self.observations:
            return np.zeros(0)
        changes: NDArray[np.float64] = np.ptp(np.stack(self.observations), axis=0).astype(np.float64)
        return changes[changes > 0]

    def affordable_lanes(self, wanted: int, vectorization: Vectorization, seconds: float) -> int:
        """Returns how many lanes can be made, and take some steps, in so many seconds; at least 1."""
        lane_s = self.make_s if vectorization == "async" else max(self.make_s, SOME_STEPS * self.step_s)
        return max(1, min(wanted, int(seconds / max(lane_s, 1e-9))))


def play(
    env_id: str, parameters: Mapping[str, Any], vectorization: Vectorization, *, seconds: float, seed: int
) -> Play:
    """Plays a few whole episodes in one lane, as many as there is time for, and at least two steps.

    Args:
        env_id: The environment.
        parameters: Its keywords.
        vectorization: How its lanes are stepped.
        seconds: On the clock, after which no further step is taken.
        seed: Of the first episode and of the actions.

    Raises:
        UserError: The environment cannot be made.
        Exception: Whatever the environment raises.
    """
    imported_spec(env_id)  # once for all lanes, and no part of making one
    started = time.perf_counter()
    with closing(make_vector(env_id, parameters, 1, vectorization)) as env:
        make_s = time.perf_counter() - started
        env.action_space.seed(seed)
        observations: list[Any] = []
        rewards: list[float] = []
        lengths: list[int] = []
        steps, began = 0, time.perf_counter()
        for observation, reward, length in _steps(env, seed):
            steps += 1
            if len(rewards) < KEPT:
                observations.append(observation)
                rewards.append(reward)
            if length is not None:
                lengths.append(length)
            if len(lengths) >= EPISODES or (steps >= 2 and time.perf_counter() - began > seconds):
                break
        return Play(
            observation_space=env.single_observation_space,
            action_space=env.single_action_space,
            observations=observations,
            rewards=rewards,
            make_s=make_s,
            step_s=(time.perf_counter() - began) / steps,
            lengths=lengths,
            has_action_mask=bool(_asked(env, "has_action_mask")),
            left_out=_asked(env, "left_out") or {},
        )


def batch_step_seconds(
    env_id: str,
    parameters: Mapping[str, Any],
    vectorization: Vectorization,
    lanes: int,
    *,
    seconds: float,
    seed: int,
) -> float:
    """Measures the seconds on the clock of one step of several lanes together.

    Args:
        env_id: The environment.
        parameters: Its keywords.
        vectorization: How its lanes are stepped.
        lanes: How many.
        seconds: On the clock, after which no further step is taken.
        seed: Of the episodes and of the actions.
    """
    with closing(make_vector(env_id, parameters, lanes, vectorization)) as env:
        env.action_space.seed(seed)
        env.reset(seed=seed)
        actions = [env.action_space.sample() for _ in range(8)]
        steps, began = 0, time.perf_counter()
        while steps == 0 or (steps < 200 and time.perf_counter() - began < seconds):
            env.step(actions[steps % len(actions)])
            steps += 1
        return (time.perf_counter() - began) / steps


def _steps(env: VectorEnv[Any, Any, Any], seed: int) -> Iterator[tuple[Any, float, int | None]]:
    """Plays on and on; yields what each step saw and paid, and the length of an episode that it ended."""
    observations, _ = env.reset(seed=seed)
    length, over = 0, False
    while True:
        seen = np.array(observations[0])
        observations, rewards, terminated, truncated, _ = env.step(env.action_space.sample())
        if over:  # this step was the reset
            over, length = False, 0
            continue
        length += 1
        over = bool(terminated[0] or truncated[0])
        yield seen, float(rewards[0]), length if over else None


def _asked(env: VectorEnv[Any, Any, Any], name: str) -> Any:
    """Returns what an environment's encoding says of it, or its first lane; None where neither does."""
    if hasattr(type(env), name):
        return getattr(env, name)
    lanes = env.unwrapped
    # A user's own vector environment may have methods of any names.
    return lanes.call(name)[0] if isinstance(lanes, SyncLanes | AsyncVectorEnv) else None


def play_notes(experiment: Experiment, played: Play) -> list[str]:
    """Notes on what was seen in the environment, where training with it is harder than need be."""
    notes = []
    if played.has_action_mask:
        notes.append(
            f"{experiment.env} says which actions are allowed, and training takes any of the action "
            "space: a forbidden one should change nothing and pay less"
        )
    if played.left_out:
        parts = ", ".join(f"{name!r} ({kind})" for name, kind in played.left_out.items())
        notes.append(
            f"{experiment.env} observes {parts}, which no network can read and which is left out: if it "
            "matters, give the same as one of gymnasium.spaces, in the environment or in a wrapper around it"
        )
    settings = hyperparameters.with_defaults(trainer_part(experiment.space.defaults), experiment.fixed)
    largest = {
        "scale_rewards": ("rewards", played.largest_reward),
        "normalise_observations": ("observations", played.largest_observation),
    }
    for option, (what, size) in largest.items():
        if size > LARGE and not settings[option]:
            notes.append(
                f"{what} of up to {size:.3g} are far from order one, which PPO learns from badly: declare "
                f'fixed={{"{option}": True}}, or scale them in the environment'
            )
    if 0.0 < played.usual_change < SMALL and not settings["normalise_observations"]:
        notes.append(
            f"most numbers of the observations change by no more than {played.usual_change:.1g} on the scale "
            "of their space, which PPO hardly learns from: declare "
            'fixed={"normalise_observations": True}, or give the space the bounds of what is seen'
        )
    return notes


def conduct_notes(env_id: str, printed: Printed, faults: Sequence[str]) -> list[str]:
    """Notes on what the environment printed, and on what its closing raised, while it was checked."""
    notes = [f"{fault}: runs go on, and what it holds may outlive them" for fault in faults]
    if printed.lines:
        notes.append(
            f"{env_id} printed {counted(printed.lines, 'line')} while it was checked, the first of them "
            f"{printed.first!r}; a sweep keeps what a run prints in its {OUTPUT_FILE}"
        )
    return notes

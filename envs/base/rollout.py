"""Rollouts of reference policies, one episode a lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from envs.base.reference_returns import Act
from envs.base.registry import entry
from envs.spaces import take


@dataclass(frozen=True)
class Episodes:
    """Results of E episodes: their returns and lengths."""

    returns: NDArray[np.float64]
    """Undiscounted returns, [E]."""
    lengths: NDArray[np.int64]
    """Steps, [E]."""

    @property
    def mean(self) -> float:
        """The mean return."""
        return float(self.returns.mean())

    @property
    def standard_error(self) -> float:
        """The standard error of the mean return; 0 for a single episode or equal returns."""
        if len(self.returns) < 2:
            return 0.0
        return float(self.returns.std(ddof=1) / np.sqrt(len(self.returns)))


def roll_out(env_id: str, act: Act[Any], *, episodes: int, seed: int, **parameters: Any) -> Episodes:
    """Plays every episode to its end, all of them side by side.

    Args:
        env_id: An id of the suite.
        act: The policy, for example `references(env_id).policies["random"].act`.
        episodes: E, how many episodes.
        seed: Episode i has the randomness of `reset(seed=seed + i)`; the policy's own generator is apart.
        **parameters: Where they differ from the id's preset.
    """
    found = entry(env_id)
    dynamics = found.dynamics(found.parameters(**parameters), episodes)
    dynamics.begin(np.arange(episodes), [seeding.np_random(seed + lane)[0] for lane in range(episodes)])
    rng = np.random.default_rng([seed, 1])
    returns = np.zeros(episodes)
    lengths = np.zeros(episodes, dtype=np.int64)
    playing = np.arange(episodes)
    while playing.size:
        actions = act(dynamics, rng)
        rewards, terminated, truncated = dynamics.advance(
            playing, take(dynamics.action_space, actions, playing)
        )
        returns[playing] += rewards
        lengths[playing] += 1
        playing = playing[~(terminated | truncated)]
    return Episodes(returns, lengths)

"""Rollout of one sampling call: [T, N] arrays from which nothing is missing.

Axis names: T time steps of the fragment, N lanes, L logits, A action columns, E finished episodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.core.environments import first_non_finite
from experiments.core.fast_ppo.divergence import DivergenceError

Array = NDArray[Any]


@dataclass(frozen=True)
class Rollout:
    """One fragment of every lane, as it happened.

    Attributes:
        obs_tn: [T + 1, N, ...] encoded observations; the last row follows the last step.
        actions_tn: [T, N, A] float32, as sampled, before decoding.
        logits_tn: [T, N, L] of the policy that sampled.
        rewards_tn: [T, N] float64, as the environment paid them.
        terminated_tn: [T, N].
        truncated_tn: [T, N].
        valid_tn: [T, N], False where the step only reset the lane (NEXT_STEP autoreset).
    """

    obs_tn: Array
    actions_tn: Array
    logits_tn: Array
    rewards_tn: Array
    terminated_tn: Array
    truncated_tn: Array
    valid_tn: Array

    @property
    def steps(self) -> int:
        """Environment steps in this fragment, reset steps not counted."""
        return int(np.count_nonzero(self.valid_tn))


class RolloutBuffer:
    """Arrays that a rollout is written into, reused by every rollout and grown when one needs more rows.

    Reuse makes a rollout's observations valid until the next one begins, which is exactly as long as PPO
    needs them.
    """

    def __init__(self, capacity: int, obs: Array, *, columns: int, logits: int) -> None:
        lanes = obs.shape[0]
        self.obs = np.empty((capacity + 1, *obs.shape), obs.dtype)
        self.actions = np.empty((capacity, lanes, columns), np.float32)
        self.logits = np.empty((capacity, lanes, logits), np.float32)
        self.rewards = np.empty((capacity, lanes), np.float64)
        self.terminated = np.empty((capacity, lanes), np.bool_)
        self.truncated = np.empty((capacity, lanes), np.bool_)
        self.valid = np.empty((capacity, lanes), np.bool_)

    @property
    def capacity(self) -> int:
        """Number of time steps that fit."""
        return self.rewards.shape[0]

    def grow(self) -> None:
        """Doubles the number of rows (short episodes spend up to every second step on a reset)."""
        added = self.capacity
        for name, array in vars(self).items():
            setattr(self, name, np.concatenate([array, np.empty_like(array[:added])]))

    def rollout(self, steps: int) -> Rollout:
        """The first `steps` rows as a rollout."""
        return Rollout(
            obs_tn=self.obs[: steps + 1],
            actions_tn=self.actions[:steps],
            logits_tn=self.logits[:steps],
            rewards_tn=self.rewards[:steps],
            terminated_tn=self.terminated[:steps],
            truncated_tn=self.truncated[:steps],
            valid_tn=self.valid[:steps],
        )


class EpisodeCounter:
    """Returns and lengths of the episodes that end, over fragment boundaries."""

    def __init__(self, lanes: int) -> None:
        self.return_n = np.zeros(lanes)
        self.length_n = np.zeros(lanes, np.int64)

    def add(self, rollout: Rollout) -> tuple[Array, Array]:
        """Books one fragment.

        Returns:
            The returns [E] and lengths [E] of the episodes that ended in it, lane by lane.
        """
        done_nt = (rollout.terminated_tn | rollout.truncated_tn).T & rollout.valid_tn.T
        # Running totals, opened with what the lane brought along; an episode is a difference of two totals.
        total_nt = np.cumsum((rollout.rewards_tn * rollout.valid_tn).T, axis=1) + self.return_n[:, None]
        steps_nt = np.cumsum(rollout.valid_tn.T, axis=1) + self.length_n[:, None]
        lane_e, time_e = np.nonzero(done_nt)
        return_e, length_e = total_nt[lane_e, time_e], steps_nt[lane_e, time_e]
        last_return_n, last_length_n = np.zeros_like(self.return_n), np.zeros_like(self.length_n)
        last_return_n[lane_e], last_length_n[lane_e] = return_e, length_e  # the last one of a lane stays
        first_e = np.ones(lane_e.size, np.bool_)
        first_e[1:] = lane_e[1:] != lane_e[:-1]
        previous_return_e = np.where(first_e, 0.0, np.roll(return_e, 1))
        previous_length_e = np.where(first_e, 0, np.roll(length_e, 1))
        self.return_n = total_nt[:, -1] - last_return_n
        self.length_n = steps_nt[:, -1] - last_length_n
        return return_e - previous_return_e, length_e - previous_length_e


def check_finite(rollout: Rollout, steps_before: int) -> None:
    """Refuses a rollout from which nothing can be learned, and says what came when.

    Args:
        rollout: As it was sampled.
        steps_before: Environment steps of the rollouts before it.

    Raises:
        DivergenceError: An observation or a reward is not finite.
    """
    refuse_non_finite("observation", rollout.obs_tn, rollout.valid_tn, steps_before)
    refuse_non_finite("reward", rollout.rewards_tn, rollout.valid_tn, steps_before)


def refuse_non_finite(name: str, values_tn: Array, valid_tn: Array, steps_before: int) -> None:
    """Refuses values of an environment that are not finite, and says which came when.

    Args:
        name: "observation" or "reward".
        values_tn: The values, [T, N, ...].
        valid_tn: Which of the rows are steps, [T, N]; the others are resets.
        steps_before: Environment steps before the first row.

    Raises:
        DivergenceError: A value is not finite.
    """
    place = first_non_finite(values_tn)
    if place is not None:
        # An observation lies in the row after the step that gave it.
        rows = place[0] + (name == "reward")
        steps = steps_before + int(np.count_nonzero(valid_tn[:rows]))
        raise DivergenceError(
            f"{name} from the environment after {steps:,} steps",
            f"lane {place[1]} gave {values_tn[place]}, from which nothing can be learned",
        )

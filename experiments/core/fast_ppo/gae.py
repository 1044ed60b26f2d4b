"""Generalised advantage estimation over [T, N] arrays (arXiv 1506.02438).

Row t holds the observation before the step and what the step returned. In NEXT_STEP autoreset the row after
an episode's end holds that episode's last observation, so the value of row t + 1 is the right bootstrap for
every row: at truncation and at the end of the fragment it is used, at termination it is multiplied by zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.core.fast_ppo.native import native

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


def advantages(
    rewards_tn: Floats,
    values_tn: Floats,
    terminated_tn: Bools,
    truncated_tn: Bools,
    *,
    gamma: float,
    lambda_: float,
) -> Floats:
    """Advantages by the recursion of the generalised estimator.

    Args:
        rewards_tn: [T, N].
        values_tn: [T + 1, N]; the last row is the value of the observations after the fragment.
        terminated_tn: [T, N], the step ended the episode for good: nothing follows.
        truncated_tn: [T, N], the step ended the episode by a limit: the value of what follows counts.
        gamma: discount in [0, 1].
        lambda_: weight in [0, 1] between one-step (0) and whole-episode (1) estimates.

    Returns:
        [T, N], float32. Rows of reset steps hold numbers without meaning; the caller drops them.
    """
    advantage_tn = np.empty(rewards_tn.shape, np.float32)
    _recursion(rewards_tn, values_tn, terminated_tn, truncated_tn, float(gamma), float(lambda_), advantage_tn)
    return advantage_tn


@native
def _recursion(
    rewards_tn: Floats, values_tn: Floats, terminated_tn: Bools, truncated_tn: Bools,
    gamma: float, lambda_: float, advantage_tn: Floats,
) -> None:  # fmt: skip
    """Writes the advantages [T, N], from the last time step to the first."""
    for n in range(rewards_tn.shape[1]):
        running = 0.0
        for t in range(len(rewards_tn) - 1, -1, -1):
            following = 0.0 if terminated_tn[t, n] else gamma * values_tn[t + 1, n]
            if terminated_tn[t, n] or truncated_tn[t, n]:
                running = 0.0
            running = rewards_tn[t, n] + following - values_tn[t, n] + gamma * lambda_ * running
            advantage_tn[t, n] = running


def standardised(values: Floats) -> Floats:
    """Zero mean and unit deviation, with RLlib's floor of 1e-4 under the deviation."""
    centred: Floats = values - values.mean()
    scaled: Floats = centred / np.maximum(values.std(), 1e-4)
    return scaled

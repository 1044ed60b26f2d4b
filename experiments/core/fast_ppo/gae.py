"""Generalised advantage estimation over [T, N] arrays (arXiv 1506.02438).

Row t holds the observation before the step and what the step returned. In NEXT_STEP autoreset the row after
an episode's end holds that episode's last observation, so the value of row t + 1 is the right bootstrap for
every row: at truncation and at the end of the fragment it is used, at termination it is multiplied by zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    alive_tn = 1.0 - terminated_tn
    delta_tn = rewards_tn + gamma * alive_tn * values_tn[1:] - values_tn[:-1]
    carry_tn = gamma * lambda_ * alive_tn * (1.0 - truncated_tn)
    advantage_tn = np.empty_like(delta_tn)
    running_n = np.zeros(delta_tn.shape[1], delta_tn.dtype)
    for t in range(delta_tn.shape[0] - 1, -1, -1):
        running_n = delta_tn[t] + carry_tn[t] * running_n
        advantage_tn[t] = running_n
    return advantage_tn.astype(np.float32, copy=False)


def standardised(values: Floats) -> Floats:
    """Zero mean and unit deviation, with RLlib's floor of 1e-4 under the deviation."""
    centred: Floats = values - values.mean()
    scaled: Floats = centred / np.maximum(values.std(), 1e-4)
    return scaled

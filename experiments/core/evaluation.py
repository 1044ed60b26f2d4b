"""How good is a policy now? Greedy episodes on fixed seeds, all of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

Policy = Callable[[Any], Any]
"""Maps observations [E, ...] to actions [E, ...]."""


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """What E greedy episodes gave."""

    returns: NDArray[np.float64]
    """Undiscounted returns, [E]."""
    lengths: NDArray[np.int64]
    """Steps, [E]."""
    summaries: Mapping[str, float]
    """Mean over the episodes of every number that the environment reports at their ends; NaN if none."""


def evaluate(env: VectorEnv[Any, Any, Any], policy: Policy, *, seed: int) -> EvaluationResult:
    """Plays one episode in every lane.

    Args:
        env: E lanes; lane i plays the episode of seed `seed + i`. Lanes that are done idle along.
        policy: Chooses all lanes' actions.
        seed: Of the first lane.
    """
    episodes = env.num_envs
    returns, lengths = np.zeros(episodes), np.zeros(episodes, dtype=np.int64)
    reports: dict[str, NDArray[np.float64]] = {}
    playing = np.ones(episodes, dtype=np.bool_)
    observations, _ = env.reset(seed=seed)
    while playing.any():
        observations, rewards, terminated, truncated, infos = env.step(policy(observations))
        returns[playing] += rewards[playing]
        lengths[playing] += 1
        ended = playing & (terminated | truncated)
        if ended.any():
            _collect(reports, infos, ended)
            playing &= ~ended
    return EvaluationResult(
        returns=returns,
        lengths=lengths,
        summaries={name: _mean(values) for name, values in reports.items()},
    )


def _collect(
    reports: dict[str, NDArray[np.float64]], infos: Mapping[str, Any], ended: NDArray[np.bool_]
) -> None:
    """Notes the numbers reported for lanes whose episode has just ended."""
    for name, values in infos.items():
        reported = infos.get(f"_{name}")
        is_number = isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "fiub"
        if name.startswith("_") or not is_number or reported is None:
            continue
        lanes = ended & reported
        reports.setdefault(name, np.full(len(ended), np.nan))[lanes] = values[lanes]


def _mean(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")

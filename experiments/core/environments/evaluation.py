"""Evaluation of a policy by greedy episodes on fixed seeds, all of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from envs.lanes import reported_by_lane

Policy = Callable[[Any], Any]
"""Maps observations [E, ...] to actions [E, ...]."""


class NonFiniteError(FloatingPointError):
    """Error of an environment that gave an observation which is not finite."""


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """Returns, lengths and summaries of E greedy episodes."""

    returns: NDArray[np.float64]
    """Undiscounted returns, [E]."""
    lengths: NDArray[np.int64]
    """Steps, [E]."""
    summaries: Mapping[str, float]
    """Mean over the episodes of every number that the environment reports at their ends; NaN if none."""


def evaluate(
    env: VectorEnv[Any, Any, Any],
    policy: Policy,
    *,
    seed: int,
    episodes: int | None = None,
    most_steps: int | None = None,
) -> EvaluationResult:
    """Plays episodes, as many at once as there are lanes.

    Args:
        env: N lanes. Those that are done idle along until all are.
        policy: Chooses all lanes' actions.
        seed: Of the first episode; episode i is that of seed `seed + i`, whatever the number of lanes.
        episodes: E; one a lane if None.
        most_steps: Steps after which an episode is cut off, and counts with what it has earned by then; it
            reports nothing. Never if None.
    """
    episodes = episodes or env.num_envs
    firsts = range(0, episodes, env.num_envs)
    turns = [
        _play(
            env,
            policy,
            seed=seed + first,
            episodes=min(env.num_envs, episodes - first),
            most_steps=most_steps,
        )
        for first in firsts
    ]
    names = dict.fromkeys(name for turn in turns for name in turn.reports)
    missing = [np.full(len(turn.returns), np.nan) for turn in turns]
    return EvaluationResult(
        returns=np.concatenate([turn.returns for turn in turns]),
        lengths=np.concatenate([turn.lengths for turn in turns]),
        summaries={
            name: _mean(
                np.concatenate([t.reports.get(name, nan) for t, nan in zip(turns, missing, strict=True)])
            )
            for name in names
        },
    )


class _Turn(NamedTuple):
    """Results of E episodes side by side."""

    returns: NDArray[np.float64]
    """Undiscounted returns, [E]."""
    lengths: NDArray[np.int64]
    """Steps, [E]."""
    reports: dict[str, NDArray[np.float64]]
    """Each number that the environment reports at an episode's end, [E]."""


def _play(
    env: VectorEnv[Any, Any, Any], policy: Policy, *, seed: int, episodes: int, most_steps: int | None
) -> _Turn:
    """Plays one episode in each of the first E lanes."""
    returns, lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, dtype=np.int64)
    reports: dict[str, NDArray[np.float64]] = {}
    playing = np.arange(env.num_envs) < episodes
    steps = count() if most_steps is None else range(most_steps)
    observations, _ = env.reset(seed=seed)
    for step in steps:
        try:
            observations, rewards, terminated, truncated, infos = env.step(policy(observations))
        except ValueError:
            # A policy that has seen what is not finite chooses what is no action.
            _refuse_non_finite(observations, step)
            raise
        np.add(returns, rewards, out=returns, where=playing)
        lengths += playing
        ended = playing & (terminated | truncated)
        if ended.any():
            _collect(reports, infos, ended)
            playing &= ~ended
            if not playing.any():
                break
    kept = {name: values[:episodes] for name, values in reports.items()}
    return _Turn(returns[:episodes], lengths[:episodes], kept)


def _refuse_non_finite(observations: Any, step: int) -> None:
    values = np.asarray(observations)
    place = first_non_finite(values)
    if place is not None:
        raise NonFiniteError(
            f"non-finite observation from the environment after {step} steps of an evaluation: lane "
            f"{place[0]} gave {values[place]}, from which no action follows"
        )


def first_non_finite(values: NDArray[Any]) -> tuple[int, ...] | None:
    """Returns the index of an array's first number that is not finite; None if there is none."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return None
    return tuple(map(int, np.argwhere(~np.isfinite(values))[0]))


def _collect(reports: dict[str, NDArray[np.float64]], infos: Any, ended: NDArray[np.bool_]) -> None:
    """Notes the numbers reported for lanes whose episode has just ended."""
    for lane, numbers in reported_by_lane(infos, ended):
        for name, number in numbers.items():
            reports.setdefault(name, np.full(len(ended), np.nan))[lane] = number


def _mean(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")

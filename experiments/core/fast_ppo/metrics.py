"""Names of the training metrics, one flat set for the fast path and for stock RLlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_ENV, _LEARNER = "env_runners", ("learners", "default_policy")

_PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "steps": ((_ENV, "num_env_steps_sampled_lifetime"),),
    "episodes": ((_ENV, "num_episodes"),),
    "train/return_mean": ((_ENV, "episode_return_mean"),),
    "train/length_mean": ((_ENV, "episode_len_mean"),),
    "ppo/kl": ((*_LEARNER, "mean_kl_loss"),),
    "ppo/kl_coeff": ((*_LEARNER, "curr_kl_coeff"),),
    "ppo/entropy": ((*_LEARNER, "entropy"),),
    "ppo/policy_loss": ((*_LEARNER, "policy_loss"),),
    "ppo/vf_loss": ((*_LEARNER, "vf_loss"),),
    "ppo/vf_explained_var": ((*_LEARNER, "vf_explained_var"),),
    "ppo/clip_fraction": ((*_LEARNER, "clip_fraction"),),
    # RLlib reports the norm under the optimiser's name, and only where gradients are clipped.
    "ppo/grad_norm": ((*_LEARNER, "gradient_norm"), (*_LEARNER, "gradients_default_optimizer_global_norm")),
}
"""Where each name stands in a result; the first path that exists counts."""
_OF_EPISODES = ("train/return_mean", "train/length_mean")
"""Names that are means over the episodes that ended in an iteration."""


def read_metrics(result: dict[str, Any]) -> dict[str, float]:
    """Reads one `Algorithm.train()` result.

    Args:
        result: of the fast path or of stock RLlib PPO.

    Returns:
        Every name of `_PATHS`; NaN where the result has nothing (RLlib reports no clip fraction, and no
        return where no episode ended in the iteration). `episodes` is how many did.
    """
    return {name: _first(result, paths) for name, paths in _PATHS.items()}


def aggregate(iterations: Sequence[dict[str, float]]) -> dict[str, float]:
    """What several iterations gave: means over all their episodes, and of the rest the last one's values.

    RLlib's own runner averages over the last hundred episodes of an iteration; there as here each iteration
    counts by the number of all that ended in it.

    Args:
        iterations: What :func:`read_metrics` gave for each of them, in order; at least one.
    """
    ended = [metrics for metrics in iterations if metrics["episodes"] > 0]
    episodes = sum(metrics["episodes"] for metrics in ended)
    means = {
        name: sum(metrics["episodes"] * metrics[name] for metrics in ended) / episodes if ended else math.nan
        for name in _OF_EPISODES
    }
    return {**iterations[-1], **means, "episodes": episodes}


def _first(result: dict[str, Any], paths: tuple[tuple[str, ...], ...]) -> float:
    for path in paths:
        value: Any = result
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            return float(value)
    return math.nan

"""Untuned configurations, against which a tuned one has to prove itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from optuna.distributions import CategoricalDistribution, IntDistribution

from search_spaces import model_layouts, ppo
from search_spaces.domains import Scalar
from search_spaces.space import SearchSpace

RLLIB_DEFAULTS = MappingProxyType(
    {
        "lr": 5e-5,
        "kl_coeff": 0.2,
        "kl_target": 0.01,
        "clip": 0.3,
        "vf_clip": 10.0,
        "entropy_coeff": 0.0,
        "vf_coeff": 1.0,
        "gae_lambda": 1.0,
        "one_minus_gamma": 0.01,
        "grad_clip": None,
        "epochs": 30,
        "batch_size": 4000,
        "minibatch_size": 128,
        "layout": "256x256-tanh",
    }
)
"""Configuration of RLlib 2.60's PPO when nothing is set; a test holds it against `PPOConfig()`.

Its gradient clipping is off (None) and its value clipping on, the other way round than in the literature.
"""


ENOUGH_UPDATES = 40
"""Updates that a budget leaves with a batch that is adapted to it, where the space has one so small."""


MINIBATCHES = ppo.BATCH.defaults["num_minibatches"]
"""The literature's number of minibatches."""
NOTHING_FIXED: Mapping[str, Any] = MappingProxyType({})


def adapted_defaults(
    space: SearchSpace, *, steps: int, lanes: int, fixed: Mapping[str, Any] = NOTHING_FIXED
) -> dict[str, Scalar]:
    """Returns a space's defaults with the batch adapted to a budget: what anyone would change without tuning.

    The batch is the largest one that the space has, no larger than the default's and no smaller than the
    number of lanes, with which the budget gives `ENOUGH_UPDATES`; the smallest such one if none does. The
    number of minibatches is the one of the space with which a minibatch is nearest to the default's. Where
    the default's batch gives updates enough, or the space has no other, this is the default.

    Args:
        space: What is searched.
        steps: Environment steps of one training.
        lanes: Copies of the environment that a training samples from: an update has a step of each at least.
        fixed: Hyperparameters that are not searched; others have the literature's values.

    Example:
        >>> from search_spaces import ppo
        >>> ppo.BATCH.defaults
        {'batch_size': 2048, 'num_minibatches': 32}
        >>> adapted_defaults(ppo.BATCH, steps=16_384, lanes=8)
        {'batch_size': 512, 'num_minibatches': 8}
        >>> adapted_defaults(ppo.BATCH, steps=81_920, lanes=8) == ppo.BATCH.defaults
        True
    """
    default = space.defaults
    batch = default.get("batch_size")
    if not isinstance(batch, int) or steps // batch >= ENOUGH_UPDATES:
        return default
    searched = "num_minibatches" in default
    counts = _whole(space, "num_minibatches") if searched else [fixed.get("num_minibatches", MINIBATCHES)]

    def divides(size: int) -> bool:
        if "minibatch_size" in fixed:
            return size >= int(fixed["minibatch_size"])
        return any(size % count == 0 for count in counts)

    possible = [n for n in _whole(space, "batch_size", most=batch) if n >= lanes and divides(n)]
    enough = [n for n in possible if steps // n >= ENOUGH_UPDATES]
    adapted = max(enough) if enough else min(possible, default=batch)
    if adapted == batch:
        return default
    changed: dict[str, Scalar] = {"batch_size": adapted}
    count = default.get("num_minibatches")
    if isinstance(count, int):
        rows = batch / count
        fitting = [n for n in counts if adapted % n == 0]
        changed["num_minibatches"] = min(fitting, key=lambda n: abs(math.log(adapted / n / rows)))
    return space.configuration({**default, **changed})


def _whole(space: SearchSpace, name: str, most: float = math.inf) -> list[int]:
    """Returns the whole numbers that a hyperparameter may be, up to one."""
    domain = space[name].domain
    if isinstance(domain, CategoricalDistribution):
        return [value for value in domain.choices if isinstance(value, int) and value <= most]
    if isinstance(domain, IntDistribution):
        return list(range(domain.low, int(min(domain.high, most)) + 1, domain.step))
    return []


def rllib_defaults(space: SearchSpace) -> dict[str, Scalar | None]:
    """Returns RLlib's defaults for an experiment that searches a space.

    On images they get the space's default network: RLlib has one of its own for five sizes of images only.
    """
    layout = space.defaults.get("layout")
    is_cnn = isinstance(layout, str) and bool(model_layouts.parse(layout).filters)
    return {**RLLIB_DEFAULTS, "layout": layout} if is_cnn else dict(RLLIB_DEFAULTS)

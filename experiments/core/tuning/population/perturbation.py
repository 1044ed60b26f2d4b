"""How a population changes hyperparameters: inside their domains, on the scales they are searched on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from experiments.core.training import hyperparameters, is_environment_name
from search_spaces import SearchSpace, model_layouts


def members(
    space: SearchSpace, count: int, seed: int, *, first: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The configurations of a population: the default one, then ones drawn from the space.

    The n-th member is the same however many there are.

    Args:
        space: Where they are drawn from; one that does not branch.
        count: How many there are.
        seed: Of the draws.
        first: Values that the first drawn ones take over, in order.
    """
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    others = [dict(study.ask(space.domains).params) for _ in range(count - 1)]
    for member, values in zip(others, first, strict=False):
        member.update(values)
    configurations = [dict(space.defaults), *others][:count]
    return [{**config, **model_layouts.derived(config)} for config in configurations]


def changeable(space: SearchSpace) -> dict[str, BaseDistribution]:
    """The domains of the names that may change while a network trains; one with a single value cannot.

    Nor do those of the environment: a copy goes on in its donor's.
    """
    return {
        name: domain
        for name, domain in space.domains.items()
        if not (name in hyperparameters.STRUCTURAL or is_environment_name(name) or domain.single())
    }


def numbers(domains: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    """Those domains that are ranges of numbers, real or whole."""
    return {n: d for n, d in domains.items() if isinstance(d, FloatDistribution | IntDistribution)}


def perturbed(
    config: Mapping[str, Any],
    domains: Mapping[str, BaseDistribution],
    rng: np.random.Generator,
    *,
    resample: float,
    step: float,
) -> dict[str, Any]:
    """A configuration near another one.

    Args:
        config: The other one; names without a domain keep their values.
        domains: Of the names that change.
        rng: Decides.
        resample: Probability that a name is drawn anew instead of moved.
        step: How far a number is moved, as a share of its range.
    """
    changed = dict(config)
    for name, domain in domains.items():
        anew, up = rng.random() < resample, rng.random() < 0.5
        if isinstance(domain, CategoricalDistribution):
            last = len(domain.choices) - 1
            neighbour = domain.choices.index(config[name]) + (1 if up else -1)
            place = int(rng.integers(last + 1)) if anew else min(max(neighbour, 0), last)
            changed[name] = domain.choices[place]
        elif anew:
            changed[name] = value_at(domain, rng.random())
        else:
            changed[name] = _moved(domain, config[name], step if up else -step)
    return changed


def position(domain: BaseDistribution, value: float) -> float:
    """Where a number lies in its range: 0 at the lower end, 1 at the upper one, on the domain's scale."""
    low, high = _ends(domain)
    scale = math.log if domain.log else float  # type: ignore[attr-defined]
    return (scale(value) - scale(low)) / (scale(high) - scale(low))


def value_at(domain: BaseDistribution, place: float) -> float:
    """The inverse of :func:`position`, for any place, limited to the range."""
    low, high = _ends(domain)
    if not 0.0 < place < 1.0:
        return high if place > 0.5 else low
    if domain.log:  # type: ignore[attr-defined]
        value = math.exp(math.log(low) + place * (math.log(high) - math.log(low)))
    else:
        value = low + place * (high - low)
    value = min(max(value, low), high)
    return round(value) if isinstance(domain, IntDistribution) else value


def _moved(domain: BaseDistribution, before: float, step: float) -> float:
    value = value_at(domain, position(domain, before) + step)
    if isinstance(domain, IntDistribution) and value == before:
        return min(max(int(before) + (1 if step > 0 else -1), domain.low), domain.high)
    return value


def _ends(domain: BaseDistribution) -> tuple[float, float]:
    assert isinstance(domain, FloatDistribution | IntDistribution)
    return domain.low, domain.high

"""Perturbation of hyperparameters in a population, inside their domains and on the scales of the search."""

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
    """Returns the configurations of a population: the default one, then ones drawn from the space.

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
    """Returns the domains of the hyperparameters that may change while a network trains.

    One with a single value cannot, nor do those of the environment: a copy continues in its donor's.
    """
    return {
        name: domain
        for name, domain in space.domains.items()
        if not (name in hyperparameters.STRUCTURAL or is_environment_name(name) or domain.single())
    }


def numbers(domains: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    """Returns those domains that are ranges of numbers, real or whole."""
    return {n: d for n, d in domains.items() if isinstance(d, FloatDistribution | IntDistribution)}


def perturbed(
    config: Mapping[str, Any],
    domains: Mapping[str, BaseDistribution],
    rng: np.random.Generator,
    *,
    resample: float,
    step: float,
) -> dict[str, Any]:
    """Returns a configuration near another one.

    Args:
        config: The other one; hyperparameters without a domain keep their values.
        domains: Domains of those that change.
        rng: Source of the random decisions.
        resample: Probability that one is drawn again instead of moved.
        step: How far a number is moved, as a share of its range.
    """
    changed = dict(config)
    for name, domain in domains.items():
        redrawn, up = rng.random() < resample, rng.random() < 0.5
        if isinstance(domain, CategoricalDistribution):
            last = len(domain.choices) - 1
            neighbour = domain.choices.index(config[name]) + (1 if up else -1)
            place = int(rng.integers(last + 1)) if redrawn else min(max(neighbour, 0), last)
            changed[name] = domain.choices[place]
        elif redrawn:
            changed[name] = value_at(domain, rng.random())
        else:
            changed[name] = _moved(domain, config[name], step if up else -step)
    return changed


def position(domain: BaseDistribution, value: float) -> float:
    """Returns the place of a number in its range, 0 at the lower end and 1 at the upper, on its scale."""
    low, high = _ends(domain)
    scale = math.log if domain.log else float  # type: ignore[attr-defined]
    return (scale(value) - scale(low)) / (scale(high) - scale(low))


def value_at(domain: BaseDistribution, place: float) -> float:
    """Inverts :func:`position`, for any place, limited to the range."""
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

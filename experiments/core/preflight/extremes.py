"""Extreme configurations of a space: if they train, all others do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from analysis.sweep import RLLIB
from experiments.core.planning import Plan
from search_spaces import Scalar, SearchSpace


def extremes(space: SearchSpace) -> list[dict[str, Scalar]]:
    """Returns the extreme configurations: all hyperparameters lowest, all highest, and each choice once."""
    found = [
        space.configuration({h.name: end_of(h.domain, first=first) for h in space}) for first in (True, False)
    ]
    for h in space:
        if isinstance(h.domain, CategoricalDistribution):
            needed: dict[str, Scalar] = {} if h.when is None else {h.when[0]: h.when[1][0]}
            choices: tuple[Any, ...] = h.domain.choices
            found += [space.configuration({**needed, h.name: value}) for value in choices]
    return found


def named_extremes(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """Returns the configurations to try besides the default, by name; those of a layout's cost first."""
    space = plan.experiment.space
    lowest, highest, *choices = extremes(space)
    layouts = [c for c in choices if "layout" in c and c["layout"] != space.defaults["layout"]]
    rest = [c for c in choices if c not in layouts and c != space.defaults]
    named = {f"layout {config['layout']}": config for config in layouts}
    others = {
        ", ".join(f"{n} {v}" for n, v in config.items() if v != space.defaults.get(n)): config
        for config in rest
    }
    baselines = {name: config for name, config in plan.baselines.items() if name == RLLIB}
    # RLlib's defaults train the longest in most confirmations, so what they cost is measured early.
    return {**baselines, **named, "the lowest values": lowest, "the highest values": highest, **others}


def end_of(domain: object, *, first: bool) -> Any:
    """Returns a domain's lowest value or first choice, or its highest or last one."""
    if isinstance(domain, CategoricalDistribution):
        return domain.choices[0 if first else -1]
    assert isinstance(domain, FloatDistribution | IntDistribution)
    return domain.low if first else domain.high

"""Which algorithm proposes the next configuration: by name, with every setting that matters spelled out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler

from experiments.core.declaration import SamplerName
from search_spaces import SearchSpace

STARTUP_TRIALS = 10
"""Trials that end before a sampler builds its first model; until then it draws at random."""


def make_sampler(name: SamplerName, space: SearchSpace, *, seed: int) -> BaseSampler:
    """Builds a sampler for one session of a sweep.

    Args:
        name: One of `SAMPLERS`.
        space: What is searched.
        seed: Of its random numbers. A sweep that goes on needs another one than at its start, else it
            would draw the same numbers, and so the same configurations, once more.
    """
    return SAMPLERS[name](space, seed)


def _tpe(space: SearchSpace, seed: int) -> BaseSampler:
    """Tree-structured Parzen estimator over all names together (Watanabe 2023, arXiv 2304.11127).

    Learns from pruned trials by the steps they reached, and takes trials under way as bad ones (constant
    liar), so that those that run side by side differ. In a space that branches, names that occur together
    are modelled together (group).
    """
    with warnings.catch_warnings():
        # Optuna calls `group` experimental since version 2.8; it is the only way to model branches jointly.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(
            seed=seed,
            n_startup_trials=STARTUP_TRIALS,
            multivariate=True,
            group=space.branches,
            constant_liar=True,
        )


def _random(space: SearchSpace, seed: int) -> BaseSampler:
    """Uniform over the space: the reference for all others (Bergstra and Bengio 2012, JMLR 13)."""
    return RandomSampler(seed=seed)


def _gp(space: SearchSpace, seed: int) -> BaseSampler:
    """Gaussian process with Matern 5/2 kernel and log expected improvement (Ament 2023, arXiv 2310.20708).

    Categories are compared by equality. Only completed trials are learned from, so it gets on with few
    pruned ones; the branches of a space that branches are drawn at random. Seconds a proposal.
    """
    return GPSampler(
        seed=seed,
        n_startup_trials=STARTUP_TRIALS,
        deterministic_objective=False,
        independent_sampler=RandomSampler(seed=seed),
        warn_independent_sampling=False,
    )


def _cmaes(space: SearchSpace, seed: int) -> BaseSampler:
    """CMA-ES over the numbers (Hansen 2016, arXiv 1604.00772).

    Names with choices, and the branches of a space that branches, are drawn at random: it has no notion of
    them. Only completed trials are learned from, a population at a time.
    """
    return CmaEsSampler(
        seed=seed,
        n_startup_trials=STARTUP_TRIALS,
        independent_sampler=RandomSampler(seed=seed),
        warn_independent_sampling=False,
    )


SAMPLERS: Mapping[SamplerName, Callable[[SearchSpace, int], BaseSampler]] = MappingProxyType(
    {"tpe": _tpe, "random": _random, "gp": _gp, "cmaes": _cmaes}
)
"""How each sampler is made."""

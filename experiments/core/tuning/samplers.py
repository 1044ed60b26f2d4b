"""Samplers that propose the next configuration, by name, with every setting that matters spelled out.

All of them are Optuna's. They differ in what they learn from and in what they cost:

| name | model | learns from | drawn at random | a proposal |
| --- | --- | --- | --- | --- |
| `tpe` | densities of good and of bad values | completed, pruned, running trials | nothing | milliseconds |
| `gp` | Gaussian process of the objective | completed trials | branches | seconds |
| `cmaes` | one Gaussian of good values | completed trials | branches and choices | milliseconds |
| `random` | none | nothing | everything | at once |

`tpe` is the default: sweeps here have tens of trials, most of them pruned and several running at once, and it
is the one that learns from all three kinds.
"""

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
        space: The search space; one that branches is modelled by other settings.
        seed: Seed of its random numbers. A sweep that is continued needs another one than at its start, else
            it would draw the same numbers, and so the same configurations, once more.

    Returns:
        A sampler without any memory of trials: those are in the study that it is asked by.

    Example:
        >>> import optuna
        >>> from experiments.core.tuning.samplers import make_sampler
        >>> from search_spaces import ppo
        >>> space = ppo.CORE.narrow(lr=(1e-4, 1e-3))
        >>> study = optuna.create_study(direction="maximize", sampler=make_sampler("tpe", space, seed=0))
        >>> trial = study.ask(space.domains)
        >>> 1e-4 <= trial.params["lr"] <= 1e-3
        True
        >>> study.tell(trial, 0.5).value
        0.5
    """
    return SAMPLERS[name](space, seed)


def _tpe(space: SearchSpace, seed: int) -> BaseSampler:
    """Makes a tree-structured Parzen estimator (TPE) over all hyperparameters jointly.

    It splits the trials into good and bad ones, models the density l(x) of the good ones' values and g(x) of
    the others', draws candidates from l and proposes the one with the highest l(x) / g(x), which is the one
    of the highest expected improvement. Completed trials come before pruned ones, and of these the ones that
    reached more steps come first.

    The settings that matter:

    - `multivariate`: one joint density instead of one for each hyperparameter, since learning rate, batch
      size and epochs of PPO depend on each other;
    - `constant_liar`: trials under way count as bad ones, so that those that run side by side differ;
    - `group`: in a space that branches, hyperparameters that occur together are modelled together.

    Args:
        space: The search space.
        seed: Seed of its random numbers.

    References:
        Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, NeurIPS 24.
        Watanabe 2023, Tree-Structured Parzen Estimator, arXiv 2304.11127: what each setting does.
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
    """Makes a sampler that draws uniformly from the space: the reference for all others.

    Every value is drawn on the scale on which its hyperparameter is searched.

    Args:
        space: The search space.
        seed: Seed of its random numbers.

    References:
        Bergstra and Bengio 2012, Random Search for Hyper-Parameter Optimization, JMLR 13.
    """
    return RandomSampler(seed=seed)


def _gp(space: SearchSpace, seed: int) -> BaseSampler:
    """Makes a Gaussian process sampler: Matern 5/2 kernel, log expected improvement.

    It fits the objective as a smooth function of all hyperparameters, choices compared by equality, and
    proposes where that function promises the most improvement. With few and precise trials it is the most
    economical; a proposal takes seconds. Only completed trials are learned from, so it needs a scheduler that
    prunes few, and the branches of a space that branches are drawn at random.

    `deterministic_objective` is off, so that the noise of a seed is not fitted.

    Args:
        space: The search space.
        seed: Seed of its random numbers.

    References:
        Ament et al. 2023, Unexpected Improvements to Expected Improvement, arXiv 2310.20708.
    """
    return GPSampler(
        seed=seed,
        n_startup_trials=STARTUP_TRIALS,
        deterministic_objective=False,
        independent_sampler=RandomSampler(seed=seed),
        warn_independent_sampling=False,
    )


def _cmaes(space: SearchSpace, seed: int) -> BaseSampler:
    """Makes a CMA-ES sampler over the numbers of the space.

    It keeps one Gaussian over all numbers, real and whole, and moves its mean and its covariance towards the
    better half of each population of trials. It pays with hundreds of trials. Hyperparameters with choices,
    and the branches of a space that branches, are drawn at random, as it has no notion of them. Only
    completed trials are learned from.

    Args:
        space: The search space.
        seed: Seed of its random numbers.

    References:
        Hansen 2016, The CMA Evolution Strategy: A Tutorial, arXiv 1604.00772.
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
"""Makers of the samplers by name."""

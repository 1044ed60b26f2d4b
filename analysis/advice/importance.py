"""Importance of hyperparameters in a search: PED-ANOVA with an interval over trials."""

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import optuna
import pandas as pd

from analysis.sweep import CONFIG_PREFIX, HyperparameterRecord

MIN_TRIALS: Final = 16
"""Trials below which importance is noise and is not computed."""
TARGET_SHARE: Final = 0.25
"""Share of trials that count as good; Optuna's 0.1 leaves three good ones of thirty."""

_COLUMNS: Final = ("name", "importance", "low", "high")


def importances(
    trials: pd.DataFrame,
    space: Mapping[str, HyperparameterRecord],
    rng: np.random.Generator,
    *,
    resamples: int = 100,
) -> pd.DataFrame:
    """Estimates which hyperparameters decide whether a trial is among the best quarter.

    Args:
        trials: One row per search trial; those without an objective are left out.
        space: The manifest's space.
        rng: Generator of the bootstrap over trials.
        resamples: Number of bootstrap resamples behind the interval.

    Returns:
        Columns name, importance (shares that sum to 1; means over resampled trials), low, high (2.5 % and
        97.5 % quantiles over them), most important first; empty where trials or hyperparameters are too few,
        or all trials alike.

    References:
        Watanabe et al. 2023, arXiv 2304.10255.
    """
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else Optuna announces every study it makes
    try:
        return _with_interval(trials, space, rng, resamples)
    finally:
        optuna.logging.set_verbosity(verbosity)


def surely_important(frame: pd.DataFrame) -> list[str]:
    """Returns the hyperparameters whose whole interval lies above an even share, from `importances`."""
    return [str(name) for name in frame.loc[frame["low"] > 1 / max(len(frame), 1), "name"]]


def _with_interval(
    trials: pd.DataFrame, space: Mapping[str, HyperparameterRecord], rng: np.random.Generator, resamples: int
) -> pd.DataFrame:
    distributions = _distributions(space)
    frozen = _frozen_trials(trials, distributions)
    if len(frozen) < MIN_TRIALS or len({trial.value for trial in frozen}) < 2:
        return pd.DataFrame(columns=list(_COLUMNS))
    draws = pd.DataFrame(
        [
            _importances([frozen[i] for i in rng.integers(len(frozen), size=len(frozen))])
            for _ in range(resamples)
        ]
    ).fillna(0.0)
    rows = [(str(name), draw.mean(), *np.quantile(draw, [0.025, 0.975])) for name, draw in draws.items()]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _distributions(
    space: Mapping[str, HyperparameterRecord],
) -> dict[str, optuna.distributions.BaseDistribution]:
    """Returns the domains as Optuna's own."""
    written = {name: msgspec.to_builtins(entry.distribution) for name, entry in space.items()}
    return {
        name: optuna.distributions.json_to_distribution(json.dumps(domain))
        for name, domain in written.items()
    }


def _frozen_trials(
    trials: pd.DataFrame, distributions: Mapping[str, optuna.distributions.BaseDistribution]
) -> list[optuna.trial.FrozenTrial]:
    """Makes Optuna's own trial values of the trials; values outside the space are left out."""
    frozen = []
    for row in trials.to_dict("records"):
        params = {}
        for name, distribution in distributions.items():
            value = row.get(f"{CONFIG_PREFIX}{name}")
            if value is not None and not pd.isna(value) and _contains(distribution, value):
                params[name] = value
        if params and np.isfinite(row["objective"]):
            own = {name: distributions[name] for name in params}
            frozen.append(
                optuna.trial.create_trial(params=params, distributions=own, value=float(row["objective"]))
            )
    return frozen


def _contains(distribution: optuna.distributions.BaseDistribution, value: Any) -> bool:
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except ValueError:
        return False


def _importances(frozen: Sequence[optuna.trial.FrozenTrial]) -> dict[str, float]:
    study = optuna.create_study(direction="maximize")
    study.add_trials(frozen)
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=TARGET_SHARE)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a resample without variance is an importance of nothing, not a warning
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))

"""Construction of Ray's schedulers that stop hopeless trials early; the default always finishes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, MedianStoppingRule, TrialScheduler

from analysis.sweep import FIRST_TRIAL, trial_number
from experiments.core.declaration import Asha, Hyperband, Median, NoScheduler, Stopping
from experiments.core.ray_internals import assign_bracket, rungs_per_bracket
from experiments.core.tuning.first_come import FirstComeScheduler
from experiments.core.tuning.listed_search import METRIC


def is_default(trial: Trial) -> bool:
    """Returns whether a search trial runs the space's default configuration."""
    return bool(trial.config["config_id"] == FIRST_TRIAL)


class DefaultKeepingASHA(ASHAScheduler):  # type: ignore[misc]  # ray ships no types
    """ASHA that lets the default configuration finish: all others are compared with it.

    Args:
        bracket_seed: Seed by which trials are dealt to brackets, where there are several, each to the same
            one whenever the sweep continues; Ray would use NumPy's global state.
        **settings: Of Ray's scheduler.
    """

    def __init__(self, *, bracket_seed: int = 0, **settings: Any) -> None:
        super().__init__(**settings)
        self._bracket_seed = bracket_seed

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Deals the trial to a bracket, with Ray's odds: by e to the power of the number of rungs."""
        rungs = np.array(rungs_per_bracket(self))
        odds = np.exp(rungs - rungs.max())
        dealer = np.random.default_rng([self._bracket_seed, trial_number(trial.config["config_id"])])
        assign_bracket(self, trial, dealer.choice(len(rungs), p=odds / odds.sum()))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Lets the trial continue, or stops it for want of promise."""
        decision = super().on_trial_result(tune_controller, trial, result)
        return TrialScheduler.CONTINUE if is_default(trial) else str(decision)


class DefaultKeepingMedian(MedianStoppingRule):  # type: ignore[misc]  # ray ships no types
    """Ray's median stopping rule that lets the default configuration finish."""

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Lets the trial continue, or stops it because its best is below the median of the others' means."""
        if is_default(trial):
            # Noted as a last result is: it counts for the others' median, and nothing is decided.
            self.on_trial_complete(tune_controller, trial, result)
            return str(TrialScheduler.CONTINUE)
        return str(super().on_trial_result(tune_controller, trial, result))


def build_scheduler(scheduler: Stopping, *, steps: int, seed: int) -> TrialScheduler:
    """Builds Ray's scheduler for a declared one.

    Args:
        scheduler: The declaration.
        steps: Of a full trial.
        seed: Seed of random decisions.
    """
    common = {"time_attr": "steps", "metric": METRIC, "mode": "max"}
    match scheduler:
        case Asha():
            return DefaultKeepingASHA(
                **common, max_t=steps, grace_period=_share(scheduler.grace, steps),
                reduction_factor=scheduler.reduction, bracket_seed=seed,
            )  # fmt: skip
        case Hyperband():
            grace = scheduler.reduction ** (1 - scheduler.brackets)
            return DefaultKeepingASHA(
                **common, max_t=steps, grace_period=_share(grace, steps),
                reduction_factor=scheduler.reduction, brackets=scheduler.brackets, bracket_seed=seed,
            )  # fmt: skip
        case Median():
            # While there are too few to compare with, Ray would pause a trial that has run for the minimal
            # time slice in favour of one that waits, which costs a checkpoint.
            return DefaultKeepingMedian(
                **common, grace_period=_share(scheduler.grace, steps),
                min_samples_required=scheduler.min_trials, min_time_slice=math.inf,
            )  # fmt: skip
        case NoScheduler():
            return FirstComeScheduler()


def _share(share: float, steps: int) -> int:
    return max(1, int(share * steps))

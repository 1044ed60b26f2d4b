"""Brackets of Ray's asynchronous HyperBand, and the idle actors that Tune keeps."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler


def rungs_per_bracket(scheduler: AsyncHyperBandScheduler) -> list[int]:
    """Returns the number of rungs of each bracket, which decides the odds of a trial's getting there."""
    return [len(bracket._rungs) for bracket in scheduler._brackets]


def assign_bracket(scheduler: AsyncHyperBandScheduler, trial: Trial, bracket: int) -> None:
    """Puts a trial in a bracket; Ray would draw one from NumPy's global state, which is not seeded."""
    scheduler._trial_info[trial.trial_id] = scheduler._brackets[bracket]


def keep_idle_actors(tune_controller: Any, trial: Trial, actors: int) -> None:
    """Lets so many actors of a trial's size idle when no trial waits; Tune would end all but one.

    Tune has no setting for it, so the cache of its controller is told to expect trials.

    Args:
        tune_controller: What Tune hands to a scheduler: a wrapper around its controller.
        trial: One of those that the actors run.
        actors: How many may be idle.
    """
    cache = tune_controller._tune_controller._actor_cache
    cache.increase_max(trial.placement_group_factory, actors)

"""Population based training on Tune: Ray's PBT and PB2, made synchronous in environment steps.

How many copy, how copying is done, and PB2's bandit are Ray's. What is different here:

- Members wait for each other at every interval, counted in evaluation points: batch sizes overshoot an
  interval by a few steps, by which Ray's count of steps drifts apart.
- The population is compared once all its members are paused with a checkpoint. Ray's synchronous mode does it
  when the last one reports: if that one fails or diverges, the others wait for ever, and one that is still
  being saved is stopped at its next save.
- Values stay inside the space's domains, the default configuration stays what it is, every member keeps its
  name and its seed, and chance has a seed of its own.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import BasicVariantGenerator

from analysis.sweep import RUN_IDENTITY, configuration_of
from experiments.core.declaration import Population, PopulationBased, interval_points
from experiments.core.ray_internals import BanditScheduler, PopulationScheduler
from experiments.core.tuning.build_schedulers import is_default
from experiments.core.tuning.lineage import LineageWriter
from experiments.core.tuning.listed_search import METRIC
from experiments.core.tuning.perturbation import changeable, numbers, perturbed, position, value_at
from search_spaces import SearchSpace

KEPT_CHECKPOINTS = 2
"""A member's last two: the one before may still be waiting to be copied when the next is written."""


class SynchronousPopulation(PopulationScheduler):
    """Synchronous PBT: the whole population is compared at equal steps.

    Args:
        declared: Its parameters.
        space: The search space, whose domains values never leave.
        size: Members of the population.
        steps: Of a full trial.
        evaluations: Evaluation points on the way.
        seed: Seed of its random numbers.
        concurrency: Members that train at once.
        lineage: Records every copy.
        **ray: Further settings of Ray's scheduler.
    """

    def __init__(
        self,
        declared: Population,
        space: SearchSpace,
        *,
        size: int,
        steps: int,
        evaluations: int,
        seed: int,
        concurrency: int,
        lineage: LineageWriter,
        **ray: Any,
    ) -> None:
        self._declared = declared
        self._domains = self._changing(changeable(space))
        self._size, self._steps, self._evaluations = size, steps, evaluations
        self._concurrency = concurrency
        self._chance = np.random.default_rng(seed)
        self._lineage = lineage
        super().__init__(
            time_attr="steps", metric=METRIC, mode="max", quantile_fraction=declared.quantile,
            perturbation_interval=interval_points(declared, evaluations), synch=True, log_config=False, **ray,
        )  # fmt: skip

    def _changing(self, domains: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
        """Returns the domains among the changeable ones that this scheduler changes."""
        return dict(domains)

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Notes a new member."""
        super().on_trial_add(tune_controller, trial)
        self._lineage.begin(trial.config["config_id"], configuration_of(trial.config))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Lets the member train on, or wait for the others."""
        passed = self._points(int(result["steps"]))
        self.record(trial, passed, result)
        return str(TrialScheduler.CONTINUE if passed < self.barrier else TrialScheduler.PAUSE)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Compares the population when everybody waits, and picks who trains next: who is behind."""
        members = [trial for trial in tune_controller.get_trials() if not trial.is_finished()]
        everybody = len(tune_controller.get_trials()) == self._size
        if everybody and members and all(self._waits(trial) for trial in members):
            self._compare(tune_controller)
        if self.training() >= self._concurrency:
            return None
        ready = [m for m in members if m.status in {Trial.PENDING, Trial.PAUSED} and not self._at_barrier(m)]
        return min(ready, key=self.time_of, default=None)

    def training(self) -> int:
        """Counts the members that train now or are about to."""
        return sum(trial.status in {Trial.PENDING, Trial.RUNNING} for trial in self.members)

    def all_ended(self) -> bool:
        """Returns whether no member trains or waits."""
        return all(trial.is_finished() for trial in self.members)

    def _points(self, steps: int) -> int:
        """Counts the evaluation points, evenly spaced, that lie at or before some steps."""
        return steps * self._evaluations // self._steps

    def _at_barrier(self, trial: Trial) -> bool:
        return self.time_of(trial) >= self.barrier

    def _waits(self, trial: Trial) -> bool:
        return trial.status == Trial.PAUSED and self._at_barrier(trial)

    def _worst_and_best(self) -> tuple[list[Trial], list[Trial]]:
        """Returns the worst and the best members; the default, which copies nobody, is never a worst one."""
        worst, best = self.quantiles()
        others = [
            member
            for member in self.members
            if not (math.isnan(self.score_of(member)) or member.is_finished() or is_default(member))
            and member not in best
        ]
        return sorted(others, key=self.score_of)[: len(worst)], best

    def _compare(self, tune_controller: Any) -> None:
        """Makes the worst copy the best, at the present interval."""
        worst, best = self._worst_and_best()
        for member in worst:
            donor = best[int(self._chance.integers(len(best)))]
            if self.score_of(donor) > self.score_of(member):
                self.copy(tune_controller, member, donor)
                self._lineage.copied(
                    member.config["config_id"],
                    donor.config["config_id"],
                    steps=math.ceil(self.time_of(donor) * self._steps / self._evaluations),
                    configuration=configuration_of(member.config),
                )
        self.raise_barrier()

    def new_config(self, member: Trial, donor: Trial) -> dict[str, Any]:
        """Returns the donor's configuration, changed, under the member's own name and seed."""
        own = {name: member.config[name] for name in RUN_IDENTITY if name in member.config}
        return {**self._explored(member, donor), **own}

    def _explored(self, member: Trial, donor: Trial) -> dict[str, Any]:
        assert isinstance(self._declared, PopulationBased)
        declared = self._declared
        return perturbed(
            donor.config, self._domains, self._chance, resample=declared.resample, step=declared.step
        )


class SynchronousPBT(SynchronousPopulation):
    """Population based training: copied hyperparameters are moved a step or drawn again."""

    def __init__(self, declared: PopulationBased, space: SearchSpace, **settings: Any) -> None:
        # Ray only asks that something may change; the values come from `perturbed`.
        changing = {name: [0.0, 1.0] for name in changeable(space)}
        super().__init__(declared, space, hyperparam_mutations=changing, **settings)


class SynchronousPB2(SynchronousPopulation, BanditScheduler):
    """Population based bandits: Ray's Gaussian process sees every number at its place in its range."""

    def __init__(self, declared: Population, space: SearchSpace, *, seed: int, **settings: Any) -> None:
        # Ray starts the search for the best place at numbers from NumPy's global state.
        np.random.seed(seed % 2**32)  # noqa: NPY002
        bounds = {name: [0.0, 1.0] for name in numbers(changeable(space))}
        super().__init__(declared, space, seed=seed, hyperparam_bounds=bounds, **settings)

    def _changing(self, domains: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
        return numbers(domains)

    def _explored(self, member: Trial, donor: Trial) -> dict[str, Any]:
        with warnings.catch_warnings():
            # Ray hands SciPy a deprecated option, and scikit-learn reports fits that stop at a bound.
            warnings.simplefilter("ignore")
            places = self.proposed(member, donor)
        return {**donor.config, **{name: value_at(d, places[name]) for name, d in self._domains.items()}}

    def view_of(self, trial: Trial) -> UnitScaledTrial:
        """Returns the trial on the scale on which its numbers are searched."""
        return UnitScaledTrial(
            trial, {name: position(d, trial.config[name]) for name, d in self._domains.items()}
        )


class UnitScaledTrial:
    """Trial as PB2 shall see it: its name, and a configuration of places in [0, 1].

    Args:
        trial: The trial.
        config: The places of its numbers.
    """

    def __init__(self, trial: Trial, config: Mapping[str, float]) -> None:
        self._name = str(trial)
        self.config = dict(config)

    def __str__(self) -> str:
        return self._name


class Members(BasicVariantGenerator):  # type: ignore[misc]  # ray ships no types
    """Searcher that gives a population its members, when there are cores to train them.

    Ray refuses searchers beside PBT, and its own limit of concurrent trials counts members that wait, so that
    it would wait for itself.

    Args:
        runs: What each member's trainable receives.
        scheduler: Knows how many train.
        concurrency: Members that train at once.
    """

    def __init__(
        self, runs: Sequence[Mapping[str, Any]], scheduler: SynchronousPopulation, concurrency: int
    ) -> None:
        super().__init__()
        self._runs = {run["config_id"]: dict(run) for run in runs}
        self._scheduler = scheduler
        self._concurrency = concurrency

    @property
    def param_space(self) -> dict[str, Any]:
        """Config of which Tune makes a trial for each member; :meth:`next_trial` adds the rest."""
        return {"config_id": tune.grid_search(list(self._runs))}

    def next_trial(self) -> Trial | None:
        """Returns the next member, if it could train now."""
        if self._scheduler.training() >= self._concurrency:
            return None
        trial = super().next_trial()
        if trial is not None:
            trial.set_config(dict(self._runs[trial.config["config_id"]]))
        return trial

    def is_finished(self) -> bool:
        """Returns whether all members have ended; once they have, Tune keeps no process for waiting ones."""
        return bool(super().is_finished()) and self._scheduler.all_ended()

    def save_to_dir(self, dirpath: str, session_str: str) -> None:
        """Saves nothing: what a sweep knows is in its folder."""

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Tune pickles it for a restore of its own, which a sweep never uses."""
        return {}


def population_scheduler(declared: Population, space: SearchSpace, **settings: Any) -> SynchronousPopulation:
    """Builds Ray's scheduler for a declared one; the settings are those of :class:`SynchronousPopulation`."""
    if isinstance(declared, PopulationBased):
        return SynchronousPBT(declared, space, **settings)
    return SynchronousPB2(declared, space, **settings)

"""What an experiment is: a frozen value that says what to search, on what, and how much to spend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_args

from experiments.core.declaration import schedulers
from experiments.core.declaration.resources import Resources, Vectorization
from experiments.core.declaration.samplers import SamplerName
from experiments.core.declaration.schedulers import Asha, Scheduler
from experiments.core.declaration.seeds import INDICES, LANES
from experiments.core.errors import UserError
from search_spaces import SearchSpace


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much the search may spend.

    Raises:
        UserError: A number is not positive, or there are more evaluations than steps.
    """

    trials: int
    """Configurations that the search tries, the default one included."""
    steps_per_trial: int
    """Environment steps that a trial may train, if it is not stopped early."""
    evaluations: int = 16
    """Evaluations of a full trial, evenly spaced in steps."""

    def __post_init__(self) -> None:
        _check(self, "trials", 1, INDICES)
        _check(self, "steps_per_trial", 1)
        _check(self, "evaluations", 1, self.steps_per_trial)


@dataclass(frozen=True, kw_only=True)
class Racing:
    """Test seeds that are spent where the decision is still open.

    Raises:
        UserError: A number is out of its range.
    """

    start: int = 5
    """Test seeds of every configuration; a contender may be accepted or dropped from here on."""
    maximum: int = 15
    """Test seeds of a contender that is still open."""

    def __post_init__(self) -> None:
        _check(self, "start", 5, INDICES)
        _check(self, "maximum", self.start + 1, INDICES)

    @property
    def interim_analyses(self) -> tuple[int, ...]:
        """Numbers of seeds at which it is looked who goes on: four, evenly spaced."""
        return tuple(sorted({self.start + round(i * (self.maximum - self.start) / 3) for i in range(4)}))


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """How the winners prove themselves on seeds that the search never saw.

    Raises:
        UserError: A number is not positive.
    """

    top_k: int = 3
    """Configurations taken from the search, best objective first."""
    seeds: int | Racing = field(default_factory=Racing)
    """Test seeds on which each of them and each baseline is trained from scratch: raced for, or so many."""

    def __post_init__(self) -> None:
        _check(self, "top_k", 1)
        if not isinstance(self.seeds, Racing):
            _check(self, "seeds", 1, INDICES)

    @property
    def interim_analyses(self) -> tuple[int, ...]:
        """Numbers of seeds after which it is decided who goes on; a single one if the number is fixed."""
        return self.seeds.interim_analyses if isinstance(self.seeds, Racing) else (self.seeds,)

    @property
    def maximum(self) -> int:
        """The most seeds that a configuration may take."""
        return self.interim_analyses[-1]

    def __str__(self) -> str:
        """The seeds in words."""
        return (
            f"{self.interim_analyses[0]} to {self.maximum}"
            if len(self.interim_analyses) > 1
            else str(self.maximum)
        )


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One question about one environment, declared.

    Raises:
        UserError: A value is out of its range, or a name is both searched and fixed.
    """

    env: str
    """Gymnasium id of the environment; `module:id` imports the module that registers it first."""
    space: SearchSpace
    """What is searched."""
    budget: Budget
    """How much the search may spend."""
    env_parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of the environment, where they differ from its id's preset."""
    validation_parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keywords, over `env_parameters`, of the environment in which the search evaluates."""
    test_parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keywords, over `env_parameters`, of the environment in which the confirmation evaluates."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """The trainer's settings that are not searched, by the same names as searched ones."""
    lanes: int = 8
    """Copies of the environment that one trial samples from, side by side."""
    vectorization: Vectorization = "auto"
    """How they are stepped; "async" pays where one step takes longer than handing it to a process."""
    resources: Resources = field(default_factory=Resources)
    """What one trial takes of the machine."""
    evaluation_episodes: int = 256
    """Greedy episodes of one evaluation, all on the same seeds for every trial."""
    confirmation: Confirmation = field(default_factory=Confirmation)
    """How the winners prove themselves."""
    scheduler: Scheduler = field(default_factory=Asha)
    """What stops hopeless trials early or makes them a population; see :mod:`.schedulers`."""
    sampler: SamplerName = "tpe"
    """What proposes configurations: see :mod:`experiments.core.tuning.samplers`."""
    seed: int = 0
    """Root of every seed in the sweep."""
    seeds_per_trial: int = 1
    """Training seeds of one search trial, side by side; each trains all of the trial's steps."""
    seed_penalty: float = 0.0
    """A trial's objective is the mean over its seeds less this many standard deviations, 0 or more."""
    checkpoint_budget_gb: float = 2.0
    """Gigabytes (10^9 bytes) that the search's checkpoints may take; the worst finished trials' go first."""

    @property
    def top_k(self) -> int:
        """Configurations of the search that are confirmed: no more than it tries beside the default one."""
        return min(self.confirmation.top_k, self.budget.trials - 1)

    def __post_init__(self) -> None:
        for name in ("env_parameters", "validation_parameters", "test_parameters", "fixed"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        _check(self, "lanes", 1, LANES)
        _check(self, "evaluation_episodes", 1, LANES)
        _check(self, "seed", 0)
        schedulers.check(self.scheduler)
        if self.vectorization not in get_args(Vectorization):
            expected = " or ".join(repr(name) for name in get_args(Vectorization))
            raise UserError(f"vectorization={self.vectorization!r}: expected {expected}")
        _check(self, "seeds_per_trial", 1, LANES // self.lanes)
        _check_real(self, "seed_penalty", 0.0)
        _check_real(self, "checkpoint_budget_gb", 0.0)
        if self.seed_penalty and self.seeds_per_trial == 1:
            raise UserError(
                f"seed_penalty={self.seed_penalty:g} without a spread over seeds to take off: set "
                "seeds_per_trial to 2 or more"
            )
        both = sorted(set(self.space.names) & set(self.fixed))
        if both:
            raise UserError(f"{', '.join(both)} both searched and fixed: leave it out of one of them")


def _check(owner: object, name: str, low: int, high: int | None = None) -> None:
    value = getattr(owner, name)
    in_range = isinstance(value, int) and value >= low and (high is None or value <= high)
    if not in_range or isinstance(value, bool):
        expected = f"{low} to {high}" if high is not None else f"{low} or more"
        raise UserError(f"{name}={value!r}: expected a whole number, {expected}")


def _check_real(owner: object, name: str, low: float) -> None:
    value = getattr(owner, name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value < math.inf:
        raise UserError(f"{name}={value!r}: expected a number, {low:g} or more")

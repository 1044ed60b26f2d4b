"""Schedulers that an experiment can declare: rules that stop trials early or train them as a population.

Every rule counts environment steps, and lets the default configuration (the first trial) finish untouched:
all others are compared with it. Shares are shares of a trial's full number of steps.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from experiments.core.declaration.ranges import check_number
from experiments.core.errors import UserError

SchedulerName = Literal["asha", "median", "hyperband", "none", "pbt", "pb2"]


@dataclass(frozen=True, kw_only=True)
class Asha:
    """Asynchronous successive halving (ASHA): weak trials stop early, so that more configurations are tried.

    A trial passes rungs, numbers of environment steps `reduction` times apart: with the defaults at 1/4, 1/2
    and all of `steps_per_trial`. At each rung its objective is compared with those of all trials that have
    come to it so far, and it continues if it is among the best one in `reduction` of them, else it is stopped
    and counts as pruned. Nothing waits for a rung to fill, so no core idles; the price is that early trials
    are compared with few others.

    It pays where a trial's first quarter says something of its end. Learning curves that cross late are
    better served by a larger `grace`, noisy ones by the small `reduction` that is the default (the paper has
    4). About half of the trials stop at each rung; measured, a search takes 0.6 of its full number of steps.

    Example:
        >>> from experiments import Asha, Budget, Experiment
        >>> from search_spaces import ppo
        >>> experiment = Experiment(
        ...     env="sweeps/PointTarget-v0",
        ...     space=ppo.CORE,
        ...     budget=Budget(trials=32, steps_per_trial=65_536),
        ...     scheduler=Asha(grace=1 / 8, reduction=2),
        ... )
        >>> experiment.scheduler
        Asha(grace=0.125, reduction=2)

    Raises:
        UserError: A parameter is out of its range.

    References:
        Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, arXiv 1810.05934.
        Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification, arXiv 1502.07943.
    """

    name: ClassVar[SchedulerName] = "asha"
    grace: float = 1 / 4
    """Share after which a trial may be stopped: the first rung; in (0, 1]."""
    reduction: float = 2
    """One in so many continues at a rung, and rungs lie this factor apart. Above 1; small factors forgive
    noisy first evaluations."""

    def __post_init__(self) -> None:
        _in_range(self, "grace", 0.0, 1.0, above=True)
        _in_range(self, "reduction", 1.0, 1e6, above=True)


@dataclass(frozen=True, kw_only=True)
class Median:
    """Median stopping rule: a trial whose best objective so far is below the others' median stops.

    It is the median over the other trials of their mean objective up to the same step. The rule has no rungs
    and no number of trials to keep, so it is milder than successive halving where many trials are good.

    Raises:
        UserError: A parameter is out of its range.

    References:
        Golovin et al. 2017, Google Vizier, section 3.2, doi 10.1145/3097983.3098043.
    """

    name: ClassVar[SchedulerName] = "median"
    grace: float = 1 / 4
    """Share after which a trial may be stopped; in (0, 1]."""
    min_trials: int = 3
    """Other trials that must have come as far before anything is stopped."""

    def __post_init__(self) -> None:
        _in_range(self, "grace", 0.0, 1.0, above=True)
        _in_range(self, "min_trials", 1, 1_000_000, whole=True)


@dataclass(frozen=True, kw_only=True)
class Hyperband:
    """Asynchronous HyperBand: successive halving in several brackets, which differ in how early they begin.

    It hedges the choice of ASHA's `grace`. The first bracket halves from a share of
    `reduction ** (1 - brackets)` on, each next one `reduction` times later, the last one never. Trials are
    dealt to brackets at random, most of them to the early ones. It is Ray's `AsyncHyperBandScheduler`; the
    synchronous one waits for whole brackets of trials, which a searcher that learns from results does not
    suggest ahead.

    Raises:
        UserError: A parameter is out of its range.

    References:
        Li et al. 2018, Hyperband, JMLR 18, arXiv 1603.06560.
        Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, arXiv 1810.05934.
    """

    name: ClassVar[SchedulerName] = "hyperband"
    reduction: float = 3
    """One in so many continues at a rung; above 1."""
    brackets: int = 3
    """Brackets, from the one that stops earliest to the one that never stops."""

    def __post_init__(self) -> None:
        _in_range(self, "reduction", 1.0, 1e6, above=True)
        _in_range(self, "brackets", 1, 20, whole=True)


@dataclass(frozen=True)
class NoScheduler:
    """No early stopping: every trial trains to its end."""

    name: ClassVar[SchedulerName] = "none"


@dataclass(frozen=True, kw_only=True)
class PopulationBased:
    """Population based training (PBT): the trials are members of a population that trains side by side.

    At every interval the members are compared, and the worst continue from copies of the best ones' weights,
    with changed hyperparameters. What is found is thus a schedule of hyperparameters rather than one
    configuration; the confirmation trains from scratch by the winner's schedule. No searcher suggests
    anything: the first member is the default configuration, which may be copied but copies nobody; the others
    are drawn from the space. Hyperparameters that a network is built by, such as the layout, are taken over
    with the weights and never change otherwise.

    Raises:
        UserError: A parameter is out of its range.

    References:
        Jaderberg et al. 2017, Population Based Training of Neural Networks, arXiv 1711.09846.
    """

    name: ClassVar[SchedulerName] = "pbt"
    interval: float = 1 / 8
    """Share between two comparisons of the population, rounded to whole evaluations; in (0, 1)."""
    quantile: float = 1 / 4
    """Share of the population that copies, and that is copied; in (0, 0.5]."""
    resample: float = 1 / 4
    """Probability that a hyperparameter is drawn from its domain again instead of being moved; in [0, 1]."""
    step: float = 0.1
    """How far a hyperparameter is moved, as a share of its range on the scale on which it is searched; in
    (0, 1]. A choice moves to its neighbour, a whole number by one at least."""

    def __post_init__(self) -> None:
        _in_range(self, "interval", 0.0, 1.0, above=True)
        _in_range(self, "quantile", 0.0, 0.5, above=True)
        _in_range(self, "resample", 0.0, 1.0)
        _in_range(self, "step", 0.0, 1.0, above=True)


@dataclass(frozen=True, kw_only=True)
class PopulationBandit:
    """Population based bandits (PB2): as :class:`PopulationBased`, with changes that a bandit chooses.

    A Gaussian process over the population's progress so far chooses the new values of numbers, real and
    whole, on the scales on which they are searched. Choices (batch size, layout) it cannot handle: they come
    with the copied weights and stay.

    Raises:
        UserError: A parameter is out of its range.

    References:
        Parker-Holder et al. 2020, Provably Efficient Online Hyperparameter Optimization with
        Population-Based Bandits, arXiv 2002.02518.
    """

    name: ClassVar[SchedulerName] = "pb2"
    interval: float = 1 / 8
    """Share between two comparisons of the population, rounded to whole evaluations; in (0, 1)."""
    quantile: float = 1 / 4
    """Share of the population that copies, and that is copied; in (0, 0.5]."""

    def __post_init__(self) -> None:
        _in_range(self, "interval", 0.0, 1.0, above=True)
        _in_range(self, "quantile", 0.0, 0.5, above=True)


Stopping = Asha | Median | Hyperband | NoScheduler
Population = PopulationBased | PopulationBandit
Scheduler = Stopping | Population

SCHEDULERS = MappingProxyType(
    {kind.name: kind for kind in (Asha, Median, Hyperband, NoScheduler, PopulationBased, PopulationBandit)}
)
"""Every scheduler by its name on the command line."""
POPULATIONS = tuple(name for name, kind in SCHEDULERS.items() if issubclass(kind, Population))
"""Names of those that train a population and leave the searcher out."""


def named(name: SchedulerName, declared: Scheduler) -> Scheduler:
    """Returns the scheduler of a name: the declared one if it is of that kind, else one with defaults."""
    return declared if declared.name == name else SCHEDULERS[name]()


def interval_points(scheduler: Population, evaluations: int) -> int:
    """Returns the evaluation points between two comparisons of a population.

    Args:
        scheduler: The declaration.
        evaluations: Evaluation points of a full trial.
    """
    return max(1, round(scheduler.interval * evaluations))


def to_json(scheduler: Scheduler) -> dict[str, Any]:
    """Returns name and parameters, for the manifest."""
    return {"name": scheduler.name, **asdict(scheduler)}


def check(scheduler: object) -> None:
    """Refuses what is not a scheduler.

    Raises:
        UserError: With the schedulers that there are.
    """
    if not isinstance(scheduler, Scheduler):
        kinds = ", ".join(f"{kind.__name__}()" for kind in SCHEDULERS.values())
        raise UserError(f"scheduler={scheduler!r}: expected one of {kinds}, from experiments")


def _in_range(
    owner: Scheduler, name: str, low: float, high: float, *, above: bool = False, whole: bool = False
) -> None:
    value = getattr(owner, name)
    given = f"{type(owner).__name__}({name}={value!r})"
    check_number(given, value, low, high, whole=whole, above=above)

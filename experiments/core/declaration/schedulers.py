"""What may stop or change a trial while it trains, declared: a named rule with its parameters.

Every rule counts environment steps, and lets the default configuration (the first trial) finish untouched:
all others are compared with it. Shares are shares of a trial's full number of steps.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from experiments.core.errors import UserError

SchedulerName = Literal["asha", "median", "hyperband", "none", "pbt", "pb2"]


@dataclass(frozen=True, kw_only=True)
class Asha:
    """Asynchronous successive halving (arXiv 1810.05934): at each rung all but the best of those there stop.

    Raises:
        UserError: A parameter is out of its range.
    """

    name: ClassVar[SchedulerName] = "asha"
    grace: float = 1 / 4
    """Share after which a trial may be stopped: the first rung; in (0, 1]."""
    reduction: float = 2
    """One in so many goes on at a rung, and rungs lie this factor apart. Above 1; small factors forgive noisy
    first evaluations."""

    def __post_init__(self) -> None:
        _in_range(self, "grace", 0.0, 1.0, above=True)
        _in_range(self, "reduction", 1.0, 1e6, above=True)


@dataclass(frozen=True, kw_only=True)
class Median:
    """Median stopping (Vizier, doi 10.1145/3097983.3098043): a trial whose best is below the median stops.

    It is the median over the other trials of their mean objective up to the same step.

    Raises:
        UserError: A parameter is out of its range.
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
    """Asynchronous HyperBand (arXiv 1603.06560, 1810.05934): successive halving in several brackets.

    The first bracket halves from a share of `reduction ** (1 - brackets)` on, each next one `reduction` times
    later, the last one never. Trials are dealt to brackets at random, most of them to the early ones. It is
    Ray's `AsyncHyperBandScheduler`; the synchronous one waits for whole brackets of trials, which a searcher
    that learns from results does not suggest ahead.

    Raises:
        UserError: A parameter is out of its range.
    """

    name: ClassVar[SchedulerName] = "hyperband"
    reduction: float = 3
    """One in so many goes on at a rung; above 1."""
    brackets: int = 3
    """Brackets, from the one that stops earliest to the one that never stops."""

    def __post_init__(self) -> None:
        _in_range(self, "reduction", 1.0, 1e6, above=True)
        _in_range(self, "brackets", 1, 20, whole=True)


@dataclass(frozen=True)
class NoScheduler:
    """Every trial trains to its end."""

    name: ClassVar[SchedulerName] = "none"


@dataclass(frozen=True, kw_only=True)
class PopulationBased:
    """Population based training (arXiv 1711.09846): the trials are a population that trains side by side.

    At every interval the worst members go on from copies of the best ones' weights, with changed
    hyperparameters. No searcher suggests anything: the first member is the default configuration, which may
    be copied but copies nobody; the others are drawn from the space. Names that a network is built by, such
    as the layout, are taken over with the weights and never change otherwise.

    Raises:
        UserError: A parameter is out of its range.
    """

    name: ClassVar[SchedulerName] = "pbt"
    interval: float = 1 / 8
    """Share between two comparisons of the population, rounded to whole evaluations; in (0, 1)."""
    quantile: float = 1 / 4
    """Share of the population that copies, and that is copied; in (0, 0.5]."""
    resample: float = 1 / 4
    """Probability that a name is drawn anew from its domain instead of being moved; in [0, 1]."""
    step: float = 0.1
    """How far a name is moved, as a share of its range on the scale on which it is searched; in (0, 1].
    A choice moves to its neighbour, a whole number by one at least."""

    def __post_init__(self) -> None:
        _in_range(self, "interval", 0.0, 1.0, above=True)
        _in_range(self, "quantile", 0.0, 0.5, above=True)
        _in_range(self, "resample", 0.0, 1.0)
        _in_range(self, "step", 0.0, 1.0, above=True)


@dataclass(frozen=True, kw_only=True)
class PopulationBandit:
    """PB2 (arXiv 2002.02518): as :class:`PopulationBased`, with changes that a bandit chooses.

    A Gaussian process over the population's progress so far chooses the new values of numbers, real and
    whole, on the scales on which they are searched. Choices (batch size, layout) it cannot handle: they come
    with the copied weights and stay.

    Raises:
        UserError: A parameter is out of its range.
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
    """The scheduler of that name: the declared one if it is of that kind, else with default ones."""
    return declared if declared.name == name else SCHEDULERS[name]()


def interval_points(scheduler: Population, evaluations: int) -> int:
    """Evaluation points between two comparisons of a population, of as many as a full trial has."""
    return max(1, round(scheduler.interval * evaluations))


def to_json(scheduler: Scheduler) -> dict[str, Any]:
    """Name and parameters: what the manifest records."""
    return {"name": scheduler.name, **asdict(scheduler)}


def check(scheduler: object) -> None:
    """Refuses what is not a scheduler.

    Raises:
        UserError: With what there is.
    """
    if not isinstance(scheduler, Scheduler):
        kinds = ", ".join(f"{kind.__name__}()" for kind in SCHEDULERS.values())
        raise UserError(f"scheduler={scheduler!r}: expected one of {kinds}, from experiments")


def _in_range(
    owner: Scheduler, name: str, low: float, high: float, *, above: bool = False, whole: bool = False
) -> None:
    value = getattr(owner, name)
    right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not right or not low <= value <= high or (above and value == low):
        kind = "a whole number" if whole else "a number"
        limits = f"above {low:g}" if above else f"{low:g} or more"
        raise UserError(
            f"{type(owner).__name__}({name}={value!r}): expected {kind} {limits}, at most {high:g}"
        )

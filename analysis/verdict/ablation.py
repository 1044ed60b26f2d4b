"""Ablation path from the default to the winner: which of the changes between them carry the gain.

A tuned configuration differs from the default in a dozen hyperparameters, and often one or two of them carry
all of its gain. The path begins at the default and takes over one change of the winner after the other, each
time the one that gains most: all candidates of a step are trained on the first test seeds, the better half
goes on, and the best of the last is taken. It ends where it is as good as the winner, or its runs are spent.

A configuration is named by the changes that it has: none is the default, all of them are the winner.

References:
    Fawcett and Hoos 2016, Journal of Heuristics 22(4): ablation paths between configurations.
    Karnin, Koren and Somekh 2013, ICML: sequential halving.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from analysis.statistics import Interval
from analysis.verdict.spread import FloatArray, located

Changes = frozenset[int]
"""Changes that a configuration has taken over from the winner, by number."""

STAGES: Final = (3, 6, 10)
"""Test seeds after which candidates are compared and the worse half of them leaves."""
LEAST: Final = 3
"""Changes that a step tries at least; half of those that the step before has tried, if that is more."""
CARRIED: Final = 0.8
"""Share of the gain, by the means, with which a configuration may be as good as the winner."""
NEARLY: Final = 0.7
"""The same on a step's own seeds, from which on it is trained on all seeds."""
MARGIN: Final = 0.5
"""Share of the gain that a configuration as good as the winner may lack at most, with 95 % confidence."""
ERROR: Final = 0.05
"""One-sided error of that bound."""


class End(StrEnum):
    """Why a path ended."""

    AS_GOOD = "as good"
    BUDGET = "budget spent"
    ALL = "nothing left to try"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a path: the change that was taken over, and how far the path has come with it."""

    change: int
    """Number of the change."""
    changes: Changes
    """All that were taken over by then."""
    seeds: int
    """Test seeds on which it is compared with the winner."""
    carried: float
    """Share of the winner's gain that it has, by the means."""
    behind: Interval
    """Interval of its difference from the winner: each end is wrong in 5 %."""


@dataclass(frozen=True, kw_only=True)
class Path:
    """Ablation path as far as its runs tell."""

    steps: tuple[Step, ...]
    """Changes that were taken over, first to last."""
    end: End | None
    """Why it ended; None while runs are missing."""
    missing: tuple[tuple[Changes, int], ...]
    """Runs to do next: configuration, and number of the test seed."""
    spent: int
    """Runs that it has spent, those to do next among them."""


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Ablation of a winner: what was trained, and what may be spent; a pure function of the runs.

    Example:
        >>> runs = {frozenset(): {}, frozenset({0}): {}, frozenset({1}): {}, frozenset({0, 1}): {}}
        >>> for k, (changes, own) in enumerate(runs.items()):
        ...     gain = 1.0 if 0 in changes else 0.0
        ...     own |= {seed: gain + 0.1 * ((seed + k) % 3) for seed in range(5)}
        >>> path = Ablation(changes=2, seeds=5, budget=10, runs=runs).path()
        >>> path.end.value, [step.change for step in path.steps]
        ('as good', [0])
    """

    changes: int
    """Number of changes from the default to the winner."""
    seeds: int
    """Test seeds on which both have a value."""
    budget: int
    """Runs that may be spent."""
    runs: Mapping[Changes, Mapping[int, float]]
    """Values of each configuration by number of the test seed, those of default and winner among them."""
    free: frozenset[Changes] = frozenset()
    """Configurations that were confirmed anyway and cost nothing."""
    minimal_effect: float = 0.0
    """Loss that is too little to matter."""

    @property
    def stages(self) -> tuple[int, ...]:
        """Numbers of test seeds after which candidates are compared."""
        return tuple(sorted({min(stage, self.seeds) for stage in STAGES}))

    @property
    def gain(self) -> float:
        """The winner's gain over the default."""
        winner, default = (
            self.values(one, self.seeds) for one in (frozenset(range(self.changes)), frozenset())
        )
        return float(np.mean(winner - default))

    def path(self) -> Path:
        """Returns the path as far as the runs tell, and the runs that it lacks next."""
        walk = _Walk(self)
        try:
            end = walk.to_its_end()
        except _HaltError as halt:
            return Path(steps=tuple(walk.steps), end=halt.end, missing=halt.missing, spent=walk.spent)
        return Path(steps=tuple(walk.steps), end=end, missing=(), spent=walk.spent)

    def values(self, changes: Changes, seeds: int) -> FloatArray:
        """Returns the values of a configuration on the first test seeds."""
        return np.array([self.runs[changes][seed] for seed in range(seeds)])

    def step(self, change: int, changes: Changes, seeds: int) -> Step:
        """Compares a configuration with the winner on the first test seeds."""
        winner = self.values(frozenset(range(self.changes)), seeds)
        behind = located(self.values(changes, seeds) - winner)
        low, high = behind.ends(ERROR, ERROR)
        return Step(
            change=change, changes=changes, seeds=seeds, carried=1 + float(behind.mean) / self.gain,
            behind=Interval(float(low), float(high)),
        )  # fmt: skip

    def is_as_good(self, step: Step) -> bool:
        """Returns whether a configuration, compared on all seeds, is as good as the winner."""
        margin = max(self.minimal_effect, MARGIN * self.gain)
        return step.carried >= CARRIED and step.behind.low >= -margin


class _HaltError(Exception):
    """End of what the runs or the budget allow."""

    def __init__(self, end: End | None, missing: tuple[tuple[Changes, int], ...] = ()) -> None:
        super().__init__(end)
        self.end, self.missing = end, missing


class _Walk:
    """Walk along a path, from its start, for as long as there are runs."""

    def __init__(self, ablation: Ablation) -> None:
        self._ablation = ablation
        self.spent = 0
        """Runs asked for so far."""
        self._told: dict[int, list[tuple[float, int]]] = defaultdict(list)
        """What each change has gained at the steps so far, and on how many seeds."""
        self.steps: list[Step] = []

    def to_its_end(self) -> End:
        """Takes step after step.

        Raises:
            _HaltError: Runs are missing, or the budget is spent.
        """
        ablation = self._ablation
        base, pool = frozenset[int](), list(range(ablation.changes))
        while pool and len(base) < ablation.changes - 1:
            change = self._best(base, pool)
            base |= {change}
            self.steps.append(ablation.step(change, base, ablation.stages[-1]))
            if self.steps[-1].carried >= NEARLY:
                self._trained([base], ablation.stages[-1], ablation.seeds)
                self.steps[-1] = ablation.step(change, base, ablation.seeds)
                if ablation.is_as_good(self.steps[-1]):
                    return End.AS_GOOD
            rest = sorted((c for c in pool if c != change), key=self._gained, reverse=True)
            pool = rest[: max(LEAST, math.ceil(len(rest) / 2))]
        return End.ALL

    def _best(self, base: Changes, pool: Sequence[int]) -> int:
        """Returns the change that gains most, of those to try from a configuration."""
        alive, before, now = list(pool), 0, dict[int, tuple[float, int]]()
        for stage in self._ablation.stages:
            self._trained([base | {change} for change in alive], before, stage)
            start = self._ablation.values(base, stage)
            now |= {
                c: (float(np.mean(self._ablation.values(base | {c}, stage) - start)), stage) for c in alive
            }
            ranked = sorted(alive, key=lambda c: self._gained(c, now[c]), reverse=True)
            alive, before = ranked[: math.ceil(len(ranked) / 2)], stage
        for change, gain in now.items():
            self._told[change].append(gain)
        return ranked[0]

    def _gained(self, change: int, now: tuple[float, int] | None = None) -> float:
        """Returns a change's mean gain over all steps, each weighted by its seeds."""
        told = [*self._told[change], *([] if now is None else [now])]
        return sum(gain * seeds for gain, seeds in told) / sum(seeds for _, seeds in told)

    def _trained(self, configurations: Sequence[Changes], before: int, upto: int) -> None:
        """Halts unless configurations have been trained on further seeds."""
        ablation = self._ablation
        costs = sum(upto - before for one in configurations if one not in ablation.free)
        if self.spent + costs > ablation.budget:
            raise _HaltError(End.BUDGET)
        self.spent += costs
        missing = tuple(
            (one, seed)
            for one in configurations
            for seed in range(upto)
            if seed not in ablation.runs.get(one, {})
        )
        if missing:
            raise _HaltError(None, missing)

"""Estimates of configurations' means, free of the bias that racing them brings.

A race stops on good and on bad luck, so the mean of the seeds that it took is biased. The mean of the seeds
of the first interim analysis is not, but it wastes the others. As seeds are exchangeable, the race could have
taken the same seeds in another order. The estimate is the mean of the first analysis' seeds, averaged over
all orders in which the race would have come as far: unbiased whatever the distribution, and equal to the
plain mean where every order would.

Axes: as in `analysis.verdict.group_sequential`; R = orders that came as far, F = seeds of the first analysis.

References:
    Blackwell 1947, Annals of Mathematical Statistics 18(1); Emerson and Kittelson 1997, Biometrics 53(1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis import statistics
from analysis.sweep import DEFAULT
from analysis.verdict.group_sequential import follow
from analysis.verdict.race import Race

ORDERS: Final = 500
"""Random orders that are tried; their own chance adds about 1 % to a standard error."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Estimate(NamedTuple):
    """Estimate of a mean: its value, standard error, number of seeds, and standard deviation over them."""

    mean: float
    """The mean."""
    error: float
    """Its standard error."""
    seeds: int
    """Number of seeds behind it."""
    deviation: float
    """Standard deviation over the seeds."""

    def interval(self, confidence: float, widening: float = 0.0) -> statistics.Interval:
        """Computes Student's interval, 1 + `widening` / seeds times as wide; none below two seeds."""
        if self.seeds < 2:
            return statistics.NO_INTERVAL
        half = (1 + widening / self.seeds) * stats.t.ppf(0.5 + confidence / 2, self.seeds - 1) * self.error
        return statistics.Interval(float(self.mean - half), float(self.mean + half))

    def error_with(self, deviation: float) -> float:
        """Returns the standard error that the mean would have, had its values another standard deviation."""
        own = self.error / self.deviation if self.deviation > 0 else self.seeds**-0.5
        return float(deviation * own)


NOTHING: Final = Estimate(np.nan, np.nan, 0, np.nan)
"""The estimate from no runs."""


@dataclass(frozen=True)
class Orders:
    """Orders of the seeds in which a race would have gone on as long as it did."""

    x_cs: FloatArray
    """Values of the default and the contenders, shape [C, S]; NaN where a run has none."""
    interim_analyses: Sequence[int]
    """Numbers of seeds; with a single fixed one there is one order only."""
    stage_c: Sequence[int]
    """Index of the interim analysis at which each contender left, shape [K]."""

    def of_contender(self, k: int, stage: int) -> IntArray:
        """Returns the first seeds of all orders that bring contender k to an analysis it reached, [R, F]."""
        first_of, far_ok = self._tried(stage)
        return first_of[far_ok[:, k]]

    def of_baseline(self, stage: int) -> IntArray:
        """Returns those of every order that brings any contender there, shape [R, F]."""
        first_of, far_ok = self._tried(stage)
        return first_of[far_ok.any(axis=1)]

    @cached_property
    def _known(self) -> dict[int, tuple[IntArray, NDArray[np.bool_]]]:
        return {}

    def _tried(self, stage: int) -> tuple[IntArray, NDArray[np.bool_]]:
        """Returns which seeds come first in each order, and which contenders come as far; computed once."""
        if stage not in self._known:
            self._known[stage] = self._try(stage)
        return self._known[stage]

    def _try(self, stage: int) -> tuple[IntArray, NDArray[np.bool_]]:
        n, contenders = self.interim_analyses[stage], len(self.stage_c)
        if stage == 0:
            return np.arange(n)[None], np.ones((1, contenders), bool)
        # Those that left earlier lack the later seeds, so they cannot be run in another order.
        there = np.flatnonzero(np.asarray(self.stage_c) >= stage)
        order_os = np.argsort(np.random.default_rng(0).random((ORDERS, n)), axis=1)
        order_os[0] = np.arange(n)
        x_ocs = self.x_cs[np.r_[0, there + 1]][:, order_os].transpose(1, 0, 2)
        far_ok = np.zeros((ORDERS, contenders), bool)
        far_ok[:, there] = follow(x_ocs, self.interim_analyses, stage, contenders).open
        return order_os[:, : self.interim_analyses[0]], far_ok


def estimate(values_s: ArrayLike, first_rf: IntArray | None = None) -> Estimate:
    """Estimates the mean behind values of shape [S], in the order of their seeds; NaN are missing.

    The variance is that of the first seeds' mean, averaged over orders, less the variance between orders, and
    so unbiased too. It is taken to be no smaller than the plain mean's.

    Args:
        values_s: Values up to the interim analysis at which the race left off.
        first_rf: First seeds of every order that counts, shape [R, F]; without them all seeds count alike.
    """
    x_s: FloatArray = np.asarray(values_s, dtype=np.float64)
    there = x_s[np.isfinite(x_s)]
    if there.size < 2:
        return Estimate(float(there.mean()) if there.size else np.nan, np.nan, there.size, np.nan)
    error = statistics.standard_error(there)
    plain = Estimate(float(there.mean()), error, there.size, error * there.size**0.5)
    if first_rf is None or first_rf.shape[1] >= x_s.size:
        return plain
    x_rf = x_s[first_rf]
    x_rf = x_rf[np.isfinite(x_rf).sum(axis=1) > 1]
    if not len(x_rf):
        return plain
    count_r = np.isfinite(x_rf).sum(axis=1)
    mean_r = np.nansum(x_rf, axis=1) / count_r
    own_r = np.nansum((x_rf - mean_r[:, None]) ** 2, axis=1) / (count_r - 1) / count_r
    error = float(np.sqrt(max(own_r.mean() - mean_r.var(), 0.0)))
    return plain._replace(mean=float(mean_r.mean()), error=max(plain.error, error))


class Estimates:
    """Estimates of configurations' means, and of their differences, after a race.

    Args:
        runs: Per configuration its values by test seed, no more of them than the race has taken.
        race: Where the race stands.
    """

    def __init__(self, runs: "Mapping[str, pd.Series[float]]", race: Race) -> None:
        self._runs, self._race = runs, race
        self._contenders = list(race.standings)
        stage_c = [race.interim_analyses.index(race.seeds[name]) for name in self._contenders]
        x_cs = np.stack(
            [self._values(name, race.interim_analyses[-1]) for name in (DEFAULT, *self._contenders)]
        )
        self._orders = Orders(x_cs, race.interim_analyses, stage_c)

    def mean(self, config: str) -> Estimate:
        """Estimates a configuration's mean."""
        seeds = self._race.seeds[config]
        return estimate(self._values(config, seeds), self._first(config, seeds))

    def difference(self, config: str, baseline: str, *, plain: bool = False) -> Estimate:
        """Estimates a configuration's mean less a baseline's, on the seeds that both have.

        Args:
            config: The configuration; its race says in which orders the seeds could have come.
            baseline: What it is compared with.
            plain: Whether all seeds shall count alike, as they do in the race itself.
        """
        seeds = min(self._race.seeds[config], self._race.seeds[baseline])
        difference_s = self._values(config, seeds) - self._values(baseline, seeds)
        return estimate(difference_s, None if plain else self._first(config, seeds))

    def _first(self, config: str, seeds: int) -> IntArray:
        stage = self._race.interim_analyses.index(seeds)
        if config in self._contenders:
            return self._orders.of_contender(self._contenders.index(config), stage)
        return self._orders.of_baseline(stage)

    def _values(self, config: str, seeds: int) -> FloatArray:
        values = self._runs.get(config, pd.Series(dtype=float))
        return values.reindex(range(seeds)).to_numpy(dtype=np.float64)

"""Comparison of configurations with a baseline: mean paired differences with simultaneous intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.sweep import COUNTED, DEFAULT
from analysis.verdict.group_sequential import MIN_PAIRS
from analysis.verdict.race import Race, Standing
from analysis.verdict.race_estimates import Estimate, Estimates


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Mean paired difference of a configuration from a baseline over shared test seeds, with its interval."""

    pairs: int
    """Test seeds on which both have a value."""
    difference: float
    """Mean difference, on the scale of scores."""
    low: float
    """Lower end of its simultaneous interval."""
    high: float
    """Upper end of its simultaneous interval."""
    p_adjusted: float
    """p-value of no difference, adjusted for the number of comparisons; NaN after a race."""

    @property
    def above_zero(self) -> bool:
        """Whether there are pairs enough and the whole interval lies above zero."""
        return self.pairs >= MIN_PAIRS and self.low > 0

    @property
    def is_none(self) -> bool:
        """Whether both have the same value on every shared seed."""
        return self.pairs > 0 and self.low == self.difference == self.high == 0.0

    @property
    def below_zero(self) -> bool:
        """Whether there are pairs enough and the whole interval lies below zero."""
        return self.pairs >= MIN_PAIRS and self.high < 0


def compare(x: "pd.Series[float]", y: "pd.Series[float]", comparisons: int) -> Comparison:
    """Compares two configurations over their shared test seeds, as one of several comparisons.

    Args:
        x: Objectives of the one by test seed.
        y: Objectives of the other, which is subtracted.
        comparisons: How many of them shall hold together.
    """
    shared = x.index.intersection(y.index)
    difference_p = (x.loc[shared] - y.loc[shared]).to_numpy(dtype=float)
    interval = statistics.difference_interval(difference_p, statistics.simultaneous_confidence(comparisons))
    return Comparison(
        pairs=len(shared),
        difference=statistics.mean(difference_p),
        low=interval.low,
        high=interval.high,
        p_adjusted=statistics.bonferroni(statistics.paired_p_value(difference_p), max(comparisons, 1)),
    )


def values_by_seed(confirmation: pd.DataFrame) -> "dict[str, pd.Series[float]]":
    """Returns each confirmed configuration's values by test seed; runs without a value are left out."""
    counted = confirmation[
        confirmation["state"].isin(COUNTED) & np.isfinite(confirmation["objective"].astype(float))
    ]
    counted = counted.drop_duplicates(["config_id", "test_seed"], keep="last")
    values = counted.set_index("test_seed")["objective"].astype(float)
    groups = values.groupby(counted["config_id"].to_numpy(), sort=True)
    return {str(config): group for config, group in groups}


def compare_all(
    runs: "Mapping[str, pd.Series[float]]", baseline: str, comparisons: int, raced: Estimates | None
) -> dict[str, Comparison]:
    """Compares every configuration with a baseline; none if the baseline has no runs.

    Args:
        runs: Each configuration's values by test seed.
        baseline: Its config_id.
        comparisons: How many of them shall hold together.
        raced: What the race made of the values; None if the number of seeds was fixed.
    """
    if baseline not in runs:
        return {}
    return {
        config: _compare_raced(raced.difference(config, baseline), comparisons)
        if raced
        else compare(values, runs[baseline], comparisons)
        for config, values in runs.items()
        if config != baseline
    }


def _compare_raced(difference: Estimate, comparisons: int) -> Comparison:
    """Returns a comparison after a race, which decides by its boundaries and so has no p-value."""
    low, high = difference.interval(statistics.simultaneous_confidence(comparisons))
    return Comparison(
        pairs=difference.seeds, difference=difference.mean, low=low, high=high, p_adjusted=np.nan
    )


def as_raced(against: Mapping[str, Comparison], raced: Estimates, went: Race) -> dict[str, Comparison]:
    """Makes the intervals say what the race decided: above zero where a contender was accepted, only there.

    At the last interim analysis an interval is as wide as the boundary asks for. At an earlier one the
    boundary asks for more than the interval; where the two disagree, the lower end is that of the boundary.
    """
    settled = dict(against)
    for config in against.keys() & went.standings.keys():
        level = went.level(config)
        boundary = raced.difference(config, DEFAULT, plain=True).interval(1 - 2 * level).low
        interval = statistics.Interval(against[config].low, against[config].high)
        if went.seeds[config] == went.interim_analyses[-1]:
            interval = raced.difference(config, DEFAULT).interval(1 - 2 * level)
        accepted = went.standings[config] == Standing.BETTER
        low, high = settled_interval(interval, boundary, accepted=accepted)
        settled[config] = replace(against[config], low=low, high=high)
    return settled


def settled_interval(
    interval: statistics.Interval, boundary: float, *, accepted: bool
) -> statistics.Interval:
    """Returns an interval whose lower end lies above zero if and only if the race accepted its contender.

    Args:
        interval: Of the difference from the default, freed of the race's bias.
        boundary: Lower end of the interval by which the race decided.
        accepted: What it decided.
    """
    low, high = interval
    if accepted:
        return statistics.Interval(max(low, boundary), high)
    return statistics.Interval(min(0.0, boundary) if low > 0 else low, high)

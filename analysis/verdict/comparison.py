"""Comparison of configurations with a baseline: mean differences with simultaneous intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.sweep import BASELINES, COUNTED, DEFAULT, DEFAULTS, RLLIB
from analysis.verdict.group_sequential import MIN_PAIRS, differences, permitted_error
from analysis.verdict.spread import FloatArray, Location, located, pooled_spread


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Mean difference of a configuration from a baseline, with its interval."""

    pairs: int
    """Test seeds on which both have a value; against RLlib's defaults, seeds of the one that has fewer."""
    difference: float
    """Mean difference, on the scale of scores."""
    low: float
    """Lower end of its simultaneous interval."""
    high: float
    """Upper end of its simultaneous interval."""
    is_none: bool = False
    """Whether both have the same value on every shared seed."""
    location: Location | None = None
    """The difference with its standard error, as it was tested."""

    @property
    def above_zero(self) -> bool:
        """Whether there are pairs enough and the whole interval lies above zero."""
        return self.pairs >= MIN_PAIRS and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether there are pairs enough and the whole interval lies below zero."""
        return self.pairs >= MIN_PAIRS and self.high < 0


def compare_paired(x: "pd.Series[float]", y: "pd.Series[float]", comparisons: int) -> Comparison:
    """Compares two configurations over their shared test seeds, as one of several comparisons.

    Args:
        x: Objectives of the one by test seed.
        y: Objectives of the other, which is subtracted.
        comparisons: How many of them shall hold together.
    """
    difference_p = (x - y).dropna().to_numpy(dtype=float)
    interval = statistics.difference_interval(difference_p, statistics.simultaneous_confidence(comparisons))
    return Comparison(
        pairs=difference_p.size,
        difference=statistics.mean(difference_p),
        low=interval.low,
        high=interval.high,
        is_none=bool(difference_p.size and (difference_p == 0.0).all()),
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


def contenders_of(runs: Iterable[str]) -> list[str]:
    """Returns all configurations but the baselines."""
    return [config for config in runs if config not in BASELINES]


def values_of(runs: "Mapping[str, pd.Series[float]]", configs: Sequence[str]) -> FloatArray:
    """Returns values as an array [C, S] over all seeds that anyone has; NaN where a run has none."""
    return pd.DataFrame(dict(runs)).T.loc[list(configs)].to_numpy(dtype=float)


def against_default(
    runs: "Mapping[str, pd.Series[float]]", family: int, default: str = DEFAULT
) -> dict[str, Comparison]:
    """Compares every configuration with a default; none if it has no runs.

    Contenders are compared on shared seeds. Their intervals hold for all of them together, and take spread
    and skewness from all: they lie above zero exactly where the test at the end of a race accepts.

    Args:
        runs: Each configuration's values by test seed.
        family: Contenders that the permitted error is shared among.
        default: The space's, or the one with its batch adapted.
    """
    if default not in runs:
        return {}
    error = permitted_error(family)
    others = [[config] for config in DEFAULTS if config != default and config in runs]
    found: dict[str, Comparison] = {}
    for names in (contenders_of(runs), *others):
        difference_ks = values_of(runs, names) - values_of(runs, [default])
        pairs_k = np.isfinite(difference_ks).sum(axis=1)
        compared = _comparisons(runs, names, default, differences(difference_ks), error)
        found |= {
            name: replace(compared[name], pairs=int(pairs))
            for name, pairs in zip(names, pairs_k, strict=True)
        }
    if RLLIB in runs:
        one, other = (located(values_of(runs, [config])) for config in (RLLIB, default))
        found |= _comparisons(runs, [RLLIB], default, one.minus(other), error)
    return found


def against_rllib(runs: "Mapping[str, pd.Series[float]]", family: int) -> dict[str, Comparison]:
    """Compares every configuration with RLlib's defaults; none if they have no runs.

    They take fewer seeds than the others, so runs are not paired: a mean counts with all of its own seeds.

    Args:
        runs: Each configuration's values by test seed.
        family: Contenders that the permitted error is shared among.
    """
    if RLLIB not in runs:
        return {}
    names, error = contenders_of(runs), permitted_error(family)
    theirs, x_ks = located(values_of(runs, [RLLIB])), values_of(runs, names)
    ours = located(x_ks, pooled_spread(x_ks))
    found = _comparisons(runs, names, RLLIB, ours.minus(theirs), error)
    for config in DEFAULTS:
        if config in runs:
            default = located(values_of(runs, [config]))
            found |= _comparisons(runs, [config], RLLIB, default.minus(theirs), error)
    return found


def _comparisons(
    runs: "Mapping[str, pd.Series[float]]",
    names: Sequence[str],
    baseline: str,
    location: Location,
    error: float,
) -> dict[str, Comparison]:
    """Returns comparisons with a baseline from the differences of several configurations, in their order."""
    found, ends = {}, location.ends(error, error)
    for k, name in enumerate(names):
        difference_p = (runs[name] - runs[baseline]).dropna()
        own = Location(*(np.broadcast_to(part, len(names))[k] for part in location))
        found[name] = Comparison(
            pairs=min(runs[name].size, runs[baseline].size),
            difference=float(own.mean),
            low=float(ends[0][k]),
            high=float(ends[1][k]),
            is_none=bool(difference_p.size and (difference_p == 0.0).all()),
            location=own,
        )
    return found

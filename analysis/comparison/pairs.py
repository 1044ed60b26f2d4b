"""Differences between all pairs of sweeps: intervals that hold together, allowing for picked winners.

A winner was picked for its confirmed mean, which is therefore too high. Between two winners that were picked
among equally many this cancels, but only on average; where one was picked among more, it does not. So the end
of an interval that is hurt by a side's luck gets the smaller share of the permitted error, in proportion to
how many might as well have been picked on either side. What is claimed is a difference between these two
configurations.

Axes: K = contenders of a sweep, S = test seeds.

References:
    Welch 1947, Biometrika 34: difference of two independent means.
    Dunn 1961, Journal of the American Statistical Association 56(293): all pairs together (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analysis.comparison.contestants import TUNED, Contestant
from analysis.statistics import CONFIDENCE, FloatArray, Interval
from analysis.sweep import SeedsRecord
from analysis.verdict import MIN_PAIRS, Verdict, spread

COLUMNS: Final = (
    "role", "sweep", "other", "config_id", "other_config_id", "test", "seeds", "other_seeds", "pairs",
    "difference", "low", "high", "claimed",
)  # fmt: skip


class Field(NamedTuple):
    """Configurations of a sweep that one of them was picked from."""

    x_ks: FloatArray
    """Values, NaN where there is none."""
    picked: int
    """Which one was picked."""
    choice: int
    """How many might as well have been."""


def difference(one: Field, other: Field, *, paired: bool) -> spread.Location:
    """Estimates the mean of the one that was picked minus that of the other one.

    Spread and skewness are those of all configurations that they were picked from, as in the verdict.

    Args:
        one: The first sweep's.
        other: The second one's.
        paired: Whether S stands for the same test seeds in both.
    """
    if not paired:
        own, theirs = (spread.located(side.x_ks, spread.pooled_spread(side.x_ks)) for side in (one, other))
        return _at(own, one.picked).minus(_at(theirs, other.picked))
    against_other = one.x_ks - other.x_ks[other.picked]
    against_one = one.x_ks[one.picked] - np.delete(other.x_ks, other.picked, axis=0)
    difference_ks = np.concatenate([against_other, against_one])
    pooled = spread.pooled_spread(difference_ks, shared=True)
    return spread.located(difference_ks[one.picked], pooled)


def interval(one: Field, other: Field, found: spread.Location, error: float) -> Interval:
    """Computes the interval of a difference between two that were picked.

    Many pairs ask for ends far out, where a skewness that was only estimated may narrow an interval by
    chance. So each end is the further one of those with and without it.

    Args:
        one: The first sweep's.
        other: The second one's.
        found: Their difference.
        error: Permitted error of both ends together.
    """
    below = error * other.choice / (one.choice + other.choice)
    symmetric = found._replace(skewness=np.zeros(()))
    ends = [location.ends(below, error - below) for location in (found, symmetric)]
    return Interval(float(min(low for low, _ in ends)), float(max(high for _, high in ends)))


def share_seeds(one: SeedsRecord, other: SeedsRecord) -> bool:
    """Returns whether the same test seeds have the same numbers in two sweeps."""
    seeds = [list(zip(record.test_training, record.test_evaluation, strict=False)) for record in (one, other)]
    common = min(map(len, seeds))
    return common > 0 and seeds[0][:common] == seeds[1][:common]


def compare_pairs(contestants: Sequence[Contestant], roles: Sequence[str]) -> pd.DataFrame:
    """Compares all pairs of sweeps in each role that both have; the intervals of a role hold together."""
    rows = []
    for role in roles:
        having = [contestant for contestant in contestants if contestant.runs(role) is not None]
        pairs = list(combinations(having, 2))
        rows += [_row(role, *pair, (1 - CONFIDENCE) / len(pairs)) for pair in pairs]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def field_of(verdict: Verdict, role: str, seeds: Sequence[int]) -> Field:
    """Returns the configurations of a sweep that the one in a role was picked from.

    Args:
        verdict: The sweep's.
        role: That of the winner, or of a baseline, which was picked from nothing but itself.
        seeds: Numbers of the test seeds.
    """
    evidence, picked = verdict.evidence, verdict.picked
    assert picked is not None
    names = evidence.contenders if role == TUNED else [role]
    x_ks = np.array([evidence.runs[name].reindex(list(seeds)).to_numpy(dtype=float) for name in names])
    if role == TUNED:
        return Field(x_ks, names.index(str(verdict.winner)), picked.choice)
    return Field(x_ks, 0, 1)


def _row(role: str, one: Contestant, other: Contestant, error: float) -> tuple[object, ...]:
    paired = share_seeds(one.sweep.manifest.seeds, other.sweep.manifest.seeds)
    all_runs = (runs for side in (one, other) for runs in side.verdict.evidence.runs.values())
    seeds = sorted(set().union(*(runs.index for runs in all_runs)))
    own, theirs = (field_of(side.verdict, role, seeds) for side in (one, other))
    found = difference(own, theirs, paired=paired)
    low, high = interval(own, theirs, found, error)
    taken, theirs_taken = (np.isfinite(field.x_ks[field.picked]) for field in (own, theirs))
    pairs = int((taken & theirs_taken).sum()) if paired else 0
    enough = (pairs if paired else min(taken.sum(), theirs_taken.sum())) >= MIN_PAIRS
    unfinished = any(side.verdict.evidence.is_unfinished for side in (one, other))
    return (
        role, one.label, other.label, one.config_id(role), other.config_id(role),
        "paired" if paired else "Welch", int(taken.sum()), int(theirs_taken.sum()), pairs,
        float(found.mean), low, high, bool(enough and not unfinished and (low > 0 or high < 0)),
    )  # fmt: skip


def _at(location: spread.Location, index: int) -> spread.Location:
    shape = np.shape(location.mean)
    return spread.Location(*(np.broadcast_to(part, shape)[index] for part in location))

"""Sweeps of several experiments on the common score, and whether tuning pays over all of these.

Of each experiment the winner was picked, so its gain is too large by a little, and the mean over many
experiments would make much of that: its noise becomes less, and the exaggeration does not. So the lower end
of the mean gain takes off from each one what the best of as many equal configurations is too high by on
average.

References:
    Tippett 1925, Biometrika 17(3/4): mean of the largest of several normal values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from scipy import integrate, stats

from analysis import statistics
from analysis.comparison import aggregates
from analysis.comparison.contestants import ROLES, TUNED, Contestant
from analysis.comparison.manifests import manifest_differences
from analysis.comparison.pairs import Field, field_of
from analysis.comparison.versions import gap_text
from analysis.statistics import CONFIDENCE, FloatArray, Interval
from analysis.sweep import BASELINES, Scale
from analysis.text import counted
from analysis.verdict import against_default, spread

BOOTSTRAP_SEED: Final = 0
"""Seed of the only random numbers here: the same folders always give the same comparison."""
OPTIMUM: Final = "optimum"
COMMON: Final = Scale(floor=0.0, optimum=1.0)
"""The scale of scores, on which all experiments are."""
STATISTICS: Final = {
    "interquartile mean": aggregates.interquartile_mean,
    "mean": aggregates.mean,
    "optimality gap": aggregates.optimality_gap,
}


@dataclass(frozen=True, kw_only=True)
class ExperimentsCompared:
    """Comparison of sweeps of several experiments, one of each."""

    sentence: str
    """Whether tuning pays over all of them."""
    notes: tuple[str, ...]
    """What a reader must know to believe it."""
    pays: bool
    """Whether the mean gain is claimed to be above zero."""
    gain: float
    """Mean over experiments of the winner's gain over the default."""
    interval: Interval
    """Its interval, the lower end of which allows for the picking of winners."""
    contestants: tuple[Contestant, ...]
    """The sweeps, in the order in which they were given."""
    table: pd.DataFrame
    """Scores by experiment and role, the optimum among them."""
    gains: pd.DataFrame
    """Gain in each experiment over the better untuned default; the intervals hold together."""
    aggregates: pd.DataFrame
    """Aggregates of each role over all experiments."""
    profiles: pd.DataFrame
    """Share of runs above each score."""
    improvement: pd.DataFrame
    """Probability that a run of the winner beats one of a baseline, over all experiments."""
    differences: pd.DataFrame
    """Entries of the manifests in which the sweeps differ, besides space and environment."""

    def frames(self) -> dict[str, pd.DataFrame]:
        """Returns the tables by name, as they are written."""
        names = ("table", "gains", "aggregates", "profiles", "improvement", "differences")
        return {name: getattr(self, name) for name in names}


def compare_experiments(contestants: Sequence[Contestant]) -> ExperimentsCompared:
    """Compares sweeps of several experiments, all of which have the common score."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    scores = _scores(contestants)
    gains = _gains(contestants)
    gain, interval = mean_gain(*_tested(contestants))
    pays = interval.low > 0
    absent = [
        role
        for role in ROLES
        if role not in scores and any(side.runs(role) is not None for side in contestants)
    ]
    notes = [f"{role}: not confirmed in every experiment, so in no aggregate." for role in absent]
    notes += [f"{side.label}: {note}" for side in contestants for note in side.verdict.notes]
    return ExperimentsCompared(
        sentence=_sentence(gains, gain, interval),
        notes=tuple(notes),
        pays=pays,
        gain=gain,
        interval=interval,
        contestants=tuple(contestants),
        table=_table(contestants),
        gains=gains,
        aggregates=_aggregates(scores, rng),
        profiles=_profiles(scores, rng),
        improvement=_improvement(scores, rng),
        differences=manifest_differences(contestants, one_experiment=False),
    )


def mean_gain(tested: Sequence[spread.Location], fields: Sequence[Field]) -> tuple[float, Interval]:
    """Computes the mean of gains of picked configurations, with its interval of 2.5 % error at either end.

    Args:
        tested: Each experiment's difference between winner and default, as it was tested.
        fields: What the winner of each was picked from.
    """
    number = len(tested)
    mean_e, error_e, skewness_e, degrees_e = (
        np.array([float(part) for part in parts]) for parts in zip(*tested, strict=True)
    )
    too_high_e = np.array([_too_high(field) for field in fields])
    error = float(np.sqrt((error_e**2).sum()))
    still = error == 0.0
    located = spread.Location(
        mean=np.array([(mean_e - too_high_e).mean(), mean_e.mean()]),
        error=np.array(error / number),
        skewness=np.array(0.0 if still else (skewness_e * error_e**3).sum() / error**3),
        degrees=np.array(degrees_e.min() if still else error**4 / (error_e**4 / degrees_e).sum()),
    )
    low, high = located.ends((1 - CONFIDENCE) / 2, (1 - CONFIDENCE) / 2)
    return float(mean_e.mean()), Interval(float(low[0]), float(high[1]))


def _too_high(field: Field) -> float:
    """Computes by how much a winner's mean is too high on average, had it been picked from equals."""
    own = spread.located(field.x_ks, spread.pooled_spread(field.x_ks))
    return mean_of_largest(field.choice) * float(own.error[field.picked])


@lru_cache
def mean_of_largest(number: int) -> float:
    """Computes the mean of the largest of several standard normal values."""
    return float(
        integrate.quad(lambda x: x * number * stats.norm.pdf(x) * stats.norm.cdf(x) ** (number - 1), -9, 9)[0]
    )


def _tested(contestants: Sequence[Contestant]) -> tuple[list[spread.Location], list[Field]]:
    tested, fields = [], []
    for side in contestants:
        against = side.verdict.evidence.against_defaults(side.winner)
        location = against[_default_to_beat(side)].location
        assert location is not None
        tested.append(location)
        seeds = sorted(set().union(*(runs.index for runs in side.verdict.evidence.runs.values())))
        fields.append(field_of(side.verdict, TUNED, seeds))
    return tested, fields


def _default_to_beat(side: Contestant) -> str:
    """Returns the untuned default that the winner gains least over.

    The lower end of the mean gain may count on it, since a default that was picked for its mean is no worse
    than it looks.
    """
    against = side.verdict.evidence.against_defaults(side.winner)
    return min(against, key=lambda default: against[default].difference)


def _gains(contestants: Sequence[Contestant]) -> pd.DataFrame:
    """Returns each winner's gain; the permitted error is shared among contenders and experiments."""
    rows = []
    for side in contestants:
        evidence, over = side.verdict.evidence, _default_to_beat(side)
        family = evidence.family * len(contestants)
        against = {
            default: against_default(evidence.runs, family, default)[side.winner]
            for default in evidence.against_defaults(side.winner)
        }
        found = against[over]
        pays = side.verdict.beats_default and all(each.above_zero for each in against.values())
        ends = (found.difference, found.low, found.high)
        rows.append((side.experiment, side.winner, over, found.pairs, *ends, pays))
    columns = ["experiment", "config_id", "over", "pairs", "difference", "low", "high", "pays"]
    return pd.DataFrame(rows, columns=columns)


def _table(contestants: Sequence[Contestant]) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for side in contestants:
        for role in ROLES:
            runs = side.runs(role)
            if runs is not None:
                mean = float(runs.mean())
                rows.append(
                    (side.experiment, role, side.config_id(role), runs.size, mean, *side.intervals[role])
                )
        rows.append((side.experiment, OPTIMUM, "", 0, 1.0, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["experiment", "role", "config_id", "n", "mean", "low", "high"])


def _scores(contestants: Sequence[Contestant]) -> dict[str, list[FloatArray]]:
    """Returns the scores of each role that every experiment has."""
    scores = {}
    for role in ROLES:
        runs = [side.runs(role) for side in contestants]
        known = [statistics.finite(values) for values in runs if values is not None]
        if len(known) == len(runs):
            scores[role] = known
    return scores


def _aggregates(scores: dict[str, list[FloatArray]], rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (name, role, float(statistic(own)), *aggregates.bootstrap_interval(statistic, own, rng=rng))
        for name, statistic in STATISTICS.items()
        for role, own in scores.items()
    ]
    return pd.DataFrame(rows, columns=["aggregate", "role", "value", "low", "high"])


def _profiles(scores: dict[str, list[FloatArray]], rng: np.random.Generator) -> pd.DataFrame:
    known = np.concatenate([values for own in scores.values() for values in own])
    low, high = min(0.0, float(np.quantile(known, 0.02))), max(1.0, float(known.max()))
    threshold_t = np.linspace(low, high, 81)
    frames = []
    for role, own in scores.items():

        def profile(resampled: aggregates.Scores) -> FloatArray:
            return aggregates.performance_profile(resampled, threshold_t)

        low_t, high_t = aggregates.bootstrap(profile, own, rng=rng)
        columns = {"role": role, "score": threshold_t, "share": profile(own), "low": low_t, "high": high_t}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _improvement(scores: dict[str, list[FloatArray]], rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (TUNED, role, float(aggregates.improvement(scores[TUNED], scores[role])),
         *aggregates.bootstrap_interval(aggregates.improvement, scores[TUNED], scores[role], rng=rng))
        for role in BASELINES
        if role in scores
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["role", "over", "probability", "low", "high"])


def _sentence(gains: pd.DataFrame, gain: float, interval: Interval) -> str:
    found = gap_text(COMMON, gain, *interval)
    all_of = f"over {counted(len(gains), 'experiment')}"
    sure = gains.loc[gains["pays"], "experiment"].tolist()
    each = f"For certain in {', '.join(sure)}." if sure else "For certain in none of them by itself."
    head = "Tuning pays" if interval.low > 0 else "It is not shown that tuning pays"
    return f"{head} {all_of}: the winners' mean gain over the defaults is {found} in score. {each}"

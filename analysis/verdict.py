"""Did tuning pay? A pure function of the confirmation table, wrong in at most 5 % of its claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from analysis import statistics, wording
from analysis.after_race import NOTHING, Estimate, Estimates, estimate
from analysis.picked import Picked, picked_interval
from analysis.race import MIN_PAIRS, Race, Standing, race
from analysis.scale import Scale
from analysis.schema import DEFAULT, RLLIB, State

FIRST_TRIAL: Final = "trial_0000"
"""The search's first trial, which is the space's default configuration."""

COUNTED: Final = (State.COMPLETED, State.DIVERGED)
"""Confirmation runs that have a value; a diverged one counts with the floor, a failed one is missing."""

TABLE_COLUMNS: Final = (
    "config_id", "standing", "n", "missing", "diverged",
    "mean", "mean_low", "mean_high", "iqm", "iqm_low", "iqm_high",
    "search_objective", "winners_curse",
    "pairs", "difference", "difference_low", "difference_high", "p_adjusted",
    "improvement", "improvement_low", "improvement_high",
    "rllib_pairs", "rllib_difference", "rllib_difference_low", "rllib_difference_high", "rllib_p_adjusted",
)  # fmt: skip

_WORDS: Final = ("config_id", "standing")
_COUNTS: Final = ("n", "missing", "diverged", "pairs", "rllib_pairs")


class Outcome(StrEnum):
    """The branches a verdict can take."""

    BETTER = "better"
    NOT_BETTER = "not better"
    WORSE = "worse"
    TOO_FEW = "too few seeds"
    NO_DEFAULT = "default missing"
    UNCONFIRMED = "not confirmed"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A configuration minus a baseline over the seeds both have: mean difference, simultaneous interval."""

    pairs: int
    difference: float
    low: float
    high: float
    p_adjusted: float

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


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the confirmation says.

    Args:
        outcome: Which branch applies.
        sentence: The verdict in plain words, for the terminal and the top of the report.
        winner: config_id of the best tuned configuration; None if none is confirmed.
        chosen: config_id to use from now on: the winner if it beats the default, else the default.
        beats_default: Whether the winner's simultaneous interval against the default lies above zero.
        beats_rllib: The same against RLlib's defaults.
        contenders: Number of tuned configurations that were compared (the size of the family).
        notes: What a reader must know to believe the numbers: missing and diverged runs.
        table: One row per confirmed configuration, highest mean first; columns `TABLE_COLUMNS`.
        picked: The interval of the winner's mean and how it came about; None if there is no winner.
        race: How the race went; None if the number of seeds was fixed.
    """

    outcome: Outcome
    sentence: str
    winner: str | None
    chosen: str | None
    beats_default: bool
    beats_rllib: bool
    contenders: int
    notes: tuple[str, ...]
    table: pd.DataFrame
    picked: Picked | None
    race: Race | None

    @property
    def same_as_default(self) -> bool:
        """Whether the winner and the default have the same value on every shared seed."""
        if self.winner is None:
            return False
        row = self.row(self.winner)
        ends = (row["difference_low"], row["difference"], row["difference_high"])
        return bool(row["pairs"] > 0 and all(end == 0.0 for end in ends))

    def row(self, config_id: str) -> "pd.Series[float]":
        """Give the table's row of one configuration."""
        return self.table[self.table["config_id"] == config_id].iloc[0]


def decide(
    confirmation: pd.DataFrame,
    search: pd.DataFrame | None = None,
    *,
    scale: Scale | None = None,
    looks: Sequence[int] = (),
) -> Verdict:
    """Judge whether the best tuned configuration beats the default, and RLlib's defaults.

    All configurations but the two baselines are contenders. Each is compared with the default over shared
    test seeds; the intervals hold for all contenders together (Bonferroni), so picking the best is allowed.
    If seeds were raced for, "better" is what the race accepted, and means are freed of the race's bias.

    Args:
        confirmation: One row per confirmation run: config_id, test_seed, state, objective.
        search: One row per search trial: config_id, objective; the default is `trial_0000`.
        scale: How scores read as returns, for the sentence; without it the sentence gives scores only.
        looks: Numbers of seeds at which the race was looked at; fewer than two if their number was fixed.
    """
    runs = values_by_seed(confirmation)
    went = race(confirmation, looks) if len(looks) > 1 else None
    if went is not None and not went.standings:
        went = None
    raced = Estimates(runs, went) if went else None
    if went:
        runs = {config: values[values.index < went.seeds[config]] for config, values in runs.items()}
    contenders = [config for config in runs if config not in (DEFAULT, RLLIB)]
    family = len(went.standings) if went else len(contenders)
    means = {config: raced.mean(config) if raced else estimate(values) for config, values in runs.items()}
    against_default = _compare_all(runs, DEFAULT, family, raced)
    if raced and went:
        against_default = _as_raced(against_default, raced, went)
    against_rllib = _compare_all(runs, RLLIB, family, raced)
    winner = _winner(means, contenders, against_default)
    intervals = {
        config: mean.interval(statistics.CONFIDENCE, statistics.WIDENING) for config, mean in means.items()
    }
    picked = None
    if winner is not None:
        others = [means[config] for config in contenders if config != winner]
        picked = picked_interval(means[winner], others, counted=_counted(went))
        intervals[winner] = picked.interval
    facts = wording.Facts(
        winner=winner,
        contenders=len(contenders),
        means={config: estimated.mean for config, estimated in means.items()},
        interval=intervals[winner] if winner else statistics.NO_INTERVAL,
        seeds=means[winner].seeds if winner else 0,
        against_default=against_default.get(winner) if winner else None,
        against_rllib=against_rllib.get(winner) if winner else None,
        default_against_rllib=against_rllib.get(DEFAULT),
        min_pairs=MIN_PAIRS,
        scale=scale or Scale(),
    )
    outcome = _outcome(winner, facts.against_default)
    table = _table(
        confirmation, runs, means, intervals, _search_scores(search), against_default, against_rllib
    )
    if went:
        table["standing"] = [str(went.standings.get(config, "")) for config in table["config_id"]]
    return Verdict(
        outcome=outcome,
        sentence=wording.sentence(outcome, facts),
        winner=winner,
        chosen=winner
        if outcome in (Outcome.BETTER, Outcome.NO_DEFAULT)
        else _first_of((DEFAULT, winner), runs),
        beats_default=outcome == Outcome.BETTER,
        beats_rllib=facts.against_rllib is not None and facts.against_rllib.above_zero,
        contenders=len(contenders),
        notes=wording.notes(table),
        table=table,
        picked=picked,
        race=went,
    )


def compare(x: "pd.Series[float]", y: "pd.Series[float]", comparisons: int = 1) -> Comparison:
    """Compare two configurations, each a series of objectives by test seed, as one of several comparisons."""
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
    """Give each confirmed configuration's values by test seed; runs without a value are left out."""
    counted = confirmation[
        confirmation["state"].isin(COUNTED) & np.isfinite(confirmation["objective"].astype(float))
    ]
    counted = counted.drop_duplicates(["config_id", "test_seed"], keep="last")
    return {
        str(config): group.set_index("test_seed")["objective"].astype(float)
        for config, group in counted.groupby("config_id", sort=True)
    }


def _compare_all(
    runs: "Mapping[str, pd.Series[float]]", baseline: str, comparisons: int, raced: Estimates | None
) -> dict[str, Comparison]:
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
    """Give a comparison after a race, which decides by its boundaries and so has no p-value."""
    low, high = difference.interval(statistics.simultaneous_confidence(comparisons))
    return Comparison(
        pairs=difference.seeds, difference=difference.mean, low=low, high=high, p_adjusted=np.nan
    )


def _as_raced(against: Mapping[str, Comparison], raced: Estimates, went: Race) -> dict[str, Comparison]:
    """Make the intervals say what the race decided: above zero where a contender was accepted, only there.

    At the last look an interval is as wide as the boundary asks for. At an earlier one the boundary asks for
    more than the interval; where the two disagree, the lower end is that of the boundary.
    """
    settled = dict(against)
    for config in against.keys() & went.standings.keys():
        level = went.level(config)
        boundary = raced.difference(config, DEFAULT, plain=True).interval(1 - 2 * level).low
        low, high = against[config].low, against[config].high
        if went.seeds[config] == went.looks[-1]:
            low, high = raced.difference(config, DEFAULT).interval(1 - 2 * level)
        if went.standings[config] == Standing.BETTER:
            low = max(low, boundary)
        elif low > 0:
            low = min(0.0, boundary)
        settled[config] = replace(against[config], low=low, high=high)
    return settled


def _winner(
    means: Mapping[str, Estimate], contenders: list[str], against_default: Mapping[str, Comparison]
) -> str | None:
    """Give the highest mean of those that beat the default, else of those with seeds enough, else of all."""
    better = [
        config for config in contenders if config in against_default and against_default[config].above_zero
    ]
    enough = [config for config in contenders if means[config].seeds >= MIN_PAIRS]
    return max(better or enough or contenders, key=lambda config: means[config].mean, default=None)


def _counted(went: Race | None) -> int | None:
    """Give the seeds of each contender that the winner's interval counts: the first look's, or all (None).

    In a race that has accepted nobody, those that went on beyond the first look owe it to runs that lay
    close together by luck. Counted with all their seeds they would make the spread look small.
    """
    if went is None or Standing.BETTER in went.standings.values():
        return None
    return went.looks[0]


def _outcome(winner: str | None, against_default: Comparison | None) -> Outcome:
    if winner is None:
        return Outcome.UNCONFIRMED
    if against_default is None:
        return Outcome.NO_DEFAULT
    if against_default.pairs < MIN_PAIRS:
        return Outcome.TOO_FEW
    if against_default.above_zero:
        return Outcome.BETTER
    return Outcome.WORSE if against_default.below_zero else Outcome.NOT_BETTER


def _first_of(wanted: tuple[str | None, ...], runs: "Mapping[str, pd.Series[float]]") -> str | None:
    return next((config for config in wanted if config in runs), None)


def _search_scores(search: pd.DataFrame | None) -> dict[str, float]:
    if search is None:
        return {}
    scores = {
        str(config): float(value)
        for config, value in zip(search["config_id"], search["objective"], strict=True)
    }
    return {DEFAULT: scores.get(FIRST_TRIAL, np.nan)} | scores


def _table(
    confirmation: pd.DataFrame,
    runs: "Mapping[str, pd.Series[float]]",
    means: Mapping[str, Estimate],
    intervals: Mapping[str, statistics.Interval],
    search_scores: Mapping[str, float],
    against_default: Mapping[str, Comparison],
    against_rllib: Mapping[str, Comparison],
) -> pd.DataFrame:
    """Give one row per configuration with a folder in confirm/, even if none of its runs has a value."""
    rows = []
    for config, started in confirmation.groupby("config_id", sort=True):
        values = runs.get(str(config), pd.Series(dtype=float))
        row = {
            "config_id": str(config),
            "n": values.size,
            "missing": started["test_seed"].nunique() - values.size,
        }
        row["diverged"] = int((started["state"] == State.DIVERGED).sum())
        mean, searched = means.get(str(config), NOTHING).mean, search_scores.get(str(config), np.nan)
        row |= {"mean": mean, "search_objective": searched, "winners_curse": searched - mean}
        row["mean_low"], row["mean_high"] = intervals.get(str(config), statistics.NO_INTERVAL)
        row["iqm"] = statistics.iqm(values)
        row["iqm_low"], row["iqm_high"] = statistics.iqm_interval(values)
        row |= _difference("", against_default.get(str(config)))
        row |= _difference("rllib_", against_rllib.get(str(config)))
        if DEFAULT in runs and config != DEFAULT:
            row["improvement"] = statistics.probability_of_improvement(values, runs[DEFAULT])
            interval = statistics.probability_of_improvement_interval(values, runs[DEFAULT])
            row["improvement_low"], row["improvement_high"] = interval
        rows.append(row)
    columns = {}
    for name in TABLE_COLUMNS:
        dtype = str if name in _WORDS else int if name in _COUNTS else float
        absent = "" if dtype is str else 0 if dtype is int else np.nan
        columns[name] = pd.Series([row.get(name, absent) for row in rows], dtype=dtype)
    table = pd.DataFrame(columns)
    return table.sort_values("mean", ascending=False, na_position="last", kind="stable", ignore_index=True)


def _difference(prefix: str, comparison: Comparison | None) -> dict[str, float]:
    if comparison is None:
        return {}
    return {
        f"{prefix}pairs": comparison.pairs,
        f"{prefix}difference": comparison.difference,
        f"{prefix}difference_low": comparison.low,
        f"{prefix}difference_high": comparison.high,
        f"{prefix}p_adjusted": comparison.p_adjusted,
    }

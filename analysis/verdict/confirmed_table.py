"""Table of the confirmation: one row per configuration, with every number that the report prints of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import statistics
from analysis.statistics import NOTHING
from analysis.sweep import DEFAULT, FIRST_TRIAL, State
from analysis.verdict.comparison import Comparison
from analysis.verdict.evidence import Evidence

TABLE_COLUMNS: Final = (
    "config_id", "standing", "n", "missing", "failed", "diverged",
    "mean", "mean_low", "mean_high", "median", "median_low", "median_high",
    "search_objective", "winners_curse",
    "pairs", "difference", "difference_low", "difference_high",
    "improvement", "improvement_low", "improvement_high",
    "adapted_pairs", "adapted_difference", "adapted_difference_low", "adapted_difference_high",
    "rllib_pairs", "rllib_difference", "rllib_difference_low", "rllib_difference_high",
)  # fmt: skip

_WORDS: Final = ("config_id", "standing")
_COUNTS: Final = ("n", "missing", "failed", "diverged", "pairs", "adapted_pairs", "rllib_pairs")


def confirmed_table(
    evidence: Evidence,
    search: pd.DataFrame | None,
    intervals: Mapping[str, statistics.Interval],
) -> pd.DataFrame:
    """Returns one row per configuration with a folder in confirm/, even if none of its runs has a value.

    Args:
        evidence: What the runs say.
        search: One row per search trial: config_id, objective; None if it is not known.
        intervals: Of the means, the winner's own among them.
    """
    runs, without = evidence.runs, pd.Series(dtype=float)
    rows, search_scores = [], _search_scores(search)
    for config, started in evidence.started.groupby("config_id", sort=True):
        values = runs.get(str(config), without)
        row = {
            "config_id": str(config),
            "n": values.size,
            "missing": started["test_seed"].nunique() - values.size,
        }
        row["failed"] = int((started["state"] == State.FAILED).sum())
        row["diverged"] = int((started["state"] == State.DIVERGED).sum())
        mean, searched = evidence.means.get(str(config), NOTHING).mean, search_scores.get(str(config), np.nan)
        row |= {"mean": mean, "search_objective": searched, "winners_curse": searched - mean}
        row["mean_low"], row["mean_high"] = intervals.get(str(config), statistics.NO_INTERVAL)
        row["median"] = values.median()
        row["median_low"], row["median_high"] = statistics.median_interval(values)
        row |= _difference("", evidence.against_default.get(str(config)))
        row |= _difference("adapted_", evidence.against_adapted.get(str(config)))
        row |= _difference("rllib_", evidence.against_rllib.get(str(config)))
        if DEFAULT in runs and config != DEFAULT:
            row["improvement"] = statistics.probability_of_improvement(values, runs[DEFAULT])
            interval = statistics.probability_of_improvement_interval(values, runs[DEFAULT])
            row["improvement_low"], row["improvement_high"] = interval
        rows.append(row)
    table = pd.DataFrame({name: _column(name, rows) for name in TABLE_COLUMNS})
    if evidence.race:
        table["standing"] = [str(evidence.race.standings.get(config, "")) for config in table["config_id"]]
    return table.sort_values("mean", ascending=False, na_position="last", kind="stable", ignore_index=True)


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> "pd.Series[str] | NDArray[Any]":
    if name in _WORDS:
        return pd.Series([row.get(name, "") for row in rows], dtype=str)
    counts = name in _COUNTS
    return np.array([row.get(name, 0 if counts else np.nan) for row in rows], dtype=int if counts else float)


def _search_scores(search: pd.DataFrame | None) -> dict[str, float]:
    if search is None:
        return {}
    scores = {
        str(config): float(value)
        for config, value in zip(search["config_id"], search["objective"], strict=True)
    }
    return {DEFAULT: scores.get(FIRST_TRIAL, np.nan)} | scores


def _difference(prefix: str, comparison: Comparison | None) -> dict[str, float]:
    if comparison is None:
        return {}
    return {
        f"{prefix}pairs": comparison.pairs,
        f"{prefix}difference": comparison.difference,
        f"{prefix}difference_low": comparison.low,
        f"{prefix}difference_high": comparison.high,
    }

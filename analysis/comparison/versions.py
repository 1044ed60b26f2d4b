"""Sweeps of one experiment against each other: other code, spaces, samplers, trainers or budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from analysis.comparison.contestants import ROLES, TUNED, Contestant
from analysis.comparison.efficiency import cores, incumbents
from analysis.comparison.manifests import manifest_differences
from analysis.comparison.pairs import compare_pairs
from analysis.report.figures import curves
from analysis.sweep import DEFAULT, Scale
from analysis.text import counted

TABLE_COLUMNS: Final = ("sweep", "role", "config_id", "n", "mean", "low", "high")


@dataclass(frozen=True, kw_only=True)
class SweepsCompared:
    """Comparison of sweeps of one experiment."""

    sentence: str
    """What is claimed of the winners, or that nothing is."""
    notes: tuple[str, ...]
    """What a reader must know to believe it."""
    contestants: tuple[Contestant, ...]
    """The sweeps, in the order in which they were given."""
    table: pd.DataFrame
    """Every sweep's winner and baselines with the interval of their mean."""
    pairs: pd.DataFrame
    """Differences of winners, and of baselines; the intervals of a role hold together for all pairs."""
    curves: pd.DataFrame
    """Interquartile mean of winner and default at each evaluation, over steps, seconds and core-seconds."""
    incumbents: pd.DataFrame
    """Best trial so far of each search, over what was spent."""
    differences: pd.DataFrame
    """Entries of the manifests in which the sweeps differ."""

    @property
    def scale(self) -> Scale:
        """How scores read as returns."""
        return self.contestants[0].sweep.scale

    @property
    def claims(self) -> pd.DataFrame:
        """Differences of winners that are claimed."""
        return self.pairs[(self.pairs["role"] == TUNED) & self.pairs["claimed"]]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Returns the tables by name, as they are written."""
        names = ("table", "pairs", "curves", "incumbents", "differences")
        return {name: getattr(self, name) for name in names}


def compare_sweeps(contestants: Sequence[Contestant]) -> SweepsCompared:
    """Compares sweeps of one experiment."""
    pairs = compare_pairs(contestants, ROLES)
    return SweepsCompared(
        sentence=_sentence(contestants, pairs[pairs["role"] == TUNED]),
        notes=tuple(_notes(contestants)),
        contestants=tuple(contestants),
        table=confirmed(contestants),
        pairs=pairs,
        curves=_curves(contestants),
        incumbents=incumbents(contestants),
        differences=manifest_differences(contestants, one_experiment=True),
    )


def confirmed(contestants: Sequence[Contestant]) -> pd.DataFrame:
    """Returns every sweep's winner and baselines with the intervals of their means."""
    rows = [
        (side.label, role, side.config_id(role), runs.size, float(runs.mean()), *side.intervals[role])
        for side in contestants
        for role in ROLES
        if (runs := side.runs(role)) is not None
    ]
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS))


def _curves(contestants: Sequence[Contestant]) -> pd.DataFrame:
    """Returns the typical curves of each sweep's winner and default, with all that they may be drawn over."""
    frames = []
    for side in contestants:
        runs = curves.confirmed_runs(side.sweep.curves, side.verdict.evidence.started)
        roles = {side.config_id(role): role for role in (TUNED, DEFAULT)}
        typical = curves.typical_curves(runs[runs["config_id"].isin(roles)])
        typical.insert(0, "sweep", side.label)
        typical.insert(1, "role", typical["config_id"].map(roles))
        frames.append(typical.assign(core_s=typical["wall_s"] * cores(side)))
    return pd.concat(frames, ignore_index=True)


def _sentence(contestants: Sequence[Contestant], pairs: pd.DataFrame) -> str:
    scale = contestants[0].sweep.scale
    claimed = pairs[pairs["claimed"]]
    together = f"; the intervals hold together for all {len(pairs)} pairs" if len(pairs) > 1 else ""
    if (pairs["difference"] == 0.0).all():
        mean = scale.text(contestants[0].verdict.evidence.means[contestants[0].winner].mean)[0]
        return f"The winners of {counted(len(contestants), 'sweep')} are alike: all of them score {mean}."
    if claimed.empty:
        widest = pairs.iloc[int(pairs["difference"].abs().to_numpy().argmax())]
        return (
            f"No difference is shown between the winners of {counted(len(contestants), 'sweep')}: the "
            f"largest is {_difference(widest, scale)}, which does not exclude zero{together}."
        )
    listed = "; ".join(_difference(row, scale) for _, row in claimed.iterrows())
    return f"The winners differ: {listed}{together}. That is a difference between these configurations."


def _difference(row: pd.Series, scale: Scale) -> str:
    """Says by how much the better one of a pair is ahead."""
    ahead, behind, sign = ("sweep", "other", 1) if row["difference"] >= 0 else ("other", "sweep", -1)
    ends = [row["low"], row["high"]] if sign > 0 else [-row["high"], -row["low"]]
    gap = gap_text(scale, abs(row["difference"]), *ends)
    seeds = (
        f"{row['pairs']} shared test seeds"
        if row["test"] == "paired"
        else f"{row['seeds']} and {row['other_seeds']} test seeds"
    )
    names = {"sweep": row["config_id"], "other": row["other_config_id"]}
    return f"{row[ahead]} ({names[ahead]}) over {row[behind]} ({names[behind]}) by {gap} on {seeds}"


def gap_text(scale: Scale, gap: float, low: float, high: float) -> str:
    """Writes a difference with its interval, if it has one."""
    if not low < high:
        return f"{scale.text(gap, signed=True)[0]} [no interval]"
    number, *ends = scale.text(gap, low, high, signed=True)
    return f"{number} [{', '.join(ends)}]"


def _notes(contestants: Sequence[Contestant]) -> list[str]:
    notes = [
        f"{side.label}: its confirmation is unfinished, so nothing is claimed of it."
        for side in contestants
        if side.verdict.evidence.is_unfinished
    ]
    environments = [
        (
            side.sweep.manifest.env.id,
            side.sweep.manifest.env.parameters,
            side.sweep.manifest.env.test_parameters,
        )
        for side in contestants
    ]
    if any(environment != environments[0] for environment in environments):
        notes.append(
            "The environments differ in their parameters: so may what can be earned in them, and a "
            "difference need not be that of the configurations."
        )
    return notes + [f"{side.label}: {note}" for side in contestants for note in side.verdict.notes]

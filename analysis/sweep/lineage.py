"""Lineage of a population: the copies, and the configurations that led to each member's weights.

Every member that has copied another one has a schedule in its folder; a sweep without a population has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.sweep.loading import Sweep
from analysis.sweep.records import Segment
from analysis.sweep.runs import read_runs
from analysis.sweep.schema import Phase

PART_COLUMNS = ("member", "part", "steps", "objective")
COPY_COLUMNS = ("member", "donor", "steps", "objective", "donor_objective")
LINE_COLUMNS = ("steps", "objective")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A configuration that became active while a member trained.

    Args:
        steps: From where on.
        member: Who trained with it.
        donor: Whose weights it began with; None at the start, and where the member went on with its own.
        changed: Name to its values before and after.
    """

    steps: int
    member: str
    donor: str | None
    changed: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What is known of a population.

    Args:
        copies: Every copy, in the order of steps.
        schedules: Member to the changes that led to its weights, from the start on; only those that copied.
        origins: Member to the configuration that its schedule begins with.
    """

    copies: tuple[Change, ...]
    schedules: Mapping[str, tuple[Change, ...]]
    origins: Mapping[str, Mapping[str, Any]]


def load_lineage(folder: Path) -> Lineage | None:
    """Returns a sweep's lineage; None if nobody copied anybody. A damaged schedule counts as missing."""
    copies: list[Change] = []
    schedules, origins = {}, {}
    for run in read_runs(folder / Phase.SEARCH):
        if run.schedule is None:
            continue
        member, segments = str(run.name), run.schedule.schedule
        schedules[member] = tuple(_change(segment, segment.member or member) for segment in segments)
        origins[member] = segments[0].configuration
        copies += [_change(segment, member) for segment in run.schedule.history if segment.donor is not None]
    if not copies:
        return None
    ordered = tuple(sorted(copies, key=lambda change: (change.steps, change.member)))
    return Lineage(copies=ordered, schedules=schedules, origins=origins)


def parts(sweep: Sweep, lineage: Lineage) -> pd.DataFrame:
    """Give each member's evaluations, cut where it copied: member, part, steps, objective.

    A part that begins with a copy has the donor's evaluation at that time as its first row.
    """
    curves = _curves(sweep)
    rows: list[tuple[Any, ...]] = []
    for member, own in curves.items():
        begins = [copy for copy in lineage.copies if copy.member == member]
        starts = [-1, *(_point(sweep, copy.steps) for copy in begins)]
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], float("inf")], strict=True)):
            inside = own[(own["point"] > start) & (own["point"] <= end)]
            if number:
                inside = pd.concat([_at(curves, str(begins[number - 1].donor), start), inside])
            part = f"{member} {number}"
            rows += [(member, part, row.steps, row.objective) for row in inside.itertuples()]
    return pd.DataFrame(rows, columns=list(PART_COLUMNS))


def copies(sweep: Sweep, lineage: Lineage) -> pd.DataFrame:
    """Give each copy with what both stood at: member, donor, steps, objective, donor_objective."""
    curves = _curves(sweep)
    rows = []
    for copy in lineage.copies:
        point = _point(sweep, copy.steps)
        own, other = (_at(curves, str(name), point) for name in (copy.member, copy.donor))
        if not own.empty and not other.empty:
            at = float(other["steps"].iloc[0])
            objectives = (float(frame["objective"].iloc[0]) for frame in (own, other))
            rows.append((copy.member, copy.donor, at, *objectives))
    return pd.DataFrame(rows, columns=list(COPY_COLUMNS))


def line_of(sweep: Sweep, lineage: Lineage, member: str) -> pd.DataFrame:
    """Give the evaluations of a member's weights along its donors: steps, objective."""
    curves = _curves(sweep)
    told = lineage.schedules.get(member, ())
    trained = [(change.member, _point(sweep, change.steps)) for change in told] or [(member, -1)]
    ends = [*(start for _, start in trained[1:]), float("inf")]
    rows = [
        (row.steps, row.objective)
        for (name, start), end in zip(trained, ends, strict=True)
        if name in curves
        for row in curves[name][(curves[name]["point"] > start) & (curves[name]["point"] <= end)].itertuples()
    ]
    return pd.DataFrame(rows, columns=list(LINE_COLUMNS))


def shown_member(sweep: Sweep, winner: str | None) -> str | None:
    """Give the member whose lineage is told: the verdict's winner, else the best of the search."""
    trials = sweep.trials
    if winner is not None and (trials["trial_id"] == winner).any():
        return winner
    best = trials.dropna(subset=["objective"]).sort_values("objective", ascending=False, kind="stable")
    return None if best.empty else str(best["trial_id"].iloc[0])


def _curves(sweep: Sweep) -> dict[str, pd.DataFrame]:
    """Give each member's evaluations, with the evaluation point that each one stands at."""
    rows = sweep.curves[(sweep.curves["phase"] == Phase.SEARCH) & sweep.curves["objective"].notna()]
    rows = rows.assign(point=[_point(sweep, steps) for steps in rows["steps"]])
    return {str(name): group.sort_values("steps") for name, group in rows.groupby("trial_id", sort=True)}


def _at(curves: Mapping[str, pd.DataFrame], member: str, point: float) -> pd.DataFrame:
    """Give the one row of a member's last evaluation at or before a point; none if there is none."""
    own = curves.get(member, pd.DataFrame(columns=["point", *LINE_COLUMNS]))
    return own[own["point"] <= point].tail(1)


def _point(sweep: Sweep, steps: float) -> int:
    """Number an evaluation: training overshoots the steps at which it is due by less than a batch."""
    budget = sweep.manifest.budget
    return int(steps * budget.evaluations // budget.steps_per_trial)


def _change(segment: Segment, member: str) -> Change:
    return Change(steps=segment.steps, member=member, donor=segment.donor, changed=segment.changed)

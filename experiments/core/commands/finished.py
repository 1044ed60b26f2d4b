"""Result of a sweep that has nothing left to run: read from its folder, without Ray and torch."""

from __future__ import annotations

from rich.console import Console

from analysis.report import kept_report
from experiments.core.commands.claim import claimed
from experiments.core.commands.results import SweepResult
from experiments.core.planning import Plan, continued, lacks_runs, manifest_of
from experiments.core.preflight import check_folder, check_records, check_warm_start
from experiments.core.records import recorded_manifest
from experiments.core.terminal import summary


def finished_result(plan: Plan, console: Console) -> SweepResult | None:
    """Prints and returns what a sweep came to; None if it lacks runs, or its report is not of its records.

    Raises:
        UserError: The folder holds another sweep, or cannot be read.
    """
    if plan.options.name is None or recorded_manifest(plan.folder) is None:
        return None
    with claimed(plan) as plan:
        # What is left to run is checked where it is run.
        before = recorded_manifest(plan.folder)
        if before is None or lacks_runs(plan):
            return None
        check_warm_start(plan)
        check_folder(plan)
        check_records(plan)
        if continued(before, manifest_of(plan), runs=False) is not before:
            return None
        report = kept_report(plan.folder)
        if report is None:
            return None
        summary.print_question(console, plan, finished=True)
        summary.print_result(console, plan, report)
        return SweepResult(folder=plan.folder, report=report)

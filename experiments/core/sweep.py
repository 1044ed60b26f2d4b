"""The main job: check, search, confirm, report."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from analysis.best import RLLIB_SETTINGS
from analysis.report import write_report
from analysis.schema import Phase, State
from experiments.core import closing, trainer
from experiments.core.checkpoints import CheckpointBudget, keep_only
from experiments.core.cluster import connected, has_died
from experiments.core.continuation import SCHEDULE, config_at
from experiments.core.diverged_score import diverged_score
from experiments.core.environment_names import trainer_part
from experiments.core.errors import UserError
from experiments.core.folder_lock import claimed
from experiments.core.manifest import continued, manifest_of
from experiments.core.phases import Interruption, confirm, confirmation_runs, search
from experiments.core.plan import Plan
from experiments.core.preflight import Checked, preflight
from experiments.core.progress import SweepProgress, steps_of
from experiments.core.recorder import Recorder, write_json
from experiments.core.remaining import chosen_configurations, lacks_runs
from experiments.core.resume import (
    MANIFEST_FILE,
    FinishedRun,
    finished_runs,
    recorded_manifest,
    unfinished_runs,
)
from experiments.core.schedulers import Population
from experiments.core.trial import Task
from experiments.core.unfinished import results_of

EXIT_ALL_FAILED = 1
GIGABYTE = 10**9
WIDTH = 110
"""Columns to print where no terminal says how many it has."""


def run_sweep(plan: Plan) -> int:
    """Runs a sweep, or what is missing of it, or only checks whether it could, and returns the exit code.

    Raises:
        UserError: The sweep cannot be run as it was asked for; nothing was written.
    """
    console = terminal(quiet=plan.options.quiet)
    if plan.options.check:
        _announce(console, plan)
        return 0
    with claimed(plan) as plan:
        checked = _announce(console, plan)
        interruption = Interruption()
        try:
            return _run(console, plan, checked, interruption)
        except KeyboardInterrupt:  # the second Ctrl-C, or the first outside of training
            closing.print_stopped(console, plan)
            return interruption.exit_code


def _announce(console: Console, plan: Plan) -> Checked:
    """Checks a sweep and says what it is going to do."""
    checked = preflight(plan)
    closing.print_plan(console, plan, checked)
    return checked


def _run(console: Console, plan: Plan, checked: Checked, interruption: Interruption) -> int:
    """Trains, reports, and returns the exit code."""
    totals = {Phase.SEARCH: plan.experiment.budget.trials, Phase.CONFIRM: plan.test_runs}
    progress = SweepProgress(console, totals=totals)
    with connected(cores=plan.cores, debug=plan.options.debug) as available, progress:
        concurrency = plan.concurrency(available)
        _write_manifest(plan)
        _train(plan, progress, interruption, concurrency)
    # One that failed has no value, however far it came.
    if all(run.state is State.FAILED for run in finished_runs(plan.folder / Phase.SEARCH)):
        return _nothing_to_report(console, plan, interruption)
    settings = {
        name: told(config, plan.experiment.fixed) for name, config in chosen_configurations(plan).items()
    }
    write_json(plan.folder / RLLIB_SETTINGS, settings)
    report = write_report(plan.folder)
    closing.print_result(console, plan, progress, report, expected_s=checked.estimate.seconds)
    if interruption.requested:
        closing.print_stopped(console, plan)
        return interruption.exit_code
    return 0


def terminal(*, quiet: bool) -> Console:
    """Where to print: as wide as the terminal, and wide enough for every table where there is none.

    Text is printed as it is: causes, paths and intervals have brackets and colons that mean nothing to rich.
    """
    console = Console(quiet=quiet, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def told(config: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """What RLlib is told from the start, and at each change where the configuration has a schedule."""

    def at(steps: int) -> dict[str, Any]:
        return trainer.resolve(trainer_part(config_at(config, steps)), fixed)

    if SCHEDULE not in config:
        return at(0)
    later = [segment["steps"] for segment in config[SCHEDULE] if segment["steps"] > 0]
    return {**at(0), SCHEDULE: [{"from_step": steps, **at(steps)} for steps in later]}


def _train(plan: Plan, progress: SweepProgress, interruption: Interruption, concurrency: int) -> None:
    """The search and the confirmation; both end early when the user asks for it."""
    task = plan.task(diverged_score=diverged_score(plan))
    with graceful_interrupt(interruption) as recorders:
        recorder = _recorder(plan, task, Phase.SEARCH, progress)
        recorders.append(recorder)
        there = finished_runs(plan.folder / Phase.SEARCH)
        total = max(plan.experiment.budget.trials, len(there))
        under_way = _under_way(plan, Phase.SEARCH)
        progress.begin(Phase.SEARCH, total, ended=_ends(there), under_way=under_way)
        room = CheckpointBudget(
            plan.folder / Phase.SEARCH,
            budget=plan.experiment.checkpoint_budget_gb * GIGABYTE,
            full_steps=task.steps,
        )
        search(plan, task, concurrency=concurrency, callbacks=[recorder, room], interruption=interruption)
        chosen = chosen_configurations(plan)
        if interruption.requested or not any(name.startswith("trial_") for name in chosen):
            return
        recorder = _recorder(plan, task, Phase.CONFIRM, progress)
        recorders.append(recorder)
        wanted = confirmation_runs(plan, chosen)
        there = [run for run in finished_runs(plan.folder / Phase.CONFIRM) if run.name in wanted]
        under_way = _under_way(plan, Phase.CONFIRM)
        progress.begin(Phase.CONFIRM, len(wanted), ended=_ends(there), under_way=under_way)
        confirm(plan, task, chosen, concurrency=concurrency, callbacks=[recorder], interruption=interruption)
        if not interruption.requested:
            keep_only(plan.folder / Phase.SEARCH, chosen)


def _ends(runs: Sequence[FinishedRun]) -> dict[str, tuple[State, float]]:
    return {run.name: (run.state, math.nan if run.objective is None else run.objective) for run in runs}


def _under_way(plan: Plan, phase: Phase) -> dict[str, int]:
    """Steps that the runs which were cut off go on from; a population's begin anew."""
    if phase is Phase.SEARCH and isinstance(plan.experiment.scheduler, Population):
        return {}
    folder = plan.folder / phase
    saved = {run.name: results_of(folder / run.name) for run in unfinished_runs(folder)}
    return {name: steps_of(results[-1]) for name, results in saved.items() if results}


def _recorder(plan: Plan, task: Task, phase: Phase, progress: SweepProgress) -> Recorder:
    return Recorder(plan.folder / phase, task.steps, progress)


def _write_manifest(plan: Plan) -> None:
    """Says what the sweep is; of one that goes on, who goes on with it."""
    manifest = manifest_of(plan)
    try:
        if (before := recorded_manifest(plan.folder)) is not None:
            manifest = continued(before, manifest, runs=lacks_runs(plan))
        write_json(plan.folder / MANIFEST_FILE, manifest)
    except OSError as error:
        raise UserError(f"--storage {plan.options.storage}: cannot be written ({error.strerror})") from error


@contextmanager
def graceful_interrupt(interruption: Interruption) -> Iterator[list[Recorder]]:
    """Lets the first Ctrl-C, or the first `kill`, end the phase in order, and the second one at once.

    Goes inside :func:`connected`: Ray's own answer to SIGTERM, which it sets up when it starts, ends the
    process at once under a dump of its stack.
    """
    recorders: list[Recorder] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True
        interruption.exit_code = 128 + number
        for recorder in recorders:
            recorder.interrupted = True
        # `timeout` and most cluster managers tell all processes at once; without Ray there is no orderly end.
        if number == signal.SIGTERM and has_died(within_s=1.0):
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield recorders
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing_to_report(console: Console, plan: Plan, interruption: Interruption) -> int:
    if interruption.requested:
        closing.print_stopped(console, plan)
        return interruption.exit_code
    causes = [
        json.loads(path.read_text(encoding="utf-8"))["cause"]
        for path in sorted(Path(plan.folder, Phase.SEARCH).glob("*/state.json"))
    ]
    print(f"error: every trial failed; the first cause: {causes[0]}", file=sys.stderr)
    return EXIT_ALL_FAILED

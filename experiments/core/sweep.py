"""The main job: check, search, confirm, report."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from analysis.report import write_report
from analysis.schema import Phase, State
from experiments.core import closing
from experiments.core.checkpoints import CheckpointBudget, keep_only
from experiments.core.cluster import connected
from experiments.core.errors import UserError
from experiments.core.lineage import with_schedule
from experiments.core.manifest import manifest_of
from experiments.core.phases import Interruption, confirm, search
from experiments.core.plan import Plan
from experiments.core.preflight import preflight, random_return
from experiments.core.progress import SweepProgress
from experiments.core.recorder import Recorder, write_json
from experiments.core.resume import finished_runs, merit
from experiments.core.searcher import trial_name
from experiments.core.trial import Task

EXIT_ALL_FAILED = 1
EXIT_INTERRUPTED = 130
GIGABYTE = 10**9
WIDTH = 110
"""Columns to print where no terminal says how many it has."""


def run_sweep(plan: Plan) -> int:
    """Runs a sweep, or what is missing of it, and returns the exit code.

    Raises:
        UserError: The sweep cannot be run as it was asked for; nothing was written.
    """
    console = terminal(quiet=plan.options.quiet)
    preflight(plan)
    closing.print_plan(console, plan)
    closing.print_restart(console, plan)
    if plan.options.check:
        return 0
    interruption = Interruption()
    totals = {Phase.SEARCH: plan.experiment.budget.trials, Phase.CONFIRM: plan.test_runs}
    progress = SweepProgress(console, totals=totals)
    resources, wanted = plan.experiment.resources, plan.options.concurrency
    cores = None if wanted is None else wanted * resources.cpus
    with connected(cores=cores, debug=plan.options.debug) as available, progress:
        fitting = resources.trials_in(available)
        concurrency = min(wanted or fitting, fitting)
        _create_folder(plan)
        _train(plan, progress, interruption, concurrency)
    if not any(run.objective is not None for run in finished_runs(plan.folder / Phase.SEARCH)):
        return _nothing_to_report(console, plan, interruption)
    report = write_report(plan.folder)
    closing.print_result(console, plan, progress, report)
    if interruption.requested:
        closing.print_stopped(console, plan)
        return EXIT_INTERRUPTED
    return 0


def terminal(*, quiet: bool) -> Console:
    """Where to print: as wide as the terminal, and wide enough for every table where there is none."""
    console = Console(quiet=quiet, highlight=False)
    return console if console.is_terminal else Console(quiet=quiet, highlight=False, width=WIDTH)


def chosen_configurations(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """What is confirmed: both baselines and the best trials, by id, slowest first."""
    tried = [
        run
        for run in finished_runs(plan.folder / Phase.SEARCH)
        if run.state in {State.COMPLETED, State.PRUNED} and run.curve and run.name != trial_name(0)
    ]
    # Those that were stopped early fill up what is missing, the longest trained first.
    full = plan.experiment.budget.steps_per_trial
    best = sorted(tried, key=lambda run: merit(run, full), reverse=True)
    folder = plan.folder / Phase.SEARCH
    winners = {
        run.name: with_schedule(folder / run.name, run.config)
        for run in best[: plan.experiment.confirmation.top_k]
    }
    return {**plan.baselines, **winners}


def _train(plan: Plan, progress: SweepProgress, interruption: Interruption, concurrency: int) -> None:
    """The search and the confirmation; both end early when the user asks for it."""
    diverged = plan.arenas[Phase.SEARCH].scale.diverged
    task = plan.task(diverged_score=random_return(plan) if diverged is None else diverged)
    with _graceful_interrupt(interruption) as recorders:
        recorder = _recorder(plan, task, Phase.SEARCH, progress)
        recorders.append(recorder)
        progress.begin(Phase.SEARCH, plan.experiment.budget.trials)
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
        progress.begin(Phase.CONFIRM, len(chosen) * plan.experiment.confirmation.seeds)
        confirm(plan, task, chosen, concurrency=concurrency, callbacks=[recorder], interruption=interruption)
        if not interruption.requested:
            keep_only(plan.folder / Phase.SEARCH, chosen)


def _recorder(plan: Plan, task: Task, phase: Phase, progress: SweepProgress) -> Recorder:
    return Recorder(plan.folder / phase, task.steps, progress)


def _create_folder(plan: Plan) -> None:
    """Makes the sweep's folder, or takes the one that is there and notes what changed in its budget."""
    path = plan.folder / "manifest.json"
    manifest = manifest_of(plan)
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            manifest["started"] = json.loads(path.read_text(encoding="utf-8"))["started"]
        write_json(path, manifest)
    except OSError as error:
        raise UserError(f"--storage {plan.options.storage}: cannot be written ({error.strerror})") from error


@contextmanager
def _graceful_interrupt(interruption: Interruption) -> Iterator[list[Recorder]]:
    """Lets the first Ctrl-C end the phase in order, and the second one at once."""
    recorders: list[Recorder] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True
        for recorder in recorders:
            recorder.interrupted = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield recorders
    finally:
        signal.signal(signal.SIGINT, before)


def _nothing_to_report(console: Console, plan: Plan, interruption: Interruption) -> int:
    if interruption.requested:
        closing.print_stopped(console, plan)
        return EXIT_INTERRUPTED
    causes = [
        json.loads(path.read_text(encoding="utf-8"))["cause"]
        for path in sorted(Path(plan.folder, Phase.SEARCH).glob("*/state.json"))
    ]
    Console(stderr=True, highlight=False).print(f"error: every trial failed; the first cause: {causes[0]}")
    return EXIT_ALL_FAILED

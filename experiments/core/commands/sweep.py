"""Main job: check, search, confirm, report."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from analysis.sweep import (
    SCHEDULE,
    FinishedRun,
    Phase,
    State,
    configurations_of,
    finished_runs,
    is_ablation,
    is_trial,
    results_of,
    unfinished_runs,
)
from experiments.core.commands.claim import claimed
from experiments.core.commands.interrupt import graceful_interrupt
from experiments.core.commands.results import CommandStopped, SweepResult
from experiments.core.declaration import Population
from experiments.core.environments import remember_origin, start_lane_server
from experiments.core.errors import AllRunsFailedError, UserError, unexpected
from experiments.core.planning import (
    Plan,
    chosen_configurations,
    code_of,
    continued,
    lacks_runs,
    manifest_of,
)
from experiments.core.preflight import Checked, preflight
from experiments.core.records import (
    cause_of_loss,
    config_at,
    keep_only,
    recorded_manifest,
    write_manifest,
    write_rllib_settings,
)
from experiments.core.terminal import SweepProgress, check_progress, steps_of, summary
from experiments.core.training import Task, hyperparameters, trainer_part
from experiments.core.tuning import (
    Interruption,
    Recorder,
    confirmation_runs,
    connected,
    train,
)

if TYPE_CHECKING:
    from analysis.report import Report


def run_sweep(plan: Plan, console: Console, abandon: Callable[[str], None] | None = None) -> SweepResult:
    """Runs a sweep, or what is missing of it, and returns what it came to.

    Args:
        plan: The sweep.
        console: Where to say what is done.
        abandon: Ends the process, with a line, where the check of an environment cannot be interrupted.

    Raises:
        UserError: The sweep cannot be run as it was asked for; nothing was written.
        AllRunsFailedError: Every trial failed.
        CommandStopped: It was asked to stop.
    """
    with claimed(plan) as plan:
        checked = check_sweep(plan, console, abandon)
        interruption = Interruption()
        try:
            report, progress = _run(plan, console, interruption, checked.step_timeout_s)
            if report is not None:
                summary.print_spent(console, plan, progress, expected_s=checked.estimate.seconds)
                summary.print_result(console, plan, report)
        except OSError as error:
            error.filename = error.filename or str(plan.folder)
            raise unexpected(error) from error
        except KeyboardInterrupt:  # the second Ctrl-C, or the first outside of training
            raise _stopped(plan, interruption) from None
        result = None if report is None else SweepResult(folder=plan.folder, report=report)
        if interruption.requested:
            raise _stopped(plan, interruption, result)
        if result is None:
            raise AllRunsFailedError(_first_cause(plan))
        return result


def _first_cause(plan: Plan) -> str:
    """Says why there is nothing to report."""
    folder = plan.folder / Phase.SEARCH
    failed = [run.cause for run in finished_runs(folder)]
    if failed:
        return f"every trial failed; the first cause: {failed[0]}; --retry-failed tries them again"
    lost = [cause_of_loss(folder / run.name) for run in unfinished_runs(folder)]
    first = next((cause for cause in lost if cause is not None), "their processes died")
    return f"every trial was lost; the first cause: {first}"


def check_sweep(plan: Plan, console: Console, abandon: Callable[[str], None] | None = None) -> Checked:
    """Checks whether a sweep could be run, and says what it is going to do.

    Raises:
        UserError: It could not.
    """
    if plan.experiment.vectorization == "async":
        start_lane_server()  # which imports what lanes need while the declaration is checked
    with check_progress(console) as say:
        checked = preflight(plan, say, abandon)
    summary.print_plan(console, plan, checked)
    return checked


def _run(
    plan: Plan, console: Console, interruption: Interruption, step_timeout_s: float
) -> tuple[Report | None, SweepProgress]:
    """Trains and reports; there is no report where every trial failed, or none has ended."""
    totals = {Phase.SEARCH: plan.experiment.budget.trials, Phase.CONFIRM: plan.test_runs}
    progress = SweepProgress(console, totals=totals, ablation=plan.experiment.confirmation.ablation)
    with connected(cores=plan.cores, debug=plan.options.debug) as available, progress:
        concurrency = plan.concurrency(available)
        plan = _started(plan)
        task = plan.task(step_timeout_s=step_timeout_s)
        _train(plan, task, progress, interruption, concurrency)
    # One that failed has no value, however far it came.
    if all(run.state is State.FAILED for run in finished_runs(plan.folder / Phase.SEARCH)):
        return None, progress
    between = configurations_of(plan.folder / Phase.CONFIRM)
    trained = {name: config for name, config in between.items() if is_ablation(name)}
    settings = {
        name: rllib_settings(config, plan.experiment.fixed)
        for name, config in {**chosen_configurations(plan), **trained}.items()
    }
    write_rllib_settings(plan.folder, settings)
    from analysis.report import write_report  # whose figures' library a check does without

    return write_report(plan.folder), progress


def rllib_settings(config: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Returns RLlib's settings from the start, and at each change where the configuration has a schedule."""

    def at(steps: int) -> dict[str, Any]:
        return hyperparameters.resolve(trainer_part(config_at(config, steps)), fixed)

    if SCHEDULE not in config:
        return at(0)
    later = [segment["steps"] for segment in config[SCHEDULE] if segment["steps"] > 0]
    return {**at(0), SCHEDULE: [{"from_step": steps, **at(steps)} for steps in later]}


def _train(
    plan: Plan, task: Task, progress: SweepProgress, interruption: Interruption, concurrency: int
) -> None:
    """Runs the search and the confirmation; both end early when the user asks for it."""
    recorder = Recorder(plan.folder, task.steps, progress, code_of(plan.experiment.env), interruption)
    chosen: Mapping[str, Mapping[str, Any]] = {}

    def confirmation() -> Mapping[str, Mapping[str, Any]]:
        nonlocal chosen
        chosen = chosen_configurations(plan)
        if not any(is_trial(name) for name in chosen):
            return {}
        wanted = confirmation_runs(plan, chosen)
        _begin(plan, progress, Phase.CONFIRM, wanted)
        return chosen

    with graceful_interrupt(interruption, task.stop_file) as recorders:
        recorders.append(recorder)
        _begin(plan, progress, Phase.SEARCH)
        train(
            plan, task, concurrency=concurrency, recorder=recorder,
            interruption=interruption, next_phase=confirmation,
        )  # fmt: skip
        if chosen and not interruption.requested:
            keep_only(plan.folder / Phase.SEARCH, chosen)
            keep_only(plan.folder / Phase.CONFIRM, confirmation_runs(plan, chosen))


def _begin(plan: Plan, progress: SweepProgress, phase: Phase, wanted: Collection[str] | None = None) -> None:
    """Shows a phase, with what of it is there."""
    there = finished_runs(plan.folder / phase)
    if wanted is None:
        total = max(plan.experiment.budget.trials, len(there))
    else:
        there = [run for run in there if run.name in wanted or is_ablation(run.name)]
        total = len(wanted)
    progress.begin(phase, total, ended=_ends(there), under_way=_under_way(plan, phase))


def _ends(runs: Sequence[FinishedRun]) -> dict[str, tuple[State, float]]:
    return {run.name: (run.state, math.nan if run.objective is None else run.objective) for run in runs}


def _under_way(plan: Plan, phase: Phase) -> dict[str, int]:
    """Returns the steps that the runs which were cut off continue from; a population's restart."""
    if phase is Phase.SEARCH and isinstance(plan.experiment.scheduler, Population):
        return {}
    folder = plan.folder / phase
    saved = {run.name: results_of(folder / run.name) for run in unfinished_runs(folder)}
    return {name: steps_of(results[-1]) for name, results in saved.items() if results}


def _started(plan: Plan) -> Plan:
    """Takes test seeds and writes what the sweep is; of one that is continued, also who continues it."""
    try:
        plan = plan.looking()
        manifest = manifest_of(plan)
        before = recorded_manifest(plan.folder)
        if before is not None:
            manifest = continued(before, manifest, runs=lacks_runs(plan))
        if manifest is not before:
            write_manifest(plan.folder, manifest)
        remember_origin(manifest)
    except OSError as error:
        raise UserError(f"--storage {plan.options.storage}: cannot be written ({error.strerror})") from error
    return plan


def _stopped(plan: Plan, interruption: Interruption, result: SweepResult | None = None) -> CommandStopped:
    return CommandStopped(plan.folder, exit_code=interruption.exit_code, sweep=plan.sweep, result=result)

"""Summary of a sweep in the terminal, before it starts and after it has ended."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.sweep import Phase, State, damaged_runs, finished_runs, place_aside, unfinished_runs
from analysis.text import counted
from analysis.verdict import Verdict, race_note
from experiments.core.declaration import Experiment, Population, interval_points
from experiments.core.environments import needs_trust
from experiments.core.planning import Plan, tried_again
from experiments.core.program import NO_FILE, installed, module_command, shown
from experiments.core.terminal.progress import SweepProgress, duration

if TYPE_CHECKING:
    from analysis.report import Report
    from experiments.core.preflight import Checked, CostEstimate


def print_plan(console: Console, plan: Plan, checked: Checked) -> None:
    """Prints what is going to be done, what was checked, and what it will take."""
    print_question(console, plan)
    experiment = plan.experiment
    extremes, expected = checked.extremes, checked.estimate
    console.print(
        f"checked: the environment's contract, {counted(len(experiment.space), 'hyperparameter')}, "
        f"{extremes.updated} of {extremes.given} extreme configurations took an update, storage has "
        f"{checked.free_bytes / 1e9:,.0f} GB free"
    )
    for note in checked.notes:
        console.print(f"note: {note}", soft_wrap=True)
    console.print(
        f"estimate: {duration(expected.seconds)} with {counted(checked.concurrency, 'run')} at once "
        f"(search {duration(expected.search_s)}; confirmation {_confirmation(expected)}; start and "
        f"report {duration(expected.around_s)}), {expected.steps / 1e6:,.2f} million steps, "
        f"{expected.bytes / 1e6:,.0f} MB of disk"
    )


def print_question(console: Console, plan: Plan, *, finished: bool = False) -> None:
    """Prints what is asked, what of it the folder holds already, and what its scores mean."""
    experiment, scale = plan.experiment, plan.scale
    confirmation = experiment.confirmation
    if plan.question:
        console.print(plan.question, style="bold")
    seeds = f" on each of {experiment.seeds_per_trial} seeds" if experiment.seeds_per_trial > 1 else ""
    console.print(
        f"{experiment.env}: {_search(experiment)}{seeds} over "
        f"{counted(len(experiment.space), 'hyperparameter')}, then the best {experiment.top_k} and "
        f"{len(plan.baselines)} baselines on {confirmation} test "
        f"seed{'' if confirmation.maximum == 1 else 's'} each"
    )
    _print_there(console, plan, finished=finished)
    if plan.warm_start is not None:
        console.print(str(plan.warm_start))
    if scale.floor is not None and scale.optimum is not None:
        console.print(
            f"score 0 = {scale.floor_policy} policy ({scale.floor:.4g}), "
            f"score 1 = optimum ({scale.optimum:.4g}, {scale.optimum_source}); unit: {scale.return_unit}"
        )
    else:
        console.print("the environment states no optimum: scores are raw returns")


def _confirmation(expected: CostEstimate) -> str:
    """Says how long it takes, and between what its race may end."""
    least, most = (duration(seconds) for seconds in expected.confirm_range_s)
    race = f", from {least} to {most} as its race goes" if least != most else ""
    ablation = ""
    if expected.ablation_s:
        ablation = f", up to {duration(expected.ablation_s)} more to ablate a winner"
    return f"{duration(expected.confirm_s)}{race}{ablation}"


def _search(experiment: Experiment) -> str:
    """Says what is trained before the confirmation."""
    budget, scheduler = experiment.budget, experiment.scheduler
    if not isinstance(scheduler, Population):
        return f"{counted(budget.trials, 'trial')} of up to {counted(budget.steps_per_trial, 'step')}"
    every = budget.steps_per_trial * interval_points(scheduler, budget.evaluations) // budget.evaluations
    return (
        f"a population of {budget.trials}, {counted(budget.steps_per_trial, 'step')} each, compared "
        f"every {every:,} ({scheduler.name})"
    )


def _print_there(console: Console, plan: Plan, *, finished: bool) -> None:
    """Prints what the sweep's folder holds already, and what of it restarts."""
    ended = {phase: len(finished_runs(plan.folder / phase)) for phase in Phase}
    cut_off = unfinished_runs(plan.folder / Phase.SEARCH)
    if not (any(ended.values()) or cut_off):
        return
    also = f", {len(cut_off)} unfinished" if cut_off else ""
    trials, runs = counted(ended[Phase.SEARCH], "trial"), counted(ended[Phase.CONFIRM], "confirmation run")
    if finished:
        console.print(f"finished: {trials} and {runs} are there, nothing is left to run", soft_wrap=True)
    else:
        console.print(f"continues: {trials}{also} and {runs} are there", soft_wrap=True)
    for phase in Phase:
        print_damaged(console, plan.folder / phase)
        print_tried_again(console, plan.folder / phase, tried_again(plan, plan.folder / phase))
    if isinstance(plan.experiment.scheduler, Population) and cut_off:
        console.print(
            f"the population was cut off: its {len(cut_off)} unfinished members start again together, "
            "finished ones are kept",
            soft_wrap=True,
        )


def print_damaged(console: Console, phase_folder: Path) -> None:
    """Prints which runs of a phase have damaged records, and where those are set aside."""
    for run in damaged_runs(phase_folder):
        damage, aside = run.damage[0], place_aside(phase_folder / str(run.name))
        console.print(
            f"{run.name}: its {damage.path.name} is damaged ({damage.reason}), so it counts as unfinished; "
            f"what is there is set aside as {aside.name}",
            soft_wrap=True,
        )


def print_tried_again(console: Console, phase_folder: Path, again: Mapping[str, str]) -> None:
    """Prints which failed runs are trained again and why, and where their records are set aside."""
    for name, reason in again.items():
        aside = place_aside(phase_folder / name)
        console.print(
            f"{name}: it failed and is trained again, as {reason}; what is there is set aside as "
            f"{aside.name}",
            soft_wrap=True,
        )


def print_failed(console: Console, folder: Path, way: str) -> None:
    """Prints how many runs failed by an exception, and what trains them again."""
    ended = [run for phase in Phase for run in finished_runs(folder / phase)]
    failed = sum(run.state is State.FAILED for run in ended)
    if failed:
        console.print(f"{failed} of {counted(len(ended), 'run')} failed; to try again: {way}", soft_wrap=True)


def print_spent(console: Console, plan: Plan, progress: SweepProgress, *, expected_s: float) -> None:
    """Prints how the trials ended and what training took, unless nothing was trained."""
    if not progress.steps:
        return
    counts = [
        f"{progress.count(Phase.SEARCH, state)} {state}"
        for state in State
        if progress.count(Phase.SEARCH, state)
    ]
    if cut_off := unfinished_runs(plan.folder / Phase.SEARCH):
        counts.append(f"{len(cut_off)} unfinished")
    now = "this time " if progress.goes_on else ""
    console.print(
        f"\nsearch: {', '.join(counts)}; {now}{progress.steps:,} steps in all phases, "
        f"{duration(progress.seconds)} (estimated {duration(expected_s)})"
    )


def print_result(console: Console, plan: Plan, report: Report) -> None:
    """Prints the verdict, the confirmed configurations, where things are, and what to do next."""
    print_headline(console, report.verdict.sentence)
    if not report.verdict.table.empty:
        console.print(verdict_table(report.verdict))
    if report.verdict.race is not None:
        console.print(race_note(report.verdict.race), soft_wrap=True)
    if report.ablation is not None:
        console.print(report.ablation, soft_wrap=True)
    for note in report.verdict.notes:
        console.print(f"note: {note}", soft_wrap=True)
    console.print("is the sweep done?")
    for finding in report.findings:
        console.print(f"  {finding.topic:<12} {finding.answer}", soft_wrap=True)
    folder = shown(plan.folder)
    console.print(f"report:   {shown(report.html)}", soft_wrap=True)
    if report.best is not None:
        console.print(f"best:     {shown(report.best)}", soft_wrap=True)
    console.print("next:", soft_wrap=True)
    env_id = plan.experiment.env
    trust = needs_trust(env_id)
    for command in (
        shlex.join([installed("tensorboard"), "--logdir", folder]),
        shlex.join([installed("python"), "-m", "analysis", "report", folder]),
        # What a notebook declares, no other program finds.
        f"replay({folder!r}{', trust=True' if trust else ''})"
        if env_id.startswith(f"{NO_FILE}:")
        else module_command("experiments", "replay", folder, *(["--trust"] if trust else []), env_id=env_id),
    ):
        console.print(f"  {command}", soft_wrap=True)


def print_headline(console: Console, sentence: str) -> None:
    """Prints what a sweep or a retraining came to: all that --quiet leaves."""
    console.print(Text(f"\n{sentence}", style="bold"), soft_wrap=True)


def verdict_table(verdict: Verdict) -> Table:
    """Makes a table of the confirmed configurations, best first."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("configuration")
    for heading in ("seeds", "confirmed score [95 %]", "in the search", "minus default [95 %]"):
        table.add_column(heading, justify="right")
    for row in verdict.table.sort_values("mean", ascending=False).to_dict("records"):
        table.add_row(
            str(row["config_id"]),
            str(int(row["n"])),
            _interval(row["mean"], row["mean_low"], row["mean_high"]),
            _number(row["search_objective"]),
            _interval(row["difference"], row["difference_low"], row["difference_high"], sign="+"),
        )
    return table


def _number(value: float, sign: str = "") -> str:
    return "" if math.isnan(value) else f"{value:{sign}.3f}"


def _interval(value: float, low: float, high: float, sign: str = "") -> str:
    if math.isnan(value):
        return ""
    limits = f" [{low:{sign}.3f}, {high:{sign}.3f}]" if low < high else ""
    return f"{value:{sign}.3f}{limits}"

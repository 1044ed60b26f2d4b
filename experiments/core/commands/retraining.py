"""Retraining of a sweep's best configuration on seeds that nobody has used, and its comparison."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
from ray.tune.schedulers import FIFOScheduler
from rich.console import Console

from analysis.sweep import (
    RETRAIN_FOLDER,
    STATE_FILE,
    Phase,
    SeedsRecord,
    finished_runs,
    load_confirmation,
    run_name,
)
from analysis.text import counted
from analysis.verdict import Reproduction, values_by_seed
from experiments.core.commands.interrupt import graceful_interrupt
from experiments.core.commands.original import Original
from experiments.core.commands.results import CommandStopped, Retraining
from experiments.core.declaration import INDICES, Experiment
from experiments.core.errors import AllRunsFailedError, UserError
from experiments.core.planning import Options, Plan, code_of, manifest_of, tried_again
from experiments.core.program import shown
from experiments.core.records import (
    Look,
    check_readable,
    check_safe_to_write,
    recorded_manifest,
    saved_state,
    sole_use,
    tidy,
    write_manifest,
    write_reproduction,
)
from experiments.core.signing import user_key
from experiments.core.terminal import SweepProgress, print_damaged, print_tried_again, summary
from experiments.core.tuning import Interruption, ListedSearch, Recorder, check_cluster, connected, train_all


def retrain_best(
    experiment: Experiment, options: Options, console: Console, *, name: str, question: str
) -> Retraining:
    """Trains a sweep's best configuration from scratch on new test seeds and compares.

    The runs and `reproduction.json` are kept in `retrain/<configuration>_<seeds>` below the sweep, a folder
    that the analysis of the sweep itself does not read and :func:`analysis.load_sweep` can. The same again
    runs only what is missing.

    Args:
        experiment: The sweep's declaration.
        options: With the sweep's folder in `retrain`, and in `seeds` the new ones.
        console: Where to say what is done.
        name: The experiment's name.
        question: What it asks.

    Raises:
        UserError: The folder or the seeds cannot be used; nothing was written.
        AllRunsFailedError: Every run failed.
        CommandStopped: It was asked to stop.
    """
    assert options.retrain is not None
    assert options.seeds is not None
    original = Original.of(options.retrain.expanduser().absolute(), name)
    original.check_environment(experiment.env, trust=options.trust)
    check_safe_to_write(original.sweep.folder)
    indices = read_seeds(options.seeds)
    _check_unused(original, indices, given=options.seeds)
    plan = Plan(
        experiment=original.declared(experiment),
        name=name,
        question=question,
        options=replace(options, trainer=original.best.training.trainer),
        sweep=f"{original.config_id}_{options.seeds}",
        look=Look(original.sweep.manifest.seeds.block),
    )
    folder = original.sweep.folder / RETRAIN_FOLDER / plan.sweep
    console.print(
        f"{original.config_id} of {shown(original.sweep.folder)}: {counted(len(indices), 'run')} of "
        f"{counted(plan.experiment.budget.steps_per_trial, 'step')} on test seeds {options.seeds}"
    )
    interruption = Interruption()
    recorded_manifest(folder, way_out="choose other --seeds")
    check_readable(folder / Phase.CONFIRM)
    if not options.trust:
        saved_state.check_own(folder / Phase.CONFIRM, key=user_key())
    with sole_use(folder, way_out="choose other --seeds"):
        _train(plan, original, indices, folder, console, interruption)
    if interruption.requested:
        raise CommandStopped(folder, exit_code=interruption.exit_code)
    result = _compared(original, folder)
    summary.print_headline(console, result.sentence)
    console.print(f"runs: {shown(folder)}", soft_wrap=True)
    return result


def _check_unused(original: Original, indices: Sequence[int], *, given: str) -> None:
    """Refuses test seeds that the confirmation used, and names some that it did not."""
    used = set(original.sweep.confirmation["test_seed"].dropna().astype(int))
    overlap = sorted(used & set(indices))
    if overlap:
        first = max(200, max(used) + 1)
        others = f"{first}" if len(indices) == 1 else f"{first}-{first + len(indices) - 1}"
        raise UserError(
            f"--seeds {given}: the confirmation used {', '.join(map(str, overlap))} already; "
            f"expected others, such as {others}"
        )


def _compared(original: Original, folder: Path) -> Retraining:
    """Compares a retraining's runs with the confirmation's, and writes the numbers beside them."""
    retrained = values_by_seed(load_confirmation(folder)).get(original.config_id)
    if retrained is None:
        raise AllRunsFailedError(
            f"every run failed; their causes are in {shown(folder)}/{Phase.CONFIRM}/*/{STATE_FILE}; "
            "--retry-failed tries them again"
        )
    found = original.compared(retrained.tolist())
    values = dict(zip(map(int, retrained.index), map(float, retrained), strict=True))
    judged = {"within_confirmed": found.within_confirmed, "within_expected": found.within_expected}
    write_reproduction(folder, {"values": values, **asdict(found), **judged})
    return Retraining(
        folder=folder,
        config_id=original.config_id,
        values=values,
        reproduction=found,
        sentence=sentence(found, len(retrained)),
    )


def read_seeds(text: str) -> list[int]:
    """Reads test seeds from numbers and ranges.

    Args:
        text: For example "200-209" or "200,205,210-214".

    Raises:
        UserError: It is none, a number is too large, or one is named twice.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        numbers = [first, last] if dash else [first, first]
        if not all(number.isdecimal() and int(number) < INDICES for number in numbers):
            raise UserError(
                f"--seeds {text}: expected numbers from 0 to {INDICES - 1} and ranges, such as 200-209"
            )
        found += range(int(numbers[0]), int(numbers[1]) + 1)
    if not found or len(set(found)) < len(found):
        raise UserError(f"--seeds {text}: expected at least one seed and each only once, such as 200-209")
    return found


def sentence(found: Reproduction, runs: int) -> str:
    """Says what a comparison means."""
    opening = f"Retrained on {counted(runs, 'new seed')}: {found.mean:.3f}"
    low, high = found.confirmed
    if not low <= high:
        return (
            f"{opening}, against {found.confirmed_mean:.3f} in the confirmation. One confirmation run does "
            "not say how far seeds scatter, so nothing follows."
        )
    place = "within" if found.within_confirmed else "outside"
    opening += (
        f", {place} the confirmed interval [{low:.3f}, {high:.3f}] "
        f"(confirmed mean {found.confirmed_mean:.3f})."
    )
    low, high = found.expected
    expected = f"the mean of {counted(runs, 'new run')} is expected in [{low:.3f}, {high:.3f}]"
    if found.within_expected:
        return f"{opening} Reproduced: {expected}."
    return f"{opening} Not reproduced: {expected}."


def _train(
    plan: Plan,
    original: Original,
    indices: Sequence[int],
    folder: Path,
    console: Console,
    interruption: Interruption,
) -> None:
    """Trains what the folder does not hold yet."""
    task = plan.task()
    print_damaged(console, folder / Phase.CONFIRM)
    again = tried_again(plan, folder / Phase.CONFIRM)
    print_tried_again(console, folder / Phase.CONFIRM, again)
    tidy(folder / Phase.CONFIRM, again=again)
    there = {run.name for run in finished_runs(folder / Phase.CONFIRM)}
    runs: list[dict[str, Any]] = [
        {
            **original.best.trained,
            "config_id": original.config_id,
            "seed": plan.seeds.test_training(k),
            "test_seed": k,
        }
        for k in indices
    ]
    runs = [run for run in runs if run_name(run) not in there]
    if not runs:
        return
    if address := os.environ.get("RAY_ADDRESS"):
        check_cluster(address)
    _write_manifest(plan, indices, folder)
    (folder / Phase.CONFIRM).mkdir(exist_ok=True)
    options = plan.options
    progress = SweepProgress(console, totals={Phase.CONFIRM: len(runs)})
    recorder = Recorder(folder, task.steps, progress, code_of(plan.experiment.env), interruption)
    with connected(cores=plan.cores, debug=options.debug) as available, progress:
        progress.begin(Phase.CONFIRM, len(runs))
        with graceful_interrupt(interruption, task.stop_file) as recorders:
            recorders.append(recorder)
            train_all(
                folder, Phase.CONFIRM, task, ListedSearch(runs), FIFOScheduler(),
                runs=len(runs), concurrency=plan.concurrency(available),
                callbacks=[recorder], interruption=interruption,
            )  # fmt: skip


def _write_manifest(plan: Plan, indices: Sequence[int], folder: Path) -> None:
    seeds = SeedsRecord(
        root=plan.seeds.root,
        block=plan.seeds.block,
        test_seeds=list(indices),
        test_training=[plan.seeds.test_training(k) for k in indices],
        test_evaluation=[plan.seeds.test_evaluation(k) for k in indices],
    )
    try:
        write_manifest(folder, msgspec.structs.replace(manifest_of(plan), seeds=seeds))
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error

"""Python API of the commands: a sweep, its check and its retraining as functions.

Nothing heavy is imported before the options were seen to make sense and Ray, which reads the environment when
it is imported, was told to be quiet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from analysis.text import did_you_mean
from experiments.core.commands.identity import name_and_question
from experiments.core.declaration import Experiment, SamplerName, SchedulerName
from experiments.core.errors import UserError
from experiments.core.planning import Options

if TYPE_CHECKING:
    from experiments.core.commands.results import Retraining, SweepResult
    from experiments.core.planning import Plan, Trainer
    from experiments.core.preflight import Checked


class RunOptions(TypedDict, total=False):
    """Options of :func:`run` and :func:`check` besides the experiment; :func:`run` explains each."""

    experiment_name: str | None
    question: str | None
    name: str | None
    new_name: str | None
    warm_start: str | Path | None
    storage: str | Path
    trials: int | None
    steps_per_trial: int | None
    seed: int | None
    concurrency: int | None
    confirm_seeds: int | None
    seeds_per_trial: int | None
    top_k: int | None
    scheduler: SchedulerName | None
    sampler: SamplerName | None
    trainer: Trainer
    retry_failed: bool
    smoke: bool
    trust: bool
    quiet: bool
    debug: bool


def run(experiment: Experiment, **options: Unpack[RunOptions]) -> SweepResult:
    """Runs a sweep, or what is missing of it: search, confirmation and report.

    Does what the experiment's command does, with the same options by the same names, and keeps the sweep in
    `storage/experiment_name/name`. Of what is left out the declaration decides.

    Args:
        experiment: The declaration.
        **options: As follows.

            experiment_name: Name of the experiment; that of the file that declares it, or "experiment".
            question: What it asks; the first line of that file's docstring.
            name: Name of the sweep; the present time. The same name again goes on with the sweep.
            new_name: With `name`: starts a sweep of this name, with other settings, from its best.
            warm_start: Folder of another sweep, whose best configurations are tried first.
            storage: Folder under which sweeps are kept; "results".
            trials: Configurations that the search tries.
            steps_per_trial: Environment steps of a full trial.
            seed: Root of every seed.
            concurrency: Trials at once; as many as fit.
            confirm_seeds: Test seeds of each chosen configuration: so many, instead of a race for them.
            seeds_per_trial: Training seeds of one search trial.
            top_k: Configurations of the search that are confirmed.
            scheduler: What stops hopeless trials early, by its name on the command line.
            sampler: What proposes configurations, likewise.
            trainer: "fast", or "rllib" for RLlib's own runner and learner.
            retry_failed: Whether to train again what has failed by an exception.
            smoke: Whether to run a tiny sweep through every stage.
            trust: Whether to run code that lies in the sweep's folder, as a saved state that another machine
                or an earlier release has left may.
            quiet: Whether to print nothing.
            debug: Whether to show Ray's own messages.

    Returns:
        The sweep's folder, its verdict, and its tables as frames.

    Raises:
        UserError: The sweep cannot be run as it was asked for; nothing was written.
        AllRunsFailedError: Every trial failed.
        CommandStopped: Ctrl-C or `kill` ended it in order; the same name goes on where it was.
    """
    with _planned(experiment, options, caller="run") as plan:
        from experiments.core.commands.finished import finished_result
        from experiments.core.terminal import open_console, summary

        console = open_console(quiet=plan.options.quiet)
        result = finished_result(plan, console)
        if result is None:
            from experiments.core.commands.sweep import run_sweep

            result = run_sweep(plan, console)
        again = f"the same call with name={plan.sweep!r}, retry_failed=True"
        summary.print_failed(console, result.folder, again)
        return result


def check(experiment: Experiment, **options: Unpack[RunOptions]) -> Checked:
    """Checks whether a sweep could be run, and measures what it would cost; writes nothing.

    Args:
        experiment: The declaration.
        **options: Those of :func:`run`.

    Returns:
        Estimated time, steps and disk, and notes on what stops nothing.

    Raises:
        UserError: The sweep could not be run.
    """
    with _planned(experiment, options, caller="check") as plan:
        from experiments.core.commands.sweep import check_sweep
        from experiments.core.terminal import open_console

        return check_sweep(plan, open_console(quiet=plan.options.quiet))


def retrain(
    experiment: Experiment,
    folder: str | Path,
    *,
    seeds: str | Iterable[int],
    experiment_name: str | None = None,
    concurrency: int | None = None,
    retry_failed: bool = False,
    trust: bool = False,
    quiet: bool = False,
    debug: bool = False,
) -> Retraining:
    """Trains the best configuration of a sweep again on new test seeds, and compares with its confirmation.

    Args:
        experiment: The sweep's declaration.
        folder: The sweep's folder.
        seeds: Test seeds that the confirmation did not use, such as "200-209" or `range(200, 210)`.
        experiment_name: Name of the experiment; that of the file which declares it.
        concurrency: Runs at once; as many as fit.
        retry_failed: Whether to train again what has failed by an exception.
        trust: Whether to run code that lies in the folder, or that it names.
        quiet: Whether to print nothing.
        debug: Whether to show Ray's own messages.

    Returns:
        The new values, and whether they are what the confirmation promised.

    Raises:
        UserError: The folder or the seeds cannot be used; nothing was written.
        AllRunsFailedError: Every run failed.
        CommandStopped: Ctrl-C or `kill` ended it in order; the same call goes on where it was.
    """
    options = Options(
        retrain=Path(folder),
        seeds=_seeds(seeds),
        concurrency=concurrency,
        retry_failed=retry_failed,
        trust=trust,
        quiet=quiet,
        debug=debug,
    )
    name, question = name_and_question(experiment)
    with _called_from_python(debug=debug):
        experiment = options.apply(experiment)
        from experiments.core.commands.retraining import retrain_best
        from experiments.core.terminal import open_console

        return retrain_best(
            experiment, options, open_console(quiet=quiet), name=experiment_name or name, question=question
        )


@contextmanager
def _planned(experiment: Experiment, given: RunOptions, *, caller: str) -> Iterator[Plan]:
    """Plans the sweep that is asked for, and keeps libraries quiet while it is worked on."""
    unknown = [option for option in given if option not in RunOptions.__annotations__]
    if unknown:
        hint = did_you_mean(unknown[0], RunOptions.__annotations__)
        raise TypeError(f"{caller}() has no option {unknown[0]!r}{hint}")
    name, question = name_and_question(experiment)
    name, question = given.get("experiment_name") or name, given.get("question") or question
    options = Options(**{option: _plain(value) for option, value in given.items() if option not in _DECLARED})
    with _called_from_python(debug=options.debug):
        # What is wrong with the options is said before anything heavy is imported.
        experiment = options.apply(experiment)
        from experiments.core.planning import Plan

        yield Plan.of(experiment, options, name=name, question=question)


_DECLARED = ("experiment_name", "question")
"""What the command line has no options for, since it is that of the file that declares the experiment."""


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _seeds(given: str | Iterable[int]) -> str:
    """Returns test seeds as the command line takes them: a range as its ends."""
    if isinstance(given, str):
        return given
    seeds = list(given)
    if len(seeds) > 1 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ",".join(map(str, seeds))


@contextmanager
def _called_from_python(*, debug: bool) -> Iterator[None]:
    """Keeps libraries quiet, and calls options in errors by their Python names."""
    from experiments.core.tuning import quiet_libraries

    with quiet_libraries(debug=debug):
        try:
            yield
        except UserError as error:
            error.args = (as_keywords(str(error)),)
            raise


def as_keywords(message: str) -> str:
    """Returns a message in which the command line's options have their Python names.

    Those of a command, which stands in brackets, stay.
    """
    options = "|".join(field.name.replace("_", "-") for field in fields(Options))
    return re.sub(
        rf"\(python .*?\)|--({options})\b",
        lambda found: found[1].replace("-", "_") if found[1] else found[0],
        message,
    )

"""Command of an experiment: from the command line to text and an exit code, importing what is heavy late."""

from __future__ import annotations

import gc
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from analysis.command_line import read_options
from experiments.core.commands.identity import is_interactive, module_name, question_of
from experiments.core.commands.results import CommandStopped
from experiments.core.commands.uncaught import EXIT_WRONG_INPUT
from experiments.core.declaration import Experiment
from experiments.core.errors import AllRunsFailedError, UserError, unexpected
from experiments.core.planning import Options
from experiments.core.program import NO_FILE, installed, program_module, this_command, this_program
from experiments.core.records import own_streams

EXIT_ALL_FAILED = 1


def main(experiment: Experiment) -> None:
    """Runs the experiment that the calling module declares, as the command line says, and exits.

    In a notebook and in an interpreter, which have no command line, it runs as it is declared and comes back.

    Args:
        experiment: The declaration. Its name is the module's, its question the first line of the docstring.
    """
    module = sys.modules["__main__"]
    arguments = [] if is_interactive() else sys.argv[1:]
    options = parse(this_program(installed("python")), module.__doc__ or "", arguments)
    code = execute(experiment, options, name=module_name(module), question=question_of(module))
    if not is_interactive():
        # Without environments, or where Ctrl-C came while their library was imported, nothing is left behind.
        leave = getattr(sys.modules.get("envs.lanes"), "leave", sys.exit)
        leave(code)


def parse(program: str, description: str, arguments: list[str]) -> Options:
    """Reads the command line; prints the help, or what is wrong in it, and exits."""
    return read_options(Options, arguments, program=program, description=description)


def execute(experiment: Experiment, options: Options, *, name: str, question: str) -> int:
    """Runs one command, and returns 0, or 1 if every run failed, 2 for bad input, 130 or 143 if stopped."""
    with own_streams():
        return _executed(experiment, options, name=name, question=question)


def _executed(experiment: Experiment, options: Options, *, name: str, question: str) -> int:
    try:
        # What is wrong with the options is said before anything heavy is imported.
        experiment = options.apply(experiment)
        from experiments.core.tuning import quiet_libraries

        with quiet_libraries(debug=options.debug):
            sentence = _carried_out(experiment, options, name=name, question=question)
    except AllRunsFailedError as error:
        _say_error(error)
        return EXIT_ALL_FAILED
    except UserError as error:
        if options.debug:
            raise
        _say_error(error)
        return EXIT_WRONG_INPUT
    except CommandStopped as stop:
        _say_stopped(stop, options)
        return stop.exit_code
    except KeyboardInterrupt:
        return stopped()
    except Exception as error:  # of the machine, or of code that nobody expected to raise
        if options.debug:
            raise
        _say_error(unexpected(error))
        return EXIT_WRONG_INPUT
    _say_sentence(sentence, options)
    return 0


def _carried_out(experiment: Experiment, options: Options, *, name: str, question: str) -> str | None:
    """Carries out what the options say, and returns what came of it in words; None of a check."""
    from experiments.core.planning import Plan
    from experiments.core.terminal import open_console

    console = open_console(quiet=options.quiet)
    if options.retrain is not None:
        from experiments.core.commands.retraining import retrain_best

        return str(retrain_best(experiment, options, console, name=name, question=question))
    plan = Plan.of(experiment, options, name=name, question=question)
    if options.check:
        with collecting_later():
            from experiments.core.commands.sweep import check_sweep
        check_sweep(plan, console, abandon)
        return None
    from experiments.core.commands.finished import finished_result
    from experiments.core.terminal import summary

    result = finished_result(plan, console)
    if result is None:
        with collecting_later():
            from experiments.core.commands.sweep import run_sweep
        result = run_sweep(plan, console, abandon)
    summary.print_failed(console, result.folder, _again(result.folder.name, options, retry_failed=True))
    return str(result)


@contextmanager
def collecting_later() -> Iterator[None]:
    """Makes large imports a fifth cheaper: what they leave stays, and is not searched for garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _say_sentence(sentence: str | None, options: Options) -> None:
    """Prints the verdict, which is all that --quiet leaves; otherwise it was printed among the rest."""
    from experiments.core.terminal import open_console, summary

    if options.quiet and sentence is not None:
        summary.print_headline(open_console(quiet=False), sentence)


def _say_stopped(stop: CommandStopped, options: Options) -> None:
    """Says what the command came to so far, and how to continue it."""
    from experiments.core.terminal import open_console

    _say_sentence(None if stop.result is None else str(stop.result), options)
    console = open_console(quiet=options.quiet)
    console.print(f"stopped; to go on where it was: {_again(stop.sweep, options)}", soft_wrap=True)


def _again(sweep: str | None, options: Options, *, retry_failed: bool = False) -> str:
    """Returns what goes on with a sweep, or a retraining if it is None, to be pasted where it was started."""
    if program_module() == NO_FILE:
        return f"run(EXPERIMENT, name={sweep!r}{', retry_failed=True' if retry_failed else ''})"
    again = this_command(installed("python"))
    if options.name is None and sweep is not None:
        again += f" --name {shlex.quote(sweep)}"
    return f"{again} --retry-failed" if retry_failed and not options.retry_failed else again


def abandon(said: str) -> None:
    """Ends the process at once: a user's code that cannot be interrupted would keep it from any other end."""
    print(f"error: {said}", file=sys.__stderr__, flush=True)
    os._exit(EXIT_WRONG_INPUT)


def _say_error(error: UserError) -> None:
    print(f"error: {error}", file=sys.stderr)


def stopped() -> int:
    """Says that Ctrl-C ended the command, and gives the exit code that a shell knows this by."""
    print("stopped", file=sys.stderr)
    return 128 + signal.SIGINT

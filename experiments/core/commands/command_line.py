"""From `python -m experiments.<name>` to an exit code. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import ModuleType

from experiments.core.declaration import Experiment
from experiments.core.errors import UserError
from experiments.core.planning import Options, parse

EXIT_WRONG_INPUT = 2


def main(experiment: Experiment) -> None:
    """Runs the experiment that the calling module declares, as the command line says, and exits.

    Args:
        experiment: The declaration. Its name is the module's, its question the first line of the docstring.
    """
    module = sys.modules["__main__"]
    name, description = module_name(module), module.__doc__ or ""
    options = parse(f"python -m experiments.{name}", description, sys.argv[1:])
    sys.exit(run(experiment, options, name=name, question=first_line(description)))


def run(experiment: Experiment, options: Options, *, name: str, question: str) -> int:
    """Runs one sweep and returns 0, or 1 if every trial failed, 2 for bad input, 130 or 143 if stopped."""
    try:
        # What is wrong with the options is said before anything heavy is imported.
        experiment = options.apply(experiment)
        # Ray reads its environment when it is imported, so it is told to be quiet first.
        from experiments.core.tuning import quieten

        quieten(debug=options.debug)
        if options.retrain is not None:
            from experiments.core.commands.retrain import retrain

            return retrain(experiment, options, name=name, question=question)
        from experiments.core.commands.sweep import run_sweep
        from experiments.core.planning import Plan

        return run_sweep(Plan.of(experiment, options, name=name, question=question))
    except UserError as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return EXIT_WRONG_INPUT
    except KeyboardInterrupt:
        return stopped()


def stopped() -> int:
    """Says that Ctrl-C ended the command, and gives the exit code that a shell knows this by."""
    print("stopped", file=sys.stderr)
    return 128 + signal.SIGINT


def module_name(module: ModuleType) -> str:
    """The experiment's name: that of the file it is declared in."""
    return Path(module.__file__ or "experiment").stem


def first_line(docstring: str) -> str:
    """The question that an experiment's docstring opens with."""
    return docstring.strip().splitlines()[0] if docstring.strip() else ""

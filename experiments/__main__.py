"""Command `python -m experiments`: the list of experiments, `new NAME` for one of yours, `replay FOLDER`."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys

import experiments
from analysis.command_line import print_what_can_be_printed
from experiments.core.commands import first_line, stopped
from experiments.core.declaration import Experiment


def declared() -> dict[str, tuple[str, Experiment]]:
    """Returns the question and the declaration of every experiment, by name."""
    names = [m.name for m in pkgutil.iter_modules(experiments.__path__) if m.name.endswith("_sweep")]
    modules = {name: importlib.import_module(f"experiments.{name}") for name in sorted(names)}
    return {name: (first_line(module.__doc__ or ""), module.EXPERIMENT) for name, module in modules.items()}


def list_experiments() -> None:
    """Prints each experiment's command, question and cost."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_edge=False, pad_edge=False, show_lines=True)
    # A name is there to be typed: it is never cut, however narrow the terminal.
    table.add_column("python -m experiments.…", no_wrap=True)
    table.add_column("question, environment, search and confirmation", overflow="fold")
    for name, (question, experiment) in declared().items():
        budget, confirmation = experiment.budget, experiment.confirmation
        table.add_row(
            name,
            f"{question}\n{experiment.env}: {budget.trials} x {budget.steps_per_trial:,} steps, "
            f"then {experiment.top_k} and the untuned ones on {confirmation} seeds",
        )
    Console(highlight=False, markup=False, emoji=False).print(table)


def main(arguments: list[str]) -> int:
    """Runs a command and returns its exit code."""
    match arguments:
        case []:
            list_experiments()
            return 0
        case ["new", *rest]:
            from envs.lanes import leave
            from experiments.proposal import run_new

            leave(run_new(rest))
        case ["replay", *rest]:
            from envs.lanes import leave
            from experiments.core.commands import run_replay

            leave(run_replay(rest))
        case ["serve", folder, *trust] if trust in ([], ["--trust"]):
            from experiments.core.policy import serve

            serve(folder, sys.stdin, sys.stdout, trust=bool(trust))
            return 0
        case ["-h" | "--help"]:
            print(__doc__)
            print("    python -m experiments                  the list\n"
                  "    python -m experiments.NAME --help      the options of an experiment\n"
                  "    python -m experiments new NAME --env TARGET   write one for an environment of yours\n"
                  "    python -m experiments replay FOLDER    play the winner of a sweep\n"
                  "    python -m experiments serve FOLDER     let it answer observations")  # fmt: skip
            return 0
        case [unknown, *_]:
            print(
                f"error: {unknown!r}: expected nothing (a list), new NAME, or replay FOLDER; an experiment "
                "is run by python -m experiments.NAME",
                file=sys.stderr,
            )
    return 2


if __name__ == "__main__":
    # Whoever stops reading, as `head` does, ends the command without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print_what_can_be_printed()
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(stopped())

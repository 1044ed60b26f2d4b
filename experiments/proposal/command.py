"""Command `python -m experiments new NAME --env TARGET`: an experiment for any environment, in a file."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.command_line import read_options
from analysis.text import counted
from experiments.core.commands import abandon
from experiments.core.errors import UserError, unexpected
from experiments.core.program import installed
from experiments.proposal.target import named_target

PROGRAM = "python -m experiments new"
SECONDS = {"s": 1, "m": 60, "h": 3600}
"""By the unit that a time is given in."""
LOOK_S = 10.0
"""Seconds that a first look at an environment may take."""
LEAST_S = 60.0
"""Seconds below which no sweep comes to a verdict."""


@dataclass(frozen=True, kw_only=True)
class NewOptions:
    """Options of a new experiment."""

    name: str
    """What to call it: room makes room_sweep.py, in the present folder."""
    env: str = ""
    """The environment: an id such as CartPole-v1, module:id, module:Class, or a file such as my_env.py."""
    time: str = "10m"
    """How long a sweep of it may take on this machine: 90s, 10m, 2h."""


def run_new(arguments: list[str]) -> int:
    """Looks at an environment, and writes an experiment for it; returns the exit code."""
    description = (
        "Writes an experiment for any environment into the present folder, with a budget for a time."
    )
    options = read_options(NewOptions, arguments, program=PROGRAM, description=description)
    try:
        path = _new_path(options.name)
        seconds = seconds_of(options.time)
        if not options.env:
            raise UserError(
                "--env is missing: expected an id such as CartPole-v1, module:Class, or my_env.py"
            )
        _write(path, named_target(options.env), options.time, seconds)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Exception as error:  # of the machine
        print(f"error: {unexpected(error)}", file=sys.stderr)
        return 2
    return 0


def seconds_of(text: str) -> float:
    """Reads a time such as 90s, 10m or 2h.

    Raises:
        UserError: It is none, or too short.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip().lower(), re.ASCII)
    if match is None:
        raise UserError(f"--time {text}: expected a number and its unit, such as 90s, 10m or 2h")
    seconds = float(match[1]) * SECONDS[match[2]]
    if not LEAST_S <= seconds <= 1000 * SECONDS["h"]:
        raise UserError(f"--time {text}: expected at least {LEAST_S:.0f}s and at most 1000h")
    return seconds


def _new_path(name: str) -> Path:
    """Returns the file to write.

    Raises:
        UserError: The name is no name of a module, or the file is there already.
    """
    stem = name.removesuffix(".py").removesuffix("_sweep")
    if not re.fullmatch(r"[A-Za-z]\w*", stem, re.ASCII):
        raise UserError(
            f"{name!r}: expected a name of letters, digits and underscores, such as room or cart_pole"
        )
    path = Path(f"{stem}_sweep.py")
    if path.exists():
        raise UserError(f"{path} is there already: choose another name, or remove it")
    return path


def _write(path: Path, env: str, time: str, seconds: float) -> None:
    """Looks at an environment, writes the experiment, and says what to do next."""
    from experiments.core.planning import Options, Plan
    from experiments.core.preflight import Deadline, look, preflight
    from experiments.core.terminal import check_progress, duration, open_console
    from experiments.core.tuning import quiet_libraries
    from experiments.proposal.budget import affordable
    from experiments.proposal.settings import proposed
    from experiments.proposal.source import source_of

    console = open_console(quiet=False)
    with quiet_libraries(debug=False), check_progress(console) as say:
        question = f"Does tuning PPO pay on {env.rpartition(':')[2]}?"
        play = look(env, "auto", Deadline(LOOK_S, say, abandon))
        proposal = proposed(env, play)
        plan = Plan.of(proposal.experiment, Options(), name=path.stem, question=question)
        checked = preflight(plan, say, abandon)
        experiment, expected = affordable(
            plan, checked.costs, seconds=seconds, episode_steps=proposal.episode_steps
        )
    command = f"{installed('python')} {path}"
    cost = f"{duration(expected.seconds)} with {counted(checked.concurrency, 'run')} at once"
    text = source_of(
        replace(proposal, experiment=experiment),
        question=question,
        command=f"python {path}",
        cost=cost,
        spent=f"As much as {time} allow at the speed that was measured here: {cost}.",
    )
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    for note in checked.notes:
        console.print(f"note: {note}", soft_wrap=True)
    budget = experiment.budget
    console.print(
        f"wrote {path}: {counted(budget.trials, 'trial')} of up to {budget.steps_per_trial:,} steps, {cost}"
    )
    for reason in proposal.reasons.values():
        console.print(f"  {reason}", soft_wrap=True)
    if expected.seconds > seconds:
        console.print(
            f"note: {time} are too little for {counted(budget.trials, 'trial')} of one batch each; "
            "a faster environment, or a longer --time, gives it a chance",
            soft_wrap=True,
        )
    console.print(f"next:\n  {command} --check\n  {command}", soft_wrap=True)

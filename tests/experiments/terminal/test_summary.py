"""What is printed before and after a sweep is what was found, letter by letter."""

import json
import shlex

import pytest

from analysis.report.write import write_report
from analysis.sweep.schema import Phase, State
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.terminal.console import open_console
from experiments.core.terminal.progress import SweepProgress
from experiments.core.terminal.summary import print_result, print_spent
from experiments.trading_sweep import EXPERIMENT


@pytest.fixture
def told(capsys):
    """Prints what a finished sweep is closed with, and gives it."""

    def tell(folder, play=lambda progress: None):
        options = Options(name=folder.name, storage=str(folder.parents[1]))
        plan = Plan.of(EXPERIMENT, options, name=folder.parent.name, question="?")
        progress = SweepProgress(open_console(quiet=True), totals={"search": 1, "confirm": 1})
        play(progress)
        report = write_report(folder, figures=False)
        print_spent(open_console(quiet=False), plan, progress, expected_s=1.0)
        print_result(open_console(quiet=False), plan, report)
        return capsys.readouterr().out

    return tell


def test_commands_for_a_folder_with_brackets_and_blanks_can_be_pasted_into_a_shell(writer, told, tmp_path):
    folder = writer.write_sweep(tmp_path / "[red] [/]" / "trading_sweep" / "x", trials=8, seeds=2)
    commands = told(folder).partition("next:\n")[2].splitlines()
    assert [shlex.split(command) for command in commands] == [
        ["tensorboard", "--logdir", str(folder)],
        ["python", "-m", "analysis", "report", str(folder)],
        ["python", "-m", "experiments", "replay", str(folder)],
    ]


@pytest.mark.parametrize(
    ("before", "now"), [({}, ""), ({"trial_0000": (State.COMPLETED, 0.5)}, "this time ")]
)
def test_steps_and_seconds_are_told_from_runs_of_earlier_starts(writer, told, tmp_path, before, now):
    folder = writer.write_sweep(tmp_path / "trading_sweep" / "x", trials=8, seeds=2)
    for name in ("trial_0004", "trial_0005"):
        (folder / "search" / name / "state.json").unlink()

    def play(progress):
        progress.begin(Phase.SEARCH, 8, ended=before)
        progress.ended("trial_0001", State.COMPLETED, {"objective": 0.7}, None)
        progress.reported("trial_0001", {"steps": 2000})

    counts = f"search: {1 + len(before)} completed, 2 unfinished; {now}2,000 steps in all phases, "
    assert counts in told(folder, play)


def test_confirmation_runs_that_failed_or_diverged_are_said_below_the_verdict(writer, told, tmp_path):
    folder = writer.write_sweep(tmp_path / "trading_sweep" / "x", trials=8)
    for seed, state in enumerate(("failed", "diverged", "diverged")):
        ending = {"state": state, "cause": "RuntimeError: expected one of [low, high]"}
        (folder / "confirm" / f"default_seed{seed}" / "state.json").write_text(json.dumps(ending))
    lines = told(folder).splitlines()
    notes = [line for line in lines if line.startswith("note: ")]
    assert notes == [
        "note: default: 1 confirmation run failed or unfinished, so without a value. "
        "Comparisons use the seeds that both sides have.",
        "note: default: 2 confirmation runs diverged, counted as the floor or as random actions, "
        "whichever is worse.",
    ]
    assert lines.index(notes[-1]) + 1 == lines.index("is the sweep done?")

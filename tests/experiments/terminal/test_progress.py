"""The display counts what happened, in a terminal as one live picture, elsewhere as one line a run."""

import io

import pytest
from rich.console import Console

from analysis.sweep.schema import Phase, State
from experiments.core.terminal.progress import SweepProgress

TOTALS = {Phase.SEARCH: 4, Phase.CONFIRM: 6}


@pytest.fixture
def screen():
    return io.StringIO()


def play(progress):
    """A search of four trials that end in four ways."""
    progress.begin(Phase.SEARCH, 4)
    progress.reported("trial_0000", {"steps": 1000})
    progress.ended("trial_0000", State.COMPLETED, {"steps": 1000, "objective": 0.5}, None)
    progress.reported("trial_0001", {"steps": 1000})
    progress.ended("trial_0001", State.COMPLETED, {"steps": 1000, "objective": 0.75}, None)
    progress.reported("trial_0002", {"steps": 250})
    progress.ended("trial_0002", State.PRUNED, {"steps": 250, "objective": 0.9}, None)
    progress.ended("trial_0003", State.FAILED, {}, "RuntimeError: no")


def test_elsewhere_every_finished_run_is_one_line_with_its_end(screen):
    with SweepProgress(Console(file=screen, width=110), totals=TOTALS) as progress:
        play(progress)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["search", "1/4", "default", "completed", "1,000", "steps", "score", "0.500"]
    assert "trial_0002" in lines[2]
    assert "pruned" in lines[2]
    assert lines[3].endswith("RuntimeError: no")


@pytest.mark.parametrize(
    "cause",
    [
        "FileNotFoundError: no such file [/data/prices.csv]",
        "ValueError: expected one of [low, high]",
        "UserWarning:warning: not a picture",
    ],
)
@pytest.mark.parametrize("quiet", [False, True])
def test_a_cause_is_shown_as_it_is(screen, cause, quiet):
    with SweepProgress(Console(file=screen, width=110, quiet=quiet), totals=TOTALS) as progress:
        progress.begin(Phase.SEARCH, 4)
        progress.restarted("trial_0001", cause)
        progress.ended("trial_0001", State.FAILED, {}, cause)
    assert [cause in line for line in screen.getvalue().splitlines()] == ([] if quiet else [True, True])


def test_in_a_terminal_bars_counts_best_score_and_speed_are_shown(screen):
    console = Console(file=screen, width=110, force_terminal=True)
    progress = SweepProgress(console, totals=TOTALS)
    play(progress)
    console.print(progress._render())
    shown = screen.getvalue()
    for part in (
        "search",
        "4/4",
        "confirm",
        "0/6",
        "1 pruned",
        "1 failed",
        "steps/s",
        "left",
        "best score 0.750",
    ):
        assert part in shown, part
    assert "default 0.500" in shown


def test_what_was_done_before_this_process_is_told_from_what_it_does():
    progress = SweepProgress(Console(quiet=True), totals=TOTALS)
    progress.begin(Phase.SEARCH, 4)
    assert not progress.goes_on
    before = {"trial_0001": 1500, "trial_0002": 1500}
    progress.begin(Phase.SEARCH, 4, ended={"trial_0000": (State.COMPLETED, 0.5)}, under_way=before)
    assert progress.goes_on
    assert progress.steps == 0
    progress.restarted("trial_0002", "it is damaged")
    for run in before:
        progress.reported(run, {"steps": 2000})
    assert progress.steps == 500 + 2000


def test_counts_are_kept_by_phase_and_state():
    progress = SweepProgress(Console(quiet=True), totals=TOTALS)
    play(progress)
    assert progress.count(Phase.SEARCH, State.COMPLETED) == 2
    assert progress.count(Phase.CONFIRM, State.COMPLETED) == 0
    assert progress.steps == 2250


def test_an_ablation_counts_once_it_has_begun():
    screen = io.StringIO()
    with SweepProgress(Console(file=screen, width=110), totals=TOTALS, ablation=150) as progress:
        progress.begin(Phase.CONFIRM, 108)
        for run in ("default_seed0", "trial_0001_seed0", "ablation_00_seed0", "ablation_00_seed1"):
            progress.ended(run, State.COMPLETED, {"steps": 10, "objective": 0.5}, None)
    counts = [line.split()[1] for line in screen.getvalue().splitlines() if "completed" in line]
    assert counts == ["1/108", "2/108", "3/152", "4/152"]

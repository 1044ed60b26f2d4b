"""What is kept of a run that failed: that it did, and of what, in one line."""

import traceback
from types import SimpleNamespace

import pytest
from rich.console import Console

from analysis.sweep.runs import finished_runs, unfinished_runs
from analysis.sweep.schema import Phase
from experiments.core.terminal.progress import SweepProgress
from experiments.core.tuning.callbacks import Recorder, failure_cause


class Licence(Exception):
    """An error of a user's own."""


def cause_of(tmp_path, text):
    written = tmp_path / "error.txt"
    written.write_text(f"Failure # 1 (occurred at 2026-11-20_19-42-06)\n{text}")
    return failure_cause(SimpleNamespace(error_file=str(written)))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("no steps left"), "RuntimeError: no steps left"),
        (
            ValueError("the simulator lost its licence\nsecond line"),
            "ValueError: the simulator lost its licence second line",
        ),
        (ValueError("found:\n\n    a: 1\n  b: 2\nexpected: c"), "ValueError: found: a: 1 b: 2 expected: c"),
        (KeyError(), "KeyError"),
    ],
)
def test_the_cause_of_a_failure_is_the_exception_with_its_whole_message(tmp_path, error, cause):
    def fails():
        raise error

    try:
        fails()
    except type(error):
        # As Ray writes what a process of its own raised.
        raised = traceback.format_exc().replace("Traceback (most recent call last):", "ray::PPOTrial.train()")
    assert cause_of(tmp_path, raised) == cause


def test_of_an_exception_that_came_of_another_one_the_last_is_the_cause(tmp_path):
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise Licence("lost\nfor good") from error
    except Licence:
        cause = cause_of(tmp_path, traceback.format_exc())
    assert cause.endswith("Licence: lost for good")
    assert "first" not in cause


def test_a_process_that_died_says_so(tmp_path):
    said = "The actor died unexpectedly before its end.\n\tclass_name: PPOTrial\nThe node is gone."
    assert cause_of(tmp_path, said) == "The node is gone."
    assert failure_cause(SimpleNamespace(error_file=None)) == "the process of the run died"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_run_whose_process_dies_with_the_sweep_is_unfinished_and_any_other_has_failed(
    tmp_path, interrupted
):
    display = SweepProgress(Console(quiet=True), totals={Phase.SEARCH: 1})
    display.begin(Phase.SEARCH, 1)
    recorder = Recorder(tmp_path, 100, display)
    trial = SimpleNamespace(
        trial_id="a", config={"config_id": "trial_0001", "seed": 1, "lr": 0.1}, error_file=None
    )
    recorder.on_trial_start(0, [], trial)
    recorder.interrupted = interrupted
    recorder.on_trial_error(0, [], trial)
    assert [run.name for run in unfinished_runs(tmp_path)] == ["trial_0001"] * interrupted
    assert [run.state for run in finished_runs(tmp_path)] == ["failed"] * (not interrupted)

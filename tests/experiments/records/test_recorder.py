"""What is kept of a run that failed: that it did, and of what, in one line."""

import io
import os
import subprocess
import sys
import traceback
from types import SimpleNamespace

import pytest
from rich.console import Console

from analysis.sweep.runs import finished_runs, unfinished_runs
from analysis.sweep.schema import Phase
from experiments.core.records.lost import (
    cause_of_loss,
    forget_loss,
    open_dump,
    remove_empty_files,
    write_cause_of_loss,
)
from experiments.core.records.run_errors import RunError, os_error_in, run_error
from experiments.core.terminal.progress import SweepProgress
from experiments.core.tuning import callbacks
from experiments.core.tuning.callbacks import Recorder


class Licence(Exception):
    """An error of a user's own."""


def cause_of(tmp_path, text):
    written = tmp_path / "error.txt"
    written.write_text(f"Failure # 1 (occurred at 2026-11-20_19-42-06)\n{text}")
    error = run_error(str(written))
    return error.cause, error.is_loss


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
    assert cause_of(tmp_path, raised) == (cause, False)


def test_of_an_exception_that_came_of_another_one_the_last_is_the_cause(tmp_path):
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise Licence("lost\nfor good") from error
    except Licence:
        cause, died = cause_of(tmp_path, traceback.format_exc())
    assert not died
    assert cause.endswith("Licence: lost for good")
    assert "first" not in cause


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "The actor died unexpectedly before its end.\n\tclass_name: PPOTrial\nThe node is gone.",
            "its process died",
        ),
        (
            "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR",
            "its process died (killed, or ended by os._exit)",
        ),
        ("The actor died because its node has died. Node Id: 0f", "its node died"),
        (
            "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 1.2.3.4, "
            "ID: 9) was 1.73GB used / 23.54GB limit (0.07)\nOOM kill reason: Memory usage",
            "out of memory, 1.73GB of 23.54GB were used",
        ),
        ("Task was killed due to the node running low on memory.\nMemory: 15 GB", "out of memory"),
        # What it was lost of before stands above.
        (
            "Task was killed due to the node running low on memory.\n"
            "Failure # 1 (occurred at 2026-11-20_19-42-09)\nThe actor died unexpectedly.",
            "its process died",
        ),
    ],
)
def test_a_process_that_died_is_told_from_an_exception(tmp_path, said, cause):
    assert cause_of(tmp_path, said) == (cause, True)
    assert run_error(None) == RunError(cause="its process died", is_loss=True)


@pytest.fixture
def recorded(tmp_path):
    """Records of one run under way: its folder, what ends it with an error, and what was printed of it."""
    printed = io.StringIO()
    display = SweepProgress(Console(file=printed, width=200), totals={Phase.SEARCH: 1})
    display.begin(Phase.SEARCH, 1)
    recorder = Recorder(tmp_path, 100, display)
    trial = SimpleNamespace(
        trial_id="a", config={"config_id": "trial_0001", "seed": 1, "lr": 0.1}, error_file=None
    )
    recorder.on_trial_start(0, [], trial)

    def fail(text=None, *, interrupted=False):
        if text is not None:
            trial.error_file = str(tmp_path / "error.txt")
            (tmp_path / "error.txt").write_text(text)
        recorder.interrupted = interrupted
        recorder.on_trial_error(0, [], trial)
        return printed.getvalue()

    yield SimpleNamespace(folder=tmp_path / Phase.SEARCH, fail=fail, recorder=recorder, trial=trial)
    recorder.on_experiment_end([])


RAISED = 'ray::PPOTrial.train()\n  File "/my/trial.py", line 3, in step\n    raise KeyError\nKeyError: 3\n'


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_run_whose_process_dies_is_unfinished_and_one_that_raises_has_failed_unless_all_stops(
    recorded, interrupted
):
    recorded.fail(interrupted=interrupted)
    assert [run.name for run in unfinished_runs(recorded.folder)] == ["trial_0001"]
    recorded.recorder.on_trial_start(0, [], recorded.trial)
    recorded.fail(RAISED, interrupted=interrupted)
    assert [run.name for run in unfinished_runs(recorded.folder)] == ["trial_0001"] * interrupted
    assert [run.cause for run in finished_runs(recorded.folder)] == ["KeyError: 3"] * (not interrupted)


def test_a_run_that_was_lost_goes_on_as_often_as_it_may_and_is_then_left_unfinished(recorded):
    run, recorder = recorded.folder / "trial_0001", recorded.recorder
    recorder.retries = 2
    for attempt in (1, 2):
        recorded.trial.trial_id = f"a{attempt}"
        recorder.on_trial_start(0, [], recorded.trial)
        (run / "unfinished.ckpt").write_text("state")
        said = recorded.fail().splitlines()[-1]
        assert said.endswith(f"is lost: its process died; it goes on from what it saved (attempt {attempt})")
        assert {path.name for path in run.iterdir()} == {"params.json", "unfinished.ckpt"}
        assert recorder.lost == {"a1", "a2"} if attempt == 2 else {"a1"}
    recorded.trial.trial_id = "a3"
    recorder.on_trial_start(0, [], recorded.trial)
    assert "the same command with --name goes on with it" in recorded.fail().splitlines()[-1]
    assert "a3" not in recorder.lost
    assert [run.name for run in unfinished_runs(recorded.folder)] == ["trial_0001"]


def test_why_a_process_ended_itself_is_said_and_kept_until_the_run_goes_on(recorded):
    run = recorded.folder / "trial_0001"
    write_cause_of_loss(run, "step has not come back for 60 s (my_env.py:12)")
    said = recorded.fail()
    assert "trial_0001 is lost: step has not come back for 60 s (my_env.py:12); the same command" in said
    assert cause_of_loss(run) == "step has not come back for 60 s (my_env.py:12)"
    recorded.recorder.on_trial_start(0, [], recorded.trial)
    assert cause_of_loss(run) is None


def test_a_process_that_ends_without_a_word_leaves_what_it_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stuck = "import faulthandler, itertools, sys\n"
    stuck += "faulthandler.dump_traceback_later(0.2, exit=True, file=int(sys.argv[1]))\n"
    crash = "import ctypes, faulthandler, sys\nfaulthandler.enable(int(sys.argv[1]))\n"
    ends = {stuck + "sum(itertools.repeat(0))\n": "a call that holds Python's lock has not come back"}
    ends[crash + "ctypes.string_at(0)\n"] = "its process crashed: Segmentation fault"
    for program, said in ends.items():
        (tmp_path / "my_env.py").write_text(program)
        dump = open_dump(tmp_path)
        assert cause_of_loss(tmp_path) is None
        forget_loss(tmp_path)  # the file is the process's as long as it is empty
        called = [sys.executable, "my_env.py", str(dump)]
        assert subprocess.run(called, pass_fds=[dump], check=False).returncode != 0
        os.close(dump)
        remove_empty_files(tmp_path)
        assert cause_of_loss(tmp_path) == f"{said} (my_env.py:3)"
        forget_loss(tmp_path)
    os.close(open_dump(tmp_path))
    remove_empty_files(tmp_path)
    assert not [*tmp_path.glob("lost*")]


def test_a_run_of_which_nothing_is_heard_is_named_once_for_each_time_that_is_too_long(monkeypatch):
    clock = iter([0.0, 2.0, 3.0, 62.0, 63.0, 64.0, 122.0, 124.0, 125.0])
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: next(clock))
    silences = callbacks.Silences()
    silences.heard("trial_0001")
    assert silences.expected_s is None
    silences.heard("trial_0001", result=True)
    assert silences.expected_s == 2.0
    assert [silences.broken() for _ in range(6)] == [
        [], [], [("trial_0001", 61.0)], [], [], [("trial_0001", 122.0)],
    ]  # fmt: skip
    silences.over("trial_0001")
    assert silences.broken() == []


@pytest.mark.parametrize(
    ("raised", "is_loss", "number"),
    [
        ("OSError: [Errno 28] No space left on device: '/disk/run'", True, 28),
        ("OSError: [Errno 28] Error writing bytes to file. Detail: [errno 28] No space left", True, 28),
        ("OSError: [Errno 30] Read-only file system: '/disk'", True, 30),
        ("OSError: [Errno 24] Too many open files: '/my/map.npz'", True, None),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3. TiB", True, None),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'map.npz'", False, None),
        ("ValueError: [Errno 28] is what I say", False, None),
    ],
)
def test_an_error_of_the_machine_is_a_loss_and_one_of_its_disk_is_known_as_such(
    tmp_path, raised, is_loss, number
):
    (tmp_path / "error.txt").write_text(RAISED.replace("KeyError: 3", raised))
    error = run_error(str(tmp_path / "error.txt"))
    assert (error.is_loss, error.of_storage and error.of_storage.errno) == (is_loss, number)
    assert error.cause == raised


def test_what_tune_makes_text_of_is_an_error_of_the_operating_system_again():
    told = 'Traceback (most recent call last):\n  File "a.py", line 1\n'
    error = os_error_in(f"{told}FileNotFoundError: [Errno 2] No such file or directory: '/disk/x'\n")
    assert (type(error), error.filename) == (FileNotFoundError, "/disk/x")
    assert os_error_in(f"{told}ValueError: [Errno 2] No such file or directory: '/disk/x'\n") is None
    assert os_error_in("") is None


def test_records_that_cannot_be_written_end_the_phase_and_no_run(recorded, tmp_path):
    recorder = recorded.recorder
    recorder.on_step_end(0, [])
    taken = tmp_path.with_name(f"{tmp_path.name}-taken")
    tmp_path.rename(taken)
    tmp_path.mkdir()
    recorded.trial.last_result = {"steps": 100}
    with pytest.raises(FileNotFoundError, match="the sweep's folder was taken away"):
        recorder.on_step_end(0, [])
    recorder.on_trial_complete(0, [], recorded.trial)
    assert not [*tmp_path.iterdir()]
    assert [run.name for run in unfinished_runs(taken / Phase.SEARCH)] == ["trial_0001"]

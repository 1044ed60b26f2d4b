"""Every environment that a command makes is closed once when it is done with; no simulator outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Whole commands, and the longest ones train.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DATA = Path(__file__).parents[1] / "data"
ENV = "simulator_env:tests/Simulated-v0"


class Diary:
    """What the environments of a command wrote down."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def read(self):
        return [path.read_text().split() for path in self.folder.iterdir()]

    def simulators(self):
        """Those that are running."""
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.folder).encode() in process.read_bytes().split(b"\0"):
                    found.append(int(process.parent.name))
            except OSError:  # it has just ended
                continue
        return found

    def check_none_runs(self, *, within_s=0.0):
        deadline = time.monotonic() + within_s
        while self.simulators() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not self.simulators()

    def check_all_over(self, *, within_s=0.0):
        self.check_none_runs(within_s=within_s)
        notes = self.read()
        assert notes
        assert {each.count("made") for each in notes} == {1}
        assert {each.count("closed") for each in notes} == {1}
        return notes


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path / "diary")


@pytest.fixture
def start(diary):
    """Starts a command of a user's, in the folder of their environment."""

    def start(*arguments, vectorization="auto", **parameters):
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=DATA,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Whoever runs in the background may have been started with Ctrl-C ignored, which is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "SIMULATOR_DIARY": str(diary.folder),
                "SIMULATOR_VECTORIZATION": vectorization,
                "SIMULATOR_PARAMETERS": json.dumps(parameters),
            },
        )

    return start


def processes_of(diary, name):
    """Processes of the command that has this diary, whose command line holds a name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if name in (process / "cmdline").read_bytes() and (
                f"SIMULATOR_DIARY={diary}".encode() in (process / "environ").read_bytes().split(b"\0")
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for(reached, running):
    deadline = time.monotonic() + 300
    while not reached():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def finish(process):
    out, err = process.communicate(timeout=400)
    assert "Traceback" not in err, err
    return process.returncode, out + err


@pytest.mark.parametrize("at_reset", ["false", "true"])
def test_the_checker_closes_all_it_made(start, diary, at_reset):
    code, said = finish(start("-m", "envs.check", ENV, f"at_reset={at_reset}", "--steps", "50"))
    assert code == 0, said
    assert len(diary.check_all_over()) > 3


def test_the_checker_closes_all_it_made_when_the_environment_raises(start, diary):
    code, said = finish(start("-m", "envs.check", ENV, "raises_at=4", "--steps", "50"))
    assert code == 1
    assert "the simulator lost its balance" in said
    diary.check_all_over()


@pytest.mark.parametrize("vectorization", ["auto", "async"])
@pytest.mark.parametrize("at_reset", [False, True])
def test_a_check_of_an_experiment_closes_all_it_made(start, diary, vectorization, at_reset):
    running = start("simulator_sweep.py", "--check", vectorization=vectorization, at_reset=at_reset)
    code, said = finish(running)
    assert code == 0, said
    diary.check_all_over()


@pytest.mark.parametrize("vectorization", ["auto", "async"])
@pytest.mark.parametrize("fault", ["raises_at", "exits_at"])
def test_a_check_that_is_refused_closes_all_it_made(start, diary, vectorization, fault):
    code, said = finish(start("simulator_sweep.py", "--check", vectorization=vectorization, **{fault: 7}))
    assert code == 2, said
    cause = "the simulator lost its balance" if fault == "raises_at" else "the licence has run out"
    assert cause in said
    diary.check_all_over()


@pytest.mark.parametrize(
    ("vectorization", "moment"), [("auto", "lanes"), ("async", "lanes"), ("async", "server")]
)
def test_a_check_that_is_interrupted_closes_all_it_made(start, diary, vectorization, moment):
    # What interrupts a constructor leaves nothing that could be closed, so it starts nothing here.
    running = start("simulator_sweep.py", "--check", vectorization=vectorization, at_reset=True)
    if moment == "server":  # the one that forks lanes, which begins to import what they need
        wait_for(lambda: processes_of(diary.folder, b"multiprocessing.forkserver"), running)
    else:  # the checker's is done with, and both lanes are made
        wait_for(lambda: len(diary.read()) >= 3, running)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    code, said = finish(running)
    assert code == 130, said
    assert all(each.count("closed") == each.count("made") for each in diary.read())
    diary.check_none_runs(within_s=10)
    deadline = time.monotonic() + 30
    while processes_of(diary.folder, b""):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("vectorization", "parameters"),
    [("auto", {"at_reset": True, "close_raises": True}), ("async", {"close_raises": True})],
)
def test_a_sweep_and_its_replay_close_all_they_made(start, diary, tmp_path, vectorization, parameters):
    storage = tmp_path / "results"
    arguments = ("--name", "x", "--storage", storage, "--concurrency", 1)
    code, said = finish(start("simulator_sweep.py", *arguments, vectorization=vectorization, **parameters))
    assert code == 0, said
    assert "search: 2 completed" in said
    fault = "note: Simulated raises in close RuntimeError: the simulator had left already (simulator_env.py:"
    assert said.count(fault) == ("close_raises" in parameters)
    made = len(diary.check_all_over(within_s=10))
    code, said = finish(
        start("-m", "experiments", "replay", storage / "simulator_sweep" / "x", "--episodes", 3)
    )
    assert code == 0, said
    assert len(diary.check_all_over()) > made


def test_nothing_is_held_any_longer_by_a_program_whose_check_or_replay_is_over(start, diary, tmp_path):
    arguments = ("--storage", tmp_path, "--name", "x", "--trials", 1, "--concurrency", 1)
    code, said = finish(start("simulator_sweep.py", *arguments))
    assert code == 0, said
    code, said = finish(start("held_handles.py", tmp_path / "simulator_sweep" / "x"))
    assert code == 0, said
    # What is opened once and for all, of Python's and its libraries, is there the second time.
    for line in said.splitlines():
        if line.startswith("held: "):
            first, second = line.removeprefix("held: ").split(" / ")
            assert first == second, said
    assert said.count("held: ") == 5
    diary.check_all_over()


def wait_for_training(running, folder):
    wait_for(lambda: any(folder.glob("simulator_sweep/x/search/*/progress.csv")), running)


@pytest.mark.parametrize("vectorization", ["auto", "async"])
def test_no_simulator_outlives_the_processes_that_train_where_they_are_killed(
    start, diary, tmp_path, vectorization
):
    arguments = ("--storage", tmp_path, "--name", "x", "--steps-per-trial", 500_000, "--concurrency", 1)
    running = start("simulator_sweep.py", *arguments, vectorization=vectorization)
    wait_for_training(running, tmp_path)
    before = set(diary.simulators())
    assert before
    for process in processes_of(diary.folder, b"ray::"):
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while before & set(diary.simulators()) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = before & set(diary.simulators())
    running.send_signal(signal.SIGTERM)
    finish(running)
    assert not left


@pytest.mark.parametrize(("number", "vectorization"), [(signal.SIGTERM, "auto"), (signal.SIGINT, "async")])
def test_a_sweep_that_is_told_to_stop_closes_all_it_made(start, diary, tmp_path, number, vectorization):
    # Two evaluations in many million steps: nothing would end by itself soon.
    arguments = ("--storage", tmp_path, "--name", "x", "--steps-per-trial", 50_000_000)
    running = start("simulator_sweep.py", *arguments, vectorization=vectorization)
    wait_for(lambda: any(tmp_path.glob("simulator_sweep/x/search/*/params.json")), running)
    time.sleep(2)  # until training has begun; whatever is under way then is closed all the same
    running.send_signal(number)
    code, said = finish(running)
    assert code == 128 + number, said
    diary.check_all_over(within_s=10)
    assert not [*tmp_path.rglob(".stop")]

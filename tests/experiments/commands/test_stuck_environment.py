"""An environment that never comes back ends neither the check's patience nor a sweep beside it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.core.preflight import witness

# Whole commands, each waiting for a time limit.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DATA = Path(__file__).parents[1] / "data"
PLACE = r"\(stuck_env\.py:\d+\)"


@pytest.fixture
def start(run_python, tmp_path):
    """Runs the sweep of an environment that gets stuck, with a short time for its check."""

    def start(*arguments, vectorization="auto", once=None, check_s="3", environment=(), **parameters):
        env = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "STUCK_CHECK_S": check_s,
            "STUCK_PARAMETERS": json.dumps(parameters),
            "STUCK_VECTORIZATION": vectorization,
            "STUCK_TEST": str(tmp_path),
            **dict(environment),
        }
        if once is not None:
            env["STUCK_ONCE"] = str(once)
        return run_python("stuck_sweep.py", *arguments, cwd=DATA, env=env)

    return start


@pytest.fixture
def none_is_left(tmp_path):
    """Waits for the end of all processes that a command has started, which inherit a variable of it."""

    def processes():
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"STUCK_TEST={tmp_path}".encode() in environ.read_bytes().split(b"\0"):
                    found.append((environ.parent / "cmdline").read_bytes())
            except OSError:  # it has just ended
                continue
        return found

    def none_is_left():
        deadline = time.monotonic() + 10
        while processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not processes()

    return none_is_left


@pytest.mark.parametrize(
    "parameters",
    [
        {"at": 3},
        {"at": 3, "how": "loops"},
        {"at": 3, "how": "swallows"},
        {"reset": True},
        {"constructor": True},
        {"closing": True},
        {"at": 3, "how": "holds"},
        {"constructor": True, "how": "holds"},
        {"at": 3, "vectorization": "async"},
        {"at": 3, "how": "holds", "vectorization": "async"},
    ],
    ids=str,
)
def test_a_check_of_a_call_that_never_comes_back_ends_and_names_the_line(start, none_is_left, parameters):
    done = start("--check", **parameters)
    assert done.returncode == 2
    assert done.stdout == "" or done.stdout.startswith("checking: ")
    (said,) = done.stderr.splitlines()
    assert "stuck_env:tests/Stuck-v0 has not ended after 3 s" in said
    assert "declare check_s=... in the experiment" in said
    assert re.search(r"\(stuck_env\.py:\d+\)", said)
    none_is_left()


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("crashes", -signal.SIGSEGV, r"crashed this process: Segmentation fault \(stuck_env\.py:\d+\)"),
        ("leaves", 3, "ended this process without a word"),
    ],
)
def test_a_check_whose_process_is_ended_by_the_environment_says_so(start, none_is_left, how, code, said):
    done = start("--check", at=3, how=how)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert re.match(f"error: playing in stuck_env:tests/Stuck-v0 {said}: a run would end there, too", line)
    none_is_left()


def test_a_witness_of_a_process_that_is_gone_already_leaves_all_others_alone(tmp_path):
    gone = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    with (
        subprocess.Popen(["sleep", "600"]) as bystander,
        (tmp_path / "dump").open("w+b") as dump,
    ):
        asked = [sys.executable, "-P", witness.__file__, str(dump.fileno()), gone]
        said = subprocess.run(
            asked,
            pass_fds=(dump.fileno(),),
            input=b'{"doing": "playing", "seconds": 7}\n',
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        )
        assert said.stderr.decode() == (
            "error: playing ended this process without a word: a run would end there, too\n"
        )
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.parametrize(
    ("vectorization", "hows", "causes"),
    [
        (
            "auto",
            "holds crashes killed passes passes leaves",
            [
                rf"a call that holds Python's lock has not come back {PLACE}",
                rf"its process crashed: Segmentation fault {PLACE}",
                r"its process died \(killed, or ended by os._exit\)",
                r"its process died \(killed, or ended by os._exit\)",
            ],
        ),
        ("async", "holds", [rf"step has not come back for 5 s {PLACE}"]),
    ],
)
def test_runs_that_are_stuck_are_lost_and_go_on_at_once(
    start, none_is_left, tmp_path, vectorization, hows, causes
):
    common = ("--storage", tmp_path, "--name", "x", "--concurrency", 1)
    once = [tmp_path / str(number) for number, _ in enumerate(hows.split())]
    stuck = {"at": 450, "how": hows, "once": os.pathsep.join(map(str, once)), "vectorization": vectorization}
    first = start(*common, **stuck, check_s="60")
    assert first.returncode == 0, first.stderr
    lost = [line for line in first.stdout.splitlines() if " is lost: " in line]
    # The third attempt comes through with both lanes, and the next process trains another run.
    for number, (line, cause) in enumerate(zip(lost, causes, strict=True)):
        run, attempt = ("default", "trial_0001")[number // 3], number % 3 + 1
        assert re.fullmatch(rf"{run} is lost: {cause}; it goes on .* \(attempt {attempt}\)", line)
    assert "search: 3 completed" in first.stdout
    assert "(raylet)" not in first.stdout
    assert not [*tmp_path.rglob("lost.txt")]
    none_is_left()


def test_a_sweep_of_which_every_run_is_stuck_says_so_and_leaves_nothing_running(start, tmp_path):
    done = start(
        "--storage", tmp_path, "--name", "x", "--trials", 1, "--concurrency", 1, at=450, check_s="60"
    )
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("error: every trial was lost; the first cause: step has not come back for 5 s")
    lines = [line for line in done.stdout.splitlines() if line.startswith("default is lost: step has not")]
    assert [line.partition("; ")[2] for line in lines] == [
        *(f"it goes on from what it saved (attempt {attempt})" for attempt in (1, 2, 3)),
        "the same command with --name goes on with it",
    ]


def test_runs_that_take_too_much_memory_are_lost_and_the_cause_says_how_much_there_is(start, tmp_path):
    done = start(
        "--storage", tmp_path, "--name", "x", "--trials", 2, "--concurrency", 1, check_s="60",
        # Ray's monitor ends trials as soon as more than that share of the memory is used.
        environment={"RAY_memory_usage_threshold": "0.0001", "RAY_memory_monitor_refresh_ms": "100"},
    )  # fmt: skip
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    cause = r"out of memory, [\d.]+[GM]B of [\d.]+[GM]B were used"
    assert re.fullmatch(rf"error: every trial was lost; the first cause: {cause}", said)
    assert len(re.findall(rf"^default is lost: {cause}; ", done.stdout, re.MULTILINE)) == 4

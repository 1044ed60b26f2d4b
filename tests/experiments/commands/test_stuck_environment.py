"""An environment that never comes back ends neither the check's patience nor a sweep beside it."""

import json
import os
import sys
from pathlib import Path

import pytest

# Whole commands, each waiting for a time limit.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def start(run_python, tmp_path):
    """Runs the sweep of an environment that gets stuck, with a short time for its check."""

    def start(*arguments, vectorization="auto", once=None, check_s="3", **parameters):
        env = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "STUCK_CHECK_S": check_s,
            "STUCK_PARAMETERS": json.dumps(parameters),
            "STUCK_VECTORIZATION": vectorization,
        }
        if once is not None:
            env["STUCK_ONCE"] = str(once)
        return run_python("stuck_sweep.py", *arguments, cwd=DATA, env=env)

    return start


@pytest.mark.parametrize(
    "parameters",
    [
        {"at": 3},
        {"at": 3, "how": "loops"},
        {"at": 3, "how": "swallows"},
        {"reset": True},
        {"constructor": True},
        {"at": 3, "vectorization": "async"},
    ],
    ids=str,
)
def test_a_check_of_a_call_that_never_comes_back_ends_and_names_the_line(start, parameters):
    done = start("--check", **parameters)
    assert done.returncode == 2
    assert done.stdout == "" or done.stdout.startswith("checking: ")
    (said,) = done.stderr.splitlines()
    assert "stuck_env:tests/Stuck-v0 has not ended after 3 s" in said
    assert "declare check_s=... in the experiment" in said
    # What waits in another process is not this one's line.
    assert ("(stuck_env.py:" in said) == ("vectorization" not in parameters)


def test_a_run_that_is_stuck_is_lost_the_others_go_on_and_the_same_command_goes_on_with_it(start, tmp_path):
    common = ("--storage", tmp_path, "--name", "x", "--concurrency", 1)
    first = start(*common, at=450, once=tmp_path / "once", check_s="60")
    assert first.returncode == 0, first.stderr
    assert "default is lost: step has not come back for 5 s (stuck_env.py:" in first.stdout
    assert "search: 2 completed, 1 unfinished" in first.stdout
    assert "(raylet)" not in first.stdout
    again = start(*common, at=450, once=tmp_path / "once", check_s="60")
    assert again.returncode == 0, again.stderr
    assert "search: 3 completed" in again.stdout


def test_a_sweep_of_which_every_run_is_stuck_says_so_and_leaves_nothing_running(start, tmp_path):
    done = start("--storage", tmp_path, "--name", "x", "--concurrency", 2, at=450, check_s="60")
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("error: every trial was lost; the first cause: step has not come back for 5 s")

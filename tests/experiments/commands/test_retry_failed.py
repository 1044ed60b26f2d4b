"""What has failed is tried again when that is asked for, or when its code has changed; never silently."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from analysis.sweep.loading import load_sweep

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[1] / "data"
CAUSE = "RuntimeError: =1+1 ?[31m gone?? (stuck_env.py:"
"""What the environment raises, without the characters that a terminal would obey."""


@pytest.fixture
def command(run_python, tmp_path):
    """Runs the sweep in a copy of its folder, in which the first processes to come to a step fail."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("stuck_env.py", "stuck_sweep.py"):
        shutil.copy(DATA / name, folder)
    # The first of three trials and the first run of the confirmation, and the second of those two once more.
    # Each of the two lanes of a run that goes on comes to the step.
    hows = ["raises", *["passes"] * 4, "raises", *["passes"] * 6, "raises"]
    env = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "STUCK_CHECK_S": "60",
        "STUCK_PARAMETERS": json.dumps({"at": 450, "how": " ".join(hows)}),
        "STUCK_ONCE": os.pathsep.join(str(tmp_path / str(number)) for number in range(len(hows))),
    }

    def command(*arguments):
        common = ("--storage", tmp_path, "--name", "x", "--concurrency", 1)
        done = run_python("stuck_sweep.py", *common, *arguments, cwd=folder, env=env)
        assert done.returncode == 0, done.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)
        return done.stdout

    return command


def states(folder):
    sweep = load_sweep(folder)
    runs = [*sweep.trials.to_dict("records"), *sweep.confirmation.to_dict("records")]
    return {run["trial_id"]: run["state"] for run in runs}


def test_failed_runs_are_tried_again_when_asked_for_and_when_their_code_has_changed(command, tmp_path):
    folder = tmp_path / "stuck_sweep" / "x"
    first = command()
    failed = {name for name, state in states(folder).items() if state == "failed"}
    assert failed == {"trial_0000", "rllib_seed0"}
    way = "--name x --concurrency 1 --retry-failed"
    assert first.splitlines()[-1].startswith("2 of 6 runs failed; to try again: ")
    assert first.splitlines()[-1].endswith(way)
    assert first.count(CAUSE) == 2
    records = {name: next(folder.glob(f"*/{name}/state.json")).read_text() for name in failed}
    assert all(CAUSE in json.loads(text)["cause"] for text in records.values())

    silent = command()
    assert "nothing is left to run" in silent
    assert silent.splitlines()[-1].endswith(way)

    asked = command("--retry-failed")
    for name in failed:
        said = f"{name}: it failed and is trained again, as --retry-failed asks for it; what is there is set "
        assert f"{said}aside as {name}.set-aside-1" in asked
        assert next(folder.glob(f"*/{name}.set-aside-1/state.json")).read_text() == records[name]
    assert [name for name, state in states(folder).items() if state == "failed"] == ["rllib_seed0"]
    assert asked.splitlines()[-1].startswith("1 of 6 runs failed; to try again: ")
    assert asked.splitlines()[-1].count("--retry-failed") == 1
    kept = {path: path.read_text() for path in folder.glob("*/*/state.json")}

    with (tmp_path / "mine" / "stuck_env.py").open("a") as file:
        file.write("# mended\n")
    said = "rllib_seed0: it failed and is trained again, as stuck_env.py changed since; what is there is set "
    assert f"{said}aside as rllib_seed0.set-aside-2" in command("--check")
    assert kept == {path: path.read_text() for path in folder.glob("*/*/state.json")}
    mended = command()
    assert said in mended
    assert "runs failed" not in mended
    assert set(states(folder).values()) == {"completed"}
    del kept[folder / "confirm" / "rllib_seed0" / "state.json"]
    assert kept.items() <= {path: path.read_text() for path in folder.glob("*/*/state.json")}.items()

"""One process works in a folder at a time, and nobody is kept out by one that has ended."""

import fcntl
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.core.commands.claim import claimed
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.records.lock import LOCK_FILE, sole_use
from experiments.trading_sweep import EXPERIMENT

TRADING_SWEEP = "experiments/trading_sweep.py"
HOLD = """
import sys, time
from pathlib import Path
from experiments.core.records.lock import sole_use
with sole_use(Path(sys.argv[1]), way_out="go away"):
    print("held", flush=True)
    time.sleep(600)
"""


def plan_of(tmp_path, **options):
    return Plan.of(EXPERIMENT, Options(storage=str(tmp_path), **options), name="trading_sweep", question="?")


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def holder():
    """Starts processes that each work in a folder, and ends what is left of them."""
    started = []

    def hold(folder):
        # With the path of this process: the script is no file of the repository.
        code = f"import sys; sys.path[:0] = {sys.path!r}\n{HOLD}"
        started.append(
            subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
        )
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_the_same_sweep_is_not_started_twice_at_once(run_here, holder, tmp_path):
    folder = tmp_path / "trading_sweep" / "x"
    running = folder / "search" / "trial_0000"
    running.mkdir(parents=True)
    for name in ("params.json", "result.json", "events.out.tfevents.1"):
        (running / name).write_text("{}")
    process = holder(folder)
    before = content(folder)
    done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--name", "x")
    assert done.returncode == 2
    assert f"error: {folder} is in use by process {process.pid} on " in done.stderr
    assert "wait for its end or stop it, or choose another --name" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert content(folder) == before


def test_a_sweep_that_runs_can_be_checked(run_here, holder, tmp_path):
    folder = tmp_path / "trading_sweep" / "x"
    holder(folder)
    before = content(folder)
    done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--name", "x", "--smoke", "--check")
    assert done.returncode == 0, done.stderr
    assert content(folder) == before


def test_a_killed_process_keeps_nobody_out(holder, tmp_path):
    folder = tmp_path / "x"
    process = holder(folder)
    with pytest.raises(UserError, match="is in use by"), sole_use(folder, way_out="wait"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with sole_use(folder, way_out="wait"):
        assert [path.name for path in folder.iterdir()] == [LOCK_FILE]


def test_no_lock_is_left_behind_and_no_folder_in_which_nothing_was_written(tmp_path):
    with claimed(plan_of(tmp_path / "results", name="x")):
        pass
    assert list(tmp_path.iterdir()) == []
    with claimed(plan_of(tmp_path / "results", name="x")) as plan:
        (plan.folder / "manifest.json").touch()
    assert [path.name for path in plan.folder.iterdir()] == ["manifest.json"]


def test_sweeps_without_a_name_that_start_in_the_same_second_have_folders_of_their_own(tmp_path):
    plan = plan_of(tmp_path)
    with claimed(plan) as first, claimed(plan) as second, claimed(plan) as third:
        assert first.sweep == plan.sweep
        assert [second.sweep, third.sweep] == [f"{plan.sweep}_2", f"{plan.sweep}_3"]
        assert len({first.folder, second.folder, third.folder}) == 3


def test_a_lock_that_its_holder_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    flock, opened = fcntl.flock, []

    def slow(lock, operation):
        opened.append(lock)
        if len(opened) == 1:  # between opening the file and locking it
            (tmp_path / LOCK_FILE).unlink()
        flock(lock, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    with sole_use(tmp_path, way_out="wait"):
        assert len(opened) == 2
        assert (tmp_path / LOCK_FILE).read_text().startswith("process ")
        with pytest.raises(UserError, match="is in use by"), sole_use(tmp_path, way_out="wait"):
            pass


def test_where_the_file_system_has_no_locks_work_goes_on(tmp_path, monkeypatch):
    def unsupported(lock, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with sole_use(tmp_path / "x", way_out="wait"):
        assert Path(tmp_path / "x").is_dir()


def test_the_same_seeds_are_not_retrained_twice_at_once(run_here, writer, holder, tmp_path):
    folder = writer.write_sweep(tmp_path / "x", trials=8)
    best = {
        "config_id": "default", "configuration": writer.DEFAULTS, "env": EXPERIMENT.env, "env_parameters": {},
        "test_parameters": {}, "fixed": {}, "training": {"steps": 4096, "lanes": 8, "trainer": "fast"},
        "evaluation": {"episodes": 8, "evaluations": 4}, "seeds": {"root": 0},
    }  # fmt: skip
    (folder / "best.yaml").write_text(json.dumps(best))
    unfinished = folder / "retrain" / "default_200-201" / "confirm" / "default_seed200"
    unfinished.mkdir(parents=True)
    for name in ("params.json", "result.json"):
        (unfinished / name).write_text("{}")
    process = holder(folder / "retrain" / "default_200-201")
    done = run_here(TRADING_SWEEP, "--retrain", folder, "--seeds", "200-201")
    assert done.returncode == 2
    assert f"default_200-201 is in use by process {process.pid} on " in done.stderr
    assert "wait for its end or stop it, or choose other --seeds" in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(list(unfinished.iterdir())) == 2

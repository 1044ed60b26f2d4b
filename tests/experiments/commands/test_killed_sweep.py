"""A sweep that is killed at any moment goes on: nothing lost, nothing twice, and the same curves."""

import contextlib
import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.sweep.layout import UNFINISHED_FILE
from analysis.sweep.loading import load_sweep
from analysis.sweep.runs import results_of
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.records.run_log import CONFIGURATION
from experiments.core.training.trial import PPOTrial
from search_spaces import model_layouts

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[1] / "data"
CLOCK = ("wall_s", "steps_per_s")
"""Columns that no two runs share."""


def start(storage, *arguments):
    command = [
        sys.executable, "resumed_sweep.py", "--name", "x", "--storage", str(storage), "--concurrency", "1",
        *arguments,
    ]  # fmt: skip
    return subprocess.Popen(
        command,
        cwd=DATA,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SWEEP_TEST": str(storage)},
    )


def processes_of(storage, *, that=""):
    """The processes that a sweep has started, by what they inherited; the title may be asked for as well."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_its = f"SWEEP_TEST={storage}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if is_its and that.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


@pytest.fixture
def kill_when(tmp_path, wait_until):
    """Kills all processes of a sweep at once, as soon as the folder has come this far.

    Ray gives each worker a process group of its own, and one that outlives its sweep for a moment may save
    a run once more, which must not be taken for what the next start does.
    """

    def kill(running, reached):
        wait_until(reached, running)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        while left := processes_of(tmp_path):
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    return kill


def kill_trainers(storage):
    """Kills the processes of a sweep that train, and nothing else of it."""
    trainers = processes_of(storage, that="Trainable")
    assert trainers
    for process in trainers:
        os.kill(process, signal.SIGKILL)


def unfinished(phase):
    """The runs that could go on, since they have saved themselves and are not over."""
    return [
        path.parent
        for path in phase.glob(f"*/{UNFINISHED_FILE}")
        if not (path.parent / "state.json").exists()
    ]


def saved_since(marker, phase):
    """The runs that have saved themselves after a file was written, and are not over."""
    then = marker.stat().st_mtime_ns
    return [run for run in unfinished(phase) if (run / UNFINISHED_FILE).stat().st_mtime_ns > then]


def test_a_sweep_whose_processes_are_all_told_to_end_leaves_nothing_half_written(tmp_path, wait_until):
    running = start(tmp_path)
    search = tmp_path / "resumed_sweep" / "x" / "search"
    wait_until(lambda: any(search.glob(f"*/{UNFINISHED_FILE}")), running)
    os.killpg(running.pid, signal.SIGTERM)  # as `timeout` and cluster managers do
    out, err = running.communicate()
    assert "Traceback" not in err
    if running.returncode == 143:
        assert out.splitlines()[-1].startswith("stopped; to go on where it was: python resumed_sweep.py")
    else:  # Ray, which ends its driver when its own processes have died, was quicker
        assert (running.returncode, "stopped" in out) == (1, False)
    runs = list(search.iterdir())
    assert runs
    for run in runs:
        if (run / "state.json").exists():
            assert json.loads((run / "state.json").read_text())["state"] == "completed"
            assert curve(run)[-1]["steps"] >= 16_384
    assert unfinished(search)


def finished(folder):
    """Content and time of every file of every run that is over."""
    return {
        path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for state in folder.glob("*/*/state.json")
        for path in state.parent.rglob("*")
        # A checkpoint that nothing needs any more may go.
        if path.is_file() and "checkpoint_000000" not in path.parts
    }


def curve(run):
    results = [json.loads(line) for line in (run / "result.json").read_text().splitlines()]
    return [{name: value for name, value in result.items() if name not in CLOCK} for result in results]


def plan_of(script):
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Plan.of(module.EXPERIMENT, Options(), name=script.stem, question="")


def trained_without_a_stop(run, plan):
    """The curve that the run's configuration and seed give in one go, in this process."""
    trial = PPOTrial.__new__(PPOTrial)
    trial._storage = None
    trial.setup(json.loads((run / "params.json").read_text()), plan.task())
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    trial.cleanup()
    kept = [name for name in results[0] if name not in (*CLOCK, "done", CONFIGURATION)]
    return [{name: result[name] for name in kept} for result in results]


@pytest.mark.usefixtures("local_ray")
def test_a_sweep_killed_in_the_search_and_in_the_confirmation_ends_as_if_it_had_not_been(
    tmp_path, kill_when, wait_until
):
    folder = tmp_path / "resumed_sweep" / "x"
    search, confirm = folder / "search", folder / "confirm"

    kill_when(start(tmp_path), lambda: any(search.glob("*/state.json")) and unfinished(search))
    saved = {run: results_of(run) for run in unfinished(search)}
    assert all(saved.values())
    kept = finished(folder)
    assert kept

    kill_when(start(tmp_path), lambda: confirm / "rllib_seed0" in unfinished(confirm))
    assert kept.items() <= finished(folder).items()
    assert len(list(search.glob("*/state.json"))) == 3
    saved |= {run: results_of(run) for run in unfinished(confirm)}
    kept = finished(folder)

    started = tmp_path / "started"
    started.touch()
    last = start(tmp_path, "--trials", "4")
    lost = []
    for phase in (search, confirm):
        wait_until(lambda phase=phase: saved_since(started, phase), last)
        kill_trainers(tmp_path)
        lost += saved_since(started, phase)
        saved[lost[-1]] = results_of(lost[-1])
    out, err = last.communicate()
    assert last.returncode == 0, err
    assert kept.items() <= finished(folder).items()
    assert "search     4/4" in out
    assert len(lost) == 2
    for run in lost:
        died = "its process died (killed, or ended by os._exit)"
        assert f"{run.name} is lost: {died}; it goes on from what it saved (attempt 1)" in out
    assert not list(folder.rglob(f"{UNFINISHED_FILE}*"))

    sweep = load_sweep(folder)
    assert set(sweep.trials["state"]) == set(sweep.confirmation["state"]) == {"completed"}
    assert sorted(sweep.trials["trial_id"]) == [f"trial_{number:04d}" for number in range(4)]
    assert sweep.trials["config/layout"].map(model_layouts.parse).map(lambda x: len(x.widths)).tolist() == (
        sweep.trials["config/depth"].tolist()
    )
    plan = plan_of(DATA / "resumed_sweep.py")
    for run, before in saved.items():
        results = curve(run)
        times = [json.loads(line)["wall_s"] for line in (run / "result.json").read_text().splitlines()]
        assert times[: len(before)] == [result["wall_s"] for result in before], "it went on from there"
        assert [result["steps"] for result in results] == sorted({result["steps"] for result in results})
        expected = trained_without_a_stop(run, plan)
        same = [{name: result[name] for name in expected[0]} for result in results]
        assert json.dumps(same) == json.dumps(expected)  # as text, since NaN is not equal to itself

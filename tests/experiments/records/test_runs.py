"""What was left half-written goes, what a run goes on from stays, and its records are made anew."""

import csv
import errno
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from analysis.sweep.layout import UNFINISHED_FILE
from analysis.sweep.runs import (
    FinishedRun,
    damaged_runs,
    finished_runs,
    ranking_key,
    read_runs,
    unfinished_runs,
)
from analysis.sweep.schema import State
from experiments.core.errors import UserError
from experiments.core.planning.manifest import first_difference
from experiments.core.records import run_log, saved_state
from experiments.core.records.leftovers import check_readable, remove_unfinished, tidy
from experiments.core.records.run_log import RunLog
from experiments.core.signing import user_key

NOW = 1_000_000.0
CONFIG = {"lr": 1e-3, "layout": "64-tanh", "seed": 5, "config_id": "trial_0001"}


def row(steps):
    return {
        "steps": steps,
        "wall_s": steps / 100,
        "score": steps / 7,
        "objective": steps / 9,
        "env/fees": 1.0,
    }


def records(folder):
    lines = (folder / "result.json").read_text().splitlines()
    with (folder / "progress.csv").open() as table:
        steps = [int(line["steps"]) for line in csv.DictReader(table)]
    events = EventAccumulator(str(folder))
    events.Reload()
    return [json.loads(line) for line in lines], steps, events.Scalars("score")


def test_the_records_of_a_run_that_goes_on_are_those_of_its_checkpoint(tmp_path, monkeypatch):
    folder = tmp_path / "trial_0001"
    log = RunLog.open(folder, CONFIG)
    log.write(row(100))
    # Saved itself at 200; the kill came before that was recorded, and cut off what was written next.
    saved_state.save(folder, [row(100), row(200)], "state", key=user_key())
    with (folder / "result.json").open("a") as lines:
        lines.write('{"steps": 300, "sco')
    (folder / "checkpoint_000000").mkdir()
    (folder / "params.json.part").write_text("{")

    tidy(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["params.json", UNFINISHED_FILE]
    (run,) = unfinished_runs(tmp_path)
    assert (run.name, run.config) == ("trial_0001", {"lr": 1e-3, "layout": "64-tanh"})

    log.close(None, None)  # what the kill did
    monkeypatch.setattr(run_log, "time", SimpleNamespace(time=lambda: NOW))
    again = RunLog.open(folder, CONFIG)
    again.write(row(300))
    again.close(State.COMPLETED, None)
    results, steps, events = records(folder)
    assert results == [row(100), row(200), row(300)]
    assert steps == [event.step for event in events] == [100, 200, 300]
    # What was copied is as far apart as the run's own clock says.
    assert [event.wall_time for event in events[:2]] == [NOW - 1.0, NOW]
    assert not (folder / UNFINISHED_FILE).exists()
    (finished,) = finished_runs(tmp_path)
    assert finished.state is State.COMPLETED
    assert finished.curve[300] == 300 / 9


def test_a_run_killed_at_any_moment_is_either_over_or_unfinished_or_gone(tmp_path):
    for name in ("trial_0000", "trial_0001", "trial_0002", "default_seed0", "mine"):
        (tmp_path / name).mkdir()
    for name in ("trial_0000", "trial_0001"):
        (tmp_path / name / "params.json").write_text(json.dumps(CONFIG | {"config_id": name}))
        (tmp_path / name / "result.json").write_text(json.dumps(row(100)) + "\n")
    # Killed after its end was written down, before its checkpoint was removed.
    (tmp_path / "trial_0000" / "state.json").write_text('{"state": "pruned", "cause": null}')
    saved_state.save(tmp_path / "trial_0000", [], None, key=user_key())
    (tmp_path / "trial_0000" / f"{UNFINISHED_FILE}.0f.part").write_bytes(b"half")
    # Killed before it saved itself, and before anything was written.
    (tmp_path / "trial_0002" / "params.json.part").write_text("{")
    tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "trial_0000", "trial_0001"]
    assert [run.name for run in finished_runs(tmp_path)] == ["trial_0000"]
    assert not list((tmp_path / "trial_0000").glob(f"{UNFINISHED_FILE}*"))
    (cut_off,) = unfinished_runs(tmp_path)
    assert cut_off.name == "trial_0001"
    assert [path.name for path in (tmp_path / "trial_0001").iterdir()] == ["params.json"]
    remove_unfinished(tmp_path, keep={"trial_0001"})
    assert (tmp_path / "trial_0001").exists()
    remove_unfinished(tmp_path, keep=set())
    assert not (tmp_path / "trial_0001").exists()
    assert (tmp_path / "trial_0000").exists()


def without_its_second_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_two_objects_on_one_line(path):
    path.write_text(path.read_text().replace("}\n{", "}{"))


def empty(path):
    path.write_text("")


def removed(path):
    path.unlink()


def of_another_kind(path):
    path.write_text("[1]")


def of_another_run(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"config_id": "trial_0003"}))


def a_folder(path):
    path.unlink()
    path.mkdir()


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


SPOILT = (without_its_second_half, empty, of_another_kind, a_folder)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("result.json", with_two_objects_on_one_line),
        *(("result.json", spoil) for spoil in (*SPOILT, removed)),
        *(("state.json", spoil) for spoil in SPOILT),
        *(("schedule.json", spoil) for spoil in SPOILT),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_a_run_whose_records_are_damaged_is_unfinished_and_what_is_there_is_set_aside(
    tmp_path, writer, name, spoil, saved
):
    folder = tmp_path / "trial_0001"
    writer.write_run(folder, {"lr": 1e-3}, [0.1, 0.2, 0.3, 0.4])
    (folder / "schedule.json").write_text('{"schedule": [{"steps": 0, "configuration": {"lr": 0.1}}]}')
    (folder / "checkpoint_000000").mkdir()
    assert (len(finished_runs(tmp_path)), damaged_runs(tmp_path)) == (1, [])
    spoil(folder / name)
    if saved:
        saved_state.save(folder, [row(100)], "state", key=user_key())
    there = files(folder)
    assert finished_runs(tmp_path) == []
    assert [run.config for run in unfinished_runs(tmp_path)] == [{"lr": 1e-3}]
    (run,) = damaged_runs(tmp_path)
    assert (str(run.name), run.damage[0].path) == ("trial_0001", folder / name)

    tidy(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "params.json", *([UNFINISHED_FILE] if saved else [])
    ]  # fmt: skip
    aside = tmp_path / "trial_0001.set-aside-1"
    assert (aside / "checkpoint_000000").is_dir()
    assert there.items() - files(aside).items() <= files(folder).items()
    assert [run.name for run in unfinished_runs(tmp_path)] == ["trial_0001"]
    assert damaged_runs(tmp_path) == []
    assert len(read_runs(tmp_path)) == 1, "what is set aside is no run"


@pytest.mark.parametrize("spoil", [*SPOILT, removed, of_another_run])
def test_a_run_whose_configuration_is_damaged_is_set_aside_as_it_is(tmp_path, writer, spoil):
    for number in (1, 2):
        folder = tmp_path / "trial_0001"
        writer.write_run(folder, {"lr": 1e-3}, [0.1, 0.2])
        (folder / "checkpoint_000000").mkdir()
        spoil(folder / "params.json")
        there = files(folder)
        assert finished_runs(tmp_path) == unfinished_runs(tmp_path) == []
        assert [run.damage[0].path.name for run in damaged_runs(tmp_path)] == ["params.json"]
        tidy(tmp_path)
        assert not folder.exists()
        assert files(tmp_path / f"trial_0001.set-aside-{number}") == there
        assert (tmp_path / f"trial_0001.set-aside-{number}" / "checkpoint_000000").is_dir()


def test_records_that_cannot_be_read_may_be_whole_and_are_left_alone(tmp_path, writer, monkeypatch):
    writer.write_run(tmp_path / "trial_0001", {"lr": 1e-3}, [0.1, 0.2])
    check_readable(tmp_path)
    opened = Path.open

    def refuse(path, *arguments, **more):
        if path.name == "state.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)  # as root no file is unreadable
    assert finished_runs(tmp_path) == []
    with pytest.raises(
        UserError, match=r"state\.json cannot be read \(Permission denied\): make it readable"
    ):
        check_readable(tmp_path)


def test_a_run_that_failed_before_its_first_evaluation_is_over(tmp_path, writer):
    writer.write_run(tmp_path / "trial_0001", {"lr": 1e-3}, [], state="failed")
    assert [run.state for run in finished_runs(tmp_path)] == [State.FAILED]
    assert damaged_runs(tmp_path) == []


def test_what_tune_keeps_for_a_restore_of_its_own_does_not_pile_up(tmp_path):
    started = "2026-11-22_00-07-54"
    for name in (
        "tuner.pkl", f"experiment_state-{started}.json", f"searcher-state-{started}.pkl",
        f"search_gen_state-{started}.json", f"basic-variant-state-{started}.json", "notes.json",
    ):  # fmt: skip
        (tmp_path / name).touch()
    tidy(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.json"]


def test_a_sweep_that_has_not_begun_has_no_runs(tmp_path):
    tidy(tmp_path / "search")
    assert finished_runs(tmp_path / "search") == unfinished_runs(tmp_path / "search") == []


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"lr": {"low": 1, "high": 2}}, {"lr": {"low": 1, "high": 3}}, "space lr high was 2, now 3"),
        ({"lr": 1}, {"lr": 1, "clip": 2}, "space now has clip"),
        ({"lr": 1, "clip": 2}, {"lr": 1}, "space had clip"),
        ({"x": [1, 2]}, {"x": [1, 2]}, None),
        ({"x": None}, {"x": "64x64"}, 'space x was null, now "64x64"'),
    ],
)
def test_what_differs_is_said_with_both_values(before, now, words):
    assert first_difference(before, now, "space") == words


def test_longer_trained_runs_rank_first_then_better_ones_then_those_that_were_good_sooner():
    expected = ["sooner", "later", "worse", "cut short", "diverged"]
    curves = {
        "later": (State.COMPLETED, {50: -3.0, 104: 1.0}),
        "sooner": (State.COMPLETED, {50: 0.9, 100: 1.0}),
        "worse": (State.COMPLETED, {50: 0.9, 100: 0.95}),
        "cut short": (State.PRUNED, {50: 2.0}),
        "diverged": (State.DIVERGED, {50: 2.0, 100: 2.0}),
    }
    runs = [FinishedRun(name=n, config={}, state=state, curve=curve) for n, (state, curve) in curves.items()]
    ranked = sorted(runs, key=lambda run: ranking_key(run, 100), reverse=True)
    assert [run.name for run in ranked] == expected


def test_a_number_that_is_reported_late_or_only_once_is_in_every_record(tmp_path):
    log = RunLog.open(tmp_path, CONFIG)
    log.write(row(100))
    log.write({**row(200), "env/a,b": 12.5, "env/goal": 3.0})
    log.write(row(300))
    with (tmp_path / "progress.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [line["env/goal"] for line in rows] == ["nan", "3.0", "nan"]
    assert [line["env/a,b"] for line in rows] == ["nan", "12.5", "nan"]
    assert [line["env/fees"] for line in rows] == ["1.0"] * 3
    assert {line["config/layout"] for line in rows} == {"64-tanh"}
    assert [int(line["steps"]) for line in rows] == [100, 200, 300]
    log.close(State.COMPLETED, None)
    lines = [json.loads(line) for line in (tmp_path / "result.json").read_text().splitlines()]
    assert [line.get("env/goal") for line in lines] == [None, 3.0, None]
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("env/goal")] == [(200, 3.0)]

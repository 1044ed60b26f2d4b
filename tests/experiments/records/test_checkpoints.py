"""A sweep's checkpoints stay within their budget: the worst finished go first, what is needed stays."""

import json

import pytest

from analysis.sweep.layout import replica_folder, replica_folders
from experiments.core.records.checkpoint_budget import CheckpointBudget, keep_only
from experiments.core.records.checkpoints import checkpoint_bytes, drop_checkpoints

FULL = 1000
SIZE = 500


def run(folder, name, objective=None, *, steps=FULL, state="completed", size=SIZE):
    """A run as it lies on disk, with a checkpoint of a number of bytes."""
    path = folder / name
    nested = path / "checkpoint_000000" / "learner_group"
    nested.mkdir(parents=True)
    (nested / "state.pkl").write_bytes(b"x" * (size - 10))
    (path / "checkpoint_000000" / "metadata").write_bytes(b"x" * 10)
    (path / "params.json").write_text(json.dumps({"lr": 0.1, "seed": 1, "config_id": name}))
    line = "" if objective is None else json.dumps({"steps": steps, "objective": objective}) + "\n"
    (path / "result.json").write_text(line)
    if state:
        (path / "state.json").write_text(json.dumps({"state": state, "cause": None}))


def kept(folder):
    return {path.name for path in folder.iterdir() if checkpoint_bytes(path)}


def budget(folder, checkpoints):
    return CheckpointBudget(folder, budget=checkpoints * SIZE, full_steps=FULL)


@pytest.fixture
def folder(tmp_path):
    run(tmp_path, "trial_0000", 0.5)
    run(tmp_path, "trial_0001", 0.9)
    run(tmp_path, "trial_0002", 0.99, steps=250, state="pruned")
    run(tmp_path, "trial_0003", 0.2)
    run(tmp_path, "trial_0004", -1.0, state="diverged")
    run(tmp_path, "trial_0005", None, state="failed")
    return tmp_path


BEST_FIRST = ["trial_0001", "trial_0000", "trial_0003", "trial_0002", "trial_0004", "trial_0005"]


@pytest.mark.parametrize("room", [6, 4, 3, 1, 0])
def test_the_best_and_longest_trained_keep_theirs(folder, room):
    budget(folder, room).enforce("trial_0000")
    held = kept(folder)
    assert len(held) == room
    assert held - {"trial_0004", "trial_0005"} == set(BEST_FIRST[: min(room, 4)])
    assert all((folder / name / "result.json").exists() for name in BEST_FIRST)


def test_unfinished_runs_are_never_touched_and_room_is_kept_for_what_they_will_write(folder):
    run(folder, "trial_0006", 0.0, state=None)
    (folder / "trial_0007").mkdir()
    (folder / "trial_0007" / "params.json").write_text("{}")
    # One checkpoint is there, and each of the two may write one more.
    budget(folder, 5).enforce("trial_0007")
    assert kept(folder) == {"trial_0006", *BEST_FIRST[:2]}
    budget(folder, 0).enforce("trial_0007")
    assert kept(folder) == {"trial_0006"}


def test_the_budget_holds_while_trial_after_trial_ends(tmp_path):
    room = budget(tmp_path, 4)
    for number in range(30):
        name = f"trial_{number:04d}"
        (tmp_path / name).mkdir()
        (tmp_path / name / "params.json").write_text("{}")
        room.enforce(name)
        (tmp_path / name / "params.json").unlink()
        (tmp_path / name).rmdir()
        run(tmp_path, name, (number * 7 % 30) / 30, state=None)
        assert sum(checkpoint_bytes(path) for path in tmp_path.iterdir()) <= 4 * SIZE
        room.enforce(name)
        (tmp_path / name / "state.json").write_text(json.dumps({"state": "completed", "cause": None}))
        room.enforce(name)
        assert sum(checkpoint_bytes(path) for path in tmp_path.iterdir()) <= 4 * SIZE
    best = sorted(range(30), key=lambda number: number * 7 % 30, reverse=True)
    assert {f"trial_{number:04d}" for number in best[:2]} <= kept(tmp_path)


def test_a_run_that_failed_needs_no_room_any_more(tmp_path):
    run(tmp_path, "trial_0000", 0.5)
    run(tmp_path, "trial_0001", 0.5, state=None)
    room = budget(tmp_path, 2)
    (tmp_path / "trial_0001" / "state.json").write_text(json.dumps({"state": "failed", "cause": "x"}))
    room.enforce("trial_0001")
    assert kept(tmp_path) == {"trial_0000", "trial_0001"}


def test_a_run_that_saves_itself_again_counts_once(tmp_path):
    room = budget(tmp_path, 3)
    run(tmp_path, "trial_0000", 0.5)
    for _ in range(5):
        room.enforce("trial_0000")
    run(tmp_path, "trial_0001", 0.6)
    room.enforce("trial_0001")
    assert kept(tmp_path) == {"trial_0000", "trial_0001"}


@pytest.mark.parametrize("budgeted", [2, 1000])
def test_a_trial_costs_the_same_looks_at_the_disk_however_many_there_are(tmp_path, disk_accesses, budgeted):
    room = budget(tmp_path, budgeted)

    def one_more(number):
        name = f"trial_{number:04d}"
        run(tmp_path, name, number / 1000, state=None)
        with disk_accesses(tmp_path) as made:
            room.enforce(name)
            (tmp_path / name / "state.json").write_text(json.dumps({"state": "completed", "cause": None}))
            room.enforce(name)
        return len(made)

    made = [one_more(number) for number in range(120)]
    assert max(made[100:]) <= max(made[1:20])


def test_after_the_confirmation_only_the_named_and_the_unfinished_remain(folder):
    run(folder, "trial_0006", 0.0, state=None)
    keep_only(folder, {"default", "trial_0001"})
    assert kept(folder) == {"trial_0001", "trial_0006"}


def test_the_replicas_of_a_checkpoint_are_found_in_order(tmp_path):
    assert replica_folders(tmp_path) == []
    for number in range(12):
        replica_folder(tmp_path, number).mkdir()
    assert [path.name for path in replica_folders(tmp_path)] == [f"replica_{number}" for number in range(12)]


def test_a_run_without_a_checkpoint_takes_nothing(tmp_path):
    assert checkpoint_bytes(tmp_path) == 0
    drop_checkpoints(tmp_path)

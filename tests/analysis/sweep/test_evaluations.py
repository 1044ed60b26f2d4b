"""A run's evaluations are the same columns whichever way its lines are read, and read once in a process."""

import json
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.sweep import Phase, finished_runs, load_sweep, runs
from analysis.sweep.evaluations import Evaluations, read_evaluations

NUMBERS = st.none() | st.integers(-3, 2**70) | st.floats() | st.just(math.nan)
LINES = st.lists(
    st.fixed_dictionaries(
        {"steps": st.integers(0, 9), "objective": st.floats(-1, 1)},
        optional={"score": NUMBERS, "ppo/kl": NUMBERS, "env/a": NUMBERS, "seeds/b": NUMBERS, "else": NUMBERS},
    ),
    max_size=6,
)


def read(path, lines, *, text=""):
    entries = [{**line, "note": text} for line in lines]
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return read_evaluations(path)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(LINES)
def test_lines_that_need_another_parser_give_the_same_columns(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("run") / "result.json"
    (usual, no_damage), (other, none_either) = read(path, lines), read(path, lines, text="\\\n")
    assert [str(damage) for damage in no_damage] == [str(damage) for damage in none_either]
    assert usual.steps == other.steps
    assert usual.columns.keys() == other.columns.keys()
    for name, values in usual.columns.items():
        np.testing.assert_array_equal(values, other.columns[name])


@pytest.mark.parametrize("name", ['env/": NaN, "x', "env/a: NaN", "env/NaN"])
def test_a_name_may_look_like_a_missing_number(tmp_path, name):
    evaluations, damage = read(tmp_path / "result.json", [{"steps": 1, "objective": 0.5, name: math.nan}])
    assert not damage
    assert math.isnan(evaluations.columns[name][0])


@pytest.mark.parametrize("content", ['{"steps": 1,\n"objective": 2}\n', '{"steps": 1}{"objective": 2}\n\n'])
def test_a_value_that_is_not_a_line_is_damage(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    evaluations, damage = read_evaluations(tmp_path / "result.json")
    assert damage
    assert not evaluations


def test_what_was_not_measured_is_missing_and_the_later_of_two_at_the_same_steps_counts():
    lines = [
        {"steps": steps, "objective": steps / 10, "env/a": a} for steps, a in [(2, 1), (1, None), (2, 3)]
    ]
    evaluations = Evaluations.of(lines)
    assert evaluations.curve == {1: 0.1, 2: 0.2}
    assert list(evaluations.curve) == [1, 2]
    np.testing.assert_array_equal(evaluations.columns["env/a"], [np.nan, 3.0])
    assert evaluations.last["env/a"] == 3.0
    assert math.isnan(evaluations.last["score"])


def read_files(accesses):
    return [path for event, path, _ in accesses if event == "open"]


def test_a_command_reads_the_records_of_a_run_that_has_ended_once(sweep_folder, monkeypatch, disk_accesses):
    monkeypatch.setattr(runs, "SETTLED_S", 0.0)
    with disk_accesses(sweep_folder / Phase.SEARCH) as first:
        before = finished_runs(sweep_folder / Phase.SEARCH)
    with disk_accesses(sweep_folder / Phase.SEARCH) as second:
        again = finished_runs(sweep_folder / Phase.SEARCH)
        load_sweep(sweep_folder)
    assert len(read_files(first)) >= 3 * len(before)
    assert read_files(second) == []
    assert again == before


def test_records_that_change_after_all_are_read_again(sweep_folder, monkeypatch):
    monkeypatch.setattr(runs, "SETTLED_S", 0.0)
    path = sweep_folder / Phase.SEARCH / "trial_0000" / "result.json"
    (first, *_) = finished_runs(sweep_folder / Phase.SEARCH)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"objective": 0', b'"objective": 9'))
    assert path.stat().st_size == len(content)
    (again, *_) = finished_runs(sweep_folder / Phase.SEARCH)
    assert again.objective == first.objective + 9


def test_what_has_just_been_written_is_not_taken_for_settled(sweep_folder, disk_accesses):
    finished_runs(sweep_folder / Phase.SEARCH)
    with disk_accesses(sweep_folder / Phase.SEARCH) as made:
        finished_runs(sweep_folder / Phase.SEARCH)
    assert read_files(made)


def test_an_old_date_does_not_make_a_new_file_settled(sweep_folder, disk_accesses):
    for path in (sweep_folder / Phase.SEARCH).rglob("*.json"):
        os.utime(path, (0, 0))
    finished_runs(sweep_folder / Phase.SEARCH)
    with disk_accesses(sweep_folder / Phase.SEARCH) as made:
        finished_runs(sweep_folder / Phase.SEARCH)
    assert read_files(made)

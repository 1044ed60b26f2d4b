"""Infos of any form: numbers keep their value in every kind of lanes, and are alike in all records."""

import csv
import json
import math
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# Two whole sweeps.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DATA = Path(__file__).parents[1] / "data"
CONSTANT = {"env/7": 0.25, "env/one": 4.0, "env/safe": 1.0, "env/speed": 1.5}

PRINTED = ["a new episode begins", "written past Python", "written by a process"]
VARIABLE = {"env/level", "env/last", "env/outcome", "env/unknown"}


@pytest.fixture
def sweep(run_python, tmp_path):
    """Runs a sweep in lanes of one kind and returns its folder."""

    def sweep(vectorization):
        storage = tmp_path / vectorization
        done = run_python(
            "talkative_sweep.py", "--name", "x", "--storage", storage, "--concurrency", "1",
            cwd=DATA, env={"VECTORIZATION": vectorization, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        for line in PRINTED:
            assert line not in done.stderr + done.stdout.replace(f"the first of them '{PRINTED[0]}'", "")
        return storage / "talkative_sweep" / "x"

    return sweep


def evaluations(run):
    return [json.loads(line) for line in (run / "result.json").read_text().splitlines()]


def test_numbers_in_infos_keep_their_value_in_every_kind_of_lanes_and_are_alike_in_all_records(sweep):
    together, apart = sweep("auto"), sweep("async")
    first, other = (evaluations(folder / "search" / "trial_0000") for folder in (together, apart))
    assert len(first) == 2
    for mine, theirs in zip(first, other, strict=True):
        reported = {name: value for name, value in mine.items() if name.startswith("env/")}
        assert set(reported) - {"env/late"} == {*CONSTANT, *VARIABLE}
        assert {name: reported[name] for name in CONSTANT} == CONSTANT
        assert 1.5 < reported["env/level"] < 2  # the mean of six, each 1.5 or 2
        assert reported["env/level"] * 12 == pytest.approx(round(reported["env/level"] * 12))
        assert (reported["env/last"], reported["env/outcome"]) == (1.0, 0.0)
        assert math.isnan(reported["env/unknown"])
        assert theirs["env/level"] == mine["env/level"]
    # Lanes of processes play an evaluation in turns, and in the second one they are no longer new.
    for folder, run in (together, first_of_its_process(together)), (apart, apart / "search" / "trial_0000"):
        check_records(run)
        lines = (folder / "search" / "trial_0000" / "output.txt").read_text().splitlines()
        assert set(PRINTED) <= set(lines)
    assert lines.count(PRINTED[0]) > 100  # and what Ray has to say


def first_of_its_process(folder):
    """Returns a trial whose environments were new: in their first episode they have a number less."""
    late = {
        run: [result.get("env/late") for result in evaluations(run)]
        for run in (folder / "search").glob("trial_*")
    }
    assert set(map(tuple, late.values())) <= {(None, 12.0), (12.0, 12.0)}
    return next(run for run, values in late.items() if values[0] is None)


def check_records(run):
    """Compares the records of a trial with each other."""
    folder = run.parents[1]
    names = {name for result in evaluations(run) for name in result if name.startswith("env/")}
    with (run / "progress.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert names <= set(rows[0])
    events = EventAccumulator(str(run))
    events.Reload()
    assert names - {"env/unknown"} <= set(events.Tags()["scalars"])
    curves = pd.read_parquet(folder / "curves.parquet")
    curves = curves[curves["trial_id"] == run.name]
    assert names <= set(curves.columns)
    for result, row, (_, curve) in zip(evaluations(run), rows, curves.iterrows(), strict=True):
        for name in names:
            expected = pytest.approx(result.get(name, math.nan), nan_ok=True)
            assert float(row[name]) == expected
            assert curve[name] == expected

"""Runs that cannot continue from what they had saved restart, and all that a sweep knows agrees with that."""

import json
import subprocess
import sys

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalStorage

from analysis.sweep.layout import UNFINISHED_FILE
from analysis.sweep.loading import load_sweep
from experiments.core.records import saved_state
from experiments.core.signing import user_key

pytestmark = pytest.mark.slow
CLOCK = ("wall_s", "steps_per_s")
"""Columns that no two runs share."""
AN_ARRAY = "Expected `object`, got `array`"


def sweep(storage):
    command = ["-m", "experiments.trading_sweep", "--smoke", "--name", "x", "--storage", str(storage)]
    command += ["--trials", "2", "--top-k", "1", "--confirm-seeds", "1", "--scheduler", "asha"]
    command += ["--concurrency", "1"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def curve(run):
    results = [json.loads(line) for line in (run / "result.json").read_text().splitlines()]
    return [{name: value for name, value in result.items() if name not in CLOCK} for result in results]


def test_a_sweep_with_spoilt_states_ends_as_if_its_runs_had_never_been_cut_off(tmp_path):
    sweep(tmp_path)
    folder = tmp_path / "trading_sweep" / "x"
    runs = [
        folder / "search" / "trial_0000",
        folder / "search" / "trial_0001",
        folder / "confirm" / "rllib_seed0",
    ]
    damaged = folder / "confirm" / "default_seed0"
    expected = [curve(run) for run in (*runs, damaged)]
    told = [{"steps": 1024, "wall_s": 0.1, "score": 99.0, "objective": 99.0}]
    for run in runs:
        (run / "state.json").unlink()
        # Its first line can be read, so that the driver could take its results for true; its state cannot.
        saved_state.save(run, told, [{"progress": {}, "trainer": {}}], key=user_key())
    (runs[1] / UNFINISHED_FILE).write_bytes(json.dumps(told).encode() + b"\nof another version")

    lines = (damaged / "result.json").read_text()
    (damaged / "result.json").write_text(lines.replace("}\n{", "}{"))

    printed = sweep(tmp_path)
    assert "continues: 0 trials, 2 unfinished and 2 confirmation runs are there" in printed.splitlines()
    (said,) = (line for line in printed.splitlines() if line.startswith("default_seed0: "))
    assert said.startswith("default_seed0: its result.json is damaged (line ")
    assert said.endswith("counts as unfinished; what is there is set aside as default_seed0.set-aside-1")
    for name, cause in (
        ("default", "KeyError: 'config'"),
        (
            "trial_0001",
            f"DamagedError: {runs[1] / UNFINISHED_FILE} is damaged ({AN_ARRAY})",
        ),
        ("rllib_seed0", "KeyError: 'config'"),
    ):
        line = f"{name} was cut off and restarts: its saved state cannot be restored ({cause}; "
        assert f"{line}it is set aside as {UNFINISHED_FILE}.set-aside-1)" in printed.splitlines()
    # As text, since NaN is not equal to itself.
    assert json.dumps([curve(run) for run in (*runs, damaged)]) == json.dumps(expected)
    aside = [*(run / f"{UNFINISHED_FILE}.set-aside-1" for run in runs)]
    assert sorted(folder.rglob(f"{UNFINISHED_FILE}*")) == sorted(aside)
    assert (damaged.with_name("default_seed0.set-aside-1") / "result.json").read_text().count("}{")
    curves = load_sweep(folder).curves
    assert 99.0 not in curves["score"].tolist()
    study = optuna.load_study(
        study_name="trading_sweep/x",
        storage=JournalStorage(JournalFileBackend((folder / "study.journal").as_posix())),
    )
    known = {trial.user_attrs["config_id"]: trial.intermediate_values for trial in study.trials}
    assert known == {
        run.name: {result["steps"]: result["objective"] for result in results}
        for run, results in zip(runs[:2], expected, strict=False)
    }

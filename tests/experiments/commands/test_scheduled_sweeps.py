"""A whole sweep of a population, as its user runs it: stopped, gone on with, and confirmed."""

import csv
import json
import signal
import subprocess
import sys

import pytest
import yaml

from analysis.sweep.layout import UNFINISHED_FILE
from analysis.sweep.lineage import load_lineage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def population(tmp_path_factory, wait_until):
    """A population that a plain `kill` stopped once its first members had reported, then run to its end."""
    storage = tmp_path_factory.mktemp("results")
    command = [
        sys.executable, "-m", "experiments.trading_sweep", "--storage", str(storage), "--name", "x",
        "--smoke", "--confirm-seeds", "1", "--scheduler", "pbt", "--trials", "5",
        "--steps-per-trial", "8192",
    ]  # fmt: skip
    folder = storage / "trading_sweep" / "x"
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list(folder.glob("search/*/result.json")), running)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate()
    assert (running.returncode, err) == (143, "")
    assert "to go on where it was: python -m experiments.trading_sweep" in out
    ended = len(list(folder.glob("search/*/state.json")))
    cut_off = len(list(folder.glob("search/*/params.json"))) - ended
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done, cut_off


def test_a_population_that_is_stopped_starts_its_unfinished_members_again(population):
    folder, done, cut_off = population
    assert cut_off > 0
    assert f"the population was cut off: its {cut_off} unfinished members start again together" in done.stdout
    assert len(list(folder.glob("search/*/state.json"))) == 5
    members = list(folder.glob("search/*/result.json"))
    assert len(members) == 5
    for member in members:
        steps = [json.loads(line)["steps"] for line in member.read_text().splitlines()]
        assert steps == sorted(steps)
        assert len(steps) == len(set(steps))
        assert steps[-1] >= 8192
    assert not list(folder.rglob(f"{UNFINISHED_FILE}*"))


def test_a_population_trains_to_its_end_and_its_report_tells_the_lineage(population):
    folder, done, _ = population
    assert "a population of 5, 8,192 steps each, compared every 2,048" in done.stdout
    assert "search     5/5" in done.stdout
    assert done.stderr == ""
    lineage = load_lineage(folder)
    copied = {copy.member for copy in lineage.copies}
    assert copied
    assert "trial_0000" not in copied
    report = (folder / "report.html").read_text()
    assert "The population" in report
    assert "Who copied whom" in report
    assert (folder / "figures" / "population.png").stat().st_size > 10_000
    assert not (folder / "study.journal").exists()


def test_a_members_records_name_the_configuration_that_each_row_was_trained_with(population):
    folder, *_ = population
    paths = list(folder.glob("search/*/schedule.json"))
    assert {path.parent.name for path in paths} == {copy.member for copy in load_lineage(folder).copies}
    for path in paths:
        history = json.loads(path.read_text())["history"]
        rows = list(csv.DictReader((path.parent / "progress.csv").read_text().splitlines()))
        assert float(rows[-1]["steps"]) >= 8192, "there are rows, and they reach the end"
        for row in rows:
            # A row at the very steps of a copy was trained with what was active before.
            (*_, last) = [entry for entry in history if entry["steps"] < int(row["steps"]) // 2048 * 2048]
            assert float(row["config/lr"]) == last["configuration"]["lr"]
            assert row["config/layout"] == last["configuration"]["layout"]
        params = json.loads((path.parent / "params.json").read_text())
        assert params["lr"] == history[-1]["configuration"]["lr"]
        assert params["config_id"] == path.parent.name


def test_the_winner_is_confirmed_by_its_schedule(population):
    folder, *_ = population
    (run,) = (folder / "confirm").glob("trial_*_seed0")
    member = folder / "search" / run.name.removesuffix("_seed0")
    rows = list(csv.DictReader((run / "progress.csv").read_text().splitlines()))
    if (member / "schedule.json").exists():
        schedule = json.loads((member / "schedule.json").read_text())["schedule"]
        confirmed = json.loads((run / "schedule.json").read_text())["schedule"]
        assert [{"changed": {}, **segment} for segment in confirmed] == schedule
    else:
        schedule = [{"steps": 0, "configuration": json.loads((member / "params.json").read_text())}]
    assert float(rows[-1]["steps"]) >= 8192
    for row in rows:
        (*_, last) = [entry for entry in schedule if entry["steps"] < int(row["steps"]) // 2048 * 2048]
        assert float(row["config/lr"]) == last["configuration"]["lr"]
    # The others' checkpoints go once the confirmation is over.
    kept = {path.parent for path in folder.glob("search/*/checkpoint_*")}
    assert kept == {member}
    assert len(list(member.glob("checkpoint_*"))) == 1
    best = yaml.safe_load((folder / "best.yaml").read_text())
    assert set(best["configuration"]) >= {"lr", "layout"}

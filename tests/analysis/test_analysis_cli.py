import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.sweep.loading import load_sweep

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(run_here):
    """Runs `python -m analysis` with arguments."""
    return lambda *arguments: run_here("analysis/__main__.py", *arguments)


def test_report_prints_the_verdict_and_where_the_report_is(sweep_folder, run_python):
    done = run_python("-m", "analysis", "report", sweep_folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("Tuning paid: ")
    assert f"Report: {sweep_folder / 'report.html'}" in done.stdout
    assert (sweep_folder / "figures" / "confirmed_curves.png").exists()


@pytest.mark.parametrize("command", ["report", "table"])
def test_a_path_that_is_no_sweep_is_one_line_and_exit_code_two(tmp_path, command, run):
    for path in (tmp_path / "nowhere", tmp_path):
        done = run(command, path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith(f"error: {path}")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: COMMAND; see python -m analysis --help"),
        (["reprot", "x"], "COMMAND: invalid choice: 'reprot' (choose from"),
        (["report"], "arguments are required: FOLDER; see python -m analysis report --help"),
        (
            ["table", "x", "--cvs", "y"],
            "no option --cvs; did you mean '--csv'? See python -m analysis",
        ),
    ],
)
def test_a_command_line_that_cannot_be_read_is_one_line_and_exit_code_two(run, arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_table_prints_every_confirmed_configuration(sweep_folder, run):
    done = run("table", sweep_folder)
    assert done.returncode == 0, done.stderr
    for name in ("default", "RLlib", "Seeds"):
        assert name in done.stdout


def test_table_of_an_unconfirmed_sweep_prints_the_best_trials(writer, tmp_path, run):
    done = run("table", writer.write_sweep(tmp_path / "sweep", trials=6, confirm=False))
    assert done.returncode == 0, done.stderr
    assert "No verdict yet" in done.stdout
    assert "trial_0000" in done.stdout


def test_a_cause_that_commands_a_terminal_or_a_spreadsheet_is_text(sweep_folder, tmp_path, run):
    folder, csv = tmp_path / "sweep", tmp_path / "runs.csv"
    shutil.copytree(sweep_folder, folder)
    causes = {"trial_0001": "=1+1", "trial_0002": "\x1b[2J\x07gone\r\n\u202e@now"}
    for name, cause in causes.items():
        (folder / "search" / name / "state.json").write_text(json.dumps({"state": "failed", "cause": cause}))
    causes = load_sweep(folder).trials.set_index("trial_id")["cause"]
    assert causes["trial_0001"] == "=1+1"
    assert causes["trial_0002"] == "?[2J?gone  ?@now"
    assert run("table", folder, "--csv", csv).returncode == 0
    written = pd.read_csv(csv).set_index("trial_id")["cause"]
    assert written["trial_0001"] == "'=1+1"
    assert written["trial_0002"] == "?[2J?gone  ?@now"


def test_csv_and_parquet_hold_every_run(sweep_folder, tmp_path, run):
    csv, parquet = tmp_path / "runs.csv", tmp_path / "runs.parquet"
    done = run("table", sweep_folder, "--csv", csv, "--parquet", parquet)
    assert done.returncode == 0, done.stderr
    sweep = load_sweep(sweep_folder)
    for frame in (pd.read_csv(csv), pd.read_parquet(parquet)):
        assert frame["trial_id"].tolist() == [*sweep.trials["trial_id"], *sweep.confirmation["trial_id"]]


def test_a_table_that_cannot_be_written_is_one_line_and_exit_code_two(sweep_folder, tmp_path, run):
    done = run("table", sweep_folder, "--csv", tmp_path / "missing" / "runs.csv")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "missing" in done.stderr


def test_help_loads_nothing_heavy():
    code = (
        "import sys, runpy\n"
        "sys.argv = ['analysis', '--help']\n"
        "try:\n    runpy.run_module('analysis', run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "print([name for name in ('pandas', 'altair', 'optuna', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "table" in done.stdout


def test_compare_prints_what_it_found_and_where_it_is(writer, tmp_path, run_python):
    folders = [
        writer.write_sweep(tmp_path / f"sweep {number}", trials=6, seeds=5, seed=number) for number in (3, 4)
    ]
    done = run_python("-m", "analysis", "compare", *folders, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "between the winners of 2 sweeps" in done.stdout or "The winners differ" in done.stdout
    assert f"Comparison: {tmp_path / 'out' / 'comparison.html'}" in done.stdout
    assert (tmp_path / "out" / "figures" / "winners.png").exists()
    assert f"'{folders[0]}'" in (tmp_path / "out" / "comparison.html").read_text().replace("&#39;", "'")


def test_a_comparison_that_cannot_be_made_is_one_line_and_exit_code_two(sweep_folder, tmp_path, run):
    for given in ([sweep_folder], [sweep_folder, tmp_path], [sweep_folder, sweep_folder]):
        done = run("compare", *given, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "out").exists()

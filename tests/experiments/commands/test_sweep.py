"""A whole sweep, as its user runs it: every stage in a real process, on real Ray, into a real folder."""

import csv
import json
import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from analysis.sweep.loading import load_sweep
from analysis.sweep.schema import EVALUATION
from analysis.verdict.race import run_race

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A finished smoke sweep: its folder and what it printed."""
    storage = tmp_path_factory.mktemp("results")
    command = ["-m", "experiments.trading_sweep", "--smoke", "--name", "smoke", "--storage", storage]
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return storage / "trading_sweep" / "smoke", done


def test_a_smoke_sweep_passes_every_stage_and_says_so(smoke):
    folder, done = smoke
    assert "search     4/4" in done.stdout
    assert "confirm    8/8" in done.stdout
    assert "Too few seeds to tell" in done.stdout  # two test seeds allow no verdict, and it says so
    for command in ("tensorboard --logdir", "python -m analysis report", "python -m experiments replay"):
        assert f"{command} {folder}" in done.stdout
    assert done.stderr == ""


def test_the_folder_holds_what_the_contract_names(smoke):
    folder, _ = smoke
    for name in ("manifest.json", "study.journal", "best.yaml", "report.html", "trials.parquet"):
        assert (folder / name).stat().st_size > 0
    runs = [*(folder / "search").glob("trial_*"), *(folder / "confirm").glob("*_seed*")]
    assert len(runs) == 4 + 8
    for run in runs:
        for name in ("params.json", "result.json", "progress.csv", "state.json"):
            assert (run / name).exists(), run / name
        assert list(run.glob("events.out.tfevents.*"))
    assert not list(folder.rglob("*.part"))


def test_after_the_confirmation_the_top_k_and_the_confirmed_keep_their_checkpoints(smoke):
    folder, _ = smoke
    kept = {path.parent.name for path in (folder / "search").glob("*/checkpoint_*")}
    runs = list((folder / "confirm").glob("*_seed*"))
    confirmed = {run.name.rpartition("_seed")[0] for run in runs}
    assert kept == confirmed - {"default", "adapted", "rllib"}
    assert len(kept) == 1
    assert [len(list(run.glob("checkpoint_*"))) for run in runs] == [1] * 8


def test_every_evaluation_has_every_column_and_counts_steps(smoke):
    folder, _ = smoke
    paths = list(folder.glob("*/*/result.json"))
    assert len(paths) == 4 + 8
    for path in paths:
        results = [json.loads(line) for line in path.read_text().splitlines()]
        steps = [result["steps"] for result in results]
        assert steps == sorted(set(steps))
        assert 1024 <= steps[0] <= steps[-1] <= 2 * 4096
        for result in results:
            assert set(EVALUATION) <= set(result)
            assert math.isfinite(result["objective"])
            assert "env/sharpe_ratio" in result
    with (folder / "search" / "trial_0000" / "progress.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert rows[-1]["steps"] == "4096"
    assert rows[0]["config/lr"] == "0.0003"


def test_the_objective_is_the_mean_of_the_last_three_scores(smoke):
    folder, _ = smoke
    lines = (folder / "search" / "trial_0000" / "result.json").read_text().splitlines()
    results = [json.loads(line) for line in lines]
    # A batch of 2048 passes two evaluation points of 1024 steps each: the score before holds for the first.
    first, last = (result["score"] for result in results)
    assert results[-1]["objective"] == pytest.approx((first + first + last) / 3)


def test_baselines_and_winner_are_confirmed_on_the_same_unseen_seeds(smoke):
    sweep = load_sweep(smoke[0])
    seeds = sweep.confirmation.groupby("config_id")["seed"].apply(set)
    assert {"default", "adapted", "rllib"} < set(seeds.index)
    assert len(seeds.index) == 4
    assert all(used == seeds["default"] for used in seeds)
    assert not seeds["default"] & set(sweep.trials["seed"])
    assert sweep.trials["seed"].nunique() == len(sweep.trials)


def test_the_manifest_says_how_to_do_it_again(smoke):
    manifest = json.loads((smoke[0] / "manifest.json").read_text())
    assert manifest["question"] == "Does tuning PPO pay on a mean-reverting market?"
    assert manifest["command"].startswith("python -m experiments.trading_sweep --smoke")
    assert manifest["env"]["floor"] < manifest["env"]["optimum"]
    assert set(manifest["baselines"]) == {"default", "adapted", "rllib"}
    default, adapted = (manifest["baselines"][name] for name in ("default", "adapted"))
    # 4,096 steps are two updates of 2,048.
    assert adapted == default | {"batch_size": 512, "num_minibatches": 8}
    assert manifest["versions"]["ray"]
    assert manifest["machine"]["cores"] >= 1


def test_tensorboard_shows_the_schemas_names_on_a_step_axis_and_lists_the_configuration(smoke):
    events = EventAccumulator(str(smoke[0] / "search" / "trial_0000"))
    events.Reload()
    assert {"score", "objective", "eval/return_mean", "ppo/kl", "env/turnover"} <= set(
        events.Tags()["scalars"]
    )
    assert [point.step for point in events.Scalars("score")] == [2048, 4096]
    plugins = events.summary_metadata
    assert any("hparams" in tag for tag in plugins)


def test_the_best_configuration_is_readable(smoke):
    best = yaml.safe_load((smoke[0] / "best.yaml").read_text())
    assert best["config_id"] in {"default", "adapted"} or best["config_id"].startswith("trial_")
    assert "lr" in best["configuration"]
    batch = best["configuration"]["batch_size"]
    assert best["rllib"]["training"]["train_batch_size_per_learner"] == batch
    assert isinstance(best["configuration"]["num_minibatches"], int)
    assert best["training"] == {"steps": 4096, "lanes": 8, "trainer": "fast"}
    assert len(best["seeds"]["test_training"]) == best["confirmed"]["seeds"] == 2
    assert best["provenance"]["git"].keys() == {"commit", "dirty", "diff_sha256"}


def test_the_best_configuration_can_be_trained_again_on_seeds_that_nobody_used(smoke, run_python, run_here):
    folder, _ = smoke
    done = run_python("-m", "experiments.trading_sweep", "--retrain", folder, "--seeds", "200")
    assert done.returncode == 0, done.stderr
    assert "Retrained on 1 new seed:" in done.stdout
    (written,) = folder.glob("retrain/*_200/reproduction.json")
    assert list(json.loads(written.read_text())["values"]) == ["200"]
    assert len(load_sweep(written.parent).confirmation) == 1
    assert len(load_sweep(folder).confirmation) == 8
    used = run_here("experiments/trading_sweep.py", "--retrain", folder, "--seeds", "1,300")
    assert used.returncode == 2
    assert "--seeds 1,300: the confirmation used 1 already" in used.stderr
    assert used.stderr.count("\n") == 1


def test_the_winner_can_be_replayed(smoke, run_here):
    done = run_here("experiments/__main__.py", "replay", smoke[0], "--episodes", "16")
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout
    assert "optimal" in done.stdout


@pytest.fixture(scope="module")
def fragile(tmp_path_factory, wait_until):
    """A sweep whose trials fail and diverge, stopped by Ctrl-C after the first one and gone on with."""
    storage = tmp_path_factory.mktemp("results")
    command = [
        sys.executable, str(DATA / "fragile_sweep.py"), "--storage", str(storage), "--name", "x",
        "--steps-per-trial", "8192", "--concurrency", "1",
    ]  # fmt: skip
    folder = storage / "fragile_sweep" / "x"
    running = subprocess.Popen(command, cwd=DATA, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: sizes(folder), running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    stopped = subprocess.CompletedProcess(command, running.returncode, out, err)
    kept = sizes(folder)
    done = subprocess.run(command, cwd=DATA, capture_output=True, text=True, check=False)
    return folder, stopped, kept, done


def sizes(folder):
    """Of the records of every trial that is over, by its name."""
    over = [path.parent for path in folder.glob("search/*/state.json")]
    # A trial that failed at its start has no results.
    return {run.name: sum(path.stat().st_size for path in run.glob("result.json")) for run in over}


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(fragile):
    folder, stopped, kept, done = fragile
    assert stopped.returncode == 130, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert kept
    assert len(kept) < 6
    assert "No verdict yet" in stopped.stdout
    assert "to go on where it was: python fragile_sweep.py" in stopped.stdout
    assert done.returncode == 0, done.stderr
    ended = sizes(folder)
    assert len(ended) == 6
    assert {name: ended[name] for name in kept} == kept
    manifest = json.loads((folder / "manifest.json").read_text())
    (later,) = manifest["continued"]
    assert later["started"] > manifest["started"]
    assert yaml.safe_load((folder / "best.yaml").read_text())["provenance"]["started"] == manifest["started"]


def test_a_sweep_outlives_trials_that_fail_and_trials_that_diverge(fragile):
    folder, *_, done = fragile
    sweep = load_sweep(folder)
    states = sweep.trials.set_index("trial_id")["state"]
    assert len(states) == 6
    assert states["trial_0003"] == "failed"
    assert "diverged" in set(states)
    causes = sweep.trials.set_index("trial_id")["cause"]
    assert "the corridor collapsed" in causes["trial_0003"]
    assert "the corridor collapsed" in (folder / "report.html").read_text()
    assert "the corridor collapsed" in done.stdout


def test_a_sweep_whose_trials_all_fail_after_an_evaluation_says_why_and_fails_too(run_python, tmp_path):
    command = (DATA / "failing_sweep.py", "--storage", tmp_path, "--name", "x", "--concurrency", "1")
    done = run_python(*command, cwd=DATA)
    assert done.returncode == 1, done.stderr
    said = re.sub(r"\d+", "N", done.stderr)
    assert said == (
        "error: every trial failed; the first cause: Collapsing raises in step N of an episode RuntimeError: "
        "no steps [/left] of [low, high] (collapsing_env.py:N); --retry-failed tries them again\n"
    )
    folder = tmp_path / "failing_sweep" / "x"
    runs = sorted(folder.glob("search/trial_*"))
    assert [run.name for run in runs] == ["trial_0000", "trial_0001"]
    for run in runs:
        assert json.loads((run / "state.json").read_text())["state"] == "failed"
        assert (run / "result.json").read_text(), "it was evaluated"
    assert not (folder / "best.yaml").exists()


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A finished race under another scheduler than the default: its folder, its command, what it printed."""
    storage = tmp_path_factory.mktemp("results")
    command = [
        sys.executable, str(DATA / "racing_sweep.py"), "--storage", str(storage), "--name", "x",
        "--scheduler", "median", "--concurrency", "1",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=DATA, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return storage / "racing_sweep" / "x", command, done


def test_a_race_spends_what_it_says(raced):
    folder, _, done = raced
    sweep = load_sweep(folder)
    assert sweep.interim_analyses == (5, 6, 7, 8)
    state = run_race(sweep.confirmation, sweep.interim_analyses)
    assert state.is_over
    assert len(sweep.confirmation) == state.spent <= state.most == 22
    assert f"The race spent {state.spent} of 22 runs and saved {22 - state.spent}" in done.stdout
    assert "is the sweep done?" in done.stdout


def test_a_sweep_runs_under_the_scheduler_that_is_named(raced):
    folder, *_ = raced
    assert json.loads((folder / "manifest.json").read_text())["scheduler"]["name"] == "median"
    states = [json.loads(path.read_text())["state"] for path in sorted(folder.glob("search/*/state.json"))]
    assert len(states) == 3
    assert states[0] == "completed"
    assert set(states) <= {"completed", "pruned"}
    assert "The population" not in (folder / "report.html").read_text()


def test_the_same_command_again_runs_nothing_twice_and_spends_no_further_seeds(raced):
    folder, (python, *arguments), done = raced
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != "lock"}
    assert len(before) > 50
    command = [python, "-X", "importtime", *arguments]
    again = subprocess.run(command, cwd=DATA, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "finished: 3 trials and " in again.stdout
    assert again.stdout.partition("\n\n")[2] == done.stdout.rpartition("\n\n")[2], "the same result"
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != "lock"}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed <= {folder}, "nothing but the lock was touched"
    imported = {line.rpartition("|")[2].strip() for line in again.stderr.splitlines()}
    assert "rich" in imported
    assert imported & {"ray", "torch", "altair"} == set(), "nothing heavy is imported"


def test_a_report_that_is_not_of_the_records_is_drawn_again(raced):
    folder, command, _ = raced
    page = folder / "report.html"
    before = page.read_bytes()
    page.write_bytes(before.replace(b'name="fingerprint" content="', b'name="fingerprint" content="0'))
    again = subprocess.run(command, cwd=DATA, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "search 0 s; confirmation 0 s; start and report" in again.stdout.replace("\n", " ")
    assert page.read_bytes() == before


def test_a_replay_is_recorded_and_shown(raced, run_python, tmp_path):
    folder, *_ = raced  # of an environment with short episodes, since a window keeps to their pace
    animation = tmp_path / "winner.gif"
    done = run_python(
        "-m", "experiments", "replay", folder, "--episodes", "16", "--gif", animation, "--human",
        env={"SDL_VIDEODRIVER": "dummy"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout
    assert animation.read_bytes().startswith(b"GIF89a")
    assert "shown: 3 episodes" in done.stdout

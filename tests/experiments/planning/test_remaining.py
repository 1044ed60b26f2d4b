"""A sweep that goes on knows what it lacks, what that takes, and by whom it was started."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from analysis.sweep import GitRecord
from experiments import Budget, Confirmation, Experiment, Racing
from experiments.core.commands.sweep import _started
from experiments.core.planning.manifest import difference_of, manifest_of
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.planning.remaining import lacks_runs
from experiments.core.preflight.cost_model import NetworkCost
from experiments.core.preflight.estimate import Costs, estimate_of
from experiments.core.preflight.probe import EvaluationCost, ExtremeRuns
from experiments.core.records import recorded_manifest
from search_spaces import model_layouts, ppo

SPACE = ppo.CORE.without("kl_coeff", "kl_target") | model_layouts.MLP
NETWORK = NetworkCost(sampling_s=1e-4, gradient_s=1e-3, row_s=1e-5, checkpoint_bytes=1_000_000)
CORNERS = ExtremeRuns(networks={"64x64-tanh": NETWORK}, updated=2, given=2, diverged=[], slowdown=1.0)
EVALUATION = EvaluationCost(seconds=0.1, finished=True, cut_off=False, steps=10, length_mean=10.0, score=0.0)
STEPS = 1000


@pytest.fixture
def plan_of(tmp_path):
    def plan(*, trials=3, **options):
        experiment = Experiment(
            env="sweeps/Bandit-v0",
            space=SPACE,
            fixed={"batch_size": 500, "num_minibatches": 4},
            budget=Budget(trials=trials, steps_per_trial=STEPS, evaluations=2),
            confirmation=Confirmation(top_k=2, seeds=Racing(start=5, maximum=8)),
        )
        chosen = Options(storage=str(tmp_path), name="x", **options)
        return Plan.of(experiment, chosen, name="some_sweep", question="?")

    return plan


@pytest.fixture
def raced(plan_of, writer):
    """A sweep whose race is over at its first interim analysis, where no contender can catch up."""
    plan = plan_of()
    plan.folder.mkdir(parents=True)
    _started(plan)
    for number in range(3):
        writer.write_run(plan.folder / "search" / f"trial_{number:04d}", SPACE.defaults, [0.5 + number / 10])
    for seed in range(5):
        for config, value in (("default", 0.8), ("rllib", 0.3), ("trial_0001", 0.4), ("trial_0002", 0.3)):
            run = plan.folder / "confirm" / f"{config}_seed{seed}"
            writer.write_run(run, SPACE.defaults, [value + seed % 2 / 100])
    return plan


def estimated(plan):
    costs = Costs(extremes=CORNERS, evaluation=EVALUATION, concurrency=1, step_s=0.0, lanes_s=0.0)
    return estimate_of(plan, costs)


def test_a_race_that_is_over_lacks_nothing_and_takes_nothing(raced):
    assert not lacks_runs(raced)
    found = estimated(raced)
    assert (found.confirm_s, found.confirm_range_s, found.steps) == (0.0, (0.0, 0.0), 0)


def test_a_race_under_way_takes_the_seeds_that_are_left_to_those_who_are_still_in_it(raced):
    for seed in range(5):
        result = raced.folder / "confirm" / f"trial_0001_seed{seed}" / "result.json"
        result.write_text(json.dumps({"steps": STEPS, "objective": 0.81 + seed % 3 / 100}) + "\n")
    assert lacks_runs(raced)
    found = estimated(raced)
    # The default and trial_0001 up to 7 of 8 seeds, and RLlib's defaults up to 6, the second analysis.
    assert found.steps == (2 * 2 + 1) * STEPS
    assert found.confirm_range_s[0] < found.confirm_s < found.confirm_range_s[1]


def test_runs_that_are_gone_are_all_that_a_race_takes_up_to_the_analysis_that_lacks_them(raced):
    least = []
    for gone in ("trial_0002_seed3", "default_seed4"):
        shutil.rmtree(raced.folder / "confirm" / gone)
        assert lacks_runs(raced)
        least.append(estimated(raced).confirm_range_s[0])
    assert least[1] == pytest.approx(2 * least[0])


def test_before_its_search_is_complete_a_sweep_lacks_trials_and_an_unknown_race(plan_of, raced):
    more = plan_of(trials=5)
    assert lacks_runs(more)
    found = estimated(more)
    assert found.search_s > 0
    # As if those that were confirmed remained the best: two seeds more of them and the default.
    assert found.steps > 3 * STEPS


def manifest(plan):
    return json.loads((plan.folder / "manifest.json").read_text())


@pytest.fixture
def elsewhere(monkeypatch):
    """The same suite in other versions, on another machine, with other code."""
    monkeypatch.setattr("experiments.core.planning.manifest._git", lambda folder: GitRecord(commit="later"))
    monkeypatch.setattr("experiments.core.planning.manifest._machine", lambda: {"cpu": "another"})
    monkeypatch.setattr("experiments.core.planning.manifest.this_command", lambda: "another command")


def test_whoever_goes_on_with_a_sweep_is_written_down_beside_those_who_began_it(plan_of, raced, elsewhere):
    first = manifest(raced)
    _started(plan_of(trials=5))
    second = manifest(raced)
    for name in ("command", "started", "machine", "versions", "git", "program_git"):
        assert second[name] == first[name]
    assert second["budget"]["trials"] == 5
    (later,) = second["continued"]
    assert (later["command"], later["machine"]) == ("another command", {"cpu": "another"})
    assert (later["git"]["commit"], later["budget"]["trials"]) == ("later", 5)
    assert later["replaced"] == {"budget": first["budget"]}
    assert {"started", "versions"} <= set(later)
    _started(plan_of(trials=5))  # killed before it had run anything, and started again
    assert manifest(raced)["continued"][:1] == [later]
    assert len(manifest(raced)["continued"]) == 2


def test_the_repository_of_an_experiment_that_lies_elsewhere_is_written_down(tmp_path, run_python):
    program = tmp_path / "room_sweep.py"
    program.write_text(
        "from experiments.core.planning.manifest import SUITE, _git, _program_git\n"
        "print(_program_git())\n"
        "print(_git(SUITE) == _program_git())\n"
    )
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    outside = run_python(program, cwd=tmp_path, env=env)
    assert outside.stdout.startswith("GitRecord(commit=None, dirty=None"), outside.stderr
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.strip()
    clean = run_python(program, cwd=tmp_path, env=env)
    assert f"GitRecord(commit='{commit}', dirty=False" in clean.stdout
    program.write_text(program.read_text() + "# changed\n")
    changed = run_python(program, cwd=tmp_path, env=env)
    assert f"GitRecord(commit='{commit}', dirty=True, diff_sha256='" in changed.stdout
    assert changed.stdout.splitlines()[1] == "False"


def test_a_call_that_runs_nothing_and_asks_for_nothing_else_leaves_no_trace(raced, elsewhere):
    path = raced.folder / "manifest.json"
    before = path.read_bytes()
    _started(raced)
    assert path.read_bytes() == before


def test_entries_that_only_a_later_release_knows_stay_where_they_were(plan_of, raced, elsewhere):
    path = raced.folder / "manifest.json"
    path.write_text(json.dumps(manifest(raced) | {"licence": {"of": "data"}}))
    _started(plan_of(trials=4))
    found = manifest(raced)
    assert found["licence"] == {"of": "data"}
    assert found["continued"][0]["git"]["commit"] == "later"
    assert found["continued"][0]["replaced"].keys() == {"budget"}


def test_a_manifest_that_lacks_what_was_added_since_is_gone_on_with(plan_of, raced, elsewhere):
    missing = ("git", "vectorization")
    old = {name: value for name, value in manifest(raced).items() if name not in missing}
    (raced.folder / "manifest.json").write_text(json.dumps(old))
    assert difference_of(recorded_manifest(raced.folder), manifest_of(raced)) is None
    _started(plan_of(trials=4))
    found = manifest(raced)
    assert found["git"] == {"commit": None, "dirty": None, "diff_sha256": None}
    assert found["continued"][0]["git"]["commit"] == "later"
    assert found.keys() - {"continued"} == manifest_of(raced).to_json().keys()


def test_a_sweep_that_knew_no_adapted_default_goes_on_without_it(tmp_path):
    experiment = Experiment(
        env="sweeps/Bandit-v0", space=ppo.BATCH, budget=Budget(trials=3, steps_per_trial=STEPS, evaluations=2)
    )

    def plan():
        return Plan.of(experiment, Options(storage=str(tmp_path), name="x"), name="some_sweep", question="?")

    first = plan()
    assert set(first.baselines) == {"rllib", "adapted", "default"}
    assert first.test_runs == 8 + 2 * 20 + 2 * 20
    first.folder.mkdir(parents=True)
    _started(first)
    assert difference_of(recorded_manifest(first.folder), manifest_of(plan())) is None
    path = first.folder / "manifest.json"
    entries = json.loads(path.read_text())
    del entries["baselines"]["adapted"]
    path.write_text(json.dumps(entries))
    assert set(plan().baselines) == {"rllib", "default"}
    assert difference_of(recorded_manifest(first.folder), manifest_of(plan())) is None

"""Before anything is spent: what cannot work is refused in one line, and what it would cost is measured."""

import random
import re
import shlex
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import ray
import torch

from experiments import Budget, Confirmation, Experiment, NoScheduler
from experiments.__main__ import declared
from experiments.core.environments.lookup import time_limit
from experiments.core.errors import UserError
from experiments.core.planning.manifest import manifest_of
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.preflight import checks as checks
from experiments.core.preflight.checks import preflight
from experiments.core.preflight.probe import Patience
from experiments.core.ray_internals import cores_here
from experiments.core.records import write_manifest
from experiments.core.terminal.console import open_console
from experiments.core.terminal.summary import print_plan
from search_spaces import choice, log_uniform, model_layouts, ppo

pytestmark = pytest.mark.usefixtures("no_ray")
DATA = Path(__file__).parents[1] / "data"
ROOT = Path(__file__).parents[3]
SMALL = Experiment(
    env="broken_envs:tests/Walk-v0",
    space=log_uniform("lr", 1e-5, 1e-2, default=3e-4, source="x")
    | choice("layout", "32-tanh", "64x64-tanh", default="32-tanh", source="x"),
    fixed={"batch_size": 256, "num_minibatches": 4, "epochs": 2},
    budget=Budget(trials=4, steps_per_trial=1024, evaluations=4),
    confirmation=Confirmation(top_k=1, seeds=2),
    evaluation_episodes=8,
    check_s=60.0,  # a busy machine must not cut the checks of tests short
)


@pytest.fixture(autouse=True)
def importable_environments(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA))
    # A busy machine must not cut the checks of tests short.
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=60.0, clock_s=600.0))


def plan_of(experiment, tmp_path, **options):
    chosen = Options(storage=str(tmp_path / "results"), concurrency=2, **options)
    return Plan.of(chosen.apply(experiment), chosen, name="small_sweep", question="?")


def checked(tmp_path, *, options=None, **changes):
    return preflight(plan_of(replace(SMALL, **changes), tmp_path, **(options or {})))


def test_every_extreme_configuration_takes_an_update_and_nothing_is_left_behind(tmp_path):
    random.seed(1)
    torch.manual_seed(1)
    before = random.getstate(), torch.get_rng_state(), torch.get_num_threads(), np.random.get_state()[1][0]  # noqa: NPY002
    found = checked(tmp_path)
    # The default, RLlib's defaults, the other layout, the lowest and the highest values.
    assert found.extremes.updated == found.extremes.given == 5
    assert set(found.extremes.networks) == {"32-tanh", "64x64-tanh", "256x256-tanh"}
    assert found.extremes.diverged == []
    assert [note for note in found.notes if "other programs" not in note] == []
    assert not ray.is_initialized()
    assert list(tmp_path.iterdir()) == []
    after = random.getstate(), torch.get_rng_state(), torch.get_num_threads(), np.random.get_state()[1][0]  # noqa: NPY002
    assert before[0] == after[0]
    assert torch.equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_larger_networks_are_measured_to_cost_more(tmp_path):
    networks = checked(tmp_path).extremes.networks
    assert networks["256x256-tanh"].row_s > networks["32-tanh"].row_s
    assert networks["256x256-tanh"].checkpoint_bytes > networks["64x64-tanh"].checkpoint_bytes > 10_000
    assert min(network.sampling_s for network in networks.values()) > 0


def test_more_runs_at_once_than_fit_are_neither_planned_nor_started(tmp_path):
    cores = cores_here()
    options = Options(storage=str(tmp_path / "results"), concurrency=8 * cores)
    plan = Plan.of(SMALL, options, name="small_sweep", question="?")
    found = preflight(plan)
    assert found.concurrency == cores
    said = f"--concurrency {8 * cores} is more than fits on this machine, where {cores} can run at once"
    assert said in found.notes
    assert plan.cores == cores, "of the Ray that it starts"
    fewer = Plan.of(SMALL, replace(options, concurrency=1), name="small_sweep", question="?")
    assert fewer.cores == 1
    assert not [note for note in preflight(fewer).notes if "--concurrency" in note]


def test_the_plan_counts_every_run(tmp_path):
    expected = checked(tmp_path, scheduler=NoScheduler()).estimate
    trials, default, rllib, winner = 4 * 1024, 2 * 1024, 2 * 4000, 2 * 1024
    assert expected.steps == trials + default + rllib + winner
    assert expected.seconds == expected.search_s + expected.confirm_s + expected.around_s


def test_rllibs_own_runner_and_learner_are_tried_in_the_same_way(tmp_path):
    stock = checked(tmp_path, options={"trainer": "rllib"}).extremes
    assert stock.updated == stock.given
    assert not ray.is_initialized()


def test_a_vector_environment_that_resets_in_the_wrong_step_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"breaks a promise that training relies on.*envs\.check") as caught:
        checked(tmp_path, env="broken_envs:tests/Hasty-v0")
    assert "\n" not in str(caught.value)


def test_the_command_that_a_note_on_the_environment_names_says_what_is_wrong(tmp_path, run_python):
    found = checked(tmp_path, env="broken_envs:tests/Listing-v0", env_parameters={"steps": 5})
    (note,) = (note for note in found.notes if "Listing" in note)
    program, *arguments = shlex.split(re.search(r"(python .*) says the rest", note)[1])
    assert program == "python"
    assert arguments[-1] == "steps=5"
    done = run_python(*arguments, cwd=DATA, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1, done.stderr
    assert "numpy array" in done.stdout


def test_an_environment_that_raises_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be trained") as caught:
        checked(tmp_path, env_parameters={"breaks_at": 7})
    said = (
        r"Walk raises in step 7 of an episode RuntimeError: the simulator is gone \(.*broken_envs\.py:\d+\)$"
    )
    assert re.search(said, str(caught.value))


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_rewards_that_are_not_finite_are_refused(tmp_path, reward):
    with pytest.raises(UserError, match="finite"):
        checked(tmp_path, env_parameters={"reward": reward})


def test_an_extreme_configuration_that_diverges_is_said_and_allowed(tmp_path):
    wild = log_uniform("lr", 1e-5, 1e300, default=3e-4, source="x")
    found = checked(tmp_path, space=wild)
    assert "the first update is not finite with the highest values" in found.notes


def test_a_default_that_diverges_is_refused(tmp_path):
    with pytest.raises(UserError, match="default configuration's first update is not finite"):
        checked(tmp_path, space=log_uniform("lr", 1e-5, 1e30, default=1e30, source="x"))


def test_a_name_that_changes_nothing_is_refused(tmp_path):
    # Gradients are clipped or not, but both ends of this domain mean the same to RLlib.
    idle = choice("vf_clip", float("inf"), 1e400, default=float("inf"), source="x")
    with pytest.raises(UserError, match="vf_clip is searched, but no value of it reaches the trainer"):
        checked(tmp_path, space=SMALL.space | idle)


def test_episodes_longer_than_an_evaluation_interval_are_said(tmp_path):
    found = checked(tmp_path, env_parameters={"steps": 100})
    assert any(
        "an episode lasts about 100 steps, but between evaluations a lane takes 32" in n for n in found.notes
    )


def test_an_episode_of_one_step_is_called_so(tmp_path):
    budget = Budget(trials=4, steps_per_trial=16, evaluations=4)
    found = checked(tmp_path, env_parameters={"steps": 1}, budget=budget)
    assert any(note.startswith("an episode lasts about 1 step, but") for note in found.notes)


@pytest.mark.parametrize(("steps_per_trial", "takes"), [(16, "less than one"), (32, "1"), (256, "8")])
def test_an_interval_of_less_than_a_step_is_called_so(tmp_path, steps_per_trial, takes):
    found = checked(tmp_path, budget=Budget(trials=4, steps_per_trial=steps_per_trial, evaluations=4))
    assert any(f"between evaluations a lane takes {takes}: some" in note for note in found.notes)


def test_no_more_is_planned_to_be_confirmed_than_the_search_tries(tmp_path, capsys):
    few = replace(
        SMALL, confirmation=Confirmation(top_k=3, seeds=2), budget=Budget(trials=2, steps_per_trial=1024)
    )
    plan = plan_of(few, tmp_path)
    found = preflight(plan)
    assert plan.test_runs == (2 + 1) * 2
    one = preflight(plan_of(replace(few, confirmation=Confirmation(top_k=1, seeds=2)), tmp_path))
    assert found.estimate.steps == one.estimate.steps
    print_plan(open_console(quiet=False), plan, found)
    assert "then the best 1 and 2 baselines on 2 test seeds each" in " ".join(capsys.readouterr().out.split())


def test_one_of_anything_is_said_as_one(tmp_path, capsys):
    single = replace(
        SMALL,
        space=log_uniform("lr", 1e-5, 1e-2, default=3e-4, source="x"),
        budget=Budget(trials=1, steps_per_trial=1024, evaluations=4),
        confirmation=Confirmation(top_k=1, seeds=1),
    )
    plan = Plan.of(single, Options(storage=str(tmp_path), concurrency=1), name="small_sweep", question="?")
    print_plan(open_console(quiet=False), plan, preflight(plan))
    told = " ".join(capsys.readouterr().out.split())
    for part in (
        "1 trial of",
        "over 1 hyperparameter,",
        "on 1 test seed each",
        "contract, 1 hyperparameter,",
        "with 1 run at once",
    ):
        assert part in told


def test_episodes_that_do_not_end_by_themselves_are_cut_off_after_a_number_that_is_said(tmp_path):
    endless = {"env_parameters": {"steps": 10**9}}
    (note,) = (note for note in checked(tmp_path, **endless).notes if "states no time limit" in note)
    assert "an evaluation cuts episodes off after 1,024 steps" in note, "as many as a trial trains"
    (note,) = (n for n in checked(tmp_path, max_evaluation_steps=77, **endless).notes if "time limit" in n)
    assert "after 77 steps; declare another number as max_evaluation_steps" in note
    assert not any("time limit" in note for note in checked(tmp_path, max_evaluation_steps=77).notes)


def test_an_evaluation_that_ends_at_a_time_limit_is_estimated_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "EVALUATION_S", 0.2)
    found = checked(tmp_path, env="broken_envs:tests/Limited-v0")
    assert any("lasts until all have: up to 10,000,000 steps" in note for note in found.notes)
    assert found.estimate.seconds > 3600


def test_the_suites_own_environments_state_their_time_limits(tmp_path):
    assert time_limit("sweeps/Trading-v0", {"max_steps": 7}) == 7
    assert time_limit("CartPole-v1", {}) == 500
    assert time_limit("broken_envs:tests/Walk-v0", {}) is None


def test_a_disk_that_is_too_small_is_refused(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1_000_000))
    with pytest.raises(UserError, match=r"1 MB free, and the sweep needs about \d+ MB"):
        checked(tmp_path)


def test_checking_is_cut_short_where_it_takes_long(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=0.0, clock_s=0.0))
    found = checked(tmp_path)
    assert found.extremes.updated == 2
    assert found.extremes.given == 5
    assert found.estimate.seconds > 0


class TimeForFive(Patience):
    """Is up once it has been asked as often as there are configurations to try beyond the first two."""

    def started(self):
        asked = iter([False] * 3)
        return lambda: next(asked, True)


def test_every_configuration_has_its_update_before_the_layouts_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE", TimeForFive(computing_s=0.0, clock_s=0.0))
    found = checked(tmp_path).extremes
    assert found.updated == found.given == 5
    # Those of the two baselines; the third one counts as the default's.
    assert list(found.networks) == ["32-tanh", "256x256-tanh"]


def test_runs_that_a_folder_holds_are_not_counted_again(tmp_path, writer):
    plan = plan_of(SMALL, tmp_path, name="x")
    whole = preflight(plan).estimate
    for run in ("search/trial_0000", "search/trial_0001", "confirm/default_seed0"):
        writer.write_run(plan.folder / run, {"lr": 1.0}, [1.0])
    write_manifest(plan.folder, manifest_of(plan))
    rest = preflight(plan).estimate
    assert rest.steps < whole.steps


@pytest.mark.parametrize("name", list(declared()))
def test_every_declared_experiment_passes_its_checks(name, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=0.5, clock_s=600.0))
    question, experiment = declared()[name]
    options = Options(storage=str(tmp_path / "results"))
    found = preflight(Plan.of(experiment, options, name=name, question=question))
    assert found.extremes.updated >= 2
    assert found.extremes.diverged == []


def test_images_are_tried_too(tmp_path):
    found = checked(
        tmp_path,
        env="sweeps/Visual-v0",
        space=ppo.CORE | model_layouts.CNN.narrow(layout=("cnn-tiny-64",)),
        fixed={"batch_size": 256, "num_minibatches": 4},
        budget=Budget(trials=1, steps_per_trial=1024, evaluations=4),
    )
    assert "cnn-tiny-64" in found.extremes.networks

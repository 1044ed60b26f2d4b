"""Several seeds of one trial: each is a run of its own, and the trial's value is made of all of them."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm

from analysis.sweep.layout import replica_folders
from analysis.sweep.schema import Phase
from experiments.core.declaration.seeds import LANES, Seeds, replica_seeds
from experiments.core.environments.scale import EvaluationSetting, scale_of
from experiments.core.training.task import Task
from experiments.core.training.trial import PPOTrial

pytestmark = pytest.mark.usefixtures("local_ray")
ENV = "sweeps/TradingMeanReverting-v0"
FEES = {"fee_rate": 0.001}
TASK = Task(
    env=ENV,
    env_parameters=FEES,
    evaluation_settings={
        phase: EvaluationSetting(parameters=FEES, scale=scale_of(ENV, FEES), most_steps=10_000)
        for phase in Phase
    },
    fixed={"batch_size": 256, "num_minibatches": 2, "epochs": 2, "layout": "8-tanh"},
    lanes=4,
    steps=1024,
    evaluations=4,
    evaluation_episodes=8,
    seeds=Seeds(0),
    trainer="fast",
)
PENALTY = 0.5
FLOOR = scale_of(ENV, FEES).diverged
THREE = dataclasses.replace(TASK, seeds_per_trial=3, seed_penalty=PENALTY)


def started(task, **config):
    """A trial as an actor holds it, in this process."""
    trial = PPOTrial.__new__(PPOTrial)
    trial.setup({"seed": 4096, "config_id": "trial_0001", **config}, task)
    return trial


def measured(result):
    """A result without what depends on the clock."""
    return {name: value for name, value in result.items() if name not in {"wall_s", "steps_per_s"}}


def test_every_seed_of_a_trial_trains_as_it_would_alone_and_all_of_them_make_its_value():
    trial = started(THREE)
    alone = [started(TASK, seed=seed) for seed in replica_seeds(4096, 3, lanes=TASK.lanes)]
    for _ in range(2):
        result, own = trial.step(), [run.step() for run in alone]
        scores, objectives = [r["score"] for r in own], [r["objective"] for r in own]
        assert [result[f"seeds/score_{r}"] for r in range(3)] == scores
        assert len(set(scores)) == 3
        assert result["score"] == pytest.approx(np.mean(scores))
        spread = np.std(objectives, ddof=1)
        assert result["seeds/objective_std"] == pytest.approx(spread)
        assert result["objective"] == pytest.approx(np.mean(objectives) - PENALTY * spread)
        assert result["seeds/score_std"] == pytest.approx(np.std(scores, ddof=1))
        assert result["steps"] == min(r["steps"] for r in own)
        assert result["seeds/steps"] == sum(r["steps"] for r in own)
        assert result["ppo/kl"] == pytest.approx(np.mean([r["ppo/kl"] for r in own]))
        assert result["seeds/diverged"] == 0
        assert not result["done"]


def test_a_seed_that_diverges_counts_with_the_floor_to_the_end_and_the_others_go_on():
    trial = started(THREE)
    before = trial.step()
    lost = trial._replicas._runs[1]._algorithm.learner.module["default_policy"]
    with torch.no_grad():
        next(lost.parameters()).fill_(math.nan)
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    last = results[-1]
    for result in results:
        assert result["seeds/score_1"] == FLOOR
        assert result["seeds/diverged"] == 1
        scores = [result[f"seeds/score_{r}"] for r in range(3)]
        assert result["score"] == pytest.approx(np.mean(scores))
        assert result["objective"] < before["objective"]
        assert math.isfinite(result["ppo/kl"])  # of the seeds that were measured
    assert last["steps"] >= TASK.steps
    assert last["seeds/steps"] < 3 * TASK.steps
    assert "state" not in last


def test_a_trial_has_diverged_when_every_seed_has():
    trial = started(THREE)
    trial.step()
    for run in trial._replicas._runs:
        with torch.no_grad():
            next(run._algorithm.learner.module["default_policy"].parameters()).fill_(math.nan)
    result = trial.step()
    assert result["done"]
    assert result["state"] == "diverged"
    assert result["cause"]
    assert result["score"] == result["objective"] == FLOOR
    assert math.isnan(result["ppo/kl"])


def test_a_confirmation_run_has_one_seed_and_no_columns_of_several():
    trial = started(THREE, test_seed=0)
    assert not [name for name in trial.step() if name.startswith("seeds/")]


@pytest.mark.parametrize("task", [TASK, THREE], ids=["one seed", "three seeds"])
def test_a_trial_goes_on_from_its_checkpoint_as_if_it_had_never_stopped(task, tmp_path):
    trial = started(task)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    expected = measured(trial.step())
    again = started(task)
    again.load_checkpoint(str(tmp_path))
    np.testing.assert_equal(measured(again.step()), expected)
    assert len(replica_folders(tmp_path)) == (0 if task is TASK else 3)


def test_rllib_reads_a_checkpoint_without_knowing_anything_of_the_suite(tmp_path):
    trial = started(TASK)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    algorithm = Algorithm.from_checkpoint(tmp_path.as_posix())
    assert algorithm.config.env_config["id"] == ENV
    assert algorithm.config.env_config["parameters"] == FEES
    assert algorithm.env_runner.env.unwrapped.dynamics.parameters.fee_rate == FEES["fee_rate"]
    algorithm.train()
    algorithm.stop()


def test_the_seeds_of_a_trial_are_disjoint_from_one_another_and_from_the_next_trials():
    seeds = replica_seeds(Seeds(1).training(7), 5, lanes=8)
    lanes = [seed + lane for seed in seeds for lane in range(8)]
    assert len(set(lanes)) == 40
    assert max(lanes) < Seeds(1).training(8)
    with pytest.raises(ValueError, match="2 replicas"):
        replica_seeds(0, 2, lanes=LANES)

"""A run's working parts outside Ray: what they sample, and whose lanes they use."""

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest

from analysis.sweep.schema import Phase
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.preflight.probe import preserve_rng_state
from experiments.core.preflight.workers import Environments, Workers
from experiments.core.training.task import Task
from experiments.core.training.trial import ppo_config

pytestmark = pytest.mark.usefixtures("no_ray")
ENV = "sweeps/PointTarget-v0"
TASK = Task(
    env=ENV,
    env_parameters={},
    evaluation_settings={phase: EvaluationSetting(parameters={}, scale=ScoreScale()) for phase in Phase},
    fixed={"batch_size": 64, "num_minibatches": 2, "layout": "16-tanh"},
    lanes=4,
    steps=64,
    evaluations=1,
    evaluation_episodes=4,
    seeds=Seeds(0),
    diverged_score=0.0,
    trainer="fast",
)


@pytest.fixture(autouse=True)
def leaves_the_generators_alone():
    with preserve_rng_state():
        yield


def sampled(environments, task=TASK, **names):
    with Workers(ppo_config({"seed": 3, **names}, task), environments) as workers:
        rollout = workers.sample(64)
        return workers.runner.env.unwrapped, rollout.obs_tn.numpy().copy(), rollout.rewards_tn.copy()


def test_runs_with_equal_parameters_get_the_same_lanes_one_after_the_other_and_each_a_fresh_start():
    with Environments() as environments:
        first = sampled(environments)
        again = sampled(environments)
        other = sampled(environments, **{"env.max_steps": 7})
    assert again[0] is first[0]
    assert other[0] is not first[0]
    for one, same in zip(first[1:], again[1:], strict=True):
        np.testing.assert_array_equal(one, same)


def test_lanes_in_processes_are_started_once_and_end_with_the_context():
    task = replace(TASK, vectorization="async", lanes=2)
    with Environments() as environments:
        sampled(environments, task)
        processes = multiprocessing.active_children()
        sampled(environments, task, lr=0.01)
        assert multiprocessing.active_children() == processes
        assert len(processes) == 2
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("trainer", ["fast", "rllib"])
def test_both_trainers_take_an_update_on_lent_lanes(trainer):
    task = replace(TASK, trainer=trainer)
    with Environments() as environments:
        for lr in (0.0001, 0.001):
            with Workers(ppo_config({"seed": 3, "lr": lr}, task), environments) as workers:
                before = workers.checkpoint_bytes()
                workers.update(workers.sample(64), rows=32)
                assert workers.checkpoint_bytes() >= before > 1000


LEAN = """
import sys
from ray.rllib.algorithms.ppo import PPOConfig
from experiments.core.fast_ppo import use_fast_path
from experiments.core.preflight.workers import Environments, Workers

import gymnasium as gym
config = PPOConfig().environment(lambda context: gym.make_vec("CartPole-v1", context["num_envs"]))
config = config.env_runners(num_envs_per_env_runner=2, gym_env_vectorize_mode="vector_entry_point")
config = use_fast_path(config)
with Environments() as environments, Workers(config, environments) as workers:
    workers.update(workers.sample(64), rows=32)
print("compiler" if {"torch._dynamo", "torch._inductor"} & set(sys.modules) else "lean")
"""


def test_they_never_import_torchs_compiler(run_python):
    done = run_python("-c", LEAN)
    assert done.stdout.strip() == "lean", done.stderr

"""A run's working parts outside Ray: they train on what was seen in the environment before."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.sweep.schema import Phase
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.preflight.play import play
from experiments.core.preflight.probe import preserve_rng_state
from experiments.core.preflight.workers import RecordedLanes, Workers
from experiments.core.training.task import Task
from experiments.core.training.trial import ppo_config

pytestmark = pytest.mark.usefixtures("no_ray")
ENV = "sweeps/PointTarget-v0"
TASK = Task(
    env=ENV,
    env_parameters={},
    evaluation_settings={
        phase: EvaluationSetting(parameters={}, scale=ScoreScale(), most_steps=10_000) for phase in Phase
    },
    fixed={"batch_size": 64, "num_minibatches": 2, "layout": "16-tanh"},
    lanes=4,
    steps=64,
    evaluations=1,
    evaluation_episodes=4,
    seeds=Seeds(0),
    trainer="fast",
)


@pytest.fixture(autouse=True)
def leaves_the_generators_alone():
    with preserve_rng_state():
        yield


@pytest.fixture(scope="module")
def seen():
    return play(ENV, {}, "auto", seconds=1.0, seed=0)


def test_the_lanes_show_again_what_was_seen_and_paid(seen):
    with Workers(ppo_config({"seed": 3}, TASK), seen) as workers:
        rollout = workers.sample(64)
        observations, rewards = rollout.obs_tn.copy(), rollout.rewards_tn.copy()
    known = {tuple(each) for each in np.asarray(seen.observations, np.float32)}
    assert {tuple(each) for each in observations.reshape(-1, observations.shape[-1])} <= known
    assert set(np.unique(rewards)) <= {0.0, *np.float32(seen.rewards)}


def test_an_episode_lasts_as_long_as_those_that_were_seen_and_the_next_begins_a_step_later(seen):
    lanes = RecordedLanes(replace(seen, lengths=[3, 3]), 2)
    lanes.reset(seed=0)
    over = [bool(lanes.step(lanes.action_space.sample())[3].all()) for _ in range(8)]
    assert over == [False, False, True, False, False, False, True, False]


def test_every_run_sees_the_same(seen):
    def first():
        with Workers(ppo_config({"seed": 3}, TASK), seen) as workers:
            return workers.sample(64).obs_tn.copy()

    np.testing.assert_array_equal(first(), first())


@pytest.mark.parametrize("trainer", ["fast", "rllib"])
def test_both_trainers_take_an_update(trainer, seen):
    task = replace(TASK, trainer=trainer)
    for lr in (0.0001, 0.001):
        with Workers(ppo_config({"seed": 3, "lr": lr}, task), seen) as workers:
            before = workers.checkpoint_bytes()
            workers.update(workers.sample(64), rows=32)
            assert workers.checkpoint_bytes() >= before > 1000


LEAN = """
import sys
from ray.rllib.algorithms.ppo import PPOConfig
from experiments.core.fast_ppo import use_fast_path
from experiments.core.preflight.play import play
from experiments.core.preflight.workers import Workers

seen = play("CartPole-v1", {}, "auto", seconds=0.1, seed=0)
config = PPOConfig()
config = config.env_runners(num_envs_per_env_runner=2, gym_env_vectorize_mode="vector_entry_point")
config = use_fast_path(config)
with Workers(config, seen) as workers:
    workers.update(workers.sample(64), rows=32)
print("compiler" if {"torch._dynamo", "torch._inductor"} & set(sys.modules) else "lean")
"""


def test_they_never_import_torchs_compiler(run_python):
    done = run_python("-c", LEAN)
    assert done.stdout.strip() == "lean", done.stderr

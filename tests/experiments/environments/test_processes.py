"""Lanes in processes of their own play what lanes in one process play, and leave no process behind."""

import multiprocessing
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from ray import tune

from analysis.sweep.schema import Phase
from experiments import Budget, Experiment
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.evaluation import evaluate
from experiments.core.environments.make import make_vector
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.errors import UserError
from experiments.core.training.task import Task
from experiments.core.training.trial import PPOTrial
from search_spaces import ppo

DATA = Path(__file__).parents[1] / "data"
CORRIDOR = "user_env:tests/Corridor-v0"
LANES = 2


@pytest.fixture(autouse=True)
def _users_module(monkeypatch):
    monkeypatch.syspath_prepend(DATA)


def lanes_alive():
    return [p.pid for p in multiprocessing.active_children() if "LaneProcesses" in p.name]


@pytest.mark.parametrize(
    ("env_id", "parameters"),
    [
        (CORRIDOR, {}),
        ("sweeps/TradingMeanReverting-v0", {}),
        ("sweeps/Visual-v0", {}),
        ("sweeps/Spaces-v0", {"observation_space": "nested", "action_space": "nested", "max_messages": 4}),
    ],
)
def test_lane_for_lane_the_same_episodes_in_every_kind_of_space(env_id, parameters):
    together = make_vector(env_id, parameters, LANES)
    apart = make_vector(env_id, parameters, LANES, "async")
    assert isinstance(apart, AsyncVectorEnv)
    assert apart.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert apart.single_observation_space == together.single_observation_space
    assert apart.single_action_space == together.single_action_space
    for seed in (3, 50):  # a reset in the middle of an episode, and after its end
        np.testing.assert_array_equal(apart.reset(seed=seed)[0], together.reset(seed=seed)[0])
        together.action_space.seed(seed)
        for _ in range(25):
            actions = together.action_space.sample()
            for mine, theirs in zip(apart.step(actions)[:4], together.step(actions)[:4], strict=True):
                np.testing.assert_array_equal(mine, theirs)
    apart.close(), together.close()
    assert not lanes_alive()


@pytest.mark.parametrize("lanes", [1, 3, 8, 11])
def test_an_evaluation_gives_the_same_in_turns_as_at_once(lanes):
    def played(lanes, vectorization="auto"):
        env = make_vector("sweeps/TradingMeanReverting-v0", {}, lanes, vectorization)
        buying = lambda observations: (observations[:, 0] < 0).astype(np.int64)  # noqa: E731
        result = evaluate(env, buying, episodes=8, seed=5)
        env.close()
        return result

    at_once, in_turns = played(8), played(lanes, "async" if lanes == 3 else "auto")
    np.testing.assert_array_equal(in_turns.returns, at_once.returns)
    np.testing.assert_array_equal(in_turns.lengths, at_once.lengths)
    assert in_turns.summaries == pytest.approx(at_once.summaries, nan_ok=True)


@pytest.mark.usefixtures("local_ray")
def test_a_trial_ends_its_processes_when_the_next_one_begins_and_when_it_is_cleaned_up():
    task = Task(
        env=CORRIDOR,
        env_parameters={},
        evaluation_settings={
            phase: EvaluationSetting(parameters={}, scale=ScoreScale(), most_steps=10_000) for phase in Phase
        },
        fixed={"batch_size": 64, "epochs": 2, "num_minibatches": 2, "layout": "16x16-tanh"},
        lanes=LANES,
        steps=128,
        evaluations=2,
        evaluation_episodes=5,
        seeds=Seeds(0),
        trainer="fast",
    )
    configs = [{"seed": n, "config_id": f"trial_000{n}"} for n in (1, 2)]
    apart, together = (
        tune.with_parameters(PPOTrial, task=replace(task, vectorization=how))(config=configs[0])
        for how in ("async", "auto")
    )
    first = set(lanes_alive())
    assert len(first) == 2 * LANES  # training's and evaluation's, though it plays five episodes
    mine, theirs = apart.train(), together.train()
    for name in ("score", "eval/length_mean", "ppo/kl", "train/return_mean", "env/distance"):
        assert mine[name] == theirs[name], name
    assert apart.reset_config(configs[1])
    second = set(lanes_alive())
    assert len(second) == 2 * LANES
    assert len(first & second) == LANES  # evaluation's go on
    apart.train()
    apart.stop(), together.stop()
    assert not lanes_alive()


def test_an_error_in_a_lane_is_told_and_leaves_no_process():
    env = make_vector(CORRIDOR, {"breaks_on_seed": 8}, LANES, "async")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Gymnasium shows the lane's traceback as one
        with pytest.raises(RuntimeError, match="the corridor collapsed"):
            env.reset(seed=7)
        env.close()
    while lanes_alive():  # until the system has taken note of their end; for ever if one stays
        time.sleep(0.05)


def test_a_wrong_kind_of_vectorization_is_refused():
    with pytest.raises(UserError, match="vectorization='sync': expected 'auto' or 'async'"):
        Experiment(env="x", space=ppo.CORE, budget=Budget(trials=1, steps_per_trial=99), vectorization="sync")

"""Between two evaluations: what the training columns are about."""

import math
from contextlib import closing
from dataclasses import replace
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from analysis.sweep.schema import Phase
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.make import make_vector
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.fast_ppo import DivergenceError, aggregate
from experiments.core.fast_ppo.env_runner import FastEnvRunner
from experiments.core.training.run import TrainingRun, TrainingSchedule
from experiments.core.training.schedule import ConfigurationSchedule
from experiments.core.training.task import Task
from experiments.core.training.trial import ppo_config, settings_of


class Rare(gym.Env):
    """One step; pays what its seed says, and in every other episode nothing finite."""

    observation_space, action_space = gym.spaces.Box(-1.0, 1.0, (1,)), gym.spaces.Discrete(2)

    def __init__(self, always=False):
        self._always = always

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._paid = math.nan if self._always or seed % 2 else float(seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), self._paid + action, True, False, {}


pytestmark = [
    pytest.mark.usefixtures("local_ray"),
    # RLlib's runner registers every environment under one name.
    pytest.mark.filterwarnings("ignore:.*Overriding environment"),
]
ENV = "CartPole-v1"


@pytest.fixture
def ended(monkeypatch):
    """Return and length of every training episode that ends from now on, whichever runner plays it."""
    episodes = []
    rollout, log = FastEnvRunner.rollout, SingleAgentEnvRunner._log_episode_metrics

    def noted_rollout(self, steps):
        played = rollout(self, steps)
        episodes.extend(zip(self.returns.tolist(), self.lengths.tolist(), strict=True))
        return played

    def noted_episode(self, length, ret, sec):
        episodes.append((ret, length))
        log(self, length, ret, sec)

    monkeypatch.setattr(FastEnvRunner, "rollout", noted_rollout)
    monkeypatch.setattr(SingleAgentEnvRunner, "_log_episode_metrics", noted_episode)
    return episodes


@pytest.fixture
def run_of():
    made = []

    def make(trainer, *, env=ENV, **config):
        task = Task(
            env=env,
            env_parameters={},
            evaluation_settings={
                phase: EvaluationSetting(parameters={}, scale=ScoreScale(), most_steps=10_000)
                for phase in Phase
            },
            fixed={"num_minibatches": 2, "epochs": 2, "layout": "16-tanh"},
            lanes=4,
            steps=2048,
            evaluations=2,
            evaluation_episodes=2,
            seeds=Seeds(0),
            trainer=trainer,
        )
        configurations = ConfigurationSchedule(
            received={"seed": 1, **config},
            build=partial(ppo_config, task=task),
            settings=partial(settings_of, task=task),
        )
        schedule = TrainingSchedule(
            steps=2048,
            evaluations=2,
            env=make_vector(env, {}, 2),
            episodes=2,
            most_steps=1000,
            seed=5,
            scale=ScoreScale(),
        )
        made.append(TrainingRun(configurations, schedule))
        return made[-1]

    yield make
    for run in made:
        run.stop()


@pytest.mark.parametrize("trainer", ["fast", "rllib"])
def test_training_returns_are_of_all_episodes_since_the_last_evaluation(run_of, ended, trainer):
    run = run_of(trainer, batch_size=256)
    for _ in range(2):
        ended.clear()
        result = run.advance(run.next_evaluation)
        # Four batches, in each of which several episodes ended, never as many.
        assert len(ended) > 20
        returns, lengths = np.transpose(ended)
        assert result["train/return_mean"] == pytest.approx(returns.mean(), rel=1e-6)
        assert "episodes" not in result
        if trainer == "fast":  # RLlib counts as an episode's length what lies behind its first fragment
            assert result["train/length_mean"] == pytest.approx(lengths.mean(), rel=1e-6)


@pytest.mark.parametrize("trainer", ["fast", "rllib"])
def test_where_no_episode_ended_there_is_no_return(run_of, trainer):
    result = run_of(trainer, env="Pendulum-v1", batch_size=512).advance(512)
    assert math.isnan(result["train/return_mean"])
    assert math.isnan(result["train/length_mean"])
    assert math.isfinite(result["ppo/policy_loss"])


def test_iterations_count_by_their_episodes_and_an_update_is_the_last_one():
    nan = math.nan
    iterations = [
        {"steps": 8, "episodes": 3, "train/return_mean": 1.0, "train/length_mean": 2.0, "ppo/kl": 0.5},
        {"steps": 16, "episodes": 0, "train/return_mean": nan, "train/length_mean": nan, "ppo/kl": 0.6},
        {"steps": 24, "episodes": 1, "train/return_mean": 5.0, "train/length_mean": 4.0, "ppo/kl": 0.7},
        {"steps": 32, "episodes": nan, "train/return_mean": nan, "train/length_mean": nan, "ppo/kl": 0.8},
    ]
    assert aggregate(iterations) == {
        "steps": 32, "episodes": 4, "train/return_mean": 2.0, "train/length_mean": 2.5, "ppo/kl": 0.8,
    }  # fmt: skip


def diverged_score(env, *, scale=ScoreScale(), episodes=8):  # noqa: B008  # frozen
    schedule = TrainingSchedule(
        steps=1, evaluations=1, env=env, episodes=episodes, most_steps=1000, seed=10, scale=scale
    )
    return schedule.diverged_score


def test_a_run_that_diverges_counts_as_random_actions_where_no_floor_is_stated():
    lanes = [Rare() for _ in range(4)]
    with closing(SyncVectorEnv([lambda lane=lane: lane for lane in lanes])) as env:
        # Of the finite returns, those of the seeds 10, 12, 14 and 16, the mean; an action adds 0 or 1.
        assert 13 <= diverged_score(env) <= 14
        assert diverged_score(env) == diverged_score(env)
        assert diverged_score(env, scale=ScoreScale(floor=2.0, optimum=4.0)) == 0.0


def test_a_run_has_no_value_where_not_even_random_actions_earn_anything_finite(run_of):
    run = run_of("fast", env="Pendulum-v1", batch_size=512)
    run._schedule = replace(run._schedule, env=SyncVectorEnv([partial(Rare, always=True)] * 2))
    with closing(run._schedule.env), pytest.raises(ValueError, match="random actions earn nothing finite"):
        run._diverged(DivergenceError("score"))

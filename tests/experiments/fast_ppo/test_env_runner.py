"""What the runner puts into the data, on environments whose every step is known."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.evaluation.postprocessing import Postprocessing

from experiments.core.fast_ppo import DivergenceError
from experiments.core.fast_ppo.env_runner import FastEnvRunner
from experiments.core.fast_ppo.learner import FastPPOLearner
from experiments.core.fast_ppo.vector_env import AutoresetError


def config_for(env: Any, lanes: int = 3, mode: str = "vector_entry_point", **env_config: Any) -> PPOConfig:
    return (
        PPOConfig()
        .environment(env, env_config=env_config)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=lanes, gym_env_vectorize_mode=mode)
        .training(gamma=0.9, lambda_=0.8)
        .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[8], vf_share_layers=False))
        .debugging(seed=3)
    )


def runner_for(env: Any, **kwargs: Any) -> FastEnvRunner:
    return FastEnvRunner(config=config_for(env, **kwargs), worker_index=0)


pytestmark = pytest.mark.usefixtures("scripted")


@pytest.mark.parametrize("lengths", [(3, 5), (1,), (1, 1, 4), (200,)], ids=str)
def test_the_data_hold_every_real_step_and_no_reset_step(scripted, lengths):
    runner = runner_for("scripted", lengths=lengths)
    rewards, sampled = [], 0
    for wanted in (40, 1, 17, 64):
        rollout = runner.rollout(wanted)
        sampled += rollout.steps
        rewards.append(rollout.rewards_tn[rollout.valid_tn])
        assert wanted <= rollout.steps < wanted + runner.num_envs
    assert sampled == runner.env.real_steps == runner.num_env_steps_sampled_lifetime
    assert np.concatenate(rewards).max() < scripted.TRAP


@pytest.mark.parametrize(("given", "steps"), [("observation", 57), ("reward", 57), ("first observation", 0)])
def test_numbers_of_the_environment_that_are_not_finite_are_named_with_their_step(given, steps, monkeypatch):
    runner = runner_for("scripted", lengths=(200,))
    reset, step = runner.env.reset, runner.env.step

    def broken_reset(**kwargs):
        observations, infos = reset(**kwargs)
        if given == "first observation":
            observations[2, 0] = np.nan
        return observations, infos

    def broken_step(actions):
        observations, rewards, *rest = step(actions)
        if runner.env.real_steps == 57:  # 3 lanes, 19 steps
            (observations if given == "observation" else rewards)[2] = np.nan
        return observations, rewards, *rest

    monkeypatch.setattr(runner.env, "reset", broken_reset)
    monkeypatch.setattr(runner.env, "step", broken_step if given != "first observation" else step)
    what = given.split()[-1]
    words = f"non-finite {what} from the environment after {steps} steps: lane 2 gave nan"
    with pytest.raises(DivergenceError, match=words):
        runner.rollout(30), runner.rollout(60)


def test_returns_and_lengths_of_episodes_are_exact_over_fragment_boundaries():
    runner = runner_for("scripted")
    booked: list[Any] = []
    for wanted in (4, 7, 1, 30, 2, 50):
        runner.rollout(wanted)
        booked += zip(runner.returns, runner.lengths, strict=True)
    assert runner.episodes == len(booked) == len(runner.env.finished)
    np.testing.assert_allclose(sorted(booked), sorted(runner.env.finished))


def test_every_row_is_followed_by_the_observation_its_step_returned():
    runner = runner_for("scripted")
    last = None
    for _ in range(3):
        rollout = runner.rollout(25)
        obs = rollout.obs_tn.copy()
        same_episode = rollout.valid_tn & (obs[1:, :, 1] == obs[:-1, :, 1])
        np.testing.assert_array_equal(obs[1:, :, 2][same_episode], obs[:-1, :, 2][same_episode] + 1)
        np.testing.assert_array_equal(same_episode, rollout.valid_tn)
        if last is not None:
            np.testing.assert_array_equal(obs[0], last)
        last = obs[-1]


def test_actions_reach_the_environment_in_its_own_numbering():
    runner = runner_for("scripted")
    rollout = runner.rollout(60)
    np.testing.assert_array_equal(np.stack(runner.env.actions), rollout.actions_tn[..., 0] + 5)
    assert set(np.unique(runner.env.actions)) == {5, 6, 7}


def test_actions_are_drawn_from_the_policys_distribution():
    runner = runner_for("scripted", lanes=50)
    rollout = runner.rollout(20_000)
    probability = torch.from_numpy(rollout.logits_tn).softmax(-1).double().mean((0, 1))
    drawn = torch.from_numpy(
        np.bincount(rollout.actions_tn.ravel().astype(int), minlength=3) / rollout.actions_tn.size
    )
    deviation = (probability * (1 - probability) / rollout.actions_tn.size).sqrt()
    assert bool(((drawn - probability).abs() < 4 * deviation).all())


def test_advantages_equal_those_of_rllibs_connector_at_termination_truncation_and_fragment_end():
    config = config_for("scripted")
    runner = FastEnvRunner(config=config, worker_index=0)
    spaces = {DEFAULT_MODULE_ID: runner.get_spaces()[DEFAULT_MODULE_ID]}
    stock = config.copy().build_learner(spaces=spaces)
    fast = config.copy().learners(learner_class=FastPPOLearner).build_learner(spaces=spaces)
    fast.module[DEFAULT_MODULE_ID].set_state(stock.module[DEFAULT_MODULE_ID].get_state())

    for steps in (31, 8, 50):
        episodes = runner.sample(num_timesteps=steps)
        rollout = runner.last_rollout
        ends = [(e.is_terminated, e.is_truncated) for e in episodes]
        theirs = stock._make_batch_if_necessary(TrainingData(episodes=episodes)).policy_batches[
            DEFAULT_MODULE_ID
        ]
        real = theirs["loss_mask"]
        mine = fast._rows(rollout)
        values_tn = fast.network.values(rollout.obs_tn.reshape(-1, 3)).reshape(rollout.obs_tn.shape[:2])
        # RLlib's rows run lane by lane, ours step by step.
        lane_major = np.argsort(np.nonzero(rollout.valid_tn)[1], kind="stable")
        targets = theirs[Postprocessing.VALUE_TARGETS][real]
        np.testing.assert_allclose(mine.targets[lane_major], targets, rtol=1e-5, atol=1e-4)
        np.testing.assert_array_equal(mine.obs[lane_major], theirs["obs"][real])
        np.testing.assert_allclose(mine.old_log_prob[lane_major], theirs["action_logp"][real], rtol=1e-5)
        raw = mine.targets - values_tn[:-1][rollout.valid_tn]
        np.testing.assert_allclose(mine.advantages, (raw - raw.mean()) / raw.std(), rtol=1e-3, atol=1e-4)
        if steps > 30:
            assert {(True, False), (False, True), (False, False)} <= set(ends)


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_another_autoreset_mode_is_refused_by_name(mode):
    with pytest.raises(AutoresetError, match=f"ScriptedEnv resets in {mode.name}, expected NEXT_STEP"):
        FastEnvRunner(
            config=config_for("scripted").environment("scripted", env_config={"mode": mode}), worker_index=0
        )


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_single_environments_are_put_side_by_side(mode):
    runner = runner_for("single", lanes=2, mode=mode)
    rollout = runner.rollout(20)
    runner.stop()
    assert list(runner.lengths) == [3] * runner.episodes
    assert rollout.rewards_tn[rollout.valid_tn].tolist() == [1.0] * rollout.steps
    np.testing.assert_array_equal(rollout.obs_tn[:8, 0, 1].tolist(), [0, 1, 2, 3, 0, 1, 2, 3])


def test_the_native_batched_environment_of_an_id_is_preferred():
    runner = runner_for("CartPole-v1", mode="sync")
    assert type(runner.env.unwrapped).__name__ == "CartPoleVectorEnv"


def test_the_same_seed_samples_the_same_data():
    first, second = (runner_for("CartPole-v1", lanes=4).rollout(300) for _ in range(2))
    assert np.array_equal(first.obs_tn, second.obs_tn)
    assert np.array_equal(first.actions_tn, second.actions_tn)

"""The fast path as an RLlib algorithm: results, checkpoints, reproducibility, divergence, evaluation."""

import logging
import math
from typing import Any

import numpy as np
import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModule

from experiments.core.fast_ppo import DivergenceError, FastPPO, greedy_policy, read_metrics, use_fast_path
from experiments.core.fast_ppo.inference import module_policy

MODULE_PATH = "learner_group/learner/rl_module/default_policy"


pytestmark = pytest.mark.usefixtures("local_ray")


def config_for(
    env: str = "CartPole-v1", *, fast: bool = True, layout: Any = None, **training: Any
) -> PPOConfig:
    settings = {
        "lr": 1e-3,
        "train_batch_size_per_learner": 256,
        "minibatch_size": 64,
        "num_epochs": 2,
        "grad_clip": 0.5,
        "vf_clip_param": 1e3,
    }
    config = (
        PPOConfig()
        .environment(env)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4)
        .training(**(settings | training))
        .rl_module(model_config=layout or DefaultModelConfig(fcnet_hiddens=[16], vf_share_layers=False))
        .debugging(seed=11, log_level="ERROR")
    )
    return use_fast_path(config) if fast else config


def weights_of(algorithm: Algorithm) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in algorithm.learner.module[DEFAULT_MODULE_ID].parameters()])


def assert_identical(mine: list[dict[str, float]], theirs: list[dict[str, float]]) -> None:
    """Bit for bit, NaN where NaN is."""
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(list(one.values()), list(other.values()), err_msg=str(list(one)))


def test_results_of_the_fast_path_and_of_stock_rllib_are_read_under_the_same_names():
    fast, stock = config_for().build_algo(), config_for(fast=False).build_algo()
    assert type(fast) is FastPPO
    assert type(stock) is PPO
    mine, theirs = read_metrics(fast.train()), read_metrics(stock.train())
    assert 256 <= mine["steps"] < 260
    assert 256 <= theirs["steps"] < 260
    assert list(mine) == list(theirs)
    assert [name for name, value in mine.items() if math.isnan(value)] == []
    assert [name for name, value in theirs.items() if math.isnan(value)] == ["ppo/clip_fraction"]
    assert read_metrics(fast.train())["steps"] == fast.runner.num_env_steps_sampled_lifetime
    fast.stop(), stock.stop()


def test_before_the_first_episode_has_ended_there_is_no_return():
    algorithm = config_for("MountainCar-v0").build_algo()
    metrics = read_metrics(algorithm.train())
    algorithm.stop()
    assert math.isnan(metrics["train/return_mean"])
    assert math.isnan(metrics["train/length_mean"])
    assert math.isfinite(metrics["ppo/policy_loss"])


def test_the_same_seed_gives_bit_identical_weights_and_another_seed_does_not():
    def trained(seed: int) -> torch.Tensor:
        algorithm = config_for().debugging(seed=seed).build_algo()
        for _ in range(3):
            algorithm.train()
        algorithm.stop()
        return weights_of(algorithm)

    assert torch.equal(trained(5), trained(5))
    assert not torch.equal(trained(5), trained(6))


@pytest.mark.parametrize("env", ["CartPole-v1", "Acrobot-v1", "Pendulum-v1"])
def test_a_restored_run_continues_bit_identically(env, tmp_path):
    config = config_for(
        env, lr=[[0, 1e-2], [3000, 0.0]], entropy_coeff=[[0, 0.1], [3000, 0.0]], kl_target=1e-4
    )
    whole = config.build_algo()
    for _ in range(2):
        whole.train()
    checkpoint = whole.save_to_path(tmp_path / "checkpoint")
    expected = [read_metrics(whole.train()) for _ in range(3)]

    restored = Algorithm.from_checkpoint(checkpoint)
    continued = [read_metrics(restored.train()) for _ in range(3)]
    assert type(restored) is FastPPO
    assert_identical(continued, expected)
    assert torch.equal(weights_of(restored), weights_of(whole))

    # Going back in the same object, further trained than the checkpoint, gives the same again.
    whole.restore_from_path(checkpoint)
    again = [read_metrics(whole.train()) for _ in range(3)]
    assert_identical(again, expected)
    whole.stop(), restored.stop()


def test_checkpoints_are_read_by_rllibs_module_and_give_the_same_actions(tmp_path):
    algorithm = config_for("Pendulum-v1").build_algo()
    algorithm.train()
    checkpoint = algorithm.save_to_path(tmp_path / "checkpoint")
    module = RLModule.from_checkpoint(f"{checkpoint}/{MODULE_PATH}")
    env = algorithm.runner.env
    observations = env.single_observation_space.low + np.random.default_rng(0).random((64, 3), np.float32)

    logits = module.forward_inference({Columns.OBS: torch.from_numpy(observations)})[
        Columns.ACTION_DIST_INPUTS
    ]
    expected = np.clip(
        2.0 * logits[:, :1].numpy(), -2.0, 2.0
    )  # RLlib stretches [-1, 1] to the space's bounds
    loaded = module_policy(module, env.single_observation_space, env.single_action_space)
    np.testing.assert_allclose(greedy_policy(algorithm)(observations), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(loaded(observations), expected, rtol=1e-6, atol=1e-6)
    algorithm.stop()


def test_the_greedy_policy_follows_the_weights_and_serves_stock_rllib_too():
    observations = np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)
    for fast in (True, False):
        algorithm = config_for(fast=fast, lr=0.05).build_algo()
        policy = greedy_policy(algorithm)
        before = policy(observations)
        algorithm.train()
        after = policy(observations)
        assert set(np.unique(before)) <= {0, 1}
        assert (before != after).any()
        np.testing.assert_array_equal(after, policy(observations))
        algorithm.stop()


def test_training_that_diverges_raises_instead_of_going_on():
    algorithm = config_for().build_algo()
    algorithm.learner.config.vf_loss_coeff = math.nan
    with pytest.raises(DivergenceError, match="non-finite loss: training diverged"):
        algorithm.train()
    algorithm.stop()


def test_a_recurrent_layout_keeps_rllibs_own_path_and_says_so(caplog):
    layout = DefaultModelConfig(fcnet_hiddens=[8], use_lstm=True)
    with caplog.at_level(logging.WARNING, logger="experiments.core.fast_ppo"):
        config = config_for(layout=layout)
    assert config.algo_class is PPO
    assert [record.message for record in caplog.records if "recurrent" in record.message] == [
        "recurrent layout: trained by RLlib's own runner and learner, not by the fast path"
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("use_critic", False), ("grad_clip_by", "value"), ("explore", False)]
)
def test_settings_that_would_be_ignored_are_refused_by_name(name, value):
    config = config_for(fast=False)
    setattr(config, name, value)
    with pytest.raises(ValueError, match=f"{name}={value!r}: the fast path knows"):
        use_fast_path(config)


def test_cartpole_is_learned():
    algorithm = config_for(
        lr=2.5e-3,
        train_batch_size_per_learner=512,
        minibatch_size=128,
        num_epochs=8,
        lambda_=0.95,
        gamma=0.98,
    ).build_algo()
    best = max(read_metrics(algorithm.train())["train/return_mean"] for _ in range(40))
    algorithm.stop()
    assert best > 100  # a policy that learns nothing stays near 20

"""Running normalisation: right moments, one and the same in sampling, in RLlib's module and in evaluation."""

import numpy as np
import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModule

from experiments.core.environments.network_spaces import NORMALISED_LIMIT as LIMIT
from experiments.core.fast_ppo import greedy_policy, use_fast_path
from experiments.core.fast_ppo.normalise import RewardScaler, RunningMoments
from experiments.core.fast_ppo.rollout import Rollout


def config_for(env: str = "scripted", *, layer_norm: bool = False, **choices: bool) -> PPOConfig:
    config = (
        PPOConfig()
        .environment(env)
        .env_runners(
            num_env_runners=0, num_envs_per_env_runner=4, gym_env_vectorize_mode="vector_entry_point"
        )
        .training(lr=1e-3, train_batch_size_per_learner=200, minibatch_size=50, num_epochs=2, gamma=0.9)
        .rl_module(
            model_config=DefaultModelConfig(
                fcnet_hiddens=[8], vf_share_layers=False, fcnet_use_layernorm=layer_norm
            )
        )
        .debugging(seed=1, log_level="ERROR")
    )
    return use_fast_path(config, **choices)


def test_moments_merged_batch_by_batch_are_those_of_all_rows():
    rows = np.random.default_rng(0).normal(1e4, [1e-2, 5.0, 0.0], (1000, 3))
    moments = RunningMoments((3,))
    for batch in np.split(rows, [1, 3, 3, 400]):
        moments.update(batch)
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, rows.var(0), rtol=1e-6, atol=1e-12)


def test_rewards_are_divided_by_the_deviation_of_the_discounted_return():
    rewards = np.array([[1.0], [2.0], [4.0], [99.0], [3.0]])  # the fourth step only resets
    done = np.array([[False], [False], [True], [False], [False]])
    nothing = np.empty(0)
    rollout = Rollout(nothing, nothing, nothing, rewards, done, done & False, np.roll(~done, 1, axis=0))
    scaled = RewardScaler(1, gamma=0.5).scale(rollout)
    returns = np.array([1.0, 2.5, 5.25, 3.0])
    np.testing.assert_allclose(
        scaled.rewards_tn[rollout.valid_tn], np.array([1.0, 2.0, 4.0, 3.0]) / returns.std(), rtol=1e-6
    )


@pytest.mark.usefixtures("local_ray", "scripted")
class TestInTraining:
    def test_stored_observations_are_normalised_and_the_module_gets_the_moments(self, scripted):
        algorithm = config_for(normalise_observations=True).build_algo()
        seen = []
        encode = algorithm.runner.encoder.encode
        object.__setattr__(algorithm.runner.encoder, "encode", lambda o: seen.append(encode(o)) or seen[-1])
        for _ in range(5):
            algorithm.train()
        rows = np.concatenate(seen)
        for module in (algorithm.runner.module, algorithm.learner.module[DEFAULT_MODULE_ID]):
            np.testing.assert_allclose(module.obs_mean, rows.mean(0), rtol=1e-5)
            np.testing.assert_allclose(module.obs_factor, 1 / rows.std(0), rtol=1e-5)
        stored = algorithm.runner.last_rollout.obs_tn
        assert np.abs(stored).max() <= LIMIT
        assert abs(stored[..., 0].mean()) < 0.1
        algorithm.stop()

    @pytest.mark.parametrize("layer_norm", [False, True], ids=["dense", "through the module"])
    def test_sampling_evaluation_and_rllibs_own_inference_agree(self, layer_norm, tmp_path):
        algorithm = config_for("CartPole-v1", normalise_observations=True, layer_norm=layer_norm).build_algo()
        for _ in range(2):
            algorithm.train()
        checkpoint = algorithm.save_to_path(tmp_path / "checkpoint")
        module = RLModule.from_checkpoint(f"{checkpoint}/learner_group/learner/rl_module/{DEFAULT_MODULE_ID}")
        obs = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
        logits = module.forward_inference({Columns.OBS: torch.from_numpy(obs)})[Columns.ACTION_DIST_INPUTS]
        np.testing.assert_array_equal(greedy_policy(algorithm)(obs), logits.argmax(-1))

        normalised = np.clip((obs - module.obs_mean.numpy()) * module.obs_factor.numpy(), -LIMIT, LIMIT)
        for network in (algorithm.runner.network, algorithm.learner.network):
            np.testing.assert_allclose(network.logits(normalised), logits, rtol=1e-5, atol=1e-6)
        algorithm.stop()

    def test_a_restored_run_continues_bit_identically_and_reports_raw_returns(self, tmp_path):
        algorithm = config_for(normalise_observations=True, scale_rewards=True).build_algo()
        algorithm.train()
        assert max(algorithm.runner.returns) > 20  # the scripted returns themselves, not scaled ones
        checkpoint = algorithm.save_to_path(tmp_path / "checkpoint")
        restored = Algorithm.from_checkpoint(checkpoint)
        weights = []
        for each in (algorithm, restored):
            each.train()
            weights.append(
                torch.cat([p.flatten() for p in each.learner.module[DEFAULT_MODULE_ID].state_dict().values()])
            )
            each.stop()
        assert torch.equal(*weights)


class TestImages:
    """Images are stored as they are, and normalised channel by channel when the network reads them."""

    @pytest.fixture
    def algorithm(self, local_ray):
        import envs  # noqa: F401  # registers the suite

        config = (
            config_for("sweeps/Visual-v0", normalise_observations=True)
            .environment("sweeps/Visual-v0", env_config={"image_size": 16, "grid_size": 4})
            .rl_module(model_config=DefaultModelConfig(conv_filters=[[4, 4, 4]], head_fcnet_hiddens=[8]))
        )
        built = config.build_algo()
        for _ in range(2):
            built.train()
        yield built
        built.stop()

    def test_they_stay_bytes_and_the_module_gets_one_mean_and_factor_a_channel(self, algorithm):
        assert algorithm.runner.last_rollout.obs_tn.dtype == np.uint8
        for module in (algorithm.runner.module, algorithm.learner.module[DEFAULT_MODULE_ID]):
            assert module.obs_mean.shape == (16, 16, 3)
            for moment in (module.obs_mean, module.obs_factor):
                assert (moment == moment[0, 0]).all()
        images = algorithm.runner.last_rollout.obs_tn.reshape(-1, 3) / 255.0
        np.testing.assert_allclose(module.obs_mean[0, 0], images.mean(0), atol=0.02)
        np.testing.assert_allclose(1 / module.obs_factor[0, 0], images.std(0), rtol=0.1)

    def test_the_policy_that_is_updated_is_the_one_that_sampled(self, algorithm):
        rollout = algorithm.runner.rollout(200)
        learner = algorithm.learner
        algorithm.runner.give_moments(learner.module[DEFAULT_MODULE_ID])
        steps, lanes = rollout.valid_tn.shape
        logits = learner.network.logits(rollout.obs_tn[:-1].reshape(steps * lanes, 16, 16, 3))
        sampled = rollout.logits_tn.reshape(steps * lanes, -1)
        np.testing.assert_allclose(logits, sampled, rtol=1e-4, atol=1e-5)

    def test_sampling_evaluation_and_rllibs_own_inference_agree(self, algorithm, tmp_path):
        checkpoint = algorithm.save_to_path(tmp_path / "checkpoint")
        module = RLModule.from_checkpoint(f"{checkpoint}/learner_group/learner/rl_module/{DEFAULT_MODULE_ID}")
        images = algorithm.runner.last_rollout.obs_tn[0]
        obs = torch.from_numpy(images * np.float32(algorithm.runner.encoder.scale))
        with torch.no_grad():
            logits = module.forward_inference({Columns.OBS: obs})[Columns.ACTION_DIST_INPUTS]
        np.testing.assert_array_equal(greedy_policy(algorithm)(images), logits.argmax(-1))

    def test_a_restored_run_continues_bit_identically(self, algorithm, tmp_path):
        restored = Algorithm.from_checkpoint(algorithm.save_to_path(tmp_path / "checkpoint"))
        weights = []
        for each in (algorithm, restored):
            each.train()
            weights.append(
                torch.cat([p.flatten() for p in each.learner.module[DEFAULT_MODULE_ID].state_dict().values()])
            )
        restored.stop()
        assert torch.equal(*weights)

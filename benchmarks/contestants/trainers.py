"""Trainers of the same network: the fast path, stock RLlib, Stable-Baselines3, and bare torch.

All train with the same batch, minibatch, epochs and coefficients, on one core. Each is a
function that does one iteration (sampling and updating; bare torch only the updating) and returns its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import VectorWrapper
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from torch import nn

import envs  # noqa: F401  # registers the suite
from experiments.core.fast_ppo import use_fast_path

TRADING = "sweeps/TradingMeanReverting-v0"
EPOCHS = 10
LEARNING_RATE, CLIP, GAMMA, LAMBDA, VALUE_WEIGHT, GRADIENT_LIMIT = 3e-4, 0.2, 0.99, 0.95, 0.5, 0.5
KL_WEIGHT = 0.2

Iteration = Callable[[], int]


@dataclass(frozen=True)
class Setting:
    """One row of the comparison.

    Attributes:
        env: id.
        lanes: environments side by side.
        widths: of the tanh layers; after the convolutions where there are any.
        batch: steps per iteration.
        minibatch: rows per gradient step.
        filters: convolutions as (channels, kernel, stride), or none.
    """

    env: str
    lanes: int
    widths: tuple[int, ...]
    batch: int
    minibatch: int
    filters: tuple[tuple[int, int, int], ...] = ()

    @property
    def name(self) -> str:
        """As it stands in the table."""
        network = f"CNN {'-'.join(str(f[0]) for f in self.filters)}, " if self.filters else ""
        widths = f"{len(self.widths)}x{self.widths[0]}"
        env = self.env.removeprefix("sweeps/").removesuffix("-v0")
        return f"{env}, {self.lanes} lanes, {network}{widths} tanh, batch {self.batch} / {self.minibatch}"


def rllib(setting: Setting, *, fast: bool) -> Iteration:
    """Returns RLlib's PPO, with the fast path or as it comes."""
    return _iteration(_algorithm(setting, fast=fast))


def _algorithm(setting: Setting, *, fast: bool) -> Any:
    layout = DefaultModelConfig(
        fcnet_hiddens=list(setting.widths),
        fcnet_activation="tanh",
        vf_share_layers=bool(setting.filters),
        conv_filters=[list(f) for f in setting.filters] or None,
        # Behind convolutions RLlib takes the dense layers from the heads' settings.
        head_fcnet_hiddens=list(setting.widths) if setting.filters else [],
        head_fcnet_activation="tanh",
    )
    env = setting.env if fast or not setting.filters else _float_images(setting.env)
    config = (
        PPOConfig()
        .environment(env)
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=setting.lanes,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT,
        )
        .training(
            lr=LEARNING_RATE,
            train_batch_size_per_learner=setting.batch,
            minibatch_size=setting.minibatch,
            num_epochs=EPOCHS,
            clip_param=CLIP,
            gamma=GAMMA,
            lambda_=LAMBDA,
            vf_clip_param=1e9,
            vf_loss_coeff=VALUE_WEIGHT,
            grad_clip=GRADIENT_LIMIT,
            kl_coeff=KL_WEIGHT,
        )
        .rl_module(model_config=layout)
        .debugging(seed=0, log_level="ERROR")
    )
    return (use_fast_path(config) if fast else config).build_algo()


def _iteration(algorithm: Any) -> Iteration:
    sampled = 0

    def iterate() -> int:
        nonlocal sampled
        before, sampled = sampled, int(algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"])
        return sampled - before

    return iterate


class _FloatImages(VectorWrapper):
    """Images as floats in [0, 1]: stock RLlib refuses uint8."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.single_observation_space = gym.spaces.Box(
            0.0, 1.0, env.single_observation_space.shape, np.float32
        )
        self.observation_space = gym.vector.utils.batch_space(self.single_observation_space, env.num_envs)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        obs, info = self.env.reset(seed=seed, options=options)
        return obs * np.float32(1 / 255), info

    def step(self, actions: Any) -> Any:
        obs, *rest = self.env.step(actions)
        return obs * np.float32(1 / 255), *rest


def _float_images(env: str) -> str:
    tune.register_env(
        f"float {env}", lambda c: _FloatImages(gym.make_vec(env, c["num_envs"], "vector_entry_point"))
    )
    return f"float {env}"


def stable_baselines3(setting: Setting) -> Iteration:
    """Returns SB3's PPO on its own DummyVecEnv of the suite's single environments."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    policy: dict[str, Any] = {
        "net_arch": {"pi": list(setting.widths), "vf": list(setting.widths)},
        "activation_fn": nn.Tanh,
    }
    if setting.filters:
        policy["features_extractor_class"] = _extractor(setting)
    model = PPO(
        "CnnPolicy" if setting.filters else "MlpPolicy",
        make_vec_env(setting.env, n_envs=setting.lanes, seed=0),
        learning_rate=LEARNING_RATE,
        n_steps=setting.batch // setting.lanes,
        batch_size=setting.minibatch,
        n_epochs=EPOCHS,
        gamma=GAMMA,
        gae_lambda=LAMBDA,
        clip_range=CLIP,
        vf_coef=VALUE_WEIGHT,
        max_grad_norm=GRADIENT_LIMIT,
        policy_kwargs=policy,
        device="cpu",
        seed=0,
    )

    def iterate() -> int:
        before = model.num_timesteps
        model.learn(setting.batch, reset_num_timesteps=False)
        return int(model.num_timesteps - before)

    return iterate


def _extractor(setting: Setting) -> type[Any]:
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    class PeerConvolutions(BaseFeaturesExtractor):  # type: ignore[misc]  # stable_baselines3 is untyped
        def __init__(self, observation_space: gym.spaces.Box) -> None:
            layers = _convolutions(setting, observation_space.shape[0])
            with torch.no_grad():
                size = layers(torch.zeros(1, *observation_space.shape)).shape[1]
            super().__init__(observation_space, size)
            self.layers = layers

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layers(images)  # type: ignore[no-any-return]

    return PeerConvolutions


def _convolutions(setting: Setting, channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for out, kernel, stride in setting.filters:
        layers += [nn.Conv2d(channels, out, kernel, stride, padding=(kernel - stride + 1) // 2), nn.ReLU()]
        channels = out
    return nn.Sequential(*layers, nn.Flatten())


def bare_torch(setting: Setting) -> Iteration:
    """Returns the updates alone, as plain torch modules, automatic differentiation and fused Adam."""
    env = gym.make_vec(setting.env, 1, "vector_entry_point")
    observation, action = env.single_observation_space, env.single_action_space
    assert observation.shape is not None
    continuous = isinstance(action, gym.spaces.Box)
    outputs = 2 * action.shape[0] if isinstance(action, gym.spaces.Box) else int(action.n)  # type: ignore[attr-defined]
    trunk: nn.Module = nn.Identity()
    size = int(np.prod(observation.shape))
    shape: tuple[int, ...] = observation.shape
    if setting.filters:
        shape = (observation.shape[2], *observation.shape[:2])
        trunk = _convolutions(setting, shape[0])
        with torch.no_grad():
            size = trunk(torch.zeros(1, *shape)).shape[1]
    pi, vf = _mlp(size, setting.widths, outputs), _mlp(size, setting.widths, 1)
    parameters = [p for module in (trunk, pi, vf) for p in module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
    terms = _gaussian_terms if continuous else _categorical_terms
    with torch.no_grad():
        obs = torch.randn(setting.batch, *shape)
        old = torch.randn(setting.batch, outputs) * 0.1
        drawn = torch.randn(setting.batch, outputs // 2), torch.randint(outputs, (setting.batch, 1))
        actions = drawn[0] if continuous else drawn[1]
        old = old if continuous else old.log_softmax(-1)
        columns = (
            obs,
            actions,
            old,
            terms(old, old, actions)[0],
            torch.randn(setting.batch),
            torch.randn(setting.batch),
        )

    def iterate() -> int:
        for _ in range(EPOCHS):
            order = torch.randperm(setting.batch)
            for x, a, o, old_log_prob, advantage, target in zip(
                *(torch.split(column[order], setting.minibatch) for column in columns), strict=True
            ):
                features = trunk(x)
                log_prob, entropy, kl = terms(pi(features), o, a)
                ratio = (log_prob - old_log_prob).exp()
                clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
                policy = -torch.min(ratio * advantage, clipped * advantage).mean()
                value = (vf(features).squeeze(-1) - target).square().clamp_max(1e9).mean()
                loss = policy + VALUE_WEIGHT * value - 0.0 * entropy.mean() + KL_WEIGHT * kl.mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, GRADIENT_LIMIT)
                optimizer.step()
        return setting.batch

    return iterate


def _mlp(size: int, widths: tuple[int, ...], outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(size, width), nn.Tanh()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, outputs))


def _categorical_terms(
    logits: torch.Tensor, old: torch.Tensor, actions: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    new = logits.log_softmax(-1)
    log_prob = new.gather(1, actions).squeeze(1)
    return log_prob, -(new.exp() * new).sum(-1), (old.exp() * (old - new)).sum(-1)


def _gaussian_terms(
    logits: torch.Tensor, old: torch.Tensor, actions: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    (mean, log_std), (old_mean, old_log_std) = logits.chunk(2, -1), old.chunk(2, -1)
    log_prob = (-0.5 * ((actions - mean) / log_std.exp()).square() - log_std - 0.919).sum(-1)
    spread = (2 * (old_log_std - log_std)).exp() + ((old_mean - mean) / log_std.exp()).square()
    return log_prob, (log_std + 1.419).sum(-1), (0.5 * (spread - 1) - old_log_std + log_std).sum(-1)

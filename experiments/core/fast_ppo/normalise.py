"""Running normalisation: observations of zero mean and unit deviation, rewards on the scale of the return.

Both are estimated while sampling. The observations' moments are part of the module, so that whoever loads a
checkpoint gets the policy together with its normalisation, frozen as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.columns import Columns
from torch import Tensor

from experiments.core.environments import NORMALISED_LIMIT as LIMIT
from experiments.core.fast_ppo.rollout import Rollout

Array = NDArray[Any]

EPSILON = 1e-8
"""Added to a variance, so that something constant becomes zero instead of infinite."""


class RunningMoments:
    """Mean and variance of all rows so far, elementwise, merged batch by batch (Chan et al. 1979)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self.mean = np.zeros(shape)
        self._squares = np.zeros(shape)

    def update(self, rows: Array) -> None:
        """Adds rows [B, ...]."""
        new = rows.shape[0]
        if new == 0:
            return
        mean = rows.mean(axis=0, dtype=np.float64)
        shift, total = mean - self.mean, self.count + new
        self._squares += np.square(rows - mean).sum(axis=0) + np.square(shift) * (self.count * new / total)
        self.mean += shift * (new / total)
        self.count = total

    @property
    def variance(self) -> Array:
        """Population variance; one before there are two rows."""
        return self._squares / self.count if self.count > 1 else np.ones_like(self._squares)


class ObservationNormaliser:
    """Normalises observation vectors, before they are stored, by the moments of all that were seen."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.moments = RunningMoments(shape)

    def begin(self, obs: Array) -> None:
        """Told of every lane's present observation [N, size] before a rollout: `observe` has counted it."""

    def observe(self, obs: Array) -> Array:
        """Adds a batch [N, size] to the moments and normalises it by them."""
        self.moments.update(obs)
        normalised: Array = np.clip((obs - self.moments.mean) * self._factor(), -LIMIT, LIMIT)
        return normalised.astype(np.float32)

    def _factor(self) -> Array:
        return 1.0 / np.sqrt(self.moments.variance + EPSILON)

    def store(self, module: NormalisingPPOModule) -> None:
        """Copies the moments into a module."""
        # Into images' moments, which hold pixel by pixel, those of a channel are repeated.
        module.obs_mean.copy_(torch.from_numpy(self.moments.mean))
        module.obs_factor.copy_(torch.from_numpy(self._factor()))


class ImageNormaliser(ObservationNormaliser):
    """Normalises images channel by channel, when the network reads them: stored they stay uint8.

    One mean and deviation for all pixels of a channel keep a picture a picture: what moves over it looks the
    same everywhere. They are fixed during a rollout and the update from it, so that the policy that is
    updated is the one that sampled.

    Args:
        shape: of one image, [H, W, C].
        scale: factor from stored numbers to those that are normalised.
    """

    def __init__(self, shape: tuple[int, ...], scale: float) -> None:
        super().__init__(shape[-1:])
        self._scale = scale

    def begin(self, obs: Array) -> None:
        """Adds every lane's present image [N, H, W, C]: plenty of pixels, and a sample of what is seen."""
        self.moments.update(obs.reshape(-1, obs.shape[-1]) * np.float32(self._scale))

    def observe(self, obs: Array) -> Array:
        """The images as they are."""
        return obs


class RewardScaler:
    """Divides rewards by the running deviation of the discounted return (VecNormalize in other libraries)."""

    def __init__(self, lanes: int, gamma: float) -> None:
        self.moments = RunningMoments(())
        self._gamma = gamma
        self._return_n = np.zeros(lanes)

    def reset_streams(self, gamma: float) -> None:
        """Takes another discount, and lanes that start new episodes."""
        self._gamma = gamma
        self._return_n = np.zeros_like(self._return_n)

    def scale(self, rollout: Rollout) -> Rollout:
        """Adds a rollout's returns to the moments and scales its rewards by them."""
        done_tn = rollout.terminated_tn | rollout.truncated_tn
        return_tn = np.empty_like(rollout.rewards_tn)
        for t, (reward_n, valid_n) in enumerate(zip(rollout.rewards_tn, rollout.valid_tn, strict=True)):
            self._return_n = np.where(valid_n, self._return_n * self._gamma + reward_n, 0.0)
            return_tn[t] = self._return_n
            self._return_n = np.where(done_tn[t], 0.0, self._return_n)
        self.moments.update(return_tn[rollout.valid_tn])
        deviation = np.sqrt(self.moments.variance + EPSILON)
        return replace(rollout, rewards_tn=np.clip(rollout.rewards_tn / deviation, -LIMIT, LIMIT))


class NormalisingPPOModule(DefaultPPOTorchRLModule):  # type: ignore[misc]  # ray is untyped
    """RLlib's default PPO module behind the observations' normalisation, whose moments are its buffers."""

    obs_mean: Tensor
    obs_factor: Tensor

    def setup(self) -> None:
        """Builds RLlib's networks, and moments that leave observations as they are."""
        super().setup()
        shape = self.observation_space.shape
        self.register_buffer("obs_mean", torch.zeros(shape))
        self.register_buffer("obs_factor", torch.ones(shape))

    def normalised(self, obs: Tensor) -> Tensor:
        """Observations [B, ...] as the networks were trained on them."""
        return (obs - self.obs_mean).mul_(self.obs_factor).clamp_(-LIMIT, LIMIT)

    def _behind(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {**batch, Columns.OBS: self.normalised(batch[Columns.OBS])}

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> Any:
        return super()._forward(self._behind(batch), **kwargs)

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> Any:
        return super()._forward_train(self._behind(batch), **kwargs)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Any:
        """Values [B] of raw observations, or of embeddings that already stand behind the normalisation."""
        return super().compute_values(self._behind(batch), embeddings)


class BareModule:
    """A `NormalisingPPOModule` without its normalisation, for observations that have had it."""

    def __init__(self, module: NormalisingPPOModule) -> None:
        self._module = module

    def parameters(self) -> Any:
        """The module's parameters."""
        return self._module.parameters()

    def _forward(self, batch: dict[str, Any]) -> Any:
        return DefaultPPOTorchRLModule._forward(self._module, batch)

    def _forward_train(self, batch: dict[str, Any]) -> Any:
        return DefaultPPOTorchRLModule._forward_train(self._module, batch)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Any:
        """Values [B] of normalised observations."""
        return DefaultPPOTorchRLModule.compute_values(self._module, batch, embeddings)

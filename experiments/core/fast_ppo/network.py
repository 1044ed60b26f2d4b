"""Policy and value network over an RLModule's parameters, with the fastest way through its layers."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule

from experiments.core.fast_ppo.dense_network import dense_network
from experiments.core.fast_ppo.distribution import ActionDistribution, Array
from experiments.core.fast_ppo.native import AVAILABLE
from experiments.core.fast_ppo.normalise import BareModule, NormalisingPPOModule
from experiments.core.fast_ppo.torch_network import TorchNetwork
from experiments.core.fast_ppo.update import Numbers, Rows, UpdateLog


class Network(Protocol):
    """What sampling, evaluating and updating call."""

    def logits(self, obs: Array) -> Array:
        """Logits [B, L] of observations [B, ...]."""

    def values(self, obs: Array) -> Array:
        """Values [B] of observations [B, ...]."""

    def update(self, rows: Rows, order: Array, numbers: Numbers, optimizer: torch.optim.Adam) -> UpdateLog:
        """Makes a gradient step for each row of `order` [S, B], which holds numbers of the batch's rows."""


def network_of(module: Any, distribution: ActionDistribution) -> Network:
    """The fastest equivalent of an RLModule; its parameters are shared, never copied.

    Vectors that a `NormalisingPPOModule` would normalise are those that come out of its normalisation; images
    it normalises itself.
    """
    dense = None
    if AVAILABLE and type(module) in (DefaultPPOTorchRLModule, NormalisingPPOModule):
        dense = dense_network(module, distribution)
    if dense is not None:
        return dense
    if isinstance(module, NormalisingPPOModule) and len(module.observation_space.shape) == 1:
        return TorchNetwork(BareModule(module), distribution)
    return TorchNetwork(module, distribution)

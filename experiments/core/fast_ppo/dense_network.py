"""Dense networks of RLlib's default PPO module, run and trained by native functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from ray.rllib.core.models.torch.encoder import TorchMLPEncoder
from ray.rllib.core.models.torch.heads import TorchFreeLogStdMLPHead, TorchMLPHead
from torch import nn

from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.layers import (
    ELU,
    LINEAR,
    RELU,
    SILU,
    TANH,
    Array,
    forward,
    units,
)
from experiments.core.fast_ppo.parameters import FlatParameters
from experiments.core.fast_ppo.update import Numbers, Rows, UpdateLog, head, update

_ACTIVATIONS: dict[type[nn.Module], int] = {nn.Tanh: TANH, nn.ReLU: RELU, nn.SiLU: SILU, nn.ELU: ELU}
_CHUNK = 256
"""Rows of which values are computed at once: what they need stays in a core's cache."""

_Stack = list[tuple[nn.Linear, int]]


class DenseNetwork:
    """Policy and value network of dense layers over a module's parameters.

    Args:
        trunk: Layers that both share, each with its activation; none where they share nothing.
        policy: Layers of the policy behind them.
        value: Layers of the value function; none in a module that only acts.
        log_std: Log deviations that do not depend on the observation, or None.
        limit: Log deviations are clamped to [-limit, limit].
        parameters: All of the module's, in its order.
        distribution: What the logits mean.
    """

    def __init__(
        self,
        trunk: _Stack,
        policy: _Stack,
        value: _Stack,
        *,
        log_std: nn.Parameter | None,
        limit: float,
        parameters: list[nn.Parameter],
        distribution: ActionDistribution,
    ) -> None:
        self._flat = FlatParameters(parameters)
        self._leaves, self._num_logits = distribution.leaves, distribution.num_logits
        self._free = -1 if log_std is None else self._flat.starts[id(log_std)]
        self._limit = np.float32(limit)
        self._trunk, self._policy = len(trunk), len(trunk) + len(policy) - 1
        rows: list[tuple[int, ...]] = []
        widths = 0
        for stack, source in ((trunk, -1), (policy, len(trunk) - 1), (value, len(trunk) - 1)):
            for linear, activation in stack:
                size, width = linear.in_features, linear.out_features
                begin = (self._flat.starts[id(linear.weight)], self._flat.starts[id(linear.bias)])
                rows.append((source, size, width, *begin, activation, widths))
                widths, source = widths + width, len(rows) - 1
        self._layers = np.array(rows, np.int64)
        self._widths = widths
        self._work = np.empty((2, 0), np.float32)

    def logits(self, obs: Array) -> Array:
        """Logits [B, L] of observations [B, D]."""
        logits = np.empty((len(obs), self._num_logits), np.float32)
        outputs = self._outputs(obs, (0, self._policy + 1))
        last = units(outputs, self._layers[self._policy], len(obs))
        head(last, self._flat.values, self._free, self._limit, logits)
        return logits

    def values(self, obs: Array) -> Array:
        """Values [B] of observations [B, D]."""
        values = np.empty(len(obs), np.float32)
        for start in range(0, len(obs), _CHUNK):
            chunk = obs[start : start + _CHUNK]
            outputs = self._outputs(chunk, (0, self._trunk), (self._policy + 1, len(self._layers)))
            values[start : start + _CHUNK] = units(outputs, self._layers[-1], len(chunk))[:, 0]
        return values

    def _outputs(self, obs: Array, *ranges: tuple[int, int]) -> Array:
        """Outputs of all layers [B W], of which those in ranges of numbers have been computed."""
        if self._work.shape[1] < len(obs) * self._widths:
            self._work = np.empty((2, len(obs) * self._widths), np.float32)
        outputs, slopes = self._work
        for first, last in ranges:
            forward(obs, first, last, self._flat.values, self._layers, outputs, slopes)
        return outputs

    def update(self, rows: Rows, order: Array, numbers: Numbers, optimizer: torch.optim.Adam) -> UpdateLog:
        """Makes a gradient step for each row of `order` [S, B], which holds numbers of the batch's rows."""
        flat, record = self._flat, UpdateLog.empty(len(order))
        flat.share_moments(optimizer)
        network = (self._layers, self._policy, self._free, self._limit, self._leaves)
        update(rows, order, (flat.values, flat.mean, flat.square, flat.count), *network, numbers, *record)
        return record


def dense_network(module: Any, distribution: ActionDistribution) -> DenseNetwork | None:
    """The network of RLlib's default module; None where it has any other kind of layer, or lies on a GPU."""
    encoder, parameters = module.encoder, list(module.parameters())
    shared = hasattr(encoder, "encoder")
    critic = encoder.encoder if shared else getattr(encoder, "critic_encoder", None)
    actor = _layers(encoder.encoder if shared else encoder.actor_encoder)
    policy, value = _layers(module.pi), _layers(getattr(module, "vf", None))
    behind = [] if shared else _layers(critic)
    if actor is None or policy is None or value is None or behind is None:
        return None
    if any(p.device.type != "cpu" or p.dtype != torch.float32 for p in parameters):
        return None
    return DenseNetwork(
        actor if shared else [],
        policy if shared else [*actor, *policy],
        [*behind, *value],
        log_std=getattr(module.pi, "log_std", None),
        limit=float(module.pi.log_std_clip_param_const) if module.pi.clip_log_std else math.inf,
        parameters=parameters,
        distribution=distribution,
    )


def _layers(part: Any) -> _Stack | None:
    """Linear layers with the activations after them; None where there is anything else, empty of no part."""
    if part is None:
        return []
    if type(part) not in (TorchMLPEncoder, TorchMLPHead, TorchFreeLogStdMLPHead):
        return None
    stack: _Stack = []
    for layer in part.net.mlp:
        if type(layer) is nn.Linear and layer.bias is not None:
            stack.append((layer, LINEAR))
        elif type(layer) in _ACTIVATIONS and stack and stack[-1][1] == LINEAR:
            stack[-1] = (stack[-1][0], _ACTIVATIONS[type(layer)])
        else:
            return None
    return stack

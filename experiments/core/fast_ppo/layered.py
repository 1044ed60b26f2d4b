"""RLlib's default PPO module as a trunk with a policy stack and a value stack on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from ray.rllib.core.models.torch.encoder import TorchCNNEncoder, TorchMLPEncoder
from ray.rllib.core.models.torch.heads import TorchFreeLogStdMLPHead, TorchMLPHead
from torch import Tensor, nn

from experiments.core.fast_ppo.layers import (
    ACTIVATIONS,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Place,
    Silu,
    Stack,
    run,
    run_back,
)


@dataclass(frozen=True)
class LogStd:
    """What a Gaussian head does after its last layer: a free deviation per dimension, a limit, or both.

    Attributes:
        free: [D] log standard deviations that do not depend on the observation, or None.
        d_free: [D], where their gradient goes.
        limit: log standard deviations are clamped to [-limit, limit], or None.
    """

    free: Tensor | None
    d_free: Tensor | None
    limit: float | None

    def forward(self, output: Tensor) -> Tensor:
        """Logits [B, 2 D] from the last layer's output ([B, D] with free deviations, else [B, 2 D])."""
        if self.free is not None:
            mean, log_std = output, self.free.expand_as(output)
        else:
            mean, log_std = output.chunk(2, dim=-1)
        if self.limit is not None:
            log_std = log_std.clamp(-self.limit, self.limit)
        return torch.cat([mean, log_std], dim=-1)

    def backward(self, output: Tensor, d_logits: Tensor) -> Tensor:
        """Gradient of the last layer's output; writes that of the free deviations."""
        d_mean, d_log_std = d_logits.chunk(2, dim=-1)
        raw = self.free if self.free is not None else output.chunk(2, dim=-1)[1]
        if self.limit is not None:
            d_log_std = d_log_std * (raw.abs() <= self.limit)
        if self.free is None:
            return torch.cat([d_mean, d_log_std], dim=-1)
        torch.sum(d_log_std, 0, out=self.d_free)
        return d_mean.contiguous()

    def placed(self, value: Place, gradient: Place) -> LogStd:
        """The same with other tensors for the free deviations and for their gradient."""
        if self.free is None:
            return self
        return replace(self, free=value(self.free), d_free=gradient(self.free))


class LayeredNetwork:
    """A trunk (empty where policy and value share nothing) with a policy stack and a value stack on it."""

    def __init__(self, trunk: Stack, policy: Stack, value: Stack | None, log_std: LogStd | None) -> None:
        self._trunk, self._policy, self._value, self._log_std = trunk, policy, value, log_std

    def policy(self, obs: Tensor) -> Tensor:
        """Logits [B, L] of observations [B, ...]."""
        x = _channels_first(obs)
        for layer in (*self._trunk, *self._policy):
            x = layer.forward(x)
        return x if self._log_std is None else self._log_std.forward(x)

    def value(self, obs: Tensor) -> Tensor:
        """Values [B] of observations [B, ...]."""
        assert self._value is not None, "an inference-only module has no value network"
        x = _channels_first(obs)
        for layer in (*self._trunk, *self._value):
            x = layer.forward(x)
        return x.squeeze(-1)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor, Any]:
        """Logits [B, L], values [B], and every layer's output for `backward`."""
        assert self._value is not None, "an inference-only module has no value network"
        trunk = run(self._trunk, _channels_first(obs))
        policy, value = run(self._policy, trunk[-1]), run(self._value, trunk[-1])
        logits = policy[-1] if self._log_std is None else self._log_std.forward(policy[-1])
        return logits, value[-1].squeeze(-1), (trunk, policy, value)

    def backward(self, activations: Any, d_logits: Tensor, d_values: Tensor) -> None:
        """Writes the parameters' gradients, given those of the logits [B, L] and values [B]."""
        assert self._value is not None, "an inference-only module has no value network"
        trunk, policy, value = activations
        if self._log_std is not None:
            d_logits = self._log_std.backward(policy[-1], d_logits)
        shared = bool(self._trunk)
        d_policy = run_back(self._policy, policy, d_logits, needs_input=shared)
        d_value = run_back(self._value, value, d_values.unsqueeze(-1), needs_input=shared)
        if shared:
            run_back(self._trunk, trunk, d_policy.add_(d_value), needs_input=False)

    @property
    def shape(self) -> tuple[int, int, int, float | None]:
        """Layers of trunk, policy and value, and the limit of the log deviations."""
        limit = None if self._log_std is None else self._log_std.limit
        return len(self._trunk), len(self._policy), len(self._value or ()), limit

    @property
    def layers(self) -> Iterator[Layer]:
        """Every layer, the trunk's first."""
        return itertools.chain(self._trunk, self._policy, self._value or ())

    def placed(self, value: Place, gradient: Place) -> LayeredNetwork:
        """The same network with other tensors for each parameter and for its gradient."""

        def stack(layers: Stack) -> Stack:
            return tuple(layer.placed(value, gradient) for layer in layers)

        return LayeredNetwork(
            stack(self._trunk),
            stack(self._policy),
            None if self._value is None else stack(self._value),
            None if self._log_std is None else self._log_std.placed(value, gradient),
        )


def _channels_first(obs: Tensor) -> Tensor:
    """Images [B, H, W, C] as a view [B, C, H, W]; vectors as they are."""
    return obs.permute(0, 3, 1, 2) if obs.dim() == 4 else obs


def layered_network(module: Any) -> LayeredNetwork | None:
    """RLlib's default module as stacks of known layers; None where it has any other kind of layer."""
    encoder = module.encoder
    shared = hasattr(encoder, "encoder")
    has_value = shared or getattr(encoder, "critic_encoder", None) is not None
    actor = _encoder_stack(encoder.encoder if shared else encoder.actor_encoder)
    critic = actor if shared else _encoder_stack(encoder.critic_encoder) if has_value else ()
    pi = (
        _dense_stack(module.pi.net.mlp)
        if isinstance(module.pi, TorchMLPHead | TorchFreeLogStdMLPHead)
        else None
    )
    vf_head = getattr(module, "vf", None)
    vf = _dense_stack(vf_head.net.mlp) if isinstance(vf_head, TorchMLPHead) else None
    if actor is None or critic is None or pi is None:
        return None
    if shared:
        return LayeredNetwork(actor, pi, vf, _log_std(module.pi))
    return LayeredNetwork((), actor + pi, critic + vf if vf is not None else None, _log_std(module.pi))


def _encoder_stack(encoder: Any) -> Stack | None:
    if type(encoder) is TorchMLPEncoder:
        return _dense_stack(encoder.net.mlp)
    if type(encoder) is TorchCNNEncoder and len(encoder.net) == 2:
        convolutions = _convolution_stack(encoder.net[0].cnn)
        return None if convolutions is None else (*convolutions, Flatten())
    return None


def _dense_stack(layers: nn.Sequential) -> Stack | None:
    """Linear layers with the activations after them; None where there is anything else."""
    stack: list[Layer] = []
    for layer in layers:
        if type(layer) is nn.Linear:
            stack.append(Dense.of(layer, ""))
        elif not _add_activation(stack, layer):
            return None
    return tuple(stack)


def _convolution_stack(layers: nn.Sequential) -> Stack | None:
    """Convolutions with the padding before and the activations after them; None where there is anything else.

    Padding that differs from side to side, as some kernels need, is left to torch.
    """
    stack: list[Layer] = []
    padding = (0, 0)
    for layer in layers:
        if type(layer) is nn.ZeroPad2d:
            left, right, top, bottom = layer.padding
            if left != right or top != bottom:
                return None
            padding = (top, left)
        elif type(layer) is nn.Conv2d:
            stack.append(Convolution.of(layer, padding, ""))
            padding = (0, 0)
        elif not _add_activation(stack, layer):
            return None
    return tuple(stack)


def _add_activation(stack: list[Layer], layer: nn.Module) -> bool:
    """Puts an activation on the stack, into the last layer where that can undo it from its output."""
    if type(layer) is nn.SiLU:
        stack.append(Silu())
        return True
    last = stack[-1] if stack else None
    if type(layer) not in ACTIVATIONS or not isinstance(last, Dense | Convolution) or last.activation:
        return False
    stack[-1] = replace(last, activation=ACTIVATIONS[type(layer)])
    return True


def _log_std(head: Any) -> LogStd | None:
    limit = float(head.log_std_clip_param_const) if head.clip_log_std else None
    if type(head) is TorchFreeLogStdMLPHead:
        return LogStd(head.log_std.detach(), head.log_std.grad, limit)
    return LogStd(None, None, limit) if limit is not None else None

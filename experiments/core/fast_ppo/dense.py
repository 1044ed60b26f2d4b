"""Forward and backward passes of stacks of dense layers, by hand.

Automatic differentiation spends several microseconds of bookkeeping per operation, which at minibatches of
around a hundred rows is most of an update. The passes here are the same operations in the same order; the tests
compare every gradient with torch's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from ray.rllib.core.models.torch.encoder import TorchMLPEncoder
from ray.rllib.core.models.torch.heads import TorchFreeLogStdMLPHead, TorchMLPHead
from torch import Tensor, nn


@dataclass(frozen=True)
class Layer:
    """One affine map and its activation: "tanh", "relu" or "" for none.

    The tensors share the parameters' memory but carry no history, so nothing done here is recorded.
    """

    weight: Tensor
    weight_t: Tensor
    bias: Tensor | None
    d_weight: Tensor | None
    d_bias: Tensor | None
    activation: str

    @staticmethod
    def of(linear: nn.Linear, activation: str) -> Layer:
        """The layer of a module; its gradient goes where the parameters' `grad` points at this moment."""
        weight, bias = linear.weight.detach(), None if linear.bias is None else linear.bias.detach()
        d_bias = None if linear.bias is None else linear.bias.grad
        return Layer(weight, weight.t(), bias, linear.weight.grad, d_bias, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, out] of inputs [B, in]."""
        y = x.mm(self.weight_t) if self.bias is None else torch.addmm(self.bias, x, self.weight_t)
        if self.activation == "tanh":
            y.tanh_()
        elif self.activation == "relu":
            y.relu_()
        return y

    def backward(self, x: Tensor, y: Tensor, d_y: Tensor, *, needs_input: bool) -> Tensor:
        """Writes the parameters' gradients.

        Args:
            x: [B, in], the layer's inputs.
            y: [B, out], its outputs.
            d_y: [B, out], gradient of the outputs.
            needs_input: whether the gradient of the inputs is wanted.

        Returns:
            The gradient [B, in] of the inputs; `x` itself where it is not wanted.
        """
        if self.activation == "tanh":
            d_y = torch.ops.aten.tanh_backward(d_y, y)
        elif self.activation == "relu":
            d_y = torch.ops.aten.threshold_backward(d_y, y, 0)
        torch.mm(d_y.t(), x, out=self.d_weight)
        if self.d_bias is not None:
            torch.sum(d_y, 0, out=self.d_bias)
        return d_y.mm(self.weight) if needs_input else x


Stack = tuple[Layer, ...]


def run(stack: Stack, x: Tensor) -> list[Tensor]:
    """The input and every layer's output."""
    outputs = [x]
    for layer in stack:
        outputs.append(layer.forward(outputs[-1]))
    return outputs


def run_back(stack: Stack, outputs: list[Tensor], d_last: Tensor, *, needs_input: bool) -> Tensor:
    """Back through `run`: gradients of the parameters, and of the input where it is wanted."""
    gradient = d_last
    for index in range(len(stack) - 1, -1, -1):
        gradient = stack[index].backward(
            outputs[index], outputs[index + 1], gradient, needs_input=needs_input or index > 0
        )
    return gradient


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


class DenseNetwork:
    """A trunk (empty where policy and value share nothing) with a policy stack and a value stack on it."""

    def __init__(self, trunk: Stack, policy: Stack, value: Stack | None, log_std: LogStd | None) -> None:
        self._trunk, self._policy, self._value, self._log_std = trunk, policy, value, log_std

    def policy(self, obs: Tensor) -> Tensor:
        """Logits [B, L] of observations [B, obs]."""
        x = obs
        for layer in (*self._trunk, *self._policy):
            x = layer.forward(x)
        return x if self._log_std is None else self._log_std.forward(x)

    def value(self, obs: Tensor) -> Tensor:
        """Values [B] of observations [B, obs]."""
        assert self._value is not None, "an inference-only module has no value network"
        x = obs
        for layer in (*self._trunk, *self._value):
            x = layer.forward(x)
        return x.squeeze(-1)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor, Any]:
        """Logits [B, L], values [B], and every layer's output for `backward`."""
        assert self._value is not None, "an inference-only module has no value network"
        trunk = run(self._trunk, obs)
        policy, value = run(self._policy, trunk[-1]), run(self._value, trunk[-1])
        logits = policy[-1] if self._log_std is None else self._log_std.forward(policy[-1])
        return logits, value[-1].squeeze(-1), (trunk, policy, value)

    def backward(self, tape: Any, d_logits: Tensor, d_values: Tensor) -> None:
        """Writes the parameters' gradients, given those of the logits [B, L] and values [B]."""
        assert self._value is not None, "an inference-only module has no value network"
        trunk, policy, value = tape
        if self._log_std is not None:
            d_logits = self._log_std.backward(policy[-1], d_logits)
        shared = bool(self._trunk)
        d_policy = run_back(self._policy, policy, d_logits, needs_input=shared)
        d_value = run_back(self._value, value, d_values.unsqueeze(-1), needs_input=shared)
        if shared:
            run_back(self._trunk, trunk, d_policy.add_(d_value), needs_input=False)


def dense_network(module: Any) -> DenseNetwork | None:
    """RLlib's default module as stacks of dense layers; None where it has any other kind of layer."""
    encoder = module.encoder
    shared = hasattr(encoder, "encoder")
    has_value = shared or getattr(encoder, "critic_encoder", None) is not None
    actor = _encoder_stack(encoder.encoder if shared else encoder.actor_encoder)
    critic = actor if shared else _encoder_stack(encoder.critic_encoder) if has_value else ()
    pi = _sequential(module.pi.net.mlp) if isinstance(module.pi, TorchMLPHead | TorchFreeLogStdMLPHead) else None
    vf_head = getattr(module, "vf", None)
    vf = _sequential(vf_head.net.mlp) if type(vf_head) is TorchMLPHead else None
    if actor is None or critic is None or pi is None:
        return None
    if shared:
        return DenseNetwork(actor, pi, vf, _log_std(module.pi))
    return DenseNetwork((), actor + pi, critic + vf if vf is not None else None, _log_std(module.pi))


def _encoder_stack(encoder: Any) -> Stack | None:
    return _sequential(encoder.net.mlp) if type(encoder) is TorchMLPEncoder else None


def _sequential(layers: nn.Sequential) -> Stack | None:
    """Linear layers with the activations after them; None where there is anything else."""
    names: dict[type, str] = {nn.Tanh: "tanh", nn.ReLU: "relu"}
    stack: list[Layer] = []
    for layer in layers:
        if type(layer) is nn.Linear:
            stack.append(Layer.of(layer, ""))
        elif type(layer) in names and stack and not stack[-1].activation:
            stack[-1] = replace(stack[-1], activation=names[type(layer)])
        else:
            return None
    return tuple(stack)


def _log_std(head: Any) -> LogStd | None:
    limit = float(head.log_std_clip_param_const) if head.clip_log_std else None
    if type(head) is TorchFreeLogStdMLPHead:
        return LogStd(head.log_std.detach(), head.log_std.grad, limit)
    return LogStd(None, None, limit) if limit is not None else None

"""Policy and value network over an RLModule's parameters, with the shortest way through its layers.

Dense and convolutional layers (most layouts) are run and differentiated by hand, straight into the
parameters' gradients. Every other stateless module (layer normalisation, other activations, an RLModule of
one's own) is called as it is and differentiated by torch.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.columns import Columns
from torch import Tensor, nn

from experiments.core.fast_ppo.layered import LayeredNetwork, layered_network
from experiments.core.fast_ppo.normalise import BareModule, NormalisingPPOModule


class Network(Protocol):
    """What sampling and updating call."""

    def policy(self, obs: Tensor) -> Tensor:
        """Logits [B, L] of observations [B, ...]."""

    def value(self, obs: Tensor) -> Tensor:
        """Values [B] of observations [B, ...]."""

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor, Any]:
        """Logits [B, L], values [B], and what `backward` needs."""

    def backward(self, activations: Any, d_logits: Tensor, d_values: Tensor) -> None:
        """Writes the parameters' gradients, given those of the logits [B, L] and values [B]."""


class ModuleNetwork:
    """Any stateless RLModule through RLlib's own interface, differentiated by torch."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._parameters: list[nn.Parameter] = [p for p in module.parameters() if p.requires_grad]
        self._gradients = [p.grad for p in self._parameters]

    def policy(self, obs: Tensor) -> Tensor:
        """Logits [B, L] of observations [B, ...]."""
        logits: Tensor = self._module._forward({Columns.OBS: obs})[Columns.ACTION_DIST_INPUTS]
        return logits

    def value(self, obs: Tensor) -> Tensor:
        """Values [B] of observations [B, ...]."""
        values: Tensor = self._module.compute_values({Columns.OBS: obs})
        return values

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor, Any]:
        """Logits [B, L] and values [B] without a history, and with one for `backward`."""
        with torch.enable_grad():
            batch = {Columns.OBS: obs}
            out = self._module._forward_train(batch)
            values = self._module.compute_values(batch, embeddings=out.get(Columns.EMBEDDINGS))
        logits = out[Columns.ACTION_DIST_INPUTS]
        return logits.detach(), values.detach(), [logits, values]

    def backward(self, activations: Any, d_logits: Tensor, d_values: Tensor) -> None:
        """Writes the parameters' gradients; zero where a parameter took no part."""
        gradients = torch.autograd.grad(
            activations, self._parameters, [d_logits, d_values], allow_unused=True
        )
        for place, gradient in zip(self._gradients, gradients, strict=True):
            assert place is not None, "FlatParameters gives every parameter a place for its gradient"
            place.zero_() if gradient is None else place.copy_(gradient)


def network_of(module: Any) -> Network:
    """The fastest equivalent of an RLModule; its parameters are shared, never copied.

    Of a `NormalisingPPOModule` these are the networks behind the normalisation.
    """
    layered: LayeredNetwork | None = None
    if type(module) in (DefaultPPOTorchRLModule, NormalisingPPOModule):
        layered = layered_network(module)
    if layered is not None:
        return layered
    return ModuleNetwork(BareModule(module) if isinstance(module, NormalisingPPOModule) else module)

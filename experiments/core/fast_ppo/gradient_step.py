"""Gradient step of PPO as a pure function of tensors, so that it can be compiled.

Everything that changes from step to step is an input, the coefficients of the loss and the learning rate
included. So one compiled function serves every trial with the same layout, whatever its hyperparameters and
its minibatch size.

Array names: B rows, L logits, A action columns, P parameters.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.layered import LayeredNetwork
from experiments.core.fast_ppo.loss import Coefficients, Minibatch, output_gradient, row_terms
from experiments.core.fast_ppo.parameters import Adam

NUMBERS = (*Coefficients._fields, "grad_clip", "lr")
"""What the vector of numbers holds, in this order; no limit is infinite."""


class GradientStep(nn.Module):
    """Forward pass, loss, backward pass, clipping and Adam on flat vectors.

    Args:
        network: Its parameters are views of one vector; only their places in it are used.
        distribution: What the logits mean.
        adam: Constants of the optimiser.
    """

    def __init__(self, network: LayeredNetwork, distribution: ActionDistribution, adam: Adam) -> None:
        super().__init__()
        self._network, self._distribution, self._adam = network, distribution, adam

    def signature(self) -> str:
        """Says all that distinguishes the function from that of another network."""
        told: list[object] = [self._distribution.parts, self._adam]

        def place(parameter: Tensor) -> Tensor:
            told.append((parameter.storage_offset(), tuple(parameter.shape)))
            return parameter

        placed = self._network.placed(place, place)
        told += [(type(layer).__name__, getattr(layer, "activation", "")) for layer in placed.layers]
        return repr((told, self._network.shape))

    def forward(
        self,
        values: Tensor,
        mean: Tensor,
        square: Tensor,
        count: Tensor,
        numbers: Tensor,
        obs: Tensor,
        actions: Tensor,
        old_log_prob: Tensor,
        old_normalised: Tensor,
        advantages: Tensor,
        targets: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Changes parameters and moments in place.

        Args:
            values: Parameters, [P].
            mean: Adam's mean of the gradients, [P].
            square: Adam's mean of their squares, [P].
            count: Steps taken so far, a scalar.
            numbers: `NUMBERS`, [7].
            obs: [B, D]; this and the following are the fields of a `Minibatch`.
            actions: [B, A].
            old_log_prob: [B].
            old_normalised: [B, L].
            advantages: [B].
            targets: [B].

        Returns:
            The gradient's norm before clipping, and the fields of `SampleLossTerms`.
        """
        *weights, grad_clip, lr = numbers.unbind()
        batch = Minibatch(obs, actions, old_log_prob, old_normalised, advantages, targets)
        pieces: dict[int, Tensor] = {}

        def value(parameter: Tensor) -> Tensor:
            start = int(parameter.storage_offset())
            return values[start : start + parameter.numel()].view(parameter.shape)

        def gradient(parameter: Tensor) -> Tensor:
            return pieces.setdefault(int(parameter.storage_offset()), torch.zeros(parameter.shape))

        network = self._network.placed(value, gradient)
        logits, state_values, activations = network.forward(batch.obs)
        terms = row_terms(self._distribution, logits, state_values, batch)
        # Scalar tensors compute as numbers do.
        coefficients = Coefficients(*cast("list[float]", weights))
        network.backward(activations, *output_gradient(self._distribution, terms, batch, coefficients))
        whole = torch.cat([pieces[start].reshape(-1) for start in sorted(pieces)])
        norm = torch.linalg.vector_norm(whole)
        whole = whole * (grad_clip / (norm + 1e-6)).clamp_max(1.0)
        self._update(values, mean, square, count, whole, lr)
        return norm, terms.normalised, terms.ratio, terms.error

    def _update(
        self, values: Tensor, mean: Tensor, square: Tensor, count: Tensor, gradient: Tensor, lr: Tensor
    ) -> None:
        """Adam (arXiv 1412.6980, algorithm 1)."""
        beta1, beta2, eps = self._adam
        count.add_(1.0)
        mean.mul_(beta1).add_(gradient, alpha=1.0 - beta1)
        square.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        # 1 - beta ** count, without the rounding that the difference has in the first steps.
        unbiased = [-torch.expm1(count * math.log(beta)) for beta in (beta1, beta2)]
        deviation = (square / unbiased[1]).sqrt() + eps
        values.sub_(lr * (mean / unbiased[0]) / deviation)

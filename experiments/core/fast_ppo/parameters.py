"""Parameters of a network in one buffer, with their gradients and Adam's moments beside them.

Clipping and Adam then are a handful of kernels on one tensor instead of one per layer. The parameters stay
what they were, as views: modules, checkpoints and RLlib's optimiser keep working on them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from experiments.core.torch_internals import fused_adam


class Adam(NamedTuple):
    """What the optimiser does not change while it trains."""

    beta1: float
    beta2: float
    eps: float


class FlatParameters:
    """Parameters, gradients and moments as four vectors [P] in the same order.

    Every parameter's `data` and `grad`, and its state in the optimiser, become views of the vectors. The
    optimiser thereby always holds the current moments, in its own format.

    Attributes:
        gradient: [P]; whoever computes gradients writes them into the parameters' `grad`.
    """

    def __init__(self, parameters: list[nn.Parameter], optimizer: torch.optim.Adam) -> None:
        self.parameters = parameters
        self._optimizer = optimizer
        with torch.no_grad():
            self.values = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradient = torch.zeros_like(self.values)
        self._mean = torch.zeros_like(self.values)
        self._square = torch.zeros_like(self.values)
        self._step = torch.zeros((), dtype=torch.float32, device=self.values.device)
        for p, value, gradient in zip(
            parameters, self._views(self.values), self._views(self.gradient), strict=True
        ):
            p.data, p.grad = value, gradient
        self.load_moments()

    def _views(self, vector: Tensor) -> list[Tensor]:
        pieces = torch.split(vector, [p.numel() for p in self.parameters])
        return [piece.view(p.shape) for piece, p in zip(pieces, self.parameters, strict=True)]

    @property
    def vectors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Parameters [P], Adam's two moments [P] each, and the number of its steps."""
        return self.values, self._mean, self._square, self._step

    @property
    def adam(self) -> Adam:
        """The optimiser's constants."""
        group = self._optimizer.param_groups[0]
        beta1, beta2 = group["betas"]
        return Adam(beta1, beta2, group["eps"])

    @property
    def lr(self) -> float:
        """The present learning rate."""
        return float(self._optimizer.param_groups[0]["lr"])

    def load_moments(self) -> None:
        """Takes over the optimiser's state, e.g. after a checkpoint was loaded into it."""
        state = self._optimizer.state
        for p, mean, square in zip(
            self.parameters, self._views(self._mean), self._views(self._square), strict=True
        ):
            if p in state:
                mean.copy_(state[p]["exp_avg"])
                square.copy_(state[p]["exp_avg_sq"])
                self._step.fill_(float(state[p]["step"]))
            state[p] = {"step": self._step, "exp_avg": mean, "exp_avg_sq": square}

    def clip(self, limit: float | None) -> Tensor:
        """Scales the gradient down to a global norm of `limit`.

        Returns:
            The norm before clipping, a scalar.
        """
        norm: Tensor = torch.linalg.vector_norm(self.gradient)
        if limit:
            # RLlib's factor, with its 1e-6.
            self.gradient.mul_(limit / (norm + 1e-6).clamp_min_(limit))
        return norm

    def adam_step(self) -> None:
        """One step of the optimiser's own settings."""
        group = self._optimizer.param_groups[0]
        self._step.add_(1.0)
        fused_adam(
            self.values, self.gradient, self._mean, self._square, self._step,
            lr=group["lr"], betas=group["betas"], eps=group["eps"], weight_decay=group["weight_decay"],
        )  # fmt: skip

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return bool(torch.isfinite(self.values.sum()))

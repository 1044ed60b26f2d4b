"""Networks that torch runs and differentiates: convolutions, an RLModule of one's own, and any on a GPU."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core.columns import Columns
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal, kl_divergence

from experiments.core.fast_ppo.distribution import CATEGORICAL, ActionDistribution, Array
from experiments.core.fast_ppo.update import Numbers, Rows, UpdateLog

_CHUNK = 1024
"""Rows of which values are computed at once."""


class TorchNetwork:
    """Any stateless RLModule through RLlib's own interface.

    Args:
        module: Its observations are as they are stored, but for images of bytes, which it sees in [0, 1].
        distribution: What its logits mean.
    """

    def __init__(self, module: Any, distribution: ActionDistribution) -> None:
        self._module, self._parts = module, distribution.leaves.tolist()
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._device = next(iter(module.parameters())).device
        self._floats = torch.empty(0, device=self._device)

    def logits(self, obs: Array) -> Array:
        """Logits [B, L] of observations [B, ...]."""
        with torch.no_grad():
            out = self._module._forward({Columns.OBS: self._input(torch.from_numpy(obs))})
            logits: Array = out[Columns.ACTION_DIST_INPUTS].cpu().numpy()
        return logits

    def values(self, obs: Array) -> Array:
        """Values [B] of observations [B, ...]."""
        with torch.no_grad():
            chunks = [
                self._module.compute_values({Columns.OBS: self._input(chunk)}).cpu()
                for chunk in torch.split(torch.from_numpy(obs), _CHUNK)
            ]
        values: Array = torch.cat(chunks).numpy()
        return values

    def _input(self, obs: Tensor) -> Tensor:
        """Stored images as floats, always in the same memory: fresh pages cost more than the numbers."""
        if obs.dtype != torch.uint8:
            return obs.to(self._device)
        if self._floats.shape[1:] != obs.shape[1:] or len(self._floats) < len(obs):
            self._floats = torch.empty(obs.shape, device=self._device)
        return self._floats[: len(obs)].copy_(obs).mul_(1.0 / 255.0)

    def update(self, rows: Rows, order: Array, numbers: Numbers, optimizer: torch.optim.Adam) -> UpdateLog:
        """Makes a gradient step for each row of `order` [S, B], which holds numbers of the batch's rows."""
        columns = [torch.from_numpy(column).to(self._device) for column in rows]
        steps, sums = [], []
        for picked in torch.from_numpy(order).to(self._device):
            batch = [column.index_select(0, picked) for column in columns]
            optimizer.zero_grad()
            with torch.enable_grad():
                loss, terms = self._loss(batch, numbers)
                torch.autograd.backward(loss)
            norm = torch.nn.utils.clip_grad_norm_(self._parameters, float(numbers.grad_clip))
            optimizer.step()
            steps.append(torch.stack([loss.detach(), norm]))
            sums.append(terms)
        return UpdateLog(torch.stack(steps).double().cpu().numpy(), torch.stack(sums).double().cpu().numpy())

    def _loss(self, batch: list[Tensor], numbers: Numbers) -> tuple[Tensor, Tensor]:
        """The loss of a minibatch, see `update`, and the sums over its rows that `UpdateLog` wants."""
        obs, actions, old_log_prob, old_logits, advantages, targets = batch
        columns = {Columns.OBS: self._input(obs)}
        out = self._module._forward_train(columns)
        values = self._module.compute_values(columns, embeddings=out.get(Columns.EMBEDDINGS))
        logits, error = out[Columns.ACTION_DIST_INPUTS], values - targets
        log_prob = entropy = kl = torch.zeros(())
        for kind, first, width, column in self._parts:
            new, old = _part(kind, logits, first, width), _part(kind, old_logits, first, width)
            done = actions[:, column] if kind == CATEGORICAL else actions[:, column : column + width]
            log_prob = log_prob + new.log_prob(done)
            entropy, kl = entropy + new.entropy(), kl + kl_divergence(old, new)
        ratio = torch.exp(log_prob - old_log_prob)
        limits = (1.0 - float(numbers.clip_param), 1.0 + float(numbers.clip_param))
        gain = torch.min(ratio * advantages, ratio.clamp(*limits) * advantages)
        square = error.square()
        value_loss = square.clamp_max(float(numbers.vf_clip_param))
        loss = (
            -gain.mean()
            + float(numbers.vf_loss_coeff) * value_loss.mean()
            - float(numbers.entropy_coeff) * entropy.mean()
            + float(numbers.kl_coeff) * kl.mean()
        )
        clipped = (ratio - 1.0).abs() > float(numbers.clip_param)
        terms = (-gain, value_loss, entropy, kl, clipped, error, square, targets, targets.square())
        return loss, torch.stack([term.detach().sum() for term in terms])


def _part(kind: int, logits: Tensor, first: int, width: int) -> Distribution:
    """One independent part of the distribution under logits [B, L]."""
    if kind == CATEGORICAL:
        return Categorical(logits=logits[:, first : first + width], validate_args=False)
    mean, log_std = logits[:, first : first + 2 * width].chunk(2, dim=-1)
    return Independent(Normal(mean, log_std.exp(), validate_args=False), 1, validate_args=False)

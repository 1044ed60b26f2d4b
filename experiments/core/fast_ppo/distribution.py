"""Action distribution of the network's outputs: the same as RLlib's, as bare tensor operations.

Array names: B rows, L logits, A action columns (see `network_spaces.ActionPart`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from experiments.core.environments import ActionPart, Leaf, leaves

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
HALF_LOG_2PIE = 0.5 + HALF_LOG_2PI

Weight = float | Tensor
"""A number; a tensor of one where it is not known yet because the step is being compiled."""


@dataclass(frozen=True)
class ActionDistribution:
    """The product of independent categorical and diagonal Gaussian parts.

    All methods take raw logits. `normalise` turns the logits of the behaviour policy into what `kl` wants,
    once per update instead of once per minibatch.
    """

    parts: tuple[ActionPart, ...]

    @cached_property
    def num_logits(self) -> int:
        """L, the width of the network's output."""
        return sum(part.logits for part in self.parts)

    @cached_property
    def num_columns(self) -> int:
        """A, the width of the stored action array."""
        return sum(part.columns for part in self.parts)

    @cached_property
    def action_dtype(self) -> torch.dtype:
        """Integers where every part is categorical, otherwise floats (exact for all category numbers)."""
        discrete = all(part.kind == "categorical" for part in self.parts)
        return torch.int64 if discrete else torch.float32

    @cached_property
    def _leaves(self) -> tuple[Leaf, ...]:
        return leaves(self.parts)

    def noise(self, rows: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draws what `sample` needs: Gumbel noise for categories, standard normal noise for dimensions.

        Returns:
            [*rows, L']: one column per category and one per Gaussian dimension.
        """
        columns = []
        for kind, logits, actions in self._leaves:
            if kind == "categorical":
                shape = (*rows, logits.stop - logits.start)
                columns.append(-torch.empty(shape).exponential_(generator=generator).log())
            else:
                columns.append(torch.randn((*rows, actions.stop - actions.start), generator=generator))
        return columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1)

    def sample(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Actions [B, A] from logits [B, L] and noise [B, L'] (by the Gumbel-max trick)."""
        if len(self._leaves) == 1 and self._leaves[0][0] == "categorical":
            return (logits + noise).argmax(dim=-1, keepdim=True)
        columns, drawn = [], 0
        for kind, where, actions in self._leaves:
            width = (where.stop - where.start) if kind == "categorical" else actions.stop - actions.start
            part, noise_part = logits[..., where], noise[..., drawn : drawn + width]
            drawn += width
            if kind == "categorical":
                columns.append((part + noise_part).argmax(dim=-1, keepdim=True).to(self.action_dtype))
            else:
                mean, log_std = part.chunk(2, dim=-1)
                columns.append(mean + log_std.exp() * noise_part)
        return torch.cat(columns, dim=-1)

    def mode(self, logits: Tensor) -> Tensor:
        """The most probable actions [B, A]: what evaluation does."""
        columns = [
            logits[..., where].argmax(dim=-1, keepdim=True).to(self.action_dtype)
            if kind == "categorical"
            else logits[..., where].chunk(2, dim=-1)[0]
            for kind, where, _ in self._leaves
        ]
        return columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1)

    def normalise(self, logits: Tensor) -> Tensor:
        """Logits [B, L] with every categorical part as normalised log-probabilities."""
        columns = [
            logits[..., where].log_softmax(dim=-1) if kind == "categorical" else logits[..., where]
            for kind, where, _ in self._leaves
        ]
        return columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1)

    def log_prob(self, normalised: Tensor, actions: Tensor) -> Tensor:
        """Log-probability [B] of actions [B, A] under normalised logits."""
        return _total(
            [
                _log_prob(kind, normalised[..., where], actions[..., column])
                for kind, where, column in self._leaves
            ]
        )

    def entropy(self, normalised: Tensor) -> Tensor:
        """Entropy [B] under normalised logits."""
        return _total([_entropy(kind, normalised[..., where]) for kind, where, _ in self._leaves])

    def kl(self, normalised_old: Tensor, normalised: Tensor) -> Tensor:
        """KL divergence [B] of the new distribution from the old one: KL(old || new), as in RLlib."""
        return _total(
            [_kl(kind, normalised_old[..., where], normalised[..., where]) for kind, where, _ in self._leaves]
        )

    def gradient(
        self,
        normalised: Tensor,
        actions: Tensor,
        old_normalised: Tensor,
        *,
        log_prob: Tensor,
        entropy: Weight,
        kl: Weight,
    ) -> Tensor:
        """Gradient [B, L] towards the logits of a weighted sum of log-probability, entropy and KL divergence.

        Args:
            normalised: [B, L], of the current policy.
            actions: [B, A].
            old_normalised: [B, L].
            log_prob: [B], weight of every row's log-probability.
            entropy: weight of every row's entropy.
            kl: weight of every row's KL(old || new).
        """
        weight = log_prob.unsqueeze(-1)
        columns = []
        for kind, where, column in self._leaves:
            leaf = _categorical_gradient if kind == "categorical" else _gaussian_gradient
            columns.append(
                leaf(normalised[:, where], actions[:, column], old_normalised[:, where], weight, entropy, kl)
            )
        return columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1)


def _total(terms: list[Tensor]) -> Tensor:
    return terms[0] if len(terms) == 1 else torch.stack(terms).sum(dim=0)


def _log_prob(kind: str, normalised: Tensor, actions: Tensor) -> Tensor:
    if kind == "categorical":
        return normalised.gather(-1, actions.long()).squeeze(-1)
    mean, log_std = normalised.chunk(2, dim=-1)
    return (-0.5 * ((actions - mean) * (-log_std).exp()).square() - log_std - HALF_LOG_2PI).sum(-1)


def _entropy(kind: str, normalised: Tensor) -> Tensor:
    if kind == "categorical":
        return -(normalised.exp() * normalised).sum(-1)
    return (normalised.chunk(2, dim=-1)[1] + HALF_LOG_2PIE).sum(-1)


def _kl(kind: str, old: Tensor, new: Tensor) -> Tensor:
    if kind == "categorical":
        return (old.exp() * (old - new)).sum(-1)
    old_mean, old_log_std = old.chunk(2, dim=-1)
    new_mean, new_log_std = new.chunk(2, dim=-1)
    ratio = (2.0 * (old_log_std - new_log_std)).exp()
    shift = ((old_mean - new_mean) * (-new_log_std).exp()).square()
    return (0.5 * (ratio + shift - 1.0) - (old_log_std - new_log_std)).sum(-1)


def _categorical_gradient(
    log_p: Tensor, action: Tensor, old_log_p: Tensor, weight: Tensor, entropy: Weight, kl: Weight
) -> Tensor:
    p = log_p.exp()
    # d log p(a) / d logit_j = [j = a] - p_j
    gradient = (p * -weight).scatter_add_(1, action.long(), weight)
    if _matters(kl):
        _add(gradient, p - old_log_p.exp(), kl)
    if _matters(entropy):
        # dH / d logit_j = -p_j (log p_j + H)
        terms = p * log_p
        _add(gradient, terms.addcmul_(p, terms.sum(-1, keepdim=True), value=-1.0), -entropy)
    return gradient


def _gaussian_gradient(
    new: Tensor, action: Tensor, old: Tensor, weight: Tensor, entropy: Weight, kl: Weight
) -> Tensor:
    mean, log_std = new.chunk(2, dim=-1)
    inverse_std = (-log_std).exp()
    z = (action - mean) * inverse_std
    d_mean, d_log_std = z * inverse_std * weight, (z.square() - 1.0) * weight
    if _matters(kl):
        old_mean, old_log_std = old.chunk(2, dim=-1)
        shift = (old_mean - mean) * inverse_std
        _add(d_mean, shift * inverse_std, -kl)
        _add(d_log_std, 1.0 - (2.0 * (old_log_std - log_std)).exp() - shift.square(), kl)
    return torch.cat([d_mean, d_log_std + entropy], dim=-1)


def _matters(weight: Weight) -> bool:
    """Whether a term has to be computed."""
    return isinstance(weight, Tensor) or weight != 0.0


def _add(total: Tensor, term: Tensor, weight: Weight) -> None:
    """Adds a weighted term to a total, in place."""
    if isinstance(weight, Tensor):
        total.add_(term * weight)
    else:
        total.add_(term, alpha=weight)

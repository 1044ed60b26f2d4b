"""PPO loss of one minibatch and its gradient, term by term as in RLlib's `PPOTorchLearner`.

    L = mean(-min(r A, clip(r) A)) + c_v mean(min(e^2, limit)) - c_e mean(H) + c_k mean(KL(old || new))

with ratio r, advantage A and value error e (arXiv 1707.06347). The gradient towards the network's two outputs
is written down instead of recorded: at minibatches of a hundred rows, recording costs several times more than
the arithmetic. The tests compare it with automatic differentiation and with RLlib.

Array names: B rows, L logits, A action columns.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from experiments.core.fast_ppo.distribution import ActionDistribution


class Minibatch(NamedTuple):
    """B rows of a training batch.

    Attributes:
        obs: [B, ...] as stored.
        actions: [B, A].
        old_log_prob: [B], of the actions under the policy that sampled them.
        old_normalised: [B, L], that policy's normalised logits.
        advantages: [B], standardised over the whole batch.
        targets: [B], what the value should have been.
    """

    obs: Tensor
    actions: Tensor
    old_log_prob: Tensor
    old_normalised: Tensor
    advantages: Tensor
    targets: Tensor


class Coefficients(NamedTuple):
    """What weighs and limits the terms; the names are those of `PPOConfig.training`."""

    clip_param: float
    vf_clip_param: float
    vf_loss_coeff: float
    entropy_coeff: float
    kl_coeff: float


class SampleLossTerms(NamedTuple):
    """Per-sample terms of the loss: `normalised` logits [B, L], `ratio` [B] and value `error` [B]."""

    normalised: Tensor
    ratio: Tensor
    error: Tensor


class Losses(NamedTuple):
    """Scalars: the total and its terms."""

    total: Tensor
    policy: Tensor
    value: Tensor
    entropy: Tensor
    kl: Tensor


def row_terms(
    distribution: ActionDistribution, logits: Tensor, values: Tensor, batch: Minibatch
) -> SampleLossTerms:
    """Ratios and value errors of a minibatch from the network's outputs [B, L] and [B]."""
    normalised = distribution.normalise(logits)
    ratio = (distribution.log_prob(normalised, batch.actions) - batch.old_log_prob).exp_()
    return SampleLossTerms(normalised, ratio, values - batch.targets)


def output_gradient(
    distribution: ActionDistribution, terms: SampleLossTerms, batch: Minibatch, weights: Coefficients
) -> tuple[Tensor, Tensor]:
    """Gradient of the loss towards the logits [B, L] and the values [B]."""
    per_row = 1.0 / terms.ratio.shape[0]
    gain = terms.ratio * batch.advantages
    limited = terms.ratio.clamp(1.0 - weights.clip_param, 1.0 + weights.clip_param).mul_(batch.advantages)
    # Where the limited gain is the smaller one it is constant; d ratio = ratio d log-probability.
    towards_log_prob = torch.where(gain <= limited, gain, 0.0).mul_(-per_row)
    d_logits = distribution.gradient(
        terms.normalised,
        batch.actions,
        batch.old_normalised,
        log_prob=towards_log_prob,
        entropy=-weights.entropy_coeff * per_row,
        kl=weights.kl_coeff * per_row,
    )
    # RLlib limits the squared error itself: beyond the limit there is no gradient at all.
    inside = terms.error.square() <= weights.vf_clip_param
    d_values = torch.where(inside, terms.error, 0.0).mul_(2.0 * weights.vf_loss_coeff * per_row)
    return d_logits, d_values


def losses(
    distribution: ActionDistribution, terms: SampleLossTerms, batch: Minibatch, weights: Coefficients
) -> Losses:
    """The means that are reported; training itself only needs their gradient."""
    limited = terms.ratio.clamp(1.0 - weights.clip_param, 1.0 + weights.clip_param)
    policy = -torch.min(batch.advantages * terms.ratio, batch.advantages * limited).mean()
    value = terms.error.square().clamp_max(weights.vf_clip_param).mean()
    entropy = distribution.entropy(terms.normalised).mean()
    kl = distribution.kl(batch.old_normalised, terms.normalised).mean()
    total = policy + weights.vf_loss_coeff * value - weights.entropy_coeff * entropy + weights.kl_coeff * kl
    return Losses(total, policy, value, entropy, kl)

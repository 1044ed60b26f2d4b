"""Statistics of an update, computed once at its end from what its gradient steps left behind."""

from __future__ import annotations

import math

import torch
from ray.rllib.algorithms.ppo.ppo import LEARNER_RESULTS_KL_KEY, LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY, Learner
from torch import Tensor

from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.divergence import DivergenceError
from experiments.core.fast_ppo.loss import Coefficients, Minibatch, SampleLossTerms, losses

CLIP_FRACTION_KEY = "clip_fraction"
GRADIENT_NORM_KEY = "gradient_norm"

Steps = list[tuple[Minibatch, SampleLossTerms]]


def update_statistics(
    distribution: ActionDistribution, last_epoch: Steps, norms: Tensor, weights: Coefficients
) -> dict[str, float]:
    """Loss terms over the last epoch's minibatches, under RLlib's names.

    The KL divergence is the last minibatch's alone: it is what RLlib's adaptation of the coefficient reads.
    The gradient's norm is the mean over all steps of the update, before clipping.
    """
    batches, rows = zip(*last_epoch, strict=True)
    batch = Minibatch(*(torch.cat(column) for column in zip(*batches, strict=True)))
    terms = SampleLossTerms(*(torch.cat(column) for column in zip(*rows, strict=True)))
    mean = losses(distribution, terms, batch, weights)
    last = losses(distribution, rows[-1], batches[-1], weights)
    clipped = ((terms.ratio - 1.0).abs() > weights.clip_param).float().mean()
    explained = 1.0 - terms.error.var() / (batch.targets.var() + 1e-6)
    named = {
        POLICY_LOSS_KEY: mean.policy,
        VF_LOSS_KEY: mean.value,
        ENTROPY_KEY: mean.entropy,
        Learner.TOTAL_LOSS_KEY: mean.total,
        LEARNER_RESULTS_KL_KEY: last.kl,
        CLIP_FRACTION_KEY: clipped,
        LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY: explained.clamp_min(-1.0),
        GRADIENT_NORM_KEY: norms.mean(),
    }
    return dict(zip(named, torch.stack(list(named.values())).tolist(), strict=True))


def check_finite(
    distribution: ActionDistribution,
    steps: Steps,
    norms: Tensor,
    weights: Coefficients,
    *,
    weights_finite: bool,
) -> None:
    """Raises `DivergenceError` if any gradient step of the update was not finite.

    One look at a sum in the ordinary case; which number broke first is searched for only after the fact.
    """
    if math.isfinite(float(norms.sum())):
        if not weights_finite:
            raise DivergenceError("weights")
        return
    first = int(torch.nonzero(~torch.isfinite(norms))[0])
    batch, terms = steps[first]
    total = losses(distribution, terms, batch, weights).total
    raise DivergenceError("gradient" if math.isfinite(float(total)) else "loss")

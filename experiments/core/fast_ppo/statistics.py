"""Statistics of an update, from what its gradient steps left behind."""

from __future__ import annotations

import numpy as np
from ray.rllib.algorithms.ppo.ppo import LEARNER_RESULTS_KL_KEY, LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY, Learner

from experiments.core.fast_ppo.divergence import DivergenceError
from experiments.core.fast_ppo.update import (
    CLIPPED,
    ENTROPY,
    ERROR,
    ERROR_SQUARE,
    KLS,
    LOSS,
    NORM,
    POLICY_LOSS,
    TARGET,
    TARGET_SQUARE,
    VALUE_LOSS,
    UpdateLog,
)

CLIP_FRACTION_KEY = "clip_fraction"
GRADIENT_NORM_KEY = "gradient_norm"


def update_statistics(record: UpdateLog, *, last: int, rows: int) -> dict[str, float]:
    """Loss terms over the last gradient steps of an update, under RLlib's names.

    The KL divergence is the last step's alone: it is what RLlib's adaptation of the coefficient reads. The
    gradient's norm is the mean over all steps, before clipping.

    Args:
        record: What the steps looked like.
        last: How many of them count: the last epoch's.
        rows: Of each step.
    """
    mean = record.sums[-last:].sum(axis=0) / (last * rows)
    unbiased = last * rows / max(last * rows - 1, 1)
    error = unbiased * (mean[ERROR_SQUARE] - mean[ERROR] ** 2)
    target = unbiased * (mean[TARGET_SQUARE] - mean[TARGET] ** 2)
    named = {
        POLICY_LOSS_KEY: mean[POLICY_LOSS],
        VF_LOSS_KEY: mean[VALUE_LOSS],
        ENTROPY_KEY: mean[ENTROPY],
        Learner.TOTAL_LOSS_KEY: record.steps[-last:, LOSS].mean(),
        LEARNER_RESULTS_KL_KEY: record.sums[-1, KLS] / rows,
        CLIP_FRACTION_KEY: mean[CLIPPED],
        LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY: max(-1.0, 1.0 - error / (target + 1e-6)),
        GRADIENT_NORM_KEY: record.steps[:, NORM].mean(),
    }
    return {name: float(number) for name, number in named.items()}


def check_finite(record: UpdateLog, *, weights_finite: bool) -> None:
    """Refuses an update of which anything was not finite.

    Raises:
        DivergenceError: It names what broke in the first gradient step that did.
    """
    broken = np.flatnonzero(~np.isfinite(record.steps[:, NORM]))
    if broken.size:
        loss = record.steps[broken[0], LOSS]
        raise DivergenceError("gradient" if np.isfinite(loss) else "loss")
    if not weights_finite:
        raise DivergenceError("weights")

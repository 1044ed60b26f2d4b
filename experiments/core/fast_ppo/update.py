"""PPO update of a dense network in one native function: minibatches, gradients, clipping and Adam.

    L = mean(-min(r A, clip(r) A)) + c_v mean(min(e^2, limit)) - c_e mean(H) + c_k mean(KL(old || new))

with ratio r, advantage A and value error e (arXiv 1707.06347), term by term as in RLlib's `PPOTorchLearner`.
Array names: R rows of the batch, S gradient steps, B rows of each, P parameters, L logits, A action columns,
W units of all layers together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from experiments.core.fast_ppo.distribution import gradient, log_prob, normalise
from experiments.core.fast_ppo.layers import OUTPUTS, Array, backward, forward, units
from experiments.core.fast_ppo.native import native

LOSS, NORM = range(2)
"""What is kept of a gradient step: its loss, and its gradient's norm before clipping."""
POLICY_LOSS, VALUE_LOSS, ENTROPY, KLS, CLIPPED, ERROR, ERROR_SQUARE, TARGET, TARGET_SQUARE = range(9)
"""What is summed over the rows of a gradient step."""


class UpdateLog(NamedTuple):
    """What S gradient steps looked like, float64.

    Attributes:
        steps: [S, 2], see `LOSS`.
        sums: [S, 9], see `POLICY_LOSS`.
    """

    steps: Array
    sums: Array

    @staticmethod
    def empty(steps: int) -> UpdateLog:
        """A record to be filled in."""
        return UpdateLog(np.zeros((steps, 2)), np.zeros((steps, 9)))


_ZERO, _ONE, _TWO = (np.float32(number) for number in (0, 1, 2))


class Rows(NamedTuple):
    """Training batch of R rows.

    Attributes:
        obs: [R, D].
        actions: [R, A].
        old_log_prob: [R], of the actions under the policy that sampled them.
        old_normalised: [R, L], that policy's normalised logits.
        advantages: [R], standardised over the batch.
        targets: [R], what the value should have been.
    """

    obs: Array
    actions: Array
    old_log_prob: Array
    old_normalised: Array
    advantages: Array
    targets: Array


class Numbers(NamedTuple):
    """Numbers of an update, all float32: those of `PPOConfig.training`, and Adam's."""

    clip_param: Any
    vf_clip_param: Any
    vf_loss_coeff: Any
    entropy_coeff: Any
    kl_coeff: Any
    grad_clip: Any
    lr: Any
    beta1: Any
    beta2: Any
    epsilon: Any


@native
def head(y: Array, values: Array, free: int, limit: Any, logits: Array) -> None:
    """Writes logits [B, L], given the policy's last outputs [B, L], or [B, L / 2] with free log deviations.

    Args:
        y: Outputs.
        values: Parameters, [P].
        free: Where the free log deviations begin among them; -1 if there are none.
        limit: Log deviations are clamped to [-limit, limit]; infinite for what is no Gaussian.
        logits: [B, L].
    """
    if free < 0 and limit == np.inf:
        logits[:] = y
        return
    dims = logits.shape[1] // 2
    for row in range(len(y)):
        for dim in range(dims):
            deviation = values[free + dim] if free >= 0 else y[row, dims + dim]
            logits[row, dim] = y[row, dim]
            logits[row, dims + dim] = min(max(deviation, -limit), limit)


@native
def _head_back(
    y: Array, values: Array, free: int, limit: Any, d_logits: Array, d_y: Array, gradients: Array
) -> None:
    """Writes the gradients of `head`'s y and of free log deviations, given that of the logits [B, L]."""
    if free < 0 and limit == np.inf:
        d_y[:] = d_logits
        return
    dims = d_logits.shape[1] // 2
    if free >= 0:
        gradients[free : free + dims] = 0
    for row in range(len(y)):
        for dim in range(dims):
            d_y[row, dim] = d_logits[row, dim]
            deviation = values[free + dim] if free >= 0 else y[row, dims + dim]
            d_deviation = d_logits[row, dims + dim] if abs(deviation) <= limit else _ZERO
            if free >= 0:
                gradients[free + dim] += d_deviation
            else:
                d_y[row, dims + dim] = d_deviation


@native
def _loss(
    rows: Rows, picked: Array, leaves: Array, numbers: Numbers, logits: Array, values: Array,
    d_logits: Array, d_values: Array, sums: Array,
) -> None:  # fmt: skip
    """Writes the gradient towards logits [B, L] and values [B, 1] of a minibatch, and adds to the sums."""
    share = _ONE / np.float32(len(picked))
    normalise(logits, leaves, d_logits)
    for place, row in enumerate(picked):
        advantage, error = rows.advantages[row], values[place, 0] - rows.targets[row]
        ratio = np.exp(log_prob(logits[place], rows.actions[row], leaves) - rows.old_log_prob[row])
        limited = min(max(ratio, _ONE - numbers.clip_param), _ONE + numbers.clip_param)
        # Where the limited gain is the smaller one it is constant; d ratio = ratio d log-probability.
        grows = ratio * advantage <= limited * advantage
        weights = (
            -share * ratio * advantage if grows else _ZERO,
            -share * numbers.entropy_coeff,
            share * numbers.kl_coeff,
        )
        entropy, kl = gradient(
            logits[place], rows.actions[row], rows.old_normalised[row], leaves, weights, d_logits[place]
        )
        # RLlib limits the squared error itself: beyond the limit there is no gradient at all.
        inside = error * error <= numbers.vf_clip_param
        d_values[place, 0] = _TWO * share * numbers.vf_loss_coeff * error if inside else _ZERO
        sums[POLICY_LOSS] -= min(ratio * advantage, limited * advantage)
        sums[VALUE_LOSS] += min(error * error, numbers.vf_clip_param)
        sums[ENTROPY] += entropy
        sums[KLS] += kl
        sums[CLIPPED] += abs(ratio - _ONE) > numbers.clip_param
        sums[ERROR] += error
        sums[ERROR_SQUARE] += error * error
        sums[TARGET] += rows.targets[row]
        sums[TARGET_SQUARE] += rows.targets[row] * rows.targets[row]


@native
def _adam(values: Array, gradients: Array, mean: Array, square: Array, step: int, numbers: Numbers) -> Any:
    """Makes one step of Adam (arXiv 1412.6980, algorithm 1) on the clipped gradient.

    Returns:
        The gradient's norm before clipping.
    """
    norm = _ZERO
    for place in range(gradients.size):
        norm += gradients[place] * gradients[place]
    norm = np.sqrt(norm)
    # RLlib's factor, with its 1e-6.
    factor = min(_ONE, numbers.grad_clip / (norm + np.float32(1e-6)))
    rate = np.float32(numbers.lr / (1.0 - np.float64(numbers.beta1) ** step))
    scale = np.float32(1.0 / np.sqrt(1.0 - np.float64(numbers.beta2) ** step))
    for place in range(gradients.size):
        g = factor * gradients[place]
        mean[place] += (_ONE - numbers.beta1) * (g - mean[place])
        square[place] += (_ONE - numbers.beta2) * (g * g - square[place])
        values[place] -= rate * mean[place] / (scale * np.sqrt(square[place]) + numbers.epsilon)
    return norm


@native
def update(
    rows: Rows, order: Array, adam: tuple[Array, Array, Array, Array], layers: Array, policy: int, free: int,
    limit: Any, leaves: Array, numbers: Numbers, steps: Array, sums: Array,
) -> None:  # fmt: skip
    """Makes S gradient steps of B rows each.

    Args:
        rows: The batch.
        order: Which rows each step takes, [S, B].
        adam: Parameters, means and squares of their gradients, [P] each and changed in place, and the number
            of steps taken before, [1].
        layers: [layers, 7]; the last one is the value's.
        policy: Number of the policy's last layer.
        free: As for `head`.
        limit: Likewise.
        leaves: [leaves, 4].
        numbers: Limits and weights.
        steps: What each step looked like, [S, 2], float64.
        sums: Over the rows of each step, [S, 9], float64.
    """
    values, mean, square, count = adam
    size, widths = order.shape[1], layers[:, OUTPUTS].sum()
    x, gradients = np.empty((size, rows.obs.shape[1]), np.float32), np.empty_like(values)
    work = np.empty((3, size * widths), np.float32)
    outputs, slopes, deltas = work[0], work[1], work[2]
    logits = np.empty((size, rows.old_normalised.shape[1]), np.float32)
    d_logits = np.empty_like(logits)
    y, v = units(outputs, layers[policy], size), units(outputs, layers[-1], size)
    d_y, d_v = units(deltas, layers[policy], size), units(deltas, layers[-1], size)
    for step in range(len(order)):
        for place, row in enumerate(order[step]):
            for column in range(x.shape[1]):
                x[place, column] = rows.obs[row, column]
        forward(x, 0, len(layers), values, layers, outputs, slopes)
        head(y, values, free, limit, logits)
        _loss(rows, order[step], leaves, numbers, logits, v, d_logits, d_v, sums[step])
        _head_back(y, values, free, limit, d_logits, d_y, gradients)
        backward(x, values, layers, outputs, slopes, deltas, gradients)
        count[0] += 1
        steps[step, NORM] = _adam(values, gradients, mean, square, count[0], numbers)
        steps[step, LOSS] = (
            sums[step, POLICY_LOSS]
            + numbers.vf_loss_coeff * sums[step, VALUE_LOSS]
            - numbers.entropy_coeff * sums[step, ENTROPY]
            + numbers.kl_coeff * sums[step, KLS]
        ) / size

"""Action distribution of a network's outputs: a product of independent categorical and Gaussian parts.

To the native functions a part is a row of whole numbers (`KIND` to `ACTION`). Array names: B rows, L logits,
A action columns, leaves [leaves, 4].
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from experiments.core.environments import ActionPart, Leaf, leaves, most_probable
from experiments.core.fast_ppo.native import native

Array = NDArray[Any]

KIND, LOGIT, WIDTH, ACTION = range(4)
"""What a part is, its first logit, how many categories or dimensions it has, and its first action column. The
logits of a Gaussian are its means, then its log standard deviations."""
CATEGORICAL, GAUSSIAN = range(2)

_HALF_LOG_2PI = np.float32(0.5 * math.log(2.0 * math.pi))
_ZERO, _HALF, _ONE, _TWO = (np.float32(number) for number in (0, 0.5, 1, 2))


class ActionDistribution:
    """What a network's outputs mean.

    Args:
        parts: Leaves of the action space, in the order of the logits.

    Attributes:
        leaves: The same as a table of whole numbers, [leaves, 4].
        num_logits: L.
        num_columns: A.
    """

    def __init__(self, parts: tuple[ActionPart, ...]) -> None:
        self._parts = parts
        self.leaves = np.array([_row(leaf) for leaf in leaves(parts)], np.int64)
        self.num_logits = sum(part.logits for part in parts)
        self.num_columns = sum(part.columns for part in parts)

    def noise(self, rows: tuple[int, ...], generator: torch.Generator) -> Array:
        """Draws what `sample` needs: Gumbel noise for categories, standard normal noise for dimensions.

        Returns:
            [*rows, L'], a column for each category and each Gaussian dimension.
        """
        columns = [
            -torch.empty((*rows, width)).exponential_(generator=generator).log()
            if kind == CATEGORICAL
            else torch.randn((*rows, int(width)), generator=generator)
            for kind, _, width, _ in self.leaves.tolist()
        ]
        return torch.cat(columns, dim=-1).numpy()

    def normalised(self, logits: Array, actions: Array) -> tuple[Array, Array]:
        """Normalised logits [B, L], and under them the log-probabilities [B] of actions [B, A]."""
        normalised, result = logits.copy(), np.empty(len(logits), np.float32)
        normalise(normalised, self.leaves, np.empty_like(normalised))
        log_probs(normalised, actions, self.leaves, result)
        return normalised, result

    def mode(self, logits: Array) -> Array:
        """The most probable actions [B, A] under logits [B, L]: what evaluation does."""
        return most_probable(self._parts, logits)


def _row(leaf: Leaf) -> tuple[int, int, int, int]:
    kind, logits, columns = leaf
    if kind == "categorical":
        return CATEGORICAL, logits.start, logits.stop - logits.start, columns.start
    return GAUSSIAN, logits.start, columns.stop - columns.start, columns.start


@native
def normalise(logits: Array, leaves: Array, probabilities: Array) -> None:
    """Turns the categorical parts of logits [B, L] into log-probabilities, in place.

    Args:
        logits: [B, L].
        leaves: [leaves, 4].
        probabilities: Where their exponentials go, [B, L]; nothing is written for Gaussian parts.
    """
    for row in range(len(logits)):
        for kind, first, width, _ in leaves:
            if kind == CATEGORICAL:
                top, total = logits[row, first], _ZERO
                for logit in range(first + 1, first + width):
                    top = max(top, logits[row, logit])
                for logit in range(first, first + width):
                    probabilities[row, logit] = np.exp(logits[row, logit] - top)
                    total += probabilities[row, logit]
                shift, factor = top + np.log(total), _ONE / total
                for logit in range(first, first + width):
                    logits[row, logit] -= shift
                    probabilities[row, logit] *= factor


@native
def log_prob(row: Array, action: Array, leaves: Array) -> Any:
    """Log-probability of one action [A] under normalised logits [L]."""
    total = _ZERO
    for kind, first, width, column in leaves:
        if kind == CATEGORICAL:
            total += row[first + int(action[column])]
        else:
            for dim in range(width):
                log_std = row[first + width + dim]
                z = (action[column + dim] - row[first + dim]) * np.exp(-log_std)
                total -= _HALF * z * z + log_std + _HALF_LOG_2PI
    return total


@native
def log_probs(logits: Array, actions: Array, leaves: Array, result: Array) -> None:
    """Writes the log-probabilities [B] of actions [B, A] under normalised logits [B, L]."""
    for row in range(result.size):
        result[row] = log_prob(logits[row], actions[row], leaves)


@native
def sample(logits: Array, noise: Array, leaves: Array, actions: Array) -> None:
    """Writes actions [B, A], given logits [B, L] and noise [B, L'] as :func:`draw_noise` draws it."""
    for row in range(actions.shape[0]):
        drawn = 0
        for kind, first, width, column in leaves:
            if kind == CATEGORICAL:
                best, chosen = logits[row, first] + noise[row, drawn], 0
                for category in range(1, width):
                    noisy = logits[row, first + category] + noise[row, drawn + category]
                    if noisy > best:
                        best, chosen = noisy, category
                actions[row, column] = chosen
            else:
                for dim in range(width):
                    std = np.exp(logits[row, first + width + dim])
                    actions[row, column + dim] = logits[row, first + dim] + std * noise[row, drawn + dim]
            drawn += width


@native
def gradient(
    row: Array, action: Array, old: Array, leaves: Array, weights: tuple[Any, Any, Any], d_row: Array
) -> tuple[Any, Any]:
    """Writes the gradient towards the logits of a weighted sum of log-probability, entropy and KL divergence.

    Args:
        row: Normalised logits of the current policy, [L].
        action: What was done, [A].
        old: Normalised logits of the policy that did it, [L].
        leaves: [leaves, 4].
        weights: Of the log-probability, the entropy and KL(old || new).
        d_row: Where the gradient goes, [L]; the probabilities of the categorical parts stand there before.

    Returns:
        The entropy and KL(old || new).
    """
    of_log_prob, of_entropy, of_kl = weights
    entropy = kl = _ZERO
    for kind, first, width, column in leaves:
        if kind == CATEGORICAL:
            own = _ZERO
            for logit in range(first, first + width):
                own -= d_row[logit] * row[logit]
            for logit in range(first, first + width):
                probability, before = d_row[logit], np.exp(old[logit])
                kl += before * (old[logit] - row[logit])
                d_row[logit] = of_kl * (probability - before) - probability * (
                    of_log_prob + of_entropy * (row[logit] + own)
                )
            d_row[first + int(action[column])] += of_log_prob
            entropy += own
        else:
            for dim in range(width):
                mean, deviation = first + dim, first + width + dim
                scale, change = np.exp(-row[deviation]), old[deviation] - row[deviation]
                z, shift = (action[column + dim] - row[mean]) * scale, (old[mean] - row[mean]) * scale
                excess = np.exp(_TWO * change) + shift * shift - _ONE
                entropy += row[deviation] + _HALF + _HALF_LOG_2PI
                kl += _HALF * excess - change
                d_row[mean] = scale * (of_log_prob * z - of_kl * shift)
                d_row[deviation] = of_log_prob * (z * z - _ONE) + of_entropy - of_kl * excess
    return entropy, kl

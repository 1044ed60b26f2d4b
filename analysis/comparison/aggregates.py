"""Aggregates over several experiments with stratified bootstrap intervals, as in Agarwal et al. 2021.

Every experiment counts the same, however many seeds it has. The bootstrap resamples runs within each
experiment, and asks what other seeds would have given in these experiments; other experiments are not in
question.

Axes: E = experiments, S = seeds of one, B = resamples, T = thresholds.

    Agarwal et al. 2021, arXiv 2108.13264: interquartile mean, optimality gap, performance profile,
    probability of improvement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from analysis import statistics
from analysis.statistics import CONFIDENCE, FloatArray, Interval

RESAMPLES: Final = 2000
Scores = Sequence[FloatArray]
"""Scores of each experiment's runs, E arrays of shape [S] or, resampled, [B, S]."""


def interquartile_mean(scores_es: Scores) -> FloatArray:
    """Computes the mean of the middle half of all runs."""
    return statistics.interquartile_mean(*_pooled(scores_es))


def optimality_gap(scores_es: Scores) -> FloatArray:
    """Computes by how much runs fall short of the optimum on average; going beyond makes up for nothing."""
    return 1.0 - mean([np.minimum(scores_s, 1.0) for scores_s in scores_es])


def mean(scores_es: Scores) -> FloatArray:
    """Computes the mean over experiments of the mean over runs."""
    average: FloatArray = np.mean([np.mean(scores_s, axis=-1) for scores_s in scores_es], axis=0)
    return average


def performance_profile(scores_es: Scores, threshold_t: ArrayLike) -> FloatArray:
    """Computes the share of runs above each threshold, shape [..., T]."""
    shares = [
        mean([(scores_s > threshold).astype(float) for scores_s in scores_es])
        for threshold in np.asarray(threshold_t)
    ]
    return np.stack(shares, axis=-1)


def improvement(x_es: Scores, y_es: Scores) -> FloatArray:
    """Computes the probability that a run of x beats one of y, averaged over experiments; ties count half."""
    chances = [
        (np.sign(x_s[..., :, None] - y_s[..., None, :]).mean(axis=(-2, -1)) + 1) / 2
        for x_s, y_s in zip(x_es, y_es, strict=True)
    ]
    chance: FloatArray = np.mean(chances, axis=0)
    return chance


def bootstrap(
    statistic: Callable[..., FloatArray],
    *sides: Scores,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> tuple[FloatArray, FloatArray]:
    """Computes the ends of a statistic's percentile interval under stratified resampling.

    Args:
        statistic: One of the above, of one side or of two.
        sides: What it is of.
        rng: Random numbers.
        resamples: Number of resamples.
        confidence: Of the interval.
    """
    drawn = [[_resampled(scores_s, rng, resamples) for scores_s in scores_es] for scores_es in sides]
    tail = (1 - confidence) / 2
    low, high = np.quantile(statistic(*drawn), [tail, 1 - tail], axis=0)
    return low, high


def bootstrap_interval(
    statistic: Callable[..., FloatArray], *sides: Scores, rng: np.random.Generator
) -> Interval:
    """Computes the interval of a statistic that is one number."""
    return Interval(*map(float, bootstrap(statistic, *sides, rng=rng)))


def _resampled(scores_s: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    drawn: FloatArray = scores_s[rng.integers(scores_s.size, size=(resamples, scores_s.size))]
    return drawn


def _pooled(scores_es: Scores) -> tuple[FloatArray, FloatArray]:
    """Returns all runs in one array, with what each of them counts."""
    weights = [np.full(scores_s.shape[-1], 1 / scores_s.shape[-1]) for scores_s in scores_es]
    return np.concatenate(list(scores_es), axis=-1), np.concatenate(weights)

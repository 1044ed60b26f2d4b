"""Simulated coverage of the winner's interval, for any number of contenders at any distances.

Run:    python -m benchmarks.simulations.winner
Writes docs/statistics.md, section "The winner's interval, measured"; about two minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from analysis import statistics
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import (
    SEEDS,
    SHAPES,
    SIDES,
    Draw,
    FloatArray,
    Sweeps,
    check_against_decide,
    decide_all,
    skewed,
)

CONTENDERS: Final = (2, 3, 5)
GAPS: Final = (0.5, 1.0, 2.0)

LEADS: Final = (0.0, 2.0)
"""By how much the best contender beats the default."""


@dataclass(frozen=True)
class WinnerOptions:
    """Numbers of simulations."""

    draws: int = 10_000
    """Simulated confirmations per cell."""

    checked: int = 2
    """Of these, how many `analysis.verdict.decide` judges as well; any difference is an error."""

    seed: int = 0
    """Seed of all random numbers."""


@dataclass(frozen=True)
class Unlike:
    """Three contenders whose runs are not alike; the assumption of a pooled variance is wrong here.

    Args:
        name: What is wrong.
        mean_c: True means, shape [3].
        noise_c: Standard deviations of their seed noise, shape [3].
        shared: Correlation of runs on the same seed.
        reflected: Whether the tail of skewed runs is one of good runs.
    """

    name: str
    mean_c: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise_c: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shared: float = 0.0
    reflected: bool = False


UNLIKE: Final = (
    Unlike("equal means, one with half the noise", noise_c=(0.5, 1.0, 1.0)),
    Unlike("equal means, one with a quarter of it", noise_c=(0.25, 1.0, 1.0)),
    Unlike("equal means, one with twice the noise", noise_c=(1.0, 0.5, 0.5)),
    Unlike("equal means, one with four times it", noise_c=(1.0, 0.25, 0.25)),
    Unlike("best by 1 sd, half the noise", (0.0, -1.0, -1.0), (0.5, 1.0, 1.0)),
    Unlike("best by 1 sd, a quarter of it", (0.0, -1.0, -1.0), (0.25, 1.0, 1.0)),
    Unlike("best by 1 sd, twice the noise", (0.0, -1.0, -1.0), (1.0, 0.5, 0.5)),
    Unlike("best by 1 sd, four times it", (0.0, -1.0, -1.0), (1.0, 0.25, 0.25)),
    Unlike("equal means, runs correlate by 0.3", shared=0.3),
    Unlike("equal means, runs correlate by 0.7", shared=0.7),
    Unlike("equal means, tail of good runs", reflected=True),
)


def gaps(contenders: int) -> Iterator[FloatArray]:
    """Yields the true means: all equal, the best ahead of equal others, all apart by the same step."""
    yield np.zeros(contenders)
    for gap in GAPS:
        yield np.array([0.0, *[-gap] * (contenders - 1)])
        if contenders > 2:
            yield -gap * np.arange(contenders, dtype=np.float64)


def coverage(options: WinnerOptions, x_wcs: FloatArray, mean_c: FloatArray) -> tuple[float, float]:
    """Returns the share of confirmations whose winner's interval holds the winner's true mean.

    And, for comparison, that of Student's t from the winner's own runs, equally widened, at the Bonferroni
    confidence of all contenders.

    Args:
        options: How many of them to check against the package.
        x_wcs: Values, shape [W, C, S], the default first.
        mean_c: True means of the contenders, shape [C - 1].
    """
    sweeps = Sweeps(x_wcs, np.full((len(x_wcs), len(mean_c)), np.nan))
    decisions = decide_all(sweeps)
    check_against_decide(sweeps, decisions, options.checked)
    low_w, high_w = decisions.winner_interval_we.T
    true_w = mean_c[decisions.winner_w]
    own_ws = x_wcs[np.arange(len(x_wcs)), 1 + decisions.winner_w]
    confidence, n = statistics.simultaneous_confidence(len(mean_c)), own_ws.shape[1]
    half_w = (
        (1 + statistics.WIDENING / n) * stats.t.isf((1 - confidence) / 2, n - 1) * stats.sem(own_ws, axis=1)
    )
    held_w = (low_w <= true_w) & (true_w <= high_w)
    own_held_w = np.abs(own_ws.mean(axis=1) - true_w) <= half_w
    return float(held_w.mean()), float(own_held_w.mean())


def alike(options: WinnerOptions, n: int, contenders: int, draw: Draw, default_draw: Draw) -> str:
    """Returns the lowest and highest coverage over gaps and leads; in brackets those from own runs alone."""
    shares = []
    for index, mean_c in enumerate(gaps(contenders)):
        for lead in LEADS:
            rng = np.random.default_rng([options.seed, n, contenders, index, round(lead)])
            default_wcs = default_draw(rng, (options.draws, 1, n)) - lead
            contender_wcs = draw(rng, (options.draws, contenders, n)) + mean_c[:, None]
            x_wcs = np.concatenate([default_wcs, contender_wcs], axis=1)
            shares.append(coverage(options, x_wcs, mean_c))
    both, own = zip(*shares, strict=True)
    return f"{min(both):.1%} - {max(both):.1%} ({min(own):.1%} - {max(own):.1%})"


def unlike(options: WinnerOptions, n: int, case: Unlike, draw: Draw) -> str:
    """Returns the coverage where contenders are not alike; the default is one more like the second."""
    rng = np.random.default_rng([options.seed, n, 99])
    mean_c, noise_c = np.array(case.mean_c), np.array(case.noise_c)
    own_wcs = draw(rng, (options.draws, 1 + len(mean_c), n))
    shared_wcs = draw(rng, (options.draws, 1, n))
    z_wcs = np.sqrt(case.shared) * shared_wcs + np.sqrt(1 - case.shared) * own_wcs
    z_wcs *= -1 if case.reflected else 1
    x_wcs = z_wcs * np.r_[noise_c[1], noise_c][:, None] + np.r_[mean_c[1], mean_c][:, None]
    return f"{coverage(options, x_wcs, mean_c)[0]:.1%}"


def alike_rows(options: WinnerOptions) -> Iterator[list[str]]:
    """Yields the coverage for contenders whose runs have the same distribution around their means."""
    for n in SEEDS:
        for name, (draw, default_draw) in SIDES.items():
            cells = [alike(options, n, contenders, draw, default_draw) for contenders in CONTENDERS]
            yield [str(n), name, *cells]


def unlike_rows(options: WinnerOptions) -> Iterator[list[str]]:
    """Yields the coverage for contenders whose runs differ in more than their means."""
    for case in UNLIKE:
        shapes = [skewed] if case.reflected else list(SHAPES.values())
        cells = [", ".join(unlike(options, n, case, draw) for n in SEEDS) for draw in shapes]
        yield [case.name, *(cells if len(cells) == len(SHAPES) else ["", *cells, ""])]


def main(options: WinnerOptions) -> None:
    """Simulates, prints and writes the tables of docs/statistics.md."""
    counts = [f"{contenders} contenders" for contenders in CONTENDERS]
    for section, title, header, rows in (
        ("winner-alike", "Contenders that are alike", ("seeds", "runs", *counts), alike_rows),
        ("winner-unlike", "Contenders that are not", ("contenders", *SHAPES), unlike_rows),
    ):
        print(f"\n### {title}\n")
        publish(STATISTICS, section, shown(header, rows(options)), options)


if __name__ == "__main__":
    main(options_of(WinnerOptions, __doc__))

"""Simulated false claims, power and coverage of the verdict, with a fixed number of test seeds.

Run:    python -m benchmarks.simulations.verdict
Writes docs/statistics.md, section "Measured"; about three minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis import statistics
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import (
    CONTENDERS,
    SEEDS,
    SHAPES,
    SIDES,
    Draw,
    check_against_decide,
    collapsing,
    decide_all,
    inside,
    normal,
    share,
    simulate,
)


@dataclass(frozen=True)
class VerdictOptions:
    """Numbers of simulations."""

    sweeps: int = 2000
    """Simulated sweeps per cell of the tables of claims."""

    checked: int = 20
    """Sweeps per cell that `analysis.verdict.decide` judges as well; any difference is an error."""

    draws: int = 4000
    """Simulated data sets per cell of the table of coverage."""

    seed: int = 0
    """Seed of all random numbers."""


CLAIM_HEADER = (
    '"better"',
    '"worse"',
    "bias of a confirmed mean",
    "bias of the winner's",
    "coverage of the winner's",
    "winner's curse of the search",
)
COVERAGE_HEADER = (
    "mean",
    "(plain t)",
    "IQM",
    "3 differences together",
    "chance to beat, no gain",
    "chance to beat, gain 1 sd",
)


def null_rows(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields the claims made where no configuration differs from the default in its mean."""
    for n in SEEDS:
        for name, (draw, default_draw) in SIDES.items():
            yield [str(n), name, *claims(options, n, 0.0, draw, default_draw)]


def power_rows(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields the claims made where all contenders are better by a gain in sd of seed noise."""
    for n in SEEDS:
        for gain in (0.5, 1.0, 2.0, 3.0):
            yield [str(n), f"{gain:g} sd", *claims(options, n, gain, normal, normal)[:2]]


def coverage_rows(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields how often each interval of the report encloses the true value."""
    for n in SEEDS:
        for name, draw in (*SHAPES.items(), ("one in five collapses", collapsing)):
            yield [str(n), name, *coverage(options, n, draw)]


def claims(options: VerdictOptions, n: int, gain: float, draw: Draw, default_draw: Draw) -> list[str]:
    """Counts what is claimed; cells: `CLAIM_HEADER`."""
    rng = np.random.default_rng([options.seed, n, round(100 * gain)])
    sweeps = simulate(rng, options.sweeps, n, gain, draw, default_draw)
    decisions = decide_all(sweeps)
    check_against_decide(sweeps, decisions, options.checked)
    low_w, high_w = decisions.winner_interval_we.T
    covered_w = (low_w <= 0) & (high_w >= 0)
    return [
        share(int(decisions.better_w.sum()), options.sweeps),
        f"{decisions.worse_w.mean():.1%}",
        f"{decisions.mean_wc.mean():+.2f}",
        f"{decisions.winner_mean_w.mean():+.2f}",
        f"{covered_w.mean():.1%}",
        f"{(sweeps.searched_wc - decisions.mean_wc).mean():+.2f}",
    ]


def coverage(options: VerdictOptions, n: int, draw: Draw) -> list[str]:
    """Counts how often each interval encloses the truth; cells: `COVERAGE_HEADER`."""
    rng = np.random.default_rng([options.seed, n])
    true_iqm = float(stats.trim_mean(draw(rng, (4_000_000,)), 0.25))
    x, y = draw(rng, (2_000_000,)), draw(rng, (2_000_000,))
    true_chance = float((x + x.std() > y).mean())
    deviation = float(x.std())
    confidence = statistics.simultaneous_confidence(CONTENDERS)
    hits = np.zeros(6)
    for _ in range(options.draws):
        default, *contenders = draw(rng, (CONTENDERS + 1, n))
        first = contenders[0]
        differences = [statistics.difference_interval(other - default, confidence) for other in contenders]
        chances = [
            (statistics.probability_of_improvement_interval(first, default), 0.5),
            (statistics.probability_of_improvement_interval(first + deviation, default), true_chance),
        ]
        hits += [
            inside(statistics.mean_interval(first), 0.0),
            inside(statistics.difference_interval(first), 0.0),
            inside(statistics.iqm_interval(first), true_iqm),
            all(inside(interval, 0.0) for interval in differences),
            *(inside(interval, chance) for interval, chance in chances),
        ]
    return [f"{covered:.1%}" for covered in hits / options.draws]


def main(options: VerdictOptions) -> None:
    """Simulates, prints and writes the tables of docs/statistics.md."""
    for section, title, header, rows in (
        ("coverage", "Coverage of the 95 % intervals", ("seeds", "runs", *COVERAGE_HEADER), coverage_rows),
        ("false-claims", "False claims", ("seeds", "runs", *CLAIM_HEADER), null_rows),
        ("power", "Power", ("seeds", "gain", *CLAIM_HEADER[:2]), power_rows),
    ):
        print(f"\n### {title}\n")
        publish(STATISTICS, section, shown(header, rows(options)), options)


if __name__ == "__main__":
    main(options_of(VerdictOptions, __doc__))

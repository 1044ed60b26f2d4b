"""Simulated searches: the rise that the report foresees of 20 more trials, and the true one.

Run:    python -m benchmarks.simulations.prospect
Writes docs/statistics.md, section "More trials"; a minute on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.advice.prospect import prospect
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import Draw

MORE = 20
"""Trials that the report asks about."""
HEADER = ("true scores", "trials", "seed noise", "true rise", "predicted, mean", "interval holds it")

TRUTHS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential tail": lambda rng, shape: rng.exponential(size=shape),
    "wall at the top": lambda rng, shape: 12**0.5 * rng.random(shape),
}
"""Distributions of the trials' true scores; standard deviation 1."""


@dataclass(frozen=True)
class ProspectOptions:
    """Numbers of simulations."""

    searches: int = 1000
    """Simulated searches per row."""


def row(truth: str, trials: int, noise_share: float, searches: int) -> list[str]:
    """Compares prediction and truth over many searches, in standard deviations of the true scores."""
    rng = np.random.default_rng([trials, round(100 * noise_share)])
    true_wt = TRUTHS[truth](rng, (searches, trials + MORE))
    seen_wt = true_wt + np.sqrt(noise_share / (1 - noise_share)) * rng.normal(size=true_wt.shape)
    each = np.arange(searches)
    before_w = true_wt[each, seen_wt[:, :trials].argmax(axis=1)]
    rise = float((true_wt[each, seen_wt.argmax(axis=1)] - before_w).mean())
    found = [prospect(seen_t, noise_share, rng, more=MORE, resamples=100) for seen_t in seen_wt[:, :trials]]
    inside = np.mean([one.interval.low <= rise <= one.interval.high for one in found])
    predicted = float(np.mean([one.gain for one in found]))
    return [truth, str(trials), f"{noise_share:.0%}", f"{rise:+.3f}", f"{predicted:+.3f}", f"{inside:.0%}"]


def rows(options: ProspectOptions) -> Iterator[list[str]]:
    """Yields the table's rows."""
    for truth in TRUTHS:
        for trials in (32, 48):
            for noise_share in (0.0, 0.3, 0.6):
                yield row(truth, trials, noise_share, options.searches)


def main(options: ProspectOptions) -> None:
    """Simulates, prints and writes the table of docs/statistics.md."""
    publish(STATISTICS, "prospect", shown(HEADER, rows(options)), options)


if __name__ == "__main__":
    main(options_of(ProspectOptions, __doc__))

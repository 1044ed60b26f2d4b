"""Does the report foresee what 20 more trials bring? Predicted and true rise of the best, simulated.

Run:    python benchmarks/prospect.py
Expect: docs/statistics.md, section "More trials"; a minute on one core.
"""

from collections.abc import Callable

import numpy as np
import tyro
from numpy.typing import NDArray

from analysis.advice.prospect import prospect

FloatArray = NDArray[np.float64]
MORE = 20

TRUTHS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], FloatArray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential tail": lambda rng, shape: rng.exponential(size=shape),
    "wall at the top": lambda rng, shape: 12**0.5 * rng.random(shape),
}
"""How the trials' true scores are spread; standard deviation 1."""


def row(truth: str, trials: int, noise_share: float, searches: int) -> list[str]:
    """Compare prediction and truth over many searches, in standard deviations of the true scores."""
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


def main(searches: int = 1000) -> None:
    """Print the table.

    Args:
        searches: Simulated searches per row.
    """
    header = ("true scores", "trials", "seed noise", "true rise", "predicted, mean", "interval holds it")
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for truth in TRUTHS:
        for trials in (32, 48):
            for noise_share in (0.0, 0.3, 0.6):
                print(f"| {' | '.join(row(truth, trials, noise_share, searches))} |", flush=True)


if __name__ == "__main__":
    tyro.cli(main)

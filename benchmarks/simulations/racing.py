"""Simulated races for test seeds against a fixed number of them: claims, power, bias and coverage.

Run:    python -m benchmarks.simulations.racing
Writes docs/statistics.md, section "The race, measured"; about ten minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator

from analysis.verdict import most_seeds
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import CONTENDERS, SHAPES, SIDES, share
from benchmarks.simulations.races import COVERED, FIXED, INTERIM_ANALYSES, NAMES, RaceOptions, Tally, tally

GAINS = {"normal": (0.0, 0.5, 1.0, 2.0, 3.0), "skewed": (0.0, 0.5, 1.0, 2.0), "bimodal": (0.0, 0.5, 1.0, 2.0)}
"""By shape, in standard deviations of seed noise; none where the default has another shape."""
APART = {
    "0.5 sd between each": (0.0, -0.5, -1.0),
    "others 1 sd behind": (0.0, -1.0, -1.0),
    "others 2 sd behind": (0.0, -2.0, -2.0),
}
"""True means of contenders that differ, in standard deviations of seed noise."""


def alike(options: RaceOptions) -> Iterator[tuple[str, float, Tally]]:
    """Yields what comes of races between contenders that do not differ: shape, gain, tally."""
    for name, (draw, default_draw) in SIDES.items():
        for gain in GAINS.get(name, (0.0,)):
            yield name, gain, tally(options, gain, draw, default_draw)


def claims(options: RaceOptions) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """Returns header and rows of the table of claims, and of what they cost."""
    most, fixed = sum(most_seeds(name, INTERIM_ANALYSES) for name in NAMES), (CONTENDERS + 2) * FIXED
    header = (
        "runs",
        "gain",
        'race: "better"',
        f'fixed {FIXED}: "better"',
        'race: "beats RLlib\'s"',
        f"seeds per contender (fixed: {FIXED})",
        f"runs (fixed: {fixed}, all seeds: {most})",
    )
    rows = (
        [
            name,
            f"{gain:g} sd",
            share(round(found.better * options.sweeps), options.sweeps),
            f"{found.fixed_better:.1%}",
            f"{found.beats_rllib:.1%}",
            f"{found.contender_seeds:.1f}",
            f"{found.runs:.1f}",
        ]
        for name, gain, found in alike(options)
    )
    return header, rows


def biases(options: RaceOptions) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """Returns header and rows of the table of biases, and of the coverage of every interval."""
    header = (
        "runs",
        "gain",
        "bias of a contender's mean",
        "bias of the default's",
        "(plain mean, contender)",
        "bias of the winner's",
        *COVERED,
    )
    rows = (
        [
            name,
            f"{gain:g} sd",
            f"{found.contender_bias:+.2f}",
            f"{found.default_bias:+.2f}",
            f"{found.plain_bias:+.2f}",
            f"{found.winner_bias:+.2f}",
            *(f"{covered:.1%}" for covered in found.coverage.values()),
        ]
        for name, gain, found in alike(options)
    )
    return header, rows


def apart(options: RaceOptions) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """Returns header and rows of the table of contenders that differ; the gain is that of the best."""
    names = ("contender's mean", "winner's mean", "3 differences together")
    header = ("runs", "gain of the best", '"better"', "bias of a contender's mean", "bias of the winner's")
    rows = (
        [
            f"{shape}, {distance}",
            f"{gain:g} sd",
            f"{found.better:.1%}",
            f"{found.contender_bias:+.2f}",
            f"{found.winner_bias:+.2f}",
            *(f"{found.coverage[name]:.1%}" for name in names),
        ]
        for shape, draw in SHAPES.items()
        for distance, mean_k in APART.items()
        for gain in (0.0, 1.0)
        for found in [tally(options, gain, draw, draw, mean_k)]
    )
    return (*header, *names), rows


def main(options: RaceOptions) -> None:
    """Simulates, prints and writes the tables of docs/statistics.md."""
    for section, title, measured in (
        ("race-claims", "Claims", claims),
        ("race-biases", "Bias and coverage", biases),
        ("race-apart", "Contenders that differ", apart),
    ):
        print(f"\n### {title}\n")
        publish(STATISTICS, section, shown(*measured(options)), options)


if __name__ == "__main__":
    main(options_of(RaceOptions, __doc__))

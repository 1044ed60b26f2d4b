"""Simulated comparisons of sweeps whose winners are equal: false claims, coverage, and what is found.

Run:    python -m benchmarks.simulations.compare
Writes docs/statistics.md, section "Comparisons"; about five minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from analysis import statistics
from analysis.comparison.contestants import TUNED
from analysis.comparison.experiments import mean_gain
from analysis.comparison.pairs import Field, difference, field_of, interval
from analysis.verdict.spread import Location
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import (
    CELLS,
    SHAPES,
    Cell,
    Confirmations,
    bimodal,
    collapsing,
    normal,
    share,
    simulate,
    skewed,
)
from benchmarks.simulations.judging import decided, judge
from experiments import Racing

RACE: Final = Racing().interim_analyses


@dataclass(frozen=True)
class CompareOptions:
    """Numbers of simulations."""

    comparisons: int = 1000
    """Simulated comparisons per row."""

    sweeps: int = 10
    """Sweeps of one experiment that are compared in each."""

    checked: int = 3
    """Sweeps per row that the package judges as well; any difference is an error."""

    seed: int = 0
    """Seed of all random numbers."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Sweeps of one experiment, whose configurations are all equal but for a gain."""

    name: str
    """What it is called in the table."""
    cell: Cell
    """Their seed noise."""
    contenders: tuple[int, ...] = (3,)
    """Contenders of the first sweep, of the second one, and so on from the beginning."""
    shared: float | None = None
    """Correlation of runs on the same test seed; None where every sweep has test seeds of its own."""
    raced: bool = True
    """Whether seeds are raced for; else every contender takes all of them."""


CELL: Final = {cell.name: cell for cell in CELLS}
WORLDS: Final = (
    World(name="default against default, 20 seeds", cell=CELL["normal"], contenders=(1,), raced=False),
    World(name="the same, shared test seeds", cell=CELL["normal"], contenders=(1,), raced=False, shared=0.0),
    World(
        name="default against default, skewed",
        cell=CELL["skewed: a tail of bad runs"],
        contenders=(1,),
        raced=False,
    ),
    World(name="winners of three", cell=CELL["normal"]),
    World(name="winners of three, shared test seeds", cell=CELL["normal"], shared=0.0),
    World(name="winners of three, skewed", cell=CELL["skewed: a tail of bad runs"]),
    World(name="winners of three, bimodal", cell=CELL["bimodal"]),
    World(name="winners of three, lognormal with bad tails", cell=CELL["lognormal with bad tails"]),
    World(name="winners of three, collapse in 1 of 10", cell=CELL["collapse in 1 of 10"]),
    World(name="winners of three and of one, in turns", cell=CELL["normal"], contenders=(3, 1)),
    World(name="winners of eight and of one, in turns", cell=CELL["normal"], contenders=(8, 1)),
    World(name="winners of eight and of one, all seeds", cell=CELL["normal"], contenders=(8, 1), raced=False),
)
PAIRS_HEADER: Final = (
    "winners are equal, and are", "two sweeps: claimed", "interval holds", "ten sweeps: any of 45 claimed",
    "all 45 intervals hold",
)  # fmt: skip
GAINED_HEADER: Final = ("gain of one of two sweeps", "test seeds", "claimed", "interval holds")
MEANS_HEADER: Final = (
    "experiments", "runs", "no gain: claimed", "interval holds", "gain 0.25 sd: claimed", "interval holds",
    "gain 1 sd: claimed", "interval holds",
)  # fmt: skip
MIDDLE_HEADER: Final = ("seeds", "runs", "interquartile mean")


def fields(options: CompareOptions, world: World, *, gain: float = 0.0) -> list[list[Field]]:
    """Simulates comparisons of sweeps: a list of sweeps' contenders and winner for each.

    Args:
        options: Numbers of simulations.
        world: What is simulated.
        gain: By how much both baselines lie below the contenders.
    """
    rng = np.random.default_rng([options.seed, 1])
    common = world.cell.contenders(rng, (options.comparisons, 1, RACE[-1]))
    analyses = RACE if world.raced else RACE[-1:]
    sweeps = []
    for number in range(options.sweeps):
        contenders = world.contenders[number % len(world.contenders)]
        seed = options.seed + 1000 * (1 + number)
        drawn = simulate(
            world.cell, options.comparisons, RACE[-1], gain=gain, seed=seed, contenders=contenders
        )
        if world.shared:
            mean_c1 = -gain * np.array([1.0, *[0.0] * contenders, 1.0])[:, None]
            own = (drawn.x_wcs - mean_c1) * np.sqrt(1 - world.shared)
            drawn = replace(drawn, x_wcs=mean_c1 + own + np.sqrt(world.shared) * common)
        sweeps.append(winners_of(drawn, analyses, options.checked))
    return [list(each) for each in zip(*sweeps, strict=True)]


def winners_of(confirmed: Confirmations, analyses: tuple[int, ...], checked: int) -> list[Field]:
    """Returns each sweep's contenders on the seeds that they took, and the winner.

    Raises:
        AssertionError: If the package itself finds others in one of the first sweeps.
    """
    found = judge(confirmed, analyses)
    taken_wks = np.arange(analyses[-1]) < found.seeds_wk[..., None]
    x_wks = np.where(taken_wks, confirmed.x_wcs[:, 1:-1], np.nan)
    made = [
        Field(x_ks, int(winner), int(choice))
        for x_ks, winner, choice in zip(x_wks, found.winner_w, found.choice_w, strict=True)
    ]
    for sweep, field in enumerate(made[:checked]):
        by_package = field_of(decided(confirmed, sweep, analyses), TUNED, range(analyses[-1]))
        assert np.array_equal(by_package.x_ks, field.x_ks, equal_nan=True)
        assert by_package[1:] == field[1:]
    return made


def claims(options: CompareOptions) -> Iterator[list[str]]:
    """Yields false claims and coverage where all winners are equal."""
    for world in WORLDS:
        drawn = fields(options, world)
        paired = world.shared is not None
        errors = [
            1 - statistics.CONFIDENCE,
            (1 - statistics.CONFIDENCE) / (options.sweeps * (options.sweeps - 1) / 2),
        ]
        alone = [holds(sweeps[0], sweeps[1], paired=paired, error=errors[0]) for sweeps in drawn]
        together = [
            all(holds(one, other, paired=paired, error=errors[1]) for one, other in combinations(sweeps, 2))
            for sweeps in drawn
        ]
        number = options.comparisons
        yield [
            world.name, share(number - sum(alone), number), f"{np.mean(alone):.1%}",
            share(number - sum(together), number), f"{np.mean(together):.1%}",
        ]  # fmt: skip


def holds(one: Field, other: Field, *, paired: bool, error: float, true: float = 0.0) -> bool:
    """Returns whether the interval of a difference holds the true one; where that is 0, it claims none."""
    low, high = interval(one, other, difference(one, other, paired=paired), error)
    return low <= true <= high


def gained(options: CompareOptions) -> Iterator[list[str]]:
    """Yields what is found where the contenders of one of two sweeps are better; all beat the default."""
    for gain in (0.5, 1.0, 2.0):
        for shared, text in ((None, "of their own"), (0.0, "shared"), (0.5, "shared, correlate by 0.5")):
            world = World(name="", cell=CELL["normal"], shared=shared)
            drawn = fields(options, world, gain=2.0)
            error, paired = 1 - statistics.CONFIDENCE, shared is not None
            better = [(one._replace(x_ks=one.x_ks + gain), other) for one, other, *_ in drawn]
            claimed = [not holds(one, other, paired=paired, error=error) for one, other in better]
            held = [holds(one, other, paired=paired, error=error, true=gain) for one, other in better]
            yield [f"{gain:g} sd", text, share(sum(claimed), options.comparisons), f"{np.mean(held):.1%}"]


def means(options: CompareOptions) -> Iterator[list[str]]:
    """Yields how often tuning is claimed to pay over several experiments, and whether the interval holds."""
    shapes = {"normal": normal, "skewed": skewed, "bimodal": bimodal, "collapse in 1 of 10": collapsing(10)}
    for experiments in (2, 5, 10):
        for name, draw in shapes.items():
            cells: list[str] = []
            for gain in (0.0, 0.25, 1.0):
                confirmed = simulate(
                    Cell(name=name, contenders=draw), options.comparisons * experiments, RACE[-1], gain=gain,
                    seed=options.seed,
                )  # fmt: skip
                winners, found = winners_of(confirmed, RACE, options.checked), judge(confirmed, RACE)
                tested = [Location(*parts) for parts in zip(*found.difference_w, strict=True)]
                ends = [
                    mean_gain(tested[at : at + experiments], winners[at : at + experiments])[1]
                    for at in range(0, len(tested), experiments)
                ]
                cells += [
                    share(sum(low > 0 for low, _ in ends), len(ends)),
                    f"{np.mean([low <= gain <= high for low, high in ends]):.1%}",
                ]
            yield [str(experiments), name, *cells]


def middles(options: CompareOptions) -> Iterator[list[str]]:
    """Yields how often the band of a learning curve encloses the true interquartile mean."""
    for seeds in (5, 8, 13, 20):
        for name, draw in (*SHAPES.items(), ("collapse in 1 of 5", collapsing(5))):
            rng = np.random.default_rng([options.seed, seeds])
            true = float(statistics.interquartile_mean(draw(rng, (2_000_000,))))
            drawn = [
                statistics.interquartile_interval(draw(rng, (seeds,))) for _ in range(options.comparisons)
            ]
            yield [str(seeds), name, f"{np.mean([low <= true <= high for low, high in drawn]):.1%}"]


def main(options: CompareOptions) -> None:
    """Simulates, prints and writes the tables of docs/statistics.md."""
    for section, header, rows in (
        ("compare-claims", PAIRS_HEADER, claims),
        ("compare-gained", GAINED_HEADER, gained),
        ("compare-means", MEANS_HEADER, means),
        ("compare-middles", MIDDLE_HEADER, middles),
    ):
        print(f"\n### {section}\n")
        publish(STATISTICS, section, shown(header, rows(options)), options)


if __name__ == "__main__":
    main(options_of(CompareOptions, __doc__))

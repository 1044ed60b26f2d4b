"""Simulated false claims, power and coverage of the verdict, where nothing is as the textbook has it.

Run:    python -m benchmarks.simulations.verdict
Writes docs/statistics.md, section "Measured"; about two minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis import statistics
from analysis.verdict.gain import expected_gain
from analysis.verdict.group_sequential import differences, follow, permitted_error
from analysis.verdict.spread import Location, Spread, located
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import (
    CELLS,
    SHAPES,
    BoolArray,
    Cell,
    Draw,
    collapsing,
    share,
    simulate,
)
from benchmarks.simulations.judging import Judged, check_against_decide, judge
from experiments import Confirmation, Racing

RACE: Final = Racing().interim_analyses
"""Seeds at the interim analyses, those of `Confirmation()`."""
GAIN: Final = 1.0
"""Gain in standard deviations of seed noise, where coverage given a claim is measured."""


@dataclass(frozen=True)
class VerdictOptions:
    """Numbers of simulations."""

    sweeps: int = 2000
    """Simulated sweeps per row of the tables of claims."""

    checked: int = 3
    """Sweeps per row that `analysis.verdict.decide` judges as well; any difference is an error."""

    draws: int = 500
    """Simulated data sets per cell of the table of coverage; claims whose expected gain is looked at."""

    seed: int = 0
    """Seed of all random numbers."""


CLAIMS_HEADER: Final = (
    "runs", '"better"', "\"beats RLlib's\"", "either", "seeds per contender", "all runs",
)  # fmt: skip
COVERAGE_HEADER: Final = (
    "runs", "winner's mean, no gain", "winner's mean, gain 1 sd", "given a claim",
    "gain to expect, given a claim", "bound on collapses, no gain", "gain 1 sd",
)  # fmt: skip
POWER_HEADER: Final = (
    "gain", '"better"', "\"beats RLlib's\"", "seeds per contender", "all runs", "claimed gain / true",
    "gain to expect / true", "its interval holds the true gain", "winner's mean, given a claim",
)  # fmt: skip
ADAPTED_HEADER: Final = (
    "runs", "gain over the default", "over the adapted one", '"better"', "either, no gain",
    "adapted default kept", "seeds per contender", "all runs",
)  # fmt: skip
FIXED_HEADER: Final = (
    "seeds", "runs", "no gain: either", "winner's mean", "gain 0.5 sd", "1 sd", "2 sd", "3 sd",
)  # fmt: skip
TESTS_HEADER: Final = (
    "runs", "gain", "Student's t", "own spread and skewness", "pooled spread, own skewness", "both pooled",
)  # fmt: skip
INTERVALS_HEADER: Final = (
    "seeds", "runs", "mean", "(plain t)", "median", "chance to beat, no gain", "chance to beat, gain 1 sd",
)  # fmt: skip


def judged(
    options: VerdictOptions,
    cell: Cell,
    analyses: Sequence[int],
    gain: float = 0.0,
    adapted: float | None = None,
) -> Judged:
    """Judges simulated sweeps, and checks the first of them against the package."""
    confirmed = simulate(cell, options.sweeps, analyses[-1], gain=gain, seed=options.seed, adapted=adapted)
    found = judge(confirmed, analyses)
    check_against_decide(confirmed, analyses, found, options.checked)
    return found


def claims(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields the claims made where no configuration differs in its mean."""
    for cell in CELLS:
        found = judged(options, cell, RACE)
        either_w = found.better_w | found.beats_rllib_w
        yield [
            cell.name,
            f"{found.better_w.mean():.1%}",
            f"{found.beats_rllib_w.mean():.1%}",
            share(int(either_w.sum()), options.sweeps),
            f"{found.seeds_wk.mean():.1f}",
            f"{found.runs_w.mean():.0f}",
        ]


def adapted(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields what is claimed and kept where the default was also trained with its batch adapted."""
    names = (
        "normal", "contenders skewed, baselines mirrored",
        "contenders lognormal with bad tails, baselines quiet", "collapse in 1 of 10, baselines quiet",
        "unequal noise and luck, collapse in 1 of 10",
    )  # fmt: skip
    cells = {cell.name: cell for cell in CELLS}
    wrong = [(name, gain, 0.0) for name in names for gain in (0.0, 1.0, 3.0)]
    for name, gain, over_adapted in (
        *wrong,
        ("normal", 1.0, 0.5),
        ("normal", 1.0, 1.0),
        ("normal", 3.0, 1.0),
    ):
        found = judged(options, cells[name], RACE, gain, over_adapted)
        either = (
            "" if over_adapted else share(int((found.better_w | found.beats_rllib_w).sum()), options.sweeps)
        )
        kept_w = ~found.better_w & found.adapted_w
        yield [
            name,
            f"{gain:g} sd",
            f"{over_adapted:g} sd",
            share(int(found.better_w.sum()), options.sweeps),
            either if gain == 0 else "",
            f"{kept_w.mean():.0%}",
            f"{found.seeds_wk.mean():.1f}",
            f"{found.runs_w.mean():.0f}",
        ]


def coverage(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields how often the intervals of what is claimed hold the truth."""
    for cell in CELLS:
        null, gained = (judged(options, cell, RACE, gain) for gain in (0.0, GAIN))
        held_w = holds(gained)
        bounds = ["", ""]
        if cell.collapse is not None:
            bounds = [f"{(found.bound_w >= cell.collapse).mean():.1%}" for found in (null, gained)]
        yield [
            cell.name,
            f"{holds(null).mean():.1%}",
            f"{held_w.mean():.1%}",
            _given(held_w, gained.better_w),
            _given(*gains(options, gained, GAIN)[1:]),
            *bounds,
        ]


def power(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields what is found of a gain, for normal noise, and by how much it is exaggerated."""
    for gain in (0.25, 0.5, 1.0, 1.5, 2.0, 3.0):
        found = judged(options, CELLS[0], RACE, gain)
        expected_c, held_c, every_c = gains(options, found, gain)
        claimed = found.difference_w.mean[found.better_w].mean()
        yield [
            f"{gain:g} sd",
            share(int(found.better_w.sum()), options.sweeps),
            f"{found.beats_rllib_w.mean():.1%}",
            f"{found.seeds_wk.mean():.1f}",
            f"{found.runs_w.mean():.0f}",
            f"{claimed / gain:.2f}",
            f"{expected_c.mean() / gain:.2f}",
            _given(held_c, every_c),
            _given(holds(found), found.better_w),
        ]


def fixed(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields claims and power with a fixed number of seeds, as with `--confirm-seeds`."""
    names = ("normal", "contenders skewed, baselines mirrored", "collapse in 1 of 10, baselines normal")
    for seeds in (5, 10, 20):
        for cell in (cell for cell in CELLS if cell.name in names):
            analyses = Confirmation(seeds=seeds).interim_analyses
            null = judged(options, cell, analyses)
            either = int((null.better_w | null.beats_rllib_w).sum())
            found = [judged(options, cell, analyses, gain).better_w.mean() for gain in (0.5, 1.0, 2.0, 3.0)]
            yield [
                str(seeds),
                cell.name,
                share(either, options.sweeps),
                f"{holds(null).mean():.1%}",
                *(f"{share:.1%}" for share in found),
            ]


def tests(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields how often each of four tests claims something at the end of the same races."""
    names = (
        "normal", "contenders skewed, baselines mirrored", "contenders' lognormal tails bad, baselines' good",
        "collapse in 1 of 10, baselines quiet", "unequal noise and luck, skewed",
    )  # fmt: skip
    cells = {cell.name: cell for cell in CELLS}
    for name, gain in (*((name, 0.0) for name in names), ("normal", 0.5), ("normal", GAIN)):
        x_wcs = simulate(cells[name], options.sweeps, RACE[-1], gain=gain, seed=options.seed).x_wcs
        stage_wk = follow(x_wcs[:, :-1], RACE).stage
        taken_wks = np.arange(RACE[-1]) < np.asarray(RACE)[stage_wk][..., None]
        difference_wks = np.where(taken_wks, x_wcs[:, 1:-1] - x_wcs[:, :1], np.nan)
        own, pooled = located(difference_wks), differences(difference_wks)
        nothing = np.zeros(())
        error = permitted_error(difference_wks.shape[1])
        lows = [
            location.ends(error, error)[0]
            for location in (
                located(difference_wks, Spread(nothing, nothing, nothing)),
                own,
                pooled._replace(skewness=own.skewness),
                pooled,
            )
        ]
        ended_wk = stage_wk == len(RACE) - 1
        claimed = [((low_wk > 0) & ended_wk).any(axis=1).mean() for low_wk in lows]
        yield [name, f"{gain:g} sd", *(f"{each:.1%}" for each in claimed)]


def holds(found: Judged) -> BoolArray:
    """Returns whether each winner's interval holds its true mean, 0."""
    low_w, high_w = found.winner_ends_we.T
    held_w: BoolArray = (low_w <= 0) & (high_w >= 0)
    return held_w


def gains(
    options: VerdictOptions, found: Judged, true: float
) -> tuple[statistics.FloatArray, BoolArray, BoolArray]:
    """Returns the gains to expect of the first claims, whether their intervals hold the truth, and ones."""
    claimed = np.flatnonzero(found.better_w)[: options.draws]
    expected = [
        expected_gain(
            Location(*(part[sweep] for part in found.difference_w)), found.error, int(found.choice_w[sweep])
        )
        for sweep in claimed
    ]
    held = [gain.interval.low <= true <= gain.interval.high for gain in expected]
    return np.array([gain.mean for gain in expected]), np.array(held, bool), np.ones(len(held), bool)


def _given(held_w: BoolArray, claimed_w: BoolArray) -> str:
    """Returns the share that holds among the claimed; in brackets their number where they are few."""
    number = int(claimed_w.sum())
    if number < 20:
        return f"({number} claims)"
    return f"{held_w[claimed_w].mean():.1%}"


def intervals(options: VerdictOptions) -> Iterator[list[str]]:
    """Yields how often the intervals of one configuration alone enclose the truth."""
    for seeds in (5, 10, 20):
        for name, draw in (*SHAPES.items(), ("collapse in 1 of 5", collapsing(5))):
            yield [str(seeds), name, *alone(options, seeds, draw)]


def alone(options: VerdictOptions, seeds: int, draw: Draw) -> list[str]:
    """Counts how often each interval encloses the truth; cells: `INTERVALS_HEADER`."""
    rng = np.random.default_rng([options.seed, seeds])
    x, y = draw(rng, (2_000_000,)), draw(rng, (2_000_000,))
    true_median, true_chance = float(np.median(x)), float((x + 1 > y).mean())
    hits = np.zeros(5)
    for _ in range(options.draws):
        default, first = draw(rng, (2, seeds))
        pairs = [
            (statistics.mean_interval(first), 0.0),
            (statistics.difference_interval(first), 0.0),
            (statistics.median_interval(first), true_median),
            (statistics.probability_of_improvement_interval(first, default), 0.5),
            (statistics.probability_of_improvement_interval(first + 1, default), true_chance),
        ]
        hits += [interval.low <= true <= interval.high for interval, true in pairs]
    return [f"{covered:.1%}" for covered in hits / options.draws]


def main(options: VerdictOptions) -> None:
    """Simulates, prints and writes the tables of docs/statistics.md."""
    for section, header, rows in (
        ("claims", CLAIMS_HEADER, claims),
        ("adapted", ADAPTED_HEADER, adapted),
        ("power", POWER_HEADER, power),
        ("coverage", COVERAGE_HEADER, coverage),
        ("tests", TESTS_HEADER, tests),
        ("fixed-seeds", FIXED_HEADER, fixed),
        ("intervals", INTERVALS_HEADER, intervals),
    ):
        print(f"\n### {section}\n")
        publish(STATISTICS, section, shown(header, rows(options)), options)


if __name__ == "__main__":
    main(options_of(VerdictOptions, __doc__))

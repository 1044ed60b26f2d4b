"""Simulated confirmations with known truths: shapes of seed noise, and everything else that may go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Draw = Callable[[np.random.Generator, tuple[int, ...]], FloatArray]

CONTENDERS: Final = 3
TRIALS: Final = 32
CEILING: Final = 0.3
"""Highest value of runs with a ceiling, in standard deviations; four of ten reach it."""
FALL: Final = 8.0
"""Standard deviations of the other runs by which a collapsed one lies lower."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws normal noise; mean 0, standard deviation 1."""
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws runs near the top and a tail of bad ones (a reflected gamma, skewness -1.4); mean 0, sd 1."""
    return np.asarray((2 - rng.gamma(2.0, size=shape)) / np.sqrt(2))


def mirrored(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws the same with a tail of good runs."""
    return -skewed(rng, shape)


def bimodal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws two equal humps four of their sd apart: every other run gets stuck; mean 0, sd 1."""
    return np.asarray((4 * (rng.random(shape) < 0.5) - 2 + rng.normal(size=shape)) / np.sqrt(5))


def lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws lognormal noise (skewness 6.2); mean 0, sd 1."""
    return np.asarray((np.exp(rng.normal(size=shape)) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e))


def bad_lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws the same with a tail of bad runs."""
    return -lognormal(rng, shape)


def heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws Student's t with two degrees of freedom, which has no variance; mean 0."""
    return rng.standard_t(2, size=shape)


def ceiling(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws normal noise below a ceiling, at which four of ten runs are tied; mean 0."""
    mean = CEILING * stats.norm.sf(CEILING) - stats.norm.pdf(CEILING)
    return np.minimum(rng.normal(size=shape), CEILING) - mean


def quiet(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draws normal noise of a tenth of the standard deviation."""
    return 0.1 * rng.normal(size=shape)


def collapsing(one_in: int) -> Draw:
    """Returns noise of which one run in so many collapses, `FALL` sd of the others lower; mean 0, sd 1."""
    share = 1 / one_in

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        level = np.where(rng.random(shape) < share, -FALL * (1 - share), FALL * share)
        return np.asarray((level + rng.normal(size=shape)) / np.sqrt(1 + FALL**2 * share * (1 - share)))

    return draw


SHAPES: dict[str, Draw] = {"normal": normal, "skewed": skewed, "bimodal": bimodal}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """World in which confirmations are simulated; without a gain all configurations have the mean 0."""

    name: str
    """What it is called in the tables."""
    contenders: Draw
    """Seed noise of the contenders."""
    baselines: Draw | None = None
    """Seed noise of both baselines; that of the contenders if None."""
    unequal: bool = False
    """Whether trials differ in their noise, and a search of `TRIALS` picks the luckiest: the noisy ones."""
    shared: float = 0.0
    """Correlation of runs on the same seed."""
    lost: float = 0.0
    """Share of runs that are lost, whatever their value."""
    crashes: float = 0.0
    """Share of the contenders' bad runs, those below the median, that crash."""
    baseline_crashes: float = 0.0
    """The same of the baselines'."""
    collapse: float | None = None
    """True share of a contender's trainings that collapse; None where there is no such thing."""


CELLS: Final = (
    Cell(name="normal", contenders=normal),
    Cell(name="skewed: a tail of bad runs", contenders=skewed),
    Cell(name="mirrored: a tail of good runs", contenders=mirrored),
    Cell(name="contenders skewed, baselines mirrored", contenders=skewed, baselines=mirrored),
    Cell(name="contenders mirrored, baselines skewed", contenders=mirrored, baselines=skewed),
    Cell(name="contenders skewed, baselines normal", contenders=skewed, baselines=normal),
    Cell(name="contenders skewed, baselines quiet", contenders=skewed, baselines=quiet),
    Cell(name="bimodal", contenders=bimodal),
    Cell(name="lognormal", contenders=lognormal),
    Cell(name="lognormal with bad tails", contenders=bad_lognormal),
    Cell(
        name="contenders' lognormal tails bad, baselines' good", contenders=bad_lognormal, baselines=lognormal
    ),
    Cell(
        name="contenders lognormal with bad tails, baselines quiet", contenders=bad_lognormal, baselines=quiet
    ),
    Cell(name="t with 2 degrees", contenders=heavy),
    Cell(name="ties at a ceiling", contenders=ceiling),
    Cell(name="contenders at a ceiling, baselines normal", contenders=ceiling, baselines=normal),
    *(
        Cell(
            name=f"collapse in 1 of {one_in}{', ' + name if name else ''}",
            contenders=collapsing(one_in),
            baselines=baselines,
            collapse=1 / one_in,
        )
        for name, baselines in (("", None), ("baselines normal", normal), ("baselines quiet", quiet))
        for one_in in (5, 10, 20, 50)
    ),
    Cell(name="unequal noise and luck, normal", contenders=normal, unequal=True),
    Cell(name="unequal noise and luck, skewed", contenders=skewed, unequal=True),
    Cell(name="unequal noise and luck, collapse in 1 of 10", contenders=collapsing(10), unequal=True),
    Cell(name="runs correlate by 0.5", contenders=normal, shared=0.5),
    Cell(name="skewed runs correlate by 0.5", contenders=skewed, shared=0.5),
    Cell(name="unequal seeds: 15 % of runs lost", contenders=normal, lost=0.15),
    Cell(name="unequal seeds: 15 % of skewed runs lost", contenders=skewed, baselines=mirrored, lost=0.15),
    *(
        Cell(
            name=f"{crashes:.0%} of contenders' bad runs crash{', baselines quiet' if baselines else ''}",
            contenders=normal,
            baselines=baselines,
            crashes=crashes,
            collapse=crashes / 2,
        )
        for baselines in (None, quiet)
        for crashes in (0.1, 0.5, 0.9)
    ),
    Cell(name="50% of baselines' bad runs crash", contenders=normal, baseline_crashes=0.5),
    Cell(name="90% of baselines' bad runs crash", contenders=normal, baseline_crashes=0.9),
)


@dataclass(frozen=True)
class Confirmations:
    """Simulated confirmations; axes W sweeps, C configurations (defaults, contenders, RLlib's), S seeds."""

    x_wcs: FloatArray
    """Values; NaN where a run is lost or has crashed."""
    crashed_wcs: BoolArray
    """Whether a run has crashed."""
    defaults: int
    """Number of defaults: one, or two with the adapted one."""


def simulate(
    cell: Cell,
    sweeps: int,
    seeds: int,
    *,
    gain: float = 0.0,
    seed: int = 0,
    contenders: int = CONTENDERS,
    adapted: float | None = None,
) -> Confirmations:
    """Simulates confirmations in which the baselines lie `gain` below the contenders' mean, 0.

    Args:
        cell: The world.
        sweeps: How many.
        seeds: Test seeds of each configuration.
        gain: Of the contenders over the default and RLlib's defaults.
        seed: Of all random numbers.
        contenders: Tuned configurations.
        adapted: Their gain over the adapted default; None if that is the default.
    """
    rng = np.random.default_rng([seed, seeds, round(100 * gain), contenders])
    baselines = cell.baselines or cell.contenders
    noise_wk1 = np.ones((1, 1, 1))
    if cell.unequal:
        noise_wt = np.exp(0.5 * rng.normal(size=(sweeps, TRIALS)))
        searched_wt = noise_wt * cell.contenders(rng, (sweeps, TRIALS))
        best_wk = np.argsort(searched_wt, axis=1)[:, -contenders:]
        noise_wk1 = np.take_along_axis(noise_wt, best_wk, axis=1)[..., None]
    ours = noise_wk1 * cell.contenders(rng, (sweeps, contenders, seeds))
    below = [gain, *([] if adapted is None else [adapted])]
    theirs = baselines(rng, (sweeps, len(below) + 1, seeds))
    x_wcs = np.concatenate([theirs[:, :-1], ours, theirs[:, -1:]], axis=1)
    if cell.shared:
        common = cell.contenders(rng, (sweeps, 1, seeds))
        x_wcs = np.sqrt(1 - cell.shared) * x_wcs + np.sqrt(cell.shared) * common
    chance_c = np.array(
        [*[cell.baseline_crashes] * len(below), *[cell.crashes] * contenders, cell.baseline_crashes]
    )
    bad_wcs = x_wcs < np.median(x_wcs, axis=(0, 2), keepdims=True)
    crashed_wcs = bad_wcs & (rng.random(x_wcs.shape) < chance_c[:, None])
    lost_wcs = rng.random(x_wcs.shape) < cell.lost
    mean_c = -np.array([*below, *[0.0] * contenders, gain])
    x_wcs = np.where(crashed_wcs | lost_wcs, np.nan, x_wcs + mean_c[:, None])
    return Confirmations(x_wcs, crashed_wcs & ~lost_wcs, len(below))


def share(count: int, of: int) -> str:
    """Returns a share with its 95 % interval (Clopper and Pearson)."""
    interval = stats.binomtest(count, of).proportion_ci()
    return f"{count / of:.1%} [{interval.low:.1%}, {interval.high:.1%}]"

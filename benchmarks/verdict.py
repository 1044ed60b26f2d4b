"""Is the verdict right as often as it claims to be? False claims, power and coverage in simulated sweeps.

Run:    python benchmarks/verdict.py
Expect: docs/statistics.md, section "Measured"; about three minutes on one core.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tyro
from numpy.typing import NDArray
from scipy import stats

from analysis import statistics
from analysis.verdict import winner_interval
from analysis.verdict.decision import decide

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], FloatArray]

SEEDS = (5, 10, 15)
CONTENDERS = 3
TRIALS = 32


@dataclass(frozen=True)
class Options:
    """How much to simulate."""

    sweeps: int = 2000
    """Simulated sweeps per cell of the tables of claims."""

    checked: int = 20
    """Sweeps per cell that `analysis.verdict.decision.decide` judges as well; any difference is an error."""

    draws: int = 4000
    """Simulated data sets per cell of the table of coverage."""

    seed: int = 0
    """Seed of all random numbers."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Mean 0, standard deviation 1."""
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Most runs near the top and a tail of bad ones (a reflected gamma, skewness -1.4); mean 0, sd 1."""
    return (2 - rng.gamma(2.0, size=shape)) / np.sqrt(2)


def bimodal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Every other run gets stuck: two equal humps four of their sd apart; mean 0, sd 1."""
    return (4 * (rng.random(shape) < 0.5) - 2 + rng.normal(size=shape)) / np.sqrt(5)


def collapsing(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """One run in five collapses to a level eight of the others' sd lower; mean 0."""
    return np.where(rng.random(shape) < 0.2, -6.4, 1.6) + rng.normal(size=shape)


SHAPES: dict[str, Draw] = {"normal": normal, "skewed": skewed, "bimodal": bimodal}


@dataclass(frozen=True)
class Sweeps:
    """Simulated sweeps; axes: W sweeps, C configurations (default, then contenders), S seeds."""

    confirmed_wcs: FloatArray
    searched_wc: FloatArray
    """Search score of each contender: the best three of `TRIALS`, one seed each."""


def simulate(
    rng: np.random.Generator, sweeps: int, n: int, gain: float, draw: Draw, default_draw: Draw
) -> Sweeps:
    """Simulate sweeps in which all trials have the mean 0 and the default's lies `gain` lower."""
    searched_wc = np.sort(draw(rng, (sweeps, TRIALS)), axis=1)[:, -CONTENDERS:]
    default_wcs = default_draw(rng, (sweeps, 1, n)) - gain
    return Sweeps(np.concatenate([default_wcs, draw(rng, (sweeps, CONTENDERS, n))], axis=1), searched_wc)


def tables(sweeps: Sweeps, index: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give one simulated sweep as the tables that `decide` takes."""
    confirmed_cs = sweeps.confirmed_wcs[index]
    n = confirmed_cs.shape[1]
    names = ["default", *(f"trial_{number:04d}" for number in range(1, len(confirmed_cs)))]
    confirmation = pd.DataFrame(
        {
            "config_id": np.repeat(names, n),
            "test_seed": np.tile(np.arange(n), len(names)),
            "state": "completed",
            "objective": confirmed_cs.ravel(),
        }
    )
    return confirmation, pd.DataFrame({"config_id": names[1:], "objective": sweeps.searched_wc[index]})


@dataclass(frozen=True)
class Decisions:
    """What `decide` says about each sweep, computed for all at once."""

    better_w: NDArray[np.bool_]
    worse_w: NDArray[np.bool_]
    winner_w: NDArray[np.int64]
    winner_mean_w: FloatArray
    winner_interval_we: FloatArray
    """Lower and upper end, shape [W, 2]."""
    mean_wc: FloatArray


def decide_all(sweeps: Sweeps) -> Decisions:
    """Decide all sweeps by the rules of `analysis.verdict.decision`, array-wise: a hundred times faster."""
    contender_wcs = sweeps.confirmed_wcs[:, 1:]
    _, contenders, n = contender_wcs.shape
    level = 0.5 + statistics.simultaneous_confidence(contenders) / 2
    t = stats.t.ppf(level, n - 1)
    mean_wc = contender_wcs.mean(axis=2)
    difference_wcs = contender_wcs - sweeps.confirmed_wcs[:, :1]
    half_wc = t * difference_wcs.std(axis=2, ddof=1) / np.sqrt(n)
    above_wc = difference_wcs.mean(axis=2) > half_wc
    eligible_wc = np.where(above_wc.any(axis=1, keepdims=True), above_wc, True)
    winner_w = np.where(eligible_wc, mean_wc, -np.inf).argmax(axis=1)
    each_w = np.arange(len(winner_w))
    return Decisions(
        better_w=above_wc.any(axis=1),
        worse_w=(difference_wcs.mean(axis=2) < -half_wc)[each_w, winner_w],
        winner_w=winner_w,
        winner_mean_w=mean_wc[each_w, winner_w],
        winner_interval_we=pick_all(contender_wcs, winner_w),
        mean_wc=mean_wc,
    )


def pick_all(x_wcs: FloatArray, winner_w: NDArray[np.int64]) -> FloatArray:
    """Give the winners' intervals by the rules of `analysis.verdict.winner_interval`; shape [W, 2]."""
    _, contenders, n = x_wcs.shape
    confidence, widening = statistics.CONFIDENCE, statistics.WIDENING
    each_w, degrees = np.arange(len(x_wcs)), n - 1
    mean_wc, variance_wc = x_wcs.mean(axis=2), x_wcs.var(axis=2, ddof=1)
    picked_w, own_w, pooled_w = mean_wc[each_w, winner_w], variance_wc[each_w, winner_w], variance_wc.mean(1)
    behind_wc = (picked_w[:, None] - mean_wc) / np.sqrt((variance_wc + own_w[:, None]) / n)
    choice_w = (behind_wc <= winner_interval.REACH).sum(axis=1)
    ratio_w = own_w * (contenders - 1) / (variance_wc.sum(axis=1) - own_w)
    f = stats.f(degrees, (contenders - 1) * degrees)
    alone_w = (ratio_w > f.isf(winner_interval.LARGER)) | (ratio_w < f.ppf(winner_interval.SMALLER))
    ends = []
    for end in (0, 1):
        choices_c = np.arange(1, contenders + 1)
        below_c = (1 - confidence) / np.maximum(choices_c, 2)
        level_c = (1 - confidence - below_c) if end else below_c
        pooled_t = stats.t.isf(level_c, contenders * degrees) * (1 + widening / (contenders * n))
        own_t = stats.t.isf((1 - confidence) / 2 / choices_c, degrees) * (1 + widening / n)
        half_w = np.where(
            alone_w, own_t[choice_w - 1] * np.sqrt(own_w), pooled_t[choice_w - 1] * np.sqrt(pooled_w)
        )
        ends.append(picked_w + (half_w if end else -half_w) / np.sqrt(n))
    return np.stack(ends, axis=1)


def check_against_decide(sweeps: Sweeps, decisions: Decisions, checked: int) -> None:
    """Compare the array-wise decisions of the first sweeps with what the package itself decides.

    Raises:
        AssertionError: If one differs; the tables would then describe something else than the report.
    """
    for index in range(checked):
        verdict = decide(*tables(sweeps, index))
        row = verdict.row(str(verdict.winner))
        ours = (decisions.better_w[index], decisions.worse_w[index])
        assert ours == (verdict.outcome == "better", verdict.outcome == "worse"), verdict.sentence
        assert np.allclose(
            row[["mean", "mean_low", "mean_high"]].astype(float),
            [decisions.winner_mean_w[index], *decisions.winner_interval_we[index]],
        )


def claims(options: Options, n: int, gain: float, draw: Draw, default_draw: Draw) -> list[str]:
    """Count what is claimed; cells: `CLAIM_HEADER`."""
    rng = np.random.default_rng([options.seed, n, round(100 * gain)])
    sweeps = simulate(rng, options.sweeps, n, gain, draw, default_draw)
    decisions = decide_all(sweeps)
    check_against_decide(sweeps, decisions, options.checked)
    better = int(decisions.better_w.sum())
    interval = stats.binomtest(better, options.sweeps).proportion_ci()
    low_w, high_w = decisions.winner_interval_we.T
    covered_w = (low_w <= 0) & (high_w >= 0)
    return [
        f"{better / options.sweeps:.1%} [{interval.low:.1%}, {interval.high:.1%}]",
        f"{decisions.worse_w.mean():.1%}",
        f"{decisions.mean_wc.mean():+.2f}",
        f"{decisions.winner_mean_w.mean():+.2f}",
        f"{covered_w.mean():.1%}",
        f"{(sweeps.searched_wc - decisions.mean_wc).mean():+.2f}",
    ]


CLAIM_HEADER = (
    '"better"',
    '"worse"',
    "bias of a confirmed mean",
    "bias of the winner's",
    "coverage of the winner's",
    "winner's curse of the search",
)


def null_rows(options: Options) -> Iterator[list[str]]:
    """No configuration differs from the default in its mean."""
    for n in SEEDS:
        for name, draw in SHAPES.items():
            yield [str(n), name, *claims(options, n, 0.0, draw, draw)]
        yield [
            str(n),
            "contenders skewed, default normal",
            *claims(options, n, 0.0, skewed, normal),
        ]
        yield [
            str(n),
            "contenders normal, default skewed",
            *claims(options, n, 0.0, normal, skewed),
        ]


def power_rows(options: Options) -> Iterator[list[str]]:
    """All contenders are better than the default by a gain in standard deviations of seed noise."""
    for n in SEEDS:
        for gain in (0.5, 1.0, 2.0, 3.0):
            cells = claims(options, n, gain, normal, normal)
            yield [str(n), f"{gain:g} sd", *cells[:2]]


def coverage_rows(options: Options) -> Iterator[list[str]]:
    """How often each interval of the report encloses the true value."""
    for n in SEEDS:
        for name, draw in (*SHAPES.items(), ("one in five collapses", collapsing)):
            yield [str(n), name, *coverage(options, n, draw)]


def coverage(options: Options, n: int, draw: Draw) -> list[str]:
    """Count how often each interval encloses the truth; cells: `COVERAGE_HEADER`."""
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
            _inside(statistics.mean_interval(first), 0.0),
            _inside(statistics.difference_interval(first), 0.0),
            _inside(statistics.iqm_interval(first), true_iqm),
            all(_inside(interval, 0.0) for interval in differences),
            *(_inside(interval, chance) for interval, chance in chances),
        ]
    return [f"{share:.1%}" for share in hits / options.draws]


COVERAGE_HEADER = (
    "mean",
    "(plain t)",
    "IQM",
    "3 differences together",
    "chance to beat, no gain",
    "chance to beat, gain 1 sd",
)


def _inside(interval: statistics.Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def print_table(title: str, header: tuple[str, ...], rows: Iterator[list[str]]) -> None:
    """Print rows as Markdown, each as soon as it is there."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{' --- |' * len(header)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def main(options: Options) -> None:
    """Print the tables of docs/statistics.md."""
    print_table("Coverage of the 95 % intervals", ("seeds", "runs", *COVERAGE_HEADER), coverage_rows(options))
    print_table("False claims", ("seeds", "runs", *CLAIM_HEADER), null_rows(options))
    print_table("Power", ("seeds", "gain", *CLAIM_HEADER[:2]), power_rows(options))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))

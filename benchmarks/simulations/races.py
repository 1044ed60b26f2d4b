"""Simulated races for test seeds, judged as the report judges them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis import statistics
from analysis.sweep import DEFAULT, RLLIB, trial_name
from analysis.verdict import decide, most_seeds
from analysis.verdict.comparison import settled_interval
from analysis.verdict.group_sequential import IntArray, RaceOutcome, boundary, follow
from analysis.verdict.race_estimates import Estimate, Orders, estimate
from analysis.verdict.winner_interval import picked_interval
from benchmarks.simulations.confirmations import CONTENDERS, Draw, FloatArray, inside

INTERIM_ANALYSES = (5, 8, 12, 15)
"""Seeds at the interim analyses, those of `Confirmation()`."""
RLLIB_STAGE = INTERIM_ANALYSES.index(most_seeds(RLLIB, INTERIM_ANALYSES))
"""Index of the last one that RLlib's defaults come to."""
FIXED = 10
"""Seeds without a race, for comparison."""
ALIKE = (0.0,) * CONTENDERS
NAMES = (DEFAULT, *(trial_name(1 + number) for number in range(CONTENDERS)), RLLIB)
COVERED = (
    "contender's mean",
    "default's mean",
    "winner's mean",
    "IQM",
    "3 differences together",
    "3 from RLlib's together",
    "chance to beat",
)
"""Intervals of the report that are held against the truth."""


@dataclass(frozen=True)
class RaceOptions:
    """Numbers of simulations."""

    sweeps: int = 2000
    """Simulated sweeps per row."""

    checked: int = 10
    """Sweeps per row that `analysis.verdict.decide` judges as well; any difference is an error."""

    seed: int = 0
    """Seed of all random numbers."""


@dataclass(frozen=True)
class Tally:
    """Means and shares over the sweeps of one row; biases in standard deviations of seed noise."""

    better: float
    fixed_better: float
    contender_seeds: float
    runs: float
    contender_bias: float
    default_bias: float
    plain_bias: float
    winner_bias: float
    beats_rllib: float
    coverage: dict[str, float]


@dataclass(frozen=True)
class Judged:
    """One simulated sweep as the report states it."""

    contenders: list[Estimate]
    default: Estimate
    against_default: list[statistics.Interval]
    against_rllib: list[statistics.Interval]
    winner: int
    winner_interval: statistics.Interval


def judge(x_cs: FloatArray, outcome: RaceOutcome, sweep: int) -> Judged:
    """Judges one sweep as `decide` does, from arrays; x_cs holds default, contenders, RLlib's defaults."""
    stage_k = outcome.stage[sweep].tolist()
    orders = Orders(x_cs[:-1], INTERIM_ANALYSES, stage_k)
    confidence = statistics.simultaneous_confidence(CONTENDERS)
    levels = boundary(INTERIM_ANALYSES, CONTENDERS)
    means, against_default, against_rllib = [], [], []
    for k, stage in enumerate(stage_k):
        n, first = INTERIM_ANALYSES[stage], orders.of_contender(k, stage)
        default_s, contender_s = x_cs[0, :n], x_cs[1 + k, :n]
        # RLlib's defaults take part in the first half of the race.
        shared = min(stage, RLLIB_STAGE)
        from_rllib_s = x_cs[1 + k, : INTERIM_ANALYSES[shared]] - x_cs[-1, : INTERIM_ANALYSES[shared]]
        means.append(estimate(contender_s, first))
        at_last = n == INTERIM_ANALYSES[-1]
        unsettled = estimate(contender_s - default_s, first).interval(
            1 - 2 * levels[-1] if at_last else confidence
        )
        asked = estimate(contender_s - default_s).interval(1 - 2 * levels[stage]).low
        against_default.append(settled_interval(unsettled, asked, accepted=outcome.better[sweep, k]))
        from_rllib = estimate(from_rllib_s, orders.of_contender(k, shared))
        against_rllib.append(from_rllib.interval(confidence))
    accepted = [k for k in range(CONTENDERS) if outcome.better[sweep, k]]
    winner = max(accepted or range(CONTENDERS), key=lambda k: means[k].mean)
    others = [mean for k, mean in enumerate(means) if k != winner]
    picked = picked_interval(means[winner], others, counted=None if accepted else INTERIM_ANALYSES[0])
    return Judged(
        contenders=means,
        default=estimate(x_cs[0, : INTERIM_ANALYSES[max(stage_k)]], orders.of_baseline(max(stage_k))),
        against_default=against_default,
        against_rllib=against_rllib,
        winner=winner,
        winner_interval=picked.interval,
    )


def check_against_decide(x_cs: FloatArray, outcome: RaceOutcome, sweep: int, judged: Judged) -> None:
    """Compares one sweep with what the package itself decides.

    Raises:
        AssertionError: If a number differs; the tables would then describe something else than the report.
    """
    seeds = [INTERIM_ANALYSES[stage] for stage in outcome.stage[sweep]]
    taken = [max(seeds), *seeds, min(max(seeds), INTERIM_ANALYSES[RLLIB_STAGE])]
    rows = [
        (name, seed, "completed", x_cs[c, seed])
        for c, (name, n) in enumerate(zip(NAMES, taken, strict=True))
        for seed in range(n)
    ]
    verdict = decide(
        pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"]),
        interim_analyses=INTERIM_ANALYSES,
    )
    assert verdict.winner == NAMES[1 + judged.winner]
    assert verdict.beats_default == outcome.better[sweep].any()
    assert np.isclose(verdict.row(DEFAULT)["mean"], judged.default.mean)
    ends = verdict.row(NAMES[1 + judged.winner])[["mean_low", "mean_high"]]
    assert np.allclose(ends.astype(float), judged.winner_interval)
    for k in range(CONTENDERS):
        row = verdict.row(NAMES[1 + k])
        found = [row["n"], row["mean"], row["difference_low"], row["difference_high"]]
        ours = [seeds[k], judged.contenders[k].mean, *judged.against_default[k]]
        assert np.allclose(found, ours), verdict.sentence
        assert np.allclose(
            [row["rllib_difference_low"], row["rllib_difference_high"]], judged.against_rllib[k]
        )


class Truth(NamedTuple):
    """The truth behind the sweeps of one row.

    Args:
        mean_k: The contenders' means, the best one 0.
        gain: By how much both baselines lie lower than 0.
        iqm: The first contender's interquartile mean.
        chance: That a run of the first contender beats one of the default.
    """

    mean_k: tuple[float, ...]
    gain: float
    iqm: float
    chance: float


@lru_cache
def tally(
    options: RaceOptions, gain: float, draw: Draw, default_draw: Draw, mean_k: tuple[float, ...] = ALIKE
) -> Tally:
    """Races sweeps whose contenders have these means, the best one 0; both baselines lie `gain` lower."""
    rng = np.random.default_rng([options.seed, round(100 * gain), 77])
    x_wcs = _drawn(rng, options.sweeps, gain, draw, default_draw, mean_k)
    truth = Truth(
        mean_k=mean_k,
        gain=gain,
        iqm=float(stats.trim_mean(draw(rng, (1_000_000,)), 0.25)),
        chance=float((draw(rng, (1_000_000,)) + gain > default_draw(rng, (1_000_000,))).mean()),
    )
    outcome = follow(x_wcs[:, :-1], INTERIM_ANALYSES)
    seeds_wk = np.asarray(INTERIM_ANALYSES)[outcome.stage]
    default_w = seeds_wk.max(axis=1)
    judged_w = [judge(x_cs, outcome, sweep) for sweep, x_cs in enumerate(x_wcs)]
    for sweep in range(min(options.checked, options.sweeps)):
        check_against_decide(x_wcs[sweep], outcome, sweep, judged_w[sweep])
    covered_w = [
        covered(judged, x_cs, seeds_k, truth)
        for judged, x_cs, seeds_k in zip(judged_w, x_wcs, seeds_wk, strict=True)
    ]
    plain_wk = [
        [x_cs[1 + k, :n].mean() for k, n in enumerate(seeds_k)]
        for x_cs, seeds_k in zip(x_wcs, seeds_wk, strict=True)
    ]
    return Tally(
        better=float(outcome.better.any(axis=1).mean()),
        fixed_better=_fixed_better(x_wcs),
        contender_seeds=float(seeds_wk.mean()),
        runs=float(
            (seeds_wk.sum(axis=1) + default_w + np.minimum(default_w, INTERIM_ANALYSES[RLLIB_STAGE])).mean()
        ),
        contender_bias=float(np.mean([[found.mean for found in judged.contenders] for judged in judged_w]))
        - float(np.mean(mean_k)),
        default_bias=float(np.mean([judged.default.mean for judged in judged_w])) + gain,
        plain_bias=float(np.mean(plain_wk)) - float(np.mean(mean_k)),
        winner_bias=float(
            np.mean([judged.contenders[judged.winner].mean - mean_k[judged.winner] for judged in judged_w])
        ),
        beats_rllib=float(np.mean([any(i.low > 0 for i in judged.against_rllib) for judged in judged_w])),
        coverage={
            name: float(np.mean(np.concatenate([hits[name] for hits in covered_w]))) for name in COVERED
        },
    )


def covered(judged: Judged, x_cs: FloatArray, seeds_k: IntArray, truth: Truth) -> dict[str, list[bool]]:
    """Returns by the names of `COVERED` whether each interval of one sweep holds the truth."""
    contender_s, default_s = x_cs[1, : seeds_k[0]], x_cs[0, : seeds_k.max()]
    chance = statistics.probability_of_improvement_interval(contender_s, default_s)
    together = [
        all(inside(i, truth.gain + mean) for i, mean in zip(intervals, truth.mean_k, strict=True))
        for intervals in (judged.against_default, judged.against_rllib)
    ]
    found = [
        [
            inside(estimated.interval(0.95, statistics.WIDENING), mean)
            for estimated, mean in zip(judged.contenders, truth.mean_k, strict=True)
        ],
        [inside(judged.default.interval(0.95, statistics.WIDENING), -truth.gain)],
        [inside(judged.winner_interval, truth.mean_k[judged.winner])],
        [inside(statistics.iqm_interval(contender_s), truth.iqm)],
        together[:1],
        together[1:],
        [inside(chance, truth.chance)],
    ]
    return dict(zip(COVERED, found, strict=True))


def _drawn(
    rng: np.random.Generator,
    sweeps: int,
    gain: float,
    draw: Draw,
    default_draw: Draw,
    mean_k: tuple[float, ...],
) -> FloatArray:
    """Draws the runs of default, contenders and RLlib's defaults, shape [W, C, S]."""
    shape = (sweeps, INTERIM_ANALYSES[-1])
    default, contenders = default_draw(rng, shape) - gain, [draw(rng, shape) + mean for mean in mean_k]
    return np.stack([default, *contenders, default_draw(rng, shape) - gain], axis=1)


def _fixed_better(x_wcs: FloatArray) -> float:
    """Returns the share of sweeps in which a fixed number of seeds finds a contender better."""
    difference_wks = x_wcs[:, 1:-1, :FIXED] - x_wcs[:, :1, :FIXED]
    half_wk = difference_wks.std(axis=2, ddof=1) / np.sqrt(FIXED)
    half_wk *= stats.t.ppf(0.5 + statistics.simultaneous_confidence(CONTENDERS) / 2, FIXED - 1)
    return float((difference_wks.mean(axis=2) > half_wk).any(axis=1).mean())

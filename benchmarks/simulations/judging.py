"""The package's decision on many simulated confirmations at once, and a check that it is the package's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis import Verdict, statistics
from analysis.sweep import DEFAULTS, RLLIB, State, trial_name
from analysis.verdict import MIN_PAIRS, decide, most_seeds
from analysis.verdict.collapse import FAR
from analysis.verdict.collapse import permitted_error as permitted_collapse_error
from analysis.verdict.gain import expected_gain
from analysis.verdict.group_sequential import differences, follow, permitted_error
from analysis.verdict.spread import Location, Spread, located, moments, pooled_spread
from analysis.verdict.winner_interval import REACH
from benchmarks.simulations.confirmations import BoolArray, Confirmations, FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the report says of each sweep; axes W sweeps, K contenders, E ends of an interval."""

    seeds_wk: IntArray
    """Seeds that each contender took."""
    runs_w: IntArray
    """Runs of all configurations."""
    better_w: BoolArray
    """Whether the winner is claimed to be better than every default."""
    beats_rllib_w: BoolArray
    """Whether what is kept, the winner or the better default, is claimed to beat RLlib's defaults."""
    adapted_w: BoolArray
    """Whether the adapted default is the better one."""
    winner_w: IntArray
    """Number of the contender that wins."""
    winner_mean_w: FloatArray
    """Its mean."""
    winner_ends_we: FloatArray
    """Interval of that mean."""
    difference_w: Location
    """Its difference from the default that it is compared with."""
    error: float
    """Permitted error of one comparison."""
    choice_w: IntArray
    """Number of contenders that might as well have been picked."""
    rllib_ends_we: FloatArray
    """Interval of the difference from RLlib's defaults of what is kept."""
    bound_w: FloatArray
    """Bound on the share of the winner's trainings that collapse."""


def judge(confirmed: Confirmations, interim_analyses: Sequence[int]) -> Judged:
    """Judges all sweeps as `analysis.verdict.decide` does, array-wise."""
    analyses = tuple(interim_analyses)
    x_wcs = _with_failures(confirmed, analyses[0])[..., : analyses[-1]]
    defaults = confirmed.defaults
    outcome = follow(x_wcs[:, :-1], analyses, defaults=defaults)
    seeds_wk = np.asarray(analyses)[outcome.stage]
    default_w = seeds_wk.max(axis=1)
    rllib_w = np.minimum(default_w, most_seeds(RLLIB, analyses))
    taken_wc = np.column_stack([*[default_w] * defaults, seeds_wk, rllib_w])
    x_wcs = np.where(np.arange(analyses[-1]) < taken_wc[..., None], x_wcs, np.nan)
    x_wks, each_w = x_wcs[:, defaults:-1], np.arange(len(x_wcs))
    x_wbs = x_wcs[:, :defaults]
    best_w = _better_default(x_wbs)
    own, pooled = located(x_wks), located(x_wks, _each(pooled_spread(x_wks)))
    better_w: BoolArray = np.asarray(outcome.better.any(axis=1))
    enough_wk = np.isfinite(x_wks).sum(axis=2) >= MIN_PAIRS
    eligible_wk = np.where(better_w[:, None], outcome.better, enough_wk)
    eligible_wk = np.where(eligible_wk.any(axis=1, keepdims=True), eligible_wk, True)
    winner_w = np.where(eligible_wk & np.isfinite(own.mean), own.mean, -np.inf).argmax(axis=1)
    error = permitted_error(x_wks.shape[1])
    kept = Location(
        *(
            np.where(better_w, part[each_w, winner_w], default)
            for part, default in zip(pooled, located(x_wbs[each_w, best_w]), strict=True)
        )
    )
    rllib = kept.minus(located(x_wcs[:, -1])).ends(error, error)
    shared_w = np.minimum(np.where(better_w, seeds_wk[each_w, winner_w], default_w), rllib_w)
    choice_w = _choice(own, winner_w)
    return Judged(
        seeds_wk=seeds_wk,
        runs_w=taken_wc.sum(axis=1),
        better_w=better_w,
        beats_rllib_w=(rllib[0] > 0) & (shared_w >= MIN_PAIRS),
        winner_w=winner_w,
        winner_mean_w=own.mean[each_w, winner_w],
        winner_ends_we=_winner_ends(pooled, winner_w, choice_w),
        difference_w=Location(
            *(
                part[each_w, best_w, winner_w]
                for part in np.broadcast_arrays(*differences(x_wks[:, None] - x_wbs[:, :, None]))
            )
        ),
        error=error,
        choice_w=choice_w,
        rllib_ends_we=np.stack(rllib, axis=1),
        bound_w=_bounds(confirmed, x_wcs, winner_w, choice_w),
        adapted_w=best_w > 0,
    )


def _better_default(x_wbs: FloatArray) -> IntArray:
    """Returns the number of the better default, as `Evidence.best_default` does."""
    if x_wbs.shape[1] == 1:
        return np.zeros(len(x_wbs), np.int64)
    difference_ws = x_wbs[:, 1] - x_wbs[:, 0]
    enough_w = np.isfinite(difference_ws).sum(axis=1) >= MIN_PAIRS
    better_w: IntArray = (enough_w & (moments(difference_ws).mean > 0)).astype(np.int64)
    return better_w


def _each(spread: Spread) -> Spread:
    return Spread(*(part[..., None] for part in spread))


def _with_failures(confirmed: Confirmations, first: int) -> FloatArray:
    """Counts contenders' crashes as `analysis.verdict.failures` does."""
    x_wcs = confirmed.x_wcs.copy()
    if not confirmed.crashed_wcs.any():
        return x_wcs
    low_w, high_w = (reduce(x_wcs[..., :first], axis=(1, 2)) for reduce in (np.nanmin, np.nanmax))
    counted_wcs = confirmed.crashed_wcs & np.isfinite(x_wcs).any(axis=2, keepdims=True)
    counted_wcs[:, [*range(confirmed.defaults), -1]] = False
    return np.where(counted_wcs, (low_w - (high_w - low_w))[:, None, None], x_wcs)


def _choice(own: Location, winner_w: IntArray) -> IntArray:
    """Counts those that might have been picked, as `analysis.verdict.winner_interval` does."""
    each_w = np.arange(len(winner_w))
    behind_wk = own.mean[each_w, winner_w][:, None] - own.mean
    near_wk = behind_wk <= REACH * np.hypot(own.error, own.error[each_w, winner_w][:, None])
    near_wk[each_w, winner_w] = True
    choice_w: IntArray = near_wk.sum(axis=1)
    return choice_w


def _winner_ends(pooled: Location, winner_w: IntArray, choice_w: IntArray) -> FloatArray:
    each_w, permitted = np.arange(len(winner_w)), 1 - statistics.CONFIDENCE
    ends_we = np.empty((len(winner_w), 2))
    for choice in np.unique(choice_w):
        below = permitted / max(int(choice), 2)
        ends = np.stack(pooled.ends(below, permitted - below), axis=-1)[each_w, winner_w]
        ends_we[choice_w == choice] = ends[choice_w == choice]
    return ends_we


def _bounds(
    confirmed: Confirmations, x_wcs: FloatArray, winner_w: IntArray, choice_w: IntArray
) -> FloatArray:
    """Bounds the winners' shares of collapses as `analysis.verdict.collapse` does."""
    each_w = np.arange(len(winner_w))
    row_w = confirmed.defaults + winner_w
    winner_ws = x_wcs[each_w, row_w]
    far_w = np.nanmedian(winner_ws, axis=1) - FAR * stats.median_abs_deviation(
        winner_ws, axis=1, scale="normal", nan_policy="omit"
    )
    broken_ws = confirmed.crashed_wcs[each_w, row_w, : winner_ws.shape[1]]
    there_ws = np.isfinite(winner_ws)
    number_w = (there_ws & (broken_ws | (winner_ws < far_w[:, None]))).sum(axis=1)
    seeds_w = there_ws.sum(axis=1)
    error_w = permitted_collapse_error(1, None) / choice_w
    bound_w = stats.beta.isf(error_w, number_w + 1, np.maximum(seeds_w - number_w, 1))
    return np.where(number_w >= seeds_w, 1.0, bound_w)


def decided(confirmed: Confirmations, sweep: int, interim_analyses: Sequence[int]) -> Verdict:
    """Returns what the package itself decides of one sweep."""
    # More runs than the race asks for: it must not count them.
    rows = [
        (name, seed, State.FAILED if crashed else State.COMPLETED, value)
        for name, x_s, crashed_s in zip(
            _names(confirmed),
            confirmed.x_wcs[sweep],
            confirmed.crashed_wcs[sweep],
            strict=True,
        )
        for seed, (value, crashed) in enumerate(zip(x_s[: interim_analyses[-1]], crashed_s, strict=False))
    ]
    table = pd.DataFrame(rows, columns=["config_id", "test_seed", "state", "objective"])
    table.loc[(table["state"] == State.COMPLETED) & table["objective"].isna(), "state"] = State.RUNNING
    return decide(table, interim_analyses=interim_analyses)


def _contenders(confirmed: Confirmations) -> list[str]:
    return [trial_name(1 + k) for k in range(confirmed.x_wcs.shape[1] - confirmed.defaults - 1)]


def _names(confirmed: Confirmations) -> list[str]:
    return [*DEFAULTS[: confirmed.defaults], *_contenders(confirmed), RLLIB]


def check_against_decide(
    confirmed: Confirmations, interim_analyses: Sequence[int], judged: Judged, checked: int
) -> None:
    """Compares the array-wise decisions of the first sweeps with what the package itself decides.

    Raises:
        AssertionError: If one differs; the tables would then describe something else than the report.
    """
    defaults = DEFAULTS[: confirmed.defaults]
    contenders = _contenders(confirmed)
    for sweep in range(checked):
        verdict = decided(confirmed, sweep, interim_analyses)
        if verdict.race is not None and not verdict.race.is_over:
            continue  # lost runs would be run again
        assert verdict.winner == contenders[judged.winner_w[sweep]]
        assert verdict.beats_default == judged.better_w[sweep], verdict.sentence
        row = verdict.row(str(verdict.winner))
        ends = row[["mean", "mean_low", "mean_high"]].astype(float)
        assert np.allclose(ends, [judged.winner_mean_w[sweep], *judged.winner_ends_we[sweep]])
        kept = verdict.winner if verdict.beats_default else defaults[int(judged.adapted_w[sweep])]
        assert verdict.chosen == kept
        against = verdict.evidence.against_rllib[str(kept)]
        assert np.allclose([against.low, against.high], judged.rllib_ends_we[sweep])
        if verdict.gain is not None:
            difference = Location(*(part[sweep] for part in judged.difference_w))
            expected = expected_gain(difference, judged.error, int(judged.choice_w[sweep]))
            assert np.allclose(
                [verdict.gain.mean, *verdict.gain.interval], [expected.mean, *expected.interval]
            )
        assert verdict.collapses is not None
        if interim_analyses[-1] == judged.seeds_wk[sweep, judged.winner_w[sweep]]:
            assert np.isclose(verdict.collapses.bound, judged.bound_w[sweep])

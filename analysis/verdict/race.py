"""Race of the contenders for test seeds, decided from the confirmation table alone.

Every contender races the defaults by the rules of :mod:`analysis.verdict.group_sequential`, on seeds that are
taken in order, 0, 1, 2, ... RLlib's defaults, a second question and often the slowest to train, run beside
them up to the second interim analysis.

Axes: C = configurations, S = seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from analysis.sweep import BASELINES, COUNTED, DEFAULT, DEFAULTS, RLLIB, State
from analysis.verdict.failures import count_failures
from analysis.verdict.group_sequential import BoolArray, RaceOutcome, follow
from analysis.verdict.spread import FloatArray

_ENDED: Final = (*COUNTED, State.FAILED)


class Standing(StrEnum):
    """Standing of a contender in its race against the defaults."""

    OPEN = "open"
    BETTER = "better"
    DROPPED = "dropped"
    OVERTAKEN = "overtaken"
    EXHAUSTED = "seeds used up"
    FAILED = "no values"


@dataclass(frozen=True, kw_only=True)
class Race:
    """State of the race of contenders against the defaults for test seeds.

    A contender is a configuration that the search found. It has to beat the default and, where that was
    trained, the default with its batch adapted to the budget. All of them take the same test seeds in order,
    so that differences are paired. At a few numbers of seeds, the interim analyses, the mean difference of
    each open contender from each default is tested by Student's t:

    - it is dropped if it would miss the last test even were its mean half a standard error better;
    - it is overtaken if its mean is behind that of a contender that is ahead of the defaults, which means
      that t passes the level of the last test: so it can hardly be the winner any more;
    - it goes on otherwise, to the next analysis or until the seeds are used up.

    Nobody is accepted before all seeds are used up, however far ahead: early luck, and a configuration that
    collapses now and then and has not done so yet, both look like a large gain. The test at the end has an
    error of 2.5 % over the number of contenders, takes its spread and skewness from all of them
    (:mod:`analysis.verdict.spread`), and is the only one that claims anything. A race is computed from the
    table of confirmation runs alone (:func:`run_race`): a sweep that was stopped goes on with
    :func:`missing_runs`. The plain means of a race that stopped on luck are biased, which
    :mod:`analysis.verdict.race_estimates` corrects.

    Example:
        >>> import pandas as pd
        >>> from analysis.verdict import missing_runs, run_race
        >>> scores = {"default": [0.50, 0.52, 0.49, 0.51, 0.50], "trial_0007": [0.80, 0.78, 0.83, 0.79, 0.81]}
        >>> runs = pd.DataFrame(
        ...     {"config_id": config, "test_seed": seed, "state": "completed", "objective": score}
        ...     for config, values in scores.items()
        ...     for seed, score in enumerate(values)
        ... )
        >>> race = run_race(runs, interim_analyses=(5, 8))
        >>> race.standings["trial_0007"].value, race.seeds["trial_0007"], race.spent, race.most
        ('open', 8, 10, 16)
        >>> missing_runs(runs, (5, 6), ["default", "trial_0007"])
        [('default', 5), ('trial_0007', 5)]

    References:
        Jennison and Turnbull 2000, Group Sequential Methods with Applications to Clinical Trials.
        Mathieu et al. 2023, AdaStop, arXiv 2306.10882: a sequential test for comparing agents.
    """

    interim_analyses: tuple[int, ...]
    """Numbers of seeds, rising; a single one is a fixed number of seeds."""
    standings: Mapping[str, Standing]
    """How each contender is doing."""
    seeds: Mapping[str, int]
    """Seeds that each configuration, baselines too, has taken or takes next: 0 up to here, exclusive."""
    spent: int
    """Number of runs that have ended."""

    @property
    def most(self) -> int:
        """Runs, were every configuration to take every seed that it may."""
        return sum(most_seeds(config, self.interim_analyses) for config in self.seeds)

    @property
    def is_over(self) -> bool:
        """Whether no contender is open."""
        return Standing.OPEN not in self.standings.values()


def most_seeds(config: str, interim_analyses: Sequence[int]) -> int:
    """Returns the most seeds that a configuration may take.

    All of them, but RLlib's defaults no more than the second interim analysis asks for: when they stop
    depends on nothing that they have done, so a comparison with them is as honest as with all seeds.
    """
    return interim_analyses[: 2 if config == RLLIB else None][-1]


def run_race(
    confirmation: pd.DataFrame, interim_analyses: Sequence[int], contenders: Sequence[str] = ()
) -> Race:
    """Computes how far the race is; a pure function of the table, whatever the order of its rows.

    Args:
        confirmation: One row per confirmation run: config_id, test_seed, state, objective.
        interim_analyses: Numbers of seeds, rising.
        contenders: Configurations that race although they have no run yet.
    """
    interim_analyses = tuple(interim_analyses)
    confirmation = count_failures(confirmation, interim_analyses)
    known = {str(config) for config in confirmation["config_id"]} | set(contenders)
    names = sorted(known.difference(BASELINES))
    most = {config: most_seeds(config, interim_analyses) for config in sorted(known)}
    spent = int(_ended(_within(confirmation, most), list(most), interim_analyses[-1]).sum())
    if not names:
        return Race(interim_analyses=interim_analyses, standings={}, seeds=most, spent=spent)
    defaults = [config for config in DEFAULTS if config == DEFAULT or config in known]
    ended_cs = _ended(confirmation, (*defaults, *names), interim_analyses[-1])
    waited = np.ones(len(defaults), bool)
    # One all of whose runs failed cannot be compared with; without the default itself nothing can be claimed.
    defaults = [config for config in defaults if config == DEFAULT or has_value(confirmation, config)]
    x_cs = value_table(confirmation, (*defaults, *names), interim_analyses[-1])
    race = partial(follow, x_cs, interim_analyses, defaults=len(defaults))
    taken = 0
    outcome = race(0)
    while (
        taken < len(interim_analyses)
        and ended_cs[np.r_[waited, outcome.open], : interim_analyses[taken]].all()
    ):
        taken += 1
        outcome = race(taken)
        if not outcome.open.any():
            break
    standings, seeds = {}, {}
    for k, name in enumerate(names):
        seeds[name] = interim_analyses[min(int(outcome.stage[k]), len(interim_analyses) - 1)]
        values = np.isfinite(x_cs[len(defaults) + k, : seeds[name]]).any()
        standings[name] = (
            _standing(outcome, k, interim_analyses) if values or outcome.open[k] else Standing.FAILED
        )
    furthest = max(seeds.values())
    seeds |= {config: min(furthest, most[config]) for config in known.intersection(BASELINES)}
    return Race(interim_analyses=interim_analyses, standings=standings, seeds=seeds, spent=spent)


def missing_runs(
    confirmation: pd.DataFrame, interim_analyses: Sequence[int], configurations: Sequence[str]
) -> list[tuple[str, int]]:
    """Returns the runs to do next, configuration by configuration; none once the race is over.

    Open contenders run up to the next interim analysis, and with them the defaults and, up to the second one,
    RLlib's defaults. A run that failed is not run again.

    Args:
        confirmation: The table so far, empty at first.
        interim_analyses: Numbers of seeds, rising.
        configurations: Ids of what is confirmed, in the order in which they shall run.
    """
    state = run_race(confirmation, interim_analyses, configurations)
    ended_cs = _ended(confirmation, configurations, interim_analyses[-1])
    return [
        (config, seed)
        for row, config in enumerate(configurations)
        for seed in range(state.seeds[config])
        if not ended_cs[row, seed]
    ]


def ended_seeds(confirmation: pd.DataFrame, config: str, seeds: int) -> set[int]:
    """Returns the test seeds below a number on which a configuration's run has ended."""
    return set(np.flatnonzero(_ended(confirmation, [config], seeds)[0]).tolist())


def has_value(confirmation: pd.DataFrame, config: str) -> bool:
    """Returns whether any run of a configuration has a value."""
    own = confirmation[confirmation["config_id"] == config]
    return bool((own["state"].isin(COUNTED) & np.isfinite(own["objective"].astype(float))).any())


def value_table(confirmation: pd.DataFrame, configurations: Sequence[str], seeds: int) -> FloatArray:
    """Returns the values as an array of shape [C, S]; NaN where a run has none."""
    counted = confirmation[confirmation["state"].isin(COUNTED)]
    return _spread(counted, counted["objective"].astype(float), configurations, seeds, np.nan)


def _standing(outcome: RaceOutcome, k: int, interim_analyses: Sequence[int]) -> Standing:
    if outcome.open[k]:
        return Standing.OPEN
    if outcome.better[k]:
        return Standing.BETTER
    if outcome.overtaken[k]:
        return Standing.OVERTAKEN
    return Standing.EXHAUSTED if outcome.stage[k] == len(interim_analyses) - 1 else Standing.DROPPED


def _within(confirmation: pd.DataFrame, seeds: Mapping[str, int]) -> pd.DataFrame:
    return confirmation[confirmation["test_seed"] < confirmation["config_id"].map(seeds)]


def _ended(confirmation: pd.DataFrame, configurations: Sequence[str], seeds: int) -> BoolArray:
    ended = confirmation[confirmation["state"].isin(_ENDED)]
    ones = pd.Series(1.0, index=ended.index)
    return _spread(ended, ones, configurations, seeds, 0.0) > 0


def _spread(
    frame: pd.DataFrame,
    values: "pd.Series[float]",
    configurations: Sequence[str],
    seeds: int,
    missing: float,
) -> FloatArray:
    x_cs = np.full((len(configurations), seeds), missing)
    rows = {config: row for row, config in enumerate(configurations)}
    for config, seed, value in zip(frame["config_id"], frame["test_seed"], values, strict=True):
        if config in rows and pd.notna(seed) and 0 <= seed < seeds:
            x_cs[rows[config], int(seed)] = value
    return x_cs

"""Decision whether tuning paid: a pure function of the confirmation table, wrong in at most 5 % of claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from analysis import statistics
from analysis.sweep import DEFAULT, Scale, Sweep
from analysis.verdict import wording
from analysis.verdict.comparison import Comparison
from analysis.verdict.confirmed_table import confirmed_table
from analysis.verdict.evidence import Evidence
from analysis.verdict.group_sequential import MIN_PAIRS
from analysis.verdict.race import Race
from analysis.verdict.winner_interval import Picked


class Outcome(StrEnum):
    """Outcomes that a verdict can have."""

    BETTER = "better"
    NOT_BETTER = "not better"
    WORSE = "worse"
    TOO_FEW = "too few seeds"
    NO_DEFAULT = "default missing"
    UNCONFIRMED = "not confirmed"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Verdict on a confirmation: the outcome, its sentence, and the numbers behind it."""

    outcome: Outcome
    """Which branch applies."""
    sentence: str
    """The verdict in plain words, for the terminal and the top of the report."""
    winner: str | None
    """config_id of the best tuned configuration; None if none is confirmed."""
    chosen: str | None
    """config_id to use from now on: the winner if it beats the default, else the default."""
    beats_default: bool
    """Whether the winner's simultaneous interval against the default lies above zero."""
    beats_rllib: bool
    """The same against RLlib's defaults."""
    contenders: int
    """Number of tuned configurations that were compared (the size of the family)."""
    notes: tuple[str, ...]
    """What a reader must know to believe the numbers: missing and diverged runs."""
    table: pd.DataFrame
    """One row per confirmed configuration, highest mean first; columns
    `analysis.verdict.confirmed_table.TABLE_COLUMNS`."""
    picked: Picked | None
    """The interval of the winner's mean and how it came about; None if there is no winner."""
    evidence: Evidence
    """What all of this rests on: the runs that count, and what they say."""

    @property
    def race(self) -> Race | None:
        """How the race went; None if the number of seeds was fixed."""
        return self.evidence.race

    @property
    def same_as_default(self) -> bool:
        """Whether the winner and the default have the same value on every shared seed."""
        if self.winner is None:
            return False
        row = self.row(self.winner)
        ends = (row["difference_low"], row["difference"], row["difference_high"])
        return bool(row["pairs"] > 0 and all(end == 0.0 for end in ends))

    def row(self, config_id: str) -> "pd.Series[float]":
        """Returns the table's row of one configuration."""
        return self.table[self.table["config_id"] == config_id].iloc[0]


def decide(
    confirmation: pd.DataFrame,
    search: pd.DataFrame | None = None,
    *,
    scale: Scale | None = None,
    interim_analyses: Sequence[int] = (),
) -> Verdict:
    """Judges whether the best tuned configuration beats the default, and RLlib's defaults.

    All configurations but the two baselines are contenders. Each is compared with the default over shared
    test seeds; the intervals hold for all contenders together (Bonferroni), so picking the best is allowed.
    If seeds were raced for, "better" is what the race accepted, and means are freed of the race's bias.

    Args:
        confirmation: One row per confirmation run: config_id, test_seed, state, objective.
        search: One row per search trial: config_id, objective; the default is `trial_0000`.
        scale: How scores read as returns, for the sentence; without it the sentence gives scores only.
        interim_analyses: Numbers of seeds at which the race was analysed; one if it was fixed.
    """
    evidence = Evidence.of(confirmation, interim_analyses)
    winner, intervals = evidence.winner(), evidence.intervals()
    picked = evidence.picked(winner) if winner is not None else None
    if winner is not None and picked is not None:
        intervals[winner] = picked.interval
    facts = wording.Facts(
        winner=winner,
        contenders=len(evidence.contenders),
        means={config: estimated.mean for config, estimated in evidence.means.items()},
        interval=intervals[winner] if winner else statistics.NO_INTERVAL,
        seeds={config: estimated.seeds for config, estimated in evidence.means.items()},
        against_default=evidence.against_default.get(winner) if winner else None,
        against_rllib=evidence.against_rllib,
        min_pairs=MIN_PAIRS,
        scale=scale or Scale(),
    )
    outcome = _outcome(winner, facts.against_default)
    table = confirmed_table(evidence, search, intervals)
    use_winner = outcome in (Outcome.BETTER, Outcome.NO_DEFAULT)
    return Verdict(
        outcome=outcome,
        sentence=wording.sentence(outcome, facts),
        winner=winner,
        chosen=winner if use_winner else _first_of((DEFAULT, winner), evidence.runs),
        beats_default=outcome == Outcome.BETTER,
        beats_rllib=any(
            against.above_zero for config, against in evidence.against_rllib.items() if config == winner
        ),
        contenders=len(evidence.contenders),
        notes=wording.notes(table),
        table=table,
        picked=picked,
        evidence=evidence,
    )


def verdict_on(sweep: Sweep) -> Verdict:
    """Judges a sweep's folder as it is, its race included."""
    return decide(
        sweep.confirmation, sweep.trials, scale=sweep.scale, interim_analyses=sweep.interim_analyses
    )


def _outcome(winner: str | None, against_default: Comparison | None) -> Outcome:
    if winner is None:
        return Outcome.UNCONFIRMED
    if against_default is None:
        return Outcome.NO_DEFAULT
    if against_default.pairs < MIN_PAIRS:
        return Outcome.TOO_FEW
    if against_default.above_zero:
        return Outcome.BETTER
    return Outcome.WORSE if against_default.below_zero else Outcome.NOT_BETTER


def _first_of(wanted: tuple[str | None, ...], runs: "Mapping[str, pd.Series[float]]") -> str | None:
    return next((config for config in wanted if config in runs), None)

"""Decision whether tuning paid: a pure function of the confirmation table, wrong in at most 5 % of claims."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import pandas as pd

from analysis import statistics
from analysis.sweep import ADAPTED, DEFAULT, MINIMAL_EFFECT, Scale, Sweep
from analysis.verdict import wording
from analysis.verdict.collapse import Collapses, collapses_of
from analysis.verdict.confirmed_table import confirmed_table
from analysis.verdict.evidence import Evidence
from analysis.verdict.gain import Gain, expected_gain
from analysis.verdict.group_sequential import MIN_PAIRS, permitted_error
from analysis.verdict.race import Race
from analysis.verdict.winner_interval import Picked


class Outcome(StrEnum):
    """Outcomes that a verdict can have."""

    BETTER = "better"
    NOT_BETTER = "not better"
    MAY_COLLAPSE = "may collapse"
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
    """config_id to use from now on: the winner if it beats the defaults, else the better default."""
    beats_default: bool
    """Whether the winner's simultaneous interval against each default lies above zero, and it is safe."""
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
    gain: Gain | None
    """What to expect of the winner's gain over the better default; None if none was claimed."""
    collapses: Collapses | None
    """The winner's collapsed trainings, and how often it may collapse; None if there is no winner."""
    evidence: Evidence
    """What all of this rests on: the runs that count, and what they say."""

    @property
    def race(self) -> Race | None:
        """How the race went; None if the number of seeds was fixed."""
        return self.evidence.race

    @property
    def same_as_default(self) -> bool:
        """Whether the winner and the default have the same value on every shared seed."""
        against = self.evidence.against_default.get(self.winner or "")
        return against is not None and against.is_none

    def row(self, config_id: str) -> "pd.Series[float]":
        """Returns the table's row of one configuration."""
        return self.table[self.table["config_id"] == config_id].iloc[0]


def decide(
    confirmation: pd.DataFrame,
    search: pd.DataFrame | None = None,
    *,
    scale: Scale | None = None,
    interim_analyses: Sequence[int] = (),
    minimal_effect: float = MINIMAL_EFFECT,
    max_collapse: float | None = None,
    batches: tuple[int, int] | None = None,
) -> Verdict:
    """Judges whether the best tuned configuration beats the default, and RLlib's defaults.

    All configurations but the baselines are contenders. Each is compared with the default over shared test
    seeds, and with the adapted default where there is one, each at the full level; the intervals hold for all
    contenders together (Bonferroni), so picking the best is allowed. "Better" is what a race accepted.

    Args:
        confirmation: One row per confirmation run: config_id, test_seed, state, objective.
        search: One row per search trial: config_id, objective; the default is `trial_0000`.
        scale: How scores read as returns, for the sentence.
        interim_analyses: Numbers of seeds at which the race was analysed; one if it was fixed.
        minimal_effect: Gain in score that is too little to matter; without meaning where there is no scale.
        max_collapse: Share of trainings that may collapse at most; None if the experiment does not ask.
        batches: Of the adapted default and the default, for the sentence.
    """
    evidence = Evidence.of(confirmation, interim_analyses)
    winner, intervals = evidence.winner(), evidence.intervals()
    scale = scale or Scale()
    minimal_effect = minimal_effect if scale.has_references else 0.0
    picked = collapses = None
    if winner is not None:
        picked = evidence.picked(winner)
        intervals[winner] = picked.interval
        collapses = collapses_of(
            confirmation, evidence, winner, minimal_effect=minimal_effect, max_collapse=max_collapse
        )
    outcome = _outcome(evidence, winner, safe=collapses is None or collapses.bound <= (max_collapse or 1.0))
    gain = _gain(evidence, str(winner)) if outcome in (Outcome.BETTER, Outcome.MAY_COLLAPSE) else None
    facts = replace(
        _facts(evidence, winner, picked, gain=gain, collapses=collapses, scale=scale),
        matters=gain is None or gain.mean >= minimal_effect, max_collapse=max_collapse, batches=batches,
    )  # fmt: skip
    table = confirmed_table(evidence, search, intervals)
    return Verdict(
        outcome=outcome,
        sentence=wording.sentence(outcome, facts),
        winner=winner,
        chosen=_chosen(outcome, evidence, winner),
        beats_default=outcome == Outcome.BETTER,
        beats_rllib=any(
            against.above_zero for config, against in evidence.against_rllib.items() if config == winner
        ),
        contenders=len(evidence.contenders),
        notes=wording.notes(table),
        table=table,
        picked=picked,
        gain=gain,
        collapses=collapses,
        evidence=evidence,
    )


def verdict_on(sweep: Sweep) -> Verdict:
    """Judges a sweep's folder as it is, its race included."""
    asked = sweep.manifest.confirmation
    verdict = decide(
        sweep.confirmation, sweep.trials, scale=sweep.scale, interim_analyses=sweep.interim_analyses,
        minimal_effect=asked.minimal_effect, max_collapse=asked.max_collapse, batches=_batches(sweep),
    )  # fmt: skip
    return replace(verdict, notes=(*wording.look_notes(sweep.manifest.seeds.looks), *verdict.notes))


def _batches(sweep: Sweep) -> tuple[int, int] | None:
    """Returns the batch sizes of the adapted default and of the default, where there are two."""
    baselines = sweep.manifest.baselines
    found = [baselines.get(config, {}).get("batch_size") for config in (ADAPTED, DEFAULT)]
    adapted, default = (size if isinstance(size, int) else None for size in found)
    return None if adapted is None or default is None else (adapted, default)


def _facts(
    evidence: Evidence,
    winner: str | None,
    picked: Picked | None,
    *,
    gain: Gain | None,
    collapses: Collapses | None,
    scale: Scale,
) -> wording.Facts:
    return wording.Facts(
        winner=winner,
        means={config: estimated.mean for config, estimated in evidence.means.items()},
        interval=picked.interval if picked else statistics.NO_INTERVAL,
        seeds={config: estimated.seeds for config, estimated in evidence.means.items()},
        against=evidence.against_defaults(winner) if winner else {},
        reference=evidence.reference(winner) if winner else DEFAULT,
        best_default=evidence.best_default,
        against_rllib=evidence.against_rllib,
        gain=gain,
        collapses=collapses,
        unfinished=evidence.is_unfinished,
        min_pairs=MIN_PAIRS,
        scale=scale,
    )


def _gain(evidence: Evidence, winner: str) -> Gain:
    """Returns what to expect of the gain of a winner that is claimed to be better."""
    tested = evidence.against_defaults(winner)[evidence.reference(winner)].location
    assert tested is not None
    return expected_gain(tested, permitted_error(evidence.family), evidence.picked(winner).choice)


def _outcome(evidence: Evidence, winner: str | None, *, safe: bool) -> Outcome:
    if winner is None:
        return Outcome.UNCONFIRMED
    if DEFAULT not in evidence.against_defaults(winner):
        return Outcome.NO_DEFAULT
    against = evidence.against_defaults(winner)[evidence.reference(winner)]
    if against.pairs < MIN_PAIRS or evidence.is_unfinished:
        return Outcome.TOO_FEW
    if evidence.beats_default(winner):
        return Outcome.BETTER if safe else Outcome.MAY_COLLAPSE
    return Outcome.WORSE if against.below_zero else Outcome.NOT_BETTER


def _chosen(outcome: Outcome, evidence: Evidence, winner: str | None) -> str | None:
    """Returns the configuration to use; None where neither a default nor the winner has a value."""
    if outcome in (Outcome.BETTER, Outcome.NO_DEFAULT):
        return winner
    return next((config for config in (evidence.best_default, winner) if config in evidence.runs), None)

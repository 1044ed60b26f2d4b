"""Wording of the verdict for a newcomer, with every number that it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.statistics import Interval
from analysis.sweep import DEFAULT, RLLIB, Scale
from analysis.text import counted

if TYPE_CHECKING:
    from analysis.verdict.comparison import Comparison
    from analysis.verdict.race import Race


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts that a sentence is made of; `None` where there was nothing to compare."""

    winner: str | None
    """config_id of the best tuned configuration; None if none is confirmed."""
    contenders: int
    """Number of tuned configurations that were compared."""
    means: Mapping[str, float]
    """Mean of each configuration."""
    interval: Interval
    """Of the winner's mean."""
    seeds: Mapping[str, int]
    """Number of seeds behind each mean."""
    against_default: "Comparison | None"
    """The winner's comparison with the default."""
    against_rllib: "Mapping[str, Comparison]"
    """Comparisons with RLlib's defaults, by configuration."""
    min_pairs: int
    """Shared test seeds below which nothing is claimed."""
    scale: Scale
    """How scores read as returns."""


def sentence(outcome: str, facts: Facts) -> str:
    """Puts the outcome into words; every branch names the numbers and the seeds behind it."""
    if facts.winner is None:
        return (
            "No verdict yet: no tuned configuration has been confirmed on test seeds, "
            "and search scores alone are optimistic."
        )
    against = facts.against_default
    if against is None:
        return (
            "No verdict against the default: it was not confirmed. "
            f"The best tuned configuration, {_scored(facts, after=',')}.{_rllib(facts, facts.winner)}"
        )
    gap = _gap(against, (facts.winner, DEFAULT), facts)
    default_mean = _mean(facts, DEFAULT)
    if outcome == "too few seeds":
        shared = counted(against.pairs, "test seed")
        return (
            f"Too few seeds to tell: {facts.winner} and the default share {shared}, and a verdict needs "
            f"{facts.min_pairs}. So far {_mean(facts, facts.winner)} against {default_mean}."
        )
    if outcome == "better":
        return (
            f"Tuning paid: {_scored(facts)}; that is {gap} against the default configuration's {default_mean}"
            f"{_in_unit(against.difference, facts.scale)}.{_rllib(facts, facts.winner)}"
        )
    keep = f"Keep the default.{_rllib(facts, DEFAULT)}"
    tuned = f"the best tuned configuration, {_scored(facts, after=',')}"
    if outcome == "worse":
        return (
            f"Nothing beat the default, and tuning did harm: {tuned}; "
            f"that is {gap} against the default's {default_mean}. {keep}"
        )
    if against.is_none:
        return (
            f"Nothing beat the default: {tuned}, and the default scores the same on every one of them. {keep}"
        )
    return (
        f"Nothing beat the default: {tuned}. Its difference from the "
        f"default's {default_mean} is {gap}, which does not exclude zero. {keep}"
    )


def race_note(race: "Race") -> str:
    """Says what the race of the confirmation spent and saved, and how it ended for each contender."""
    ends = {
        "better": "accepted as better than the default after",
        "dropped": "dropped as out of reach of a verdict after",
        "overtaken": "dropped behind an accepted one after",
        "seeds used up": "not told apart from the default by",
        "no values": "dropped because all its runs failed, on",
        "open": "still open before",
    }
    listed = "; ".join(
        f"{config} {ends[standing]} {counted(race.seeds[config], 'seed')}"
        for config, standing in race.standings.items()
    )
    if not race.is_over:
        return f"The race of the confirmation is unfinished after {counted(race.spent, 'run')}: {listed}."
    return f"The race spent {race.spent} of {race.most} runs and saved {race.most - race.spent}: {listed}."


def notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Says which configurations miss runs or had diverged ones, and what was done about it."""
    lines = []
    for config_id, missing, diverged in zip(
        table["config_id"], table["missing"], table["diverged"], strict=True
    ):
        if missing:
            lines.append(
                f"{config_id}: {counted(missing, 'confirmation run')} failed or unfinished, so without a "
                "value. Comparisons use the seeds that both sides have."
            )
        if diverged:
            lines.append(
                f"{config_id}: {counted(diverged, 'confirmation run')} diverged, counted as the floor "
                "or as random actions, whichever is worse."
            )
    return tuple(lines)


def _scored(facts: Facts, *, after: str = "") -> str:
    interval = facts.interval
    has_interval = interval.low == interval.low
    around = f" {facts.scale.interval_text(interval.low, interval.high)}" if has_interval else ""
    verb = "scores" if facts.scale.has_references else "returns"
    score = f"{_mean(facts, str(facts.winner))}{around}"
    seeds = counted(facts.seeds[str(facts.winner)], "seed")
    return f"{facts.winner}{after} {verb} {score} on {seeds} that the search never saw"


def _rllib(facts: Facts, config_id: str) -> str:
    """Compares the configuration that the sentence before is about with RLlib's own defaults."""
    against = facts.against_rllib.get(config_id)
    if against is None:
        return ""
    mean = _mean(facts, RLLIB)
    if against.pairs < facts.min_pairs:
        return f" Too few shared seeds to compare it with RLlib's own defaults ({mean})."
    if against.is_none:
        return f" It scores the same as RLlib's own defaults ({mean})."
    gap = _gap(against, (config_id, RLLIB), facts)
    if against.above_zero:
        return f" It beats RLlib's own defaults ({mean}) by {gap}."
    if against.below_zero:
        return f" It is worse than RLlib's own defaults ({mean}): {gap}."
    return f" It cannot be told apart from RLlib's own defaults ({mean}): {gap}."


def _gap(against: "Comparison", sides: tuple[str, str], facts: Facts) -> str:
    """Writes the difference of two, and its seeds where one side has more, as it is not that of the means."""
    difference, low, high = facts.scale.text(against.difference, against.low, against.high, signed=True)
    fewer = against.pairs < max(facts.seeds[side] for side in sides)
    seeds = f" (on the {counted(against.pairs, 'seed')} that both have)" if fewer else ""
    return f"{difference} [{low}, {high}]{seeds}"


def _in_unit(difference: float, scale: Scale) -> str:
    if not scale.has_references:
        return f" (in {scale.unit})" if scale.unit else ""
    unit = f" ({scale.unit})" if scale.unit else ""
    return f", or {scale.difference_to_return(difference):+.3g} in return{unit}"


def _mean(facts: Facts, config_id: str) -> str:
    mean = facts.means.get(config_id)
    return "no value" if mean is None else facts.scale.text(mean)[0]

"""Wording of the verdict for a newcomer, with every number that it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.statistics import Interval
from analysis.sweep import ADAPTED, BASELINES, DEFAULT, RLLIB, Scale
from analysis.text import counted

if TYPE_CHECKING:
    from analysis.verdict.collapse import Collapses
    from analysis.verdict.comparison import Comparison
    from analysis.verdict.gain import Gain
    from analysis.verdict.race import Race


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts that a sentence is made of; `None` where there was nothing to compare."""

    winner: str | None
    """config_id of the best tuned configuration; None if none is confirmed."""
    means: Mapping[str, float]
    """Mean of each configuration."""
    interval: Interval
    """Of the winner's mean."""
    seeds: Mapping[str, int]
    """Number of seeds behind each mean."""
    against: "Mapping[str, Comparison]"
    """The winner's comparisons with the defaults that were trained, by their ids."""
    reference: str
    """The default that it is best compared with."""
    best_default: str
    """The better default."""
    batches: tuple[int, int] | None = None
    """Batch sizes of the adapted default and of the default."""
    against_rllib: "Mapping[str, Comparison]"
    """Comparisons with RLlib's defaults, by configuration."""
    gain: "Gain | None"
    """What to expect of the winner's gain over the default, if one was claimed."""
    matters: bool = True
    """Whether that is enough to matter."""
    collapses: "Collapses | None"
    """How often the winner collapsed, and may."""
    max_collapse: float | None = None
    """How often it may at most; None if the experiment does not ask."""
    unfinished: bool
    """Whether the race for test seeds goes on."""
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
    if DEFAULT not in facts.against:
        return (
            "No verdict against the default: it was not confirmed. "
            f"The best tuned configuration, {_scored(facts, after=',')}.{_rllib(facts, facts.winner)}"
        )
    against, named = facts.against[facts.reference], _named(facts.reference, facts)
    gap = _gap(against, (facts.winner, facts.reference), facts)
    short = _SHORT[facts.reference]
    default_mean = _mean(facts, facts.reference)
    if outcome == "too few seeds":
        shared = f"{facts.winner} and {named} share {counted(against.pairs, 'test seed')}"
        needs = f"a verdict needs {facts.min_pairs}"
        if facts.unfinished:
            needs = "the race for more of them goes on"
        return (
            f"Too few seeds to tell: {shared}, and {needs}. "
            f"So far {_mean(facts, facts.winner)} against {default_mean}."
        )
    tuned = f"the best tuned configuration, {_scored(facts, after=',')}"
    if outcome == "may collapse":
        allowed = f"{facts.max_collapse:.0%}"
        return (
            f"Better on average, and not safe: {tuned}; that is {gap} against {short}'s {default_mean}."
            f"{_collapses(facts)} The experiment allows {allowed}, so {_keep(facts)}."
        )
    if outcome == "better":
        head = "Tuning paid" if facts.matters else "Better, and too little to matter"
        return (
            f"{head}: {_scored(facts)}; that is {gap} against {_untuned(facts)}"
            f"{_in_unit(against.difference, facts.scale)}{_other(facts)}.{_expected(facts)}"
            f"{_rllib(facts, facts.winner)}{_collapses(facts)}"
        )
    keep = _keep(facts).capitalize() + f".{_rllib(facts, facts.best_default)}"
    nothing = f"Nothing beat {named}: {tuned}"
    if outcome == "worse":
        return f"{nothing}; that is {gap} against {short}'s {default_mean}. {keep}"
    if against.is_none:
        return f"{nothing}, and {short} scores the same on every one of them. {keep}"
    gap = f"Its difference from {short}'s {default_mean} is {gap}, which does not exclude zero"
    return f"{nothing}. {gap}. {keep}"


_SHORT: Final = {DEFAULT: "the default", ADAPTED: "the adapted default"}


def _named(default: str, facts: Facts) -> str:
    """Names a default, and says of the adapted one what was adapted."""
    if default == DEFAULT:
        return _SHORT[default]
    return f"the default with its batch adapted to the budget{_sizes(facts)}"


def _sizes(facts: Facts) -> str:
    return "" if facts.batches is None else f" ({facts.batches[0]} instead of {facts.batches[1]})"


def _untuned(facts: Facts) -> str:
    """Names the untuned configuration that a claim is about, with its mean."""
    mean = _mean(facts, facts.reference)
    if facts.reference == DEFAULT:
        return f"the default configuration's {mean}"
    return f"the {mean} of {_named(ADAPTED, facts)}"


def _other(facts: Facts) -> str:
    """Compares the winner with the default that the sentence is not about, where two were trained."""
    others = [default for default in facts.against if default != facts.reference]
    if not others:
        return ""
    gap = _gap(facts.against[others[0]], (str(facts.winner), others[0]), facts)
    return f", and {gap} against {_named(others[0], facts)} ({_mean(facts, others[0])})"


def _keep(facts: Facts) -> str:
    return "keep the default" if facts.best_default == DEFAULT else "use the adapted default"


def race_note(race: "Race") -> str:
    """Says what the race of the confirmation spent and saved, and how it ended for each contender."""
    both = ADAPTED in race.seeds
    ends = {
        "better": f"better than {'both defaults' if both else 'the default'} on all",
        "dropped": "dropped as out of reach of a verdict after",
        "overtaken": "dropped behind one that was ahead after",
        "seeds used up": f"not told apart from {'a' if both else 'the'} default by",
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


def look_notes(looks: int) -> tuple[str, ...]:
    """Says how often this experiment's test seeds were looked at, and that these were not."""
    if looks == 1:
        return ()
    return (
        f"Look {looks} at test seeds: {counted(looks - 1, 'sweep')} of this experiment, or that it started "
        "from, took some before. These are others, which none of them saw; yet the more sweeps there are, "
        "the likelier one of them claims too much.",
    )


def notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Says which configurations miss runs or had diverged ones, and what was done about it."""
    lines = []
    columns = (table[name] for name in ("config_id", "n", "missing", "failed", "diverged"))
    for config_id, values, missing, failed, diverged in zip(*columns, strict=True):
        if missing:
            lines.append(
                f"{config_id}: {counted(missing, 'confirmation run')} failed or unfinished, so without a "
                "value. Comparisons use the seeds that both sides have."
            )
        if failed and values and config_id not in BASELINES:
            lines.append(
                f"{config_id}: {counted(failed, 'confirmation run')} failed, counted as worse than all "
                "others, since a configuration that crashes must not look better for it."
            )
        if diverged:
            lines.append(
                f"{config_id}: {counted(diverged, 'confirmation run')} diverged, counted as the floor "
                "or as random actions, whichever is worse."
            )
    return tuple(lines)


def _scored(facts: Facts, *, after: str = "") -> str:
    interval = facts.interval
    around = "" if np.isnan(interval.low) else f" {facts.scale.interval_text(*interval)}"
    verb = "scores" if facts.scale.has_references else "returns"
    score = f"{_mean(facts, str(facts.winner))}{around}"
    seeds = counted(facts.seeds[str(facts.winner)], "seed")
    return f"{facts.winner}{after} {verb} {score} on {seeds} that the search never saw"


def _expected(facts: Facts) -> str:
    """Says what to expect of a claimed gain."""
    if facts.gain is None:
        return ""
    if facts.gain.interval.high == 0.0:
        return " As only large differences are claimed, and this one only just was, expect next to nothing."
    if facts.gain.interval.low == facts.gain.interval.high:
        return ""
    gain, *ends = facts.scale.text(facts.gain.mean, *facts.gain.interval, signed=True)
    return f" As only large differences are claimed, expect {gain} [{', '.join(ends)}]."


def _collapses(facts: Facts) -> str:
    """Says how often the winner's training may collapse."""
    if facts.collapses is None:
        return ""
    number, seeds, bound = facts.collapses
    return (
        f" Of {counted(seeds, 'training')} {number or 'none'} collapsed: a collapse in up to {bound:.0%} of "
        "trainings is still possible."
    )


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
    gap = _gap(against, (), facts)
    if against.above_zero:
        return f" It beats RLlib's own defaults ({mean}) by {gap}."
    if against.below_zero:
        return f" It is worse than RLlib's own defaults ({mean}): {gap}."
    return f" It cannot be told apart from RLlib's own defaults ({mean}): {gap}."


def _gap(against: "Comparison", paired: tuple[str, ...], facts: Facts) -> str:
    """Writes the difference of two, and its seeds where one side has more, as it is not that of the means."""
    difference, low, high = facts.scale.text(against.difference, against.low, against.high, signed=True)
    fewer = against.pairs < max((facts.seeds[side] for side in paired), default=0)
    seeds = f" (on the {counted(against.pairs, 'seed')} that both have)" if fewer else ""
    around = "" if low == high else f" [{low}, {high}]"
    return f"{difference}{around}{seeds}"


def _in_unit(difference: float, scale: Scale) -> str:
    if not scale.has_references:
        return f" (in {scale.unit})" if scale.unit else ""
    unit = f" ({scale.unit})" if scale.unit else ""
    return f", or {scale.difference_to_return(difference):+.3g} in return{unit}"


def _mean(facts: Facts, config_id: str) -> str:
    mean = facts.means.get(config_id)
    return "no value" if mean is None else facts.scale.text(mean)[0]

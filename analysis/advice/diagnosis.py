"""Diagnosis of a finished sweep: separation, edges of the space, seed noise, prospects."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, log
from typing import Final

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.advice.importance import surely_important
from analysis.advice.prospect import MIN_TRIALS, prospect
from analysis.sweep import (
    BASELINES,
    CONFIG_PREFIX,
    ChoiceDomain,
    HyperparameterRecord,
    Lineage,
    Scale,
    State,
    Sweep,
)
from analysis.verdict import MIN_PAIRS, Comparison, Outcome, Verdict, compare_paired

EDGE: Final = 0.1
"""A value in the outer tenth of its range is at the edge."""
NEAR_EDGE: Final = 0.2
NEGLIGIBLE: Final = 0.01
"""A rise below this share of the spread among trials is none, however sure the confirmation is."""
MIN_GOOD_TRIALS: Final = 4
MORE_TRIALS: Final = 20
RANGES: Final = "Does the best lie at the edge of a range?"
SEED_NOISE: Final = "How much of the spread among trials is seed noise?"
IMPORTANCE: Final = "Which hyperparameters mattered?"
AS_CHOSEN: Final = "Among the trials as they were chosen: what a sampler settled early hardly shows."
MORE: Final = f"What would {MORE_TRIALS} more trials bring?"
PROSPECT_SEED: Final = 0
"""Seed of the resampling of trials: a folder always gives the same answer."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Finding of the diagnosis: a question about the sweep and its answer."""

    topic: str
    """The question in a word or two."""
    question: str
    """What was asked."""
    answer: str
    """What the data say, with numbers."""
    settled: bool | None
    """True: nothing to do. False: there is something to do. None: cannot be told yet."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Hyperparameter whose best values crowd at one end of its range."""

    name: str
    """Name of the hyperparameter."""
    value: float
    """Its value in the best trial."""
    direction: str
    """Where to widen the range: "down" or "up"."""


def diagnose(
    sweep: Sweep, verdict: Verdict, importance: pd.DataFrame, lineage: Lineage | None = None
) -> list[Finding]:
    """Answers the questions that decide whether to search on.

    Args:
        sweep: The sweep.
        verdict: What its confirmation says.
        importance: Of its hyperparameters; empty where it cannot be estimated.
        lineage: Of a population in which somebody copied.
    """
    if lineage is not None:
        # Members that copy one another are not alike and independent, and owe their values to others.
        return [_against_default(verdict), _against_second(verdict, sweep.scale), *_of_copies()]
    return [
        _against_default(verdict),
        _against_second(verdict, sweep.scale),
        _edges(sweep, verdict),
        _seed_noise(sweep, verdict),
        _importance(importance),
        _prospect(sweep, verdict),
    ]


def edges(trials: pd.DataFrame, space: Mapping[str, HyperparameterRecord], best: str | None) -> list[Edge]:
    """Finds hyperparameters whose best values lie at an end of their range.

    The best trial lies in the outer tenth of the range, and half of the good ones near it. The best trial
    alone would raise a false alarm in every fifth hyperparameter: a tenth at either end. Good trials are the
    best quarter of the completed ones, four at least.
    """
    completed = trials[trials["state"] == State.COMPLETED].sort_values("objective", ascending=False)
    good = completed.head(max(MIN_GOOD_TRIALS, round(len(completed) / 4)))
    found: list[Edge] = []
    if best is None or len(good) < MIN_GOOD_TRIALS:
        return found
    for name, entry in space.items():
        column, domain = f"{CONFIG_PREFIX}{name}", entry.distribution
        if isinstance(domain, ChoiceDomain) or column not in trials:
            continue
        low, high, log_scale = domain.attributes.low, domain.attributes.high, domain.attributes.log
        values = pd.to_numeric(trials.set_index("trial_id")[column], errors="coerce").dropna()
        if high <= low or best not in values.index:
            continue
        places = {t: _position(float(x), low, high, log_scale=log_scale) for t, x in values.items()}
        shown = [places[trial] for trial in good["trial_id"] if trial in places]
        for direction, distance in (("down", places[best]), ("up", 1 - places[best])):
            near = [(place if direction == "down" else 1 - place) <= NEAR_EDGE for place in shown]
            if distance <= EDGE and 2 * sum(near) >= len(shown):
                found.append(Edge(name=name, value=float(values[best]), direction=direction))
    return found


def against_second(verdict: Verdict) -> tuple[str, Comparison] | None:
    """Compares the winner with the next best contender, as one of all pairs, since both were picked."""
    contenders = [config for config in verdict.table["config_id"] if config not in BASELINES]
    runs = verdict.evidence.runs
    others = [config for config in contenders if config != verdict.winner and config in runs]
    if verdict.winner is None or not others:
        return None
    pairs = verdict.contenders * (verdict.contenders - 1) // 2
    return others[0], compare_paired(runs[verdict.winner], runs[others[0]], pairs)


def _against_default(verdict: Verdict) -> Finding:
    question = "Is the best configuration separable from the default?"
    answers: dict[Outcome, tuple[str, bool | None]] = {
        Outcome.BETTER: ("Yes, it is better.", True),
        Outcome.MAY_COLLAPSE: ("Yes, but it may collapse more often than the experiment allows.", False),
        Outcome.WORSE: ("Yes, but it is worse: the search found nothing, or its scores were luck.", False),
        Outcome.NOT_BETTER: (
            "No. The gain is nothing or smaller than the interval, which more test seeds would narrow.",
            False,
        ),
        Outcome.TOO_FEW: ("Cannot be told: confirm on more test seeds.", None),
        Outcome.NO_DEFAULT: ("Cannot be told: the default was not confirmed.", None),
        Outcome.UNCONFIRMED: ("Cannot be told: nothing is confirmed yet.", None),
    }
    answer, settled = answers[verdict.outcome]
    if verdict.same_as_default:
        answer, settled = "No, they score the same on every seed: there is nothing to tune for here.", True
    return Finding(topic="default", question=question, answer=answer, settled=settled)


def _against_second(verdict: Verdict, scale: Scale) -> Finding:
    question = "Is it separable from the second best?"
    second = against_second(verdict)
    if second is None:
        return Finding(
            topic="second best",
            question=question,
            answer="There is no second tuned configuration with a value.",
            settled=None,
        )
    name, comparison = second
    if comparison.pairs < MIN_PAIRS:
        few = f"Cannot be told: it shares too few test seeds with {name}, {comparison.pairs} of {MIN_PAIRS}."
        return Finding(topic="second best", question=question, answer=few, settled=None)
    difference, *ends = scale.text(comparison.difference, comparison.low, comparison.high, signed=True)
    gap = f"{difference} [{', '.join(ends)}]"
    if comparison.above_zero:
        return Finding(
            topic="second best",
            question=question,
            answer=f"Yes, it is ahead of {name} by {gap}.",
            settled=True,
        )
    answer = (
        f"No, {name} is as good as far as the seeds can tell ({gap}); take the cheaper or simpler of the two."
    )
    return Finding(topic="second best", question=question, answer=answer, settled=True)


def _edges(sweep: Sweep, verdict: Verdict) -> Finding:
    question = RANGES
    space = sweep.manifest.space
    completed = sweep.trials[sweep.trials["state"] == State.COMPLETED].dropna(subset=["objective"])
    if len(completed) < MIN_GOOD_TRIALS:
        return Finding(
            topic="ranges", question=question, answer="Too few completed trials to tell.", settled=None
        )
    first = completed.sort_values("objective", ascending=False, kind="stable")["trial_id"].iloc[0]
    best = verdict.winner or str(first)
    found = edges(sweep.trials, space, best)
    if not found:
        return Finding(
            topic="ranges",
            question=question,
            answer="No: the good trials lie inside the ranges.",
            settled=True,
        )
    words = {"up": "raise its upper bound", "down": "lower its lower bound"}
    listed = "; ".join(f"{edge.name} = {edge.value:.3g}: {words[edge.direction]}" for edge in found)
    return Finding(topic="ranges", question=question, answer=f"Yes. {listed}.", settled=False)


def _seed_noise(sweep: Sweep, verdict: Verdict) -> Finding:
    question = SEED_NOISE
    share = _noise_share(sweep, verdict)
    if isnan(share):
        completed = sweep.trials.loc[sweep.trials["state"] == State.COMPLETED, "objective"].dropna()
        alike = completed.size > 1 and completed.min() == completed.max()
        answer = (
            "None: all of them score the same."
            if alike
            else "Cannot be told: it takes trials that all trained to their end, and repeated configurations."
        )
        return Finding(topic="seed noise", question=question, answer=answer, settled=True if alike else None)
    little = "the order of the trials says little: more seeds or longer trials help more than more trials"
    advice = little if share > 0.5 else "the order of the trials means something"
    answer = f"One configuration's seeds have about {share:.0%} of the variance among trials, so {advice}."
    return Finding(topic="seed noise", question=question, answer=answer, settled=share <= 0.5)


def _noise_share(sweep: Sweep, verdict: Verdict) -> float:
    """Returns the share of seed noise; unknown if trials were stopped early, as who remains was chosen."""
    if (sweep.trials["state"] == State.PRUNED).any():
        return np.nan
    completed = sweep.trials.loc[sweep.trials["state"] == State.COMPLETED, "objective"]
    runs = [
        values.to_numpy(dtype=float)
        for config_id, values in verdict.evidence.runs.items()
        if config_id not in BASELINES  # chosen by nobody, and often still learning where noise is largest
    ]
    seeds = sweep.manifest.replicas.seeds_per_trial
    return statistics.seed_noise_share(runs, completed.to_numpy(dtype=float), seeds)


def _importance(frame: pd.DataFrame) -> Finding:
    question = IMPORTANCE
    if frame.empty:
        return Finding(topic="importance", question=question, answer="Too few trials to tell.", settled=None)
    listed = ", ".join(
        f"{name} {share:.0%} [{low:.0%}, {high:.0%}]"
        for name, share, low, high in frame.head(3).itertuples(index=False)
    )
    clear = surely_important(frame)
    sure = (
        f"Surely more than an even share: {', '.join(clear)}." if clear else "None surely: ranges are wide."
    )
    answer = f"{listed}. {sure} {AS_CHOSEN}"
    return Finding(topic="importance", question=question, answer=answer, settled=bool(clear) or None)


def _of_copies() -> list[Finding]:
    """Says which findings members that copied each other cannot give, though the trials of a search would."""
    questions = {
        "ranges": RANGES,
        "seed noise": SEED_NOISE,
        "importance": IMPORTANCE,
        "more trials": MORE,
    }
    answer = "Cannot be told from a population, whose members went on from each other's weights."
    return [
        Finding(topic=topic, question=question, answer=answer, settled=None)
        for topic, question in questions.items()
    ]


def _prospect(sweep: Sweep, verdict: Verdict) -> Finding:
    question = MORE
    tried = sweep.trials.loc[sweep.trials["state"].isin([State.COMPLETED, State.PRUNED]), "objective"]
    share = _noise_share(sweep, verdict)
    rng = np.random.default_rng(PROSPECT_SEED)
    found = prospect(tried, 0.0 if isnan(share) else min(share, 1.0), rng, more=MORE_TRIALS)
    if isnan(found.gain):
        answer = f"Cannot be told from fewer than {MIN_TRIALS} trials."
        return Finding(topic="more trials", question=question, answer=answer, settled=None)
    if found.gain == 0.0:
        answer = "Nothing, as far as these tell: their best has stopped rising with their number."
        return Finding(topic="more trials", question=question, answer=answer, settled=True)
    gain, *ends = sweep.scale.text(found.gain, *found.interval, signed=True)
    noise = " with seed noise in it" if isnan(share) else ""
    answer = (
        f"An expected {gain} [{', '.join(ends)}] in the best {sweep.scale.noun}{noise}, if trials stay "
        "alike and their best goes on rising with their number as it has"
    )
    low, high = (np.nan, np.nan) if verdict.picked is None else verdict.picked.interval
    if isnan(resolved := (high - low) / 2):
        return Finding(topic="more trials", question=question, answer=f"{answer}.", settled=None)
    small = bool(found.gain < max(resolved, NEGLIGIBLE * tried.std()))
    than = "less than the confirmation can resolve" if small else "worth having"
    return Finding(topic="more trials", question=question, answer=f"{answer}: {than}.", settled=small)


def _position(value: float, low: float, high: float, *, log_scale: bool) -> float:
    """Places a value in its range, 0 at the lower bound and 1 at the upper one."""
    if log_scale:
        return log(value / low) / log(high / low)
    return (value - low) / (high - low)

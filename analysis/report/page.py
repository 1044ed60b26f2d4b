"""Content of the report's page as plain values; the template writes HTML and escapes every value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pandas as pd

from analysis.advice import Ablated, Finding
from analysis.report.figures import theme
from analysis.sweep import Change, GitRecord, Lineage, Scale, State, Sweep, configuration, shown_member
from analysis.verdict import Verdict

DASH: Final = "–"

WORDS: Final = (
    ("configuration", "one value for every searched hyperparameter"),
    ("trial", "one configuration, trained once during the search"),
    (
        "confirmation run",
        "one chosen configuration, retrained from scratch on a test seed the search never saw",
    ),
    ("default", "the space's default values, which follow the literature; the first trial of every sweep"),
    (
        "default, batch adapted",
        "the default with the largest batch of the space that gives 40 updates, or comes nearest to it, in "
        "minibatches of the default's size; trained where that batch is smaller than the default's",
    ),
    ("RLlib's defaults", "what PPO in RLlib does when nothing is set"),
    ("step", "one environment step of one lane; every budget and axis counts these"),
    ("return", "undiscounted sum of rewards of one episode, in the environment's own unit"),
    ("score", "return on a common scale: 0 is the stated floor policy, 1 the reference optimum"),
    ("objective", "mean score of a run's last three evaluations; each evaluation plays greedy episodes"),
    ("median", "half of the runs lie above it: what a typical run reaches"),
    ("95 % interval", "the method behind it encloses the true value in 95 of 100 sweeps"),
    ("chance to beat the default", "probability that one run of it beats one run of the default"),
    (
        "race",
        "the confirmation gives further test seeds only to configurations that may still prove better than "
        "the default, and all of them to the one that is claimed to be",
    ),
    (
        "collapse",
        "a training that failed or diverged, or ended more than three robust standard deviations below the "
        "configuration's median, and by more than an effect that matters",
    ),
    ("winner's curse", "search score minus confirmed score: the best of many noisy scores was also lucky"),
    ("pruned", "stopped early by the scheduler because others were ahead"),
    (
        "diverged",
        "losses or weights were no longer finite; counts as the floor or random, whichever is worse",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Key number at the top of the report."""

    name: str
    """What it is."""
    number: str
    """The number, with its unit."""
    detail: str = ""
    """What else to know of it, in small print."""


def tiles(sweep: Sweep, verdict: Verdict) -> list[Tile]:
    """Returns the key numbers: the winner's, its gain over the baselines, what the search spent."""
    scale, shown = sweep.scale, []
    if verdict.winner is not None:
        row = verdict.row(verdict.winner)
        shown.append(
            Tile(
                name=f"Confirmed {scale.noun}, {verdict.winner}",
                number=scale.text(row["mean"])[0],
                detail=scale.interval_text(row["mean_low"], row["mean_high"]),
            )
        )
        for name, prefix in (
            ("the default", ""),
            ("the default, batch adapted", "adapted_"),
            ("RLlib's defaults", "rllib_"),
        ):
            if pd.notna(row[f"{prefix}difference"]):
                ends = (row[f"{prefix}difference_low"], row[f"{prefix}difference_high"])
                shown.append(
                    Tile(
                        name=f"Against {name}",
                        number=scale.text(row[f"{prefix}difference"], *ends, signed=True)[0],
                        detail=scale.interval_text(*ends, signed=True),
                    )
                )
    runs = pd.concat([frame[["steps"]] for frame in (sweep.trials, sweep.confirmation, sweep.ablation)])
    ablated = f", {len(sweep.ablation)} of the ablation" if len(sweep.ablation) else ""
    shown.append(
        Tile(
            name="Spent",
            number=f"{_si(float(runs['steps'].sum()))} steps",
            detail=f"{len(sweep.trials)} trials, {len(sweep.confirmation)} confirmation runs{_most(verdict)}"
            f"{ablated}",
        )
    )
    return shown


def confirmed_rows(verdict: Verdict, scale: Scale) -> list[dict[str, Any]]:
    """Returns the table of confirmed configurations as text."""
    rows, badge = [], "winner" if verdict.beats_default else "best tuned"
    for row in records(verdict.table):
        cells = [
            _cell(scale, row, "mean"),
            _cell(scale, row, "median"),
            _cell(scale, row, "difference", signed=True),
            {"number": row["standing"] or DASH, "detail": ""},
            {
                "number": _or_dash(row["improvement"], "{:.0%}"),
                "detail": ""
                if pd.isna(row["improvement_low"])
                else f"[{row['improvement_low']:.0%}, {row['improvement_high']:.0%}]",
            },
            {
                "number": DASH
                if pd.isna(row["search_objective"])
                else scale.text(row["search_objective"])[0],
                "detail": ""
                if pd.isna(row["winners_curse"])
                else f"{scale.text(abs(row['winners_curse']))[0]} too "
                f"{'high' if row['winners_curse'] >= 0 else 'low'}",
            },
        ]
        rows.append(
            {
                "label": theme.label(row["config_id"]),
                "badge": badge if row["config_id"] == verdict.winner else "",
                "seeds": row["n"],
                "cells": cells,
            }
        )
    return rows


def ablation(ablated: Ablated | None, scale: Scale) -> dict[str, Any] | None:
    """Returns the ablation in words, and its steps as text; None where nothing was ablated."""
    if ablated is None:
        return None
    rows = [
        (
            ablated.change(step.change), f"{step.carried:.0%}",
            scale.interval_text(*step.behind, signed=True), step.seeds, ablated.ids[step.changes],
        )
        for step in ablated.path.steps
    ]  # fmt: skip
    return {"says": ablated.sentence(scale), "rows": rows, "spent": ablated.spent, "winner": ablated.winner}


def picked_note(verdict: Verdict) -> str:
    """Says how the interval of the winner's mean was made; nothing of an only contender."""
    if verdict.picked is None or verdict.contenders < 2:
        return ""
    rivals = verdict.picked.choice - 1
    allowance = f"allowing for {rivals} other{'s' if rivals > 1 else ''} that might as well have been picked"
    return (
        "The best one was picked for its mean, so the interval of that mean is of another kind: "
        "Student's t with the spread of all contenders' runs, corrected for their skewness"
        f"{f', {allowance}' if rivals else ''}."
    )


def configurations(sweep: Sweep, verdict: Verdict) -> dict[str, Any]:
    """Returns every searched hyperparameter with its value in each confirmed configuration."""
    configs = [str(config) for config in verdict.table["config_id"]]
    values = {config: configuration(sweep, config) for config in configs}
    names = list(dict.fromkeys(name for config in configs for name in values[config]))
    return {
        "labels": [theme.label(config) for config in configs],
        "rows": [(name, [_value(values[config].get(name)) for config in configs]) for name in names],
    }


def population(sweep: Sweep, verdict: Verdict, lineage: Lineage | None) -> dict[str, Any] | None:
    """Returns a population's copies and the schedule of the member to use; None without a population."""
    member = None if lineage is None else shown_member(sweep, verdict.winner)
    if lineage is None or member is None:
        return None
    told = lineage.schedules.get(member, ())
    return {
        "member": member,
        "schedule": [(f"{change.steps:,}", change.member, _changes(change) or DASH) for change in told],
        "copies": [
            (f"{copy.steps:,}", copy.member, copy.donor, _changes(copy) or DASH) for copy in lineage.copies
        ],
    }


def _changes(change: Change) -> str:
    return ", ".join(
        f"{name} {_value(before)} → {_value(after)}" for name, (before, after) in change.changed.items()
    )


def problem_runs(sweep: Sweep) -> list[dict[str, str]]:
    """Returns the runs that failed, diverged or have no end on disk, with their cause."""
    both = pd.concat([sweep.trials, sweep.confirmation, sweep.ablation], ignore_index=True)
    both = both[both["state"].isin([State.FAILED, State.DIVERGED, State.RUNNING])]
    return [
        {
            "run": row["trial_id"],
            "phase": row["phase"],
            "state": "unfinished" if row["state"] == State.RUNNING else row["state"],
            "steps": "none" if pd.isna(row["steps"]) else f"{row['steps']:,.0f}",
            "cause": row["cause"] if pd.notna(row["cause"]) else "not written down",
        }
        for row in records(both)
    ]


def provenance(sweep: Sweep) -> list[tuple[str, str]]:
    """Returns what one needs to run the sweep again, from the manifest; what it lacks is left out."""
    manifest = sweep.manifest
    env = manifest.env
    scheduler = manifest.scheduler
    lines = [
        ("Command", manifest.command),
        ("Started", manifest.started),
        ("Went on", ", ".join(start.started for start in manifest.continued)),
        ("Environment", env.id),
        ("Parameters", _listed(env.parameters)),
        ("References (expected return)", _listed(env.references)),
        ("Optimum from", env.optimum_source),
        ("Budget", _listed(msgspec.to_builtins(manifest.budget))),
        ("Confirmation", _listed(msgspec.to_builtins(manifest.confirmation))),
        ("Scheduler", _listed(scheduler) if isinstance(scheduler, dict) else scheduler),
        ("Trainer", manifest.trainer),
        ("Seeds", _listed(msgspec.to_builtins(manifest.seeds))),
        ("Machine", _listed(manifest.machine)),
        ("Versions", _listed(manifest.versions)),
        ("Git commit", _commit(manifest.git)),
        ("Git commit of the experiment", _commit(manifest.program_git)),
    ]
    return [(name, str(value)) for name, value in lines if value]


def _commit(git: GitRecord) -> str | None:
    """Returns a commit, and whether anything differed from it."""
    return f"{git.commit} with uncommitted changes" if git.dirty else git.commit


def findings(found: list[Finding]) -> list[dict[str, str]]:
    """Returns the findings with the mark that each one gets."""
    marks = {True: "yes", False: "no", None: "open"}
    return [{"question": f.question, "answer": f.answer, "mark": marks[f.settled]} for f in found]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns a frame's rows as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def heading(sweep: Sweep) -> str:
    """Returns the report's heading: the question that the experiment asks."""
    return sweep.manifest.question or f"Sweep of {sweep.manifest.experiment}"


def _most(verdict: Verdict) -> str:
    race = verdict.race
    return f" of {race.most} that the race allows" if race else ""


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {_value(value)}" for key, value in values.items())


def _value(value: Any) -> str:
    if value is None:
        return DASH
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(scale: Scale, row: Mapping[str, Any], name: str, *, signed: bool = False) -> dict[str, str]:
    if pd.isna(row[name]):
        return {"number": DASH, "detail": ""}
    number, *ends = scale.text(row[name], row[f"{name}_low"], row[f"{name}_high"], signed=signed)
    return {
        "number": number,
        "detail": f"[{', '.join(ends)}]" if row[f"{name}_low"] < row[f"{name}_high"] else "",
    }


def _or_dash(value: float, form: str) -> str:
    return DASH if pd.isna(value) else form.format(value)


def _si(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"

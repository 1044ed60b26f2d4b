"""Content of the comparison's page as plain values; the template writes HTML and escapes every value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.comparison.contestants import ROLES, TUNED
from analysis.comparison.experiment_figures import draw_experiments
from analysis.comparison.experiments import COMMON, OPTIMUM, ExperimentsCompared
from analysis.comparison.version_figures import draw_sweeps
from analysis.comparison.versions import SweepsCompared
from analysis.report import offline
from analysis.report.figures import Figure, theme
from analysis.sweep import Scale

DASH = "–"


def figures_of(compared: SweepsCompared | ExperimentsCompared) -> list[Figure]:
    """Returns the figures of a comparison in the order of its page."""
    return list(draw_sweeps(compared) if isinstance(compared, SweepsCompared) else draw_experiments(compared))


def content(
    compared: SweepsCompared | ExperimentsCompared, drawn: list[Figure], command: str
) -> dict[str, Any]:
    """Returns what the template shows.

    Args:
        compared: The comparison.
        drawn: Its figures.
        command: The command that makes the page again.
    """
    head, _, rest = compared.sentence.partition(": ")
    of_sweeps = isinstance(compared, SweepsCompared)
    outcome = bool(len(compared.claims)) if isinstance(compared, SweepsCompared) else compared.pays
    first = compared.contestants[0].sweep.manifest
    names = first.experiment if of_sweeps else ", ".join(side.experiment for side in compared.contestants)
    return {
        "title": f"Comparison · {names}",
        "eyebrow": names,
        "heading": f"{len(compared.contestants)} sweeps compared" if of_sweeps else "Does tuning pay?",
        "outcome": "better" if outcome else "not-better",
        "verdict_head": head,
        "verdict_rest": rest if of_sweeps and outcome else rest[:1].upper() + rest[1:],
        "notes": compared.notes,
        "charts": offline.shown(drawn),
        "tables": [_pairs(compared)] if isinstance(compared, SweepsCompared) else [_scores(compared)],
        "differences": {
            "header": ["", *compared.differences.columns[1:]],
            "rows": compared.differences.to_numpy().tolist(),
        },
        "sweeps": [
            (side.label, str(side.sweep.folder), side.verdict.sentence) for side in compared.contestants
        ],
        "command": command,
    }


def _pairs(compared: SweepsCompared) -> dict[str, Any]:
    rows = []
    for _, row in compared.pairs.iterrows():
        of = "winners" if row["role"] == TUNED else theme.label(row["role"])
        gap = _number(compared.scale, row, "difference", signed=True)
        claimed = "yes" if row["claimed"] else "no"
        rows.append([f"{row['sweep']} − {row['other']}", _plain(of), gap, _seeds(row), _plain(claimed)])
    return {
        "title": "The differences in numbers",
        "reading": "In brackets: 95 % intervals that hold together for all pairs of winners, and likewise "
        "for all pairs of each baseline. Paired where both used the same test seeds, else Welch's test; both "
        "are corrected for skewness. Winners were picked for their means: where one was picked among more "
        "than the other, the interval allows for it.",
        "header": ["Pair", "Of", "Difference", "Test", "Claimed"],
        "rows": rows,
    }


def _scores(compared: ExperimentsCompared) -> dict[str, Any]:
    table, scale = compared.table, COMMON
    roles = [role for role in ROLES if (table["role"] == role).any()]
    rows = []
    for _, gain in compared.gains.iterrows():
        own = table[table["experiment"] == gain["experiment"]].set_index("role")
        cells = [
            _number(scale, own.loc[role], "mean") if role in own.index else _plain(DASH) for role in roles
        ]
        optimum = _plain(f"{own.loc[OPTIMUM, 'mean']:.2f}")
        gained = _number(scale, gain, "difference", signed=True)
        rows.append([gain["experiment"], _plain(gain["config_id"]), *cells, optimum, gained])
    names = (theme.label(role) for role in roles)
    return {
        "title": "The scores in numbers",
        "reading": "Mean over test seeds, in brackets its 95 % interval. The intervals of the gains over the "
        "default hold together for all experiments.",
        "header": [
            "Experiment",
            "Winner",
            *(name[:1].upper() + name[1:] for name in names),
            "Optimum",
            "Gain",
        ],
        "rows": rows,
    }


def _plain(text: str) -> dict[str, str]:
    return {"number": text, "detail": ""}


def _number(scale: Scale, row: pd.Series[Any], name: str, *, signed: bool = False) -> dict[str, str]:
    if not row["low"] < row["high"]:
        return {"number": scale.text(row[name], signed=signed)[0], "detail": "[no interval]"}
    number, low, high = scale.text(row[name], row["low"], row["high"], signed=signed)
    return {"number": number, "detail": f"[{low}, {high}]"}


def _seeds(row: pd.Series[Any]) -> dict[str, str]:
    if row["test"] == "paired":
        return {"number": "paired", "detail": f"{row['pairs']} seeds"}
    return {"number": "Welch", "detail": f"{row['seeds']} and {row['other_seeds']} seeds"}

"""Writer of a sweep's report: one offline HTML file, figures, tables and the configuration to use."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
import yaml
from markupsafe import Markup

from analysis.report import offline, page
from analysis.report.assessment import FINGERPRINT_LINE, Assessment, Report, assess, fingerprint
from analysis.report.best_yaml import best_content
from analysis.report.figures import Figure, draw_all
from analysis.report.tables import write_frames
from analysis.sweep import (
    ADAPTED,
    BEST_FILE,
    FIGURES_FOLDER,
    REPORT_FILE,
    Sweep,
    check_writes_stay_inside,
    load_sweep,
    write_text,
)
from analysis.verdict import Verdict, race_note

CONFIRMATION_FIGURES: Final = ("confirmed_curves", "confirmed_scores", "paired_differences")
POPULATION_FIGURE: Final = "population"
ABLATION_FIGURE: Final = "ablation"


def write_report(folder: str | Path, *, figures: bool = True) -> Report:
    """Loads a sweep and writes its tables, best.yaml, report.html and, if `figures`, the figures as files.

    Args:
        folder: A sweep folder.
        figures: Whether to write figures/*.png and *.svg too; report.html shows them in any case.

    Raises:
        NotASweepError: If the folder is no sweep; nothing is written then.
    """
    sweep = load_sweep(folder)
    check_writes_stay_inside(sweep.folder)
    with ThreadPoolExecutor(max_workers=1) as pool:
        bundle = pool.submit(offline.bundle)  # seconds of work in another thread
        assessed = assess(sweep)
        verdict, lineage = assessed.verdict, assessed.lineage
        drawn = draw_all(sweep, verdict, assessed.weights, lineage, assessed.ablation)
        frames = write_frames(sweep)
        best = _write_best(assessed)
        written = offline.write_figures(sweep.folder / FIGURES_FOLDER, drawn) if figures else ()
        bundle.result()
        html = write_text(sweep.folder / REPORT_FILE, _html(assessed, drawn))
    return Report(
        html=html, best=best, frames=frames, figures=written, verdict=verdict,
        findings=assessed.findings, ablation=assessed.ablation_sentence,
    )  # fmt: skip


def chosen_configuration(sweep: Sweep, verdict: Verdict) -> tuple[str, str] | None:
    """Returns the config_id to use and why; before the confirmation the best completed trial, unconfirmed."""
    if verdict.chosen is not None and verdict.chosen == verdict.winner and verdict.beats_default:
        both = ADAPTED in verdict.evidence.runs
        return (
            verdict.chosen,
            f"beats the default{', as it is and with its batch adapted,' if both else ''} on test seeds",
        )
    if verdict.chosen == ADAPTED:
        return (
            ADAPTED,
            f"verdict: {verdict.outcome}; untuned, it scores higher with its batch adapted to the budget",
        )
    if verdict.chosen is not None:
        return verdict.chosen, f"verdict: {verdict.outcome}"
    completed = sweep.trials[sweep.trials["state"] == "completed"].dropna(subset=["objective"])
    if completed.empty:
        return None
    best = completed.sort_values("objective", ascending=False, kind="stable")["config_id"].iloc[0]
    return str(best), "best of the search, not confirmed"


def _write_best(assessed: Assessment) -> Path | None:
    sweep, verdict = assessed.sweep, assessed.verdict
    choice = chosen_configuration(sweep, verdict)
    if choice is None:
        return None
    config_id, reason = choice
    content = best_content(sweep, verdict, config_id, reason, assessed.lineage, assessed.ablation)
    said = (verdict.sentence, assessed.ablation_sentence)
    header = "".join(f"# {sentence}\n".replace("\r", " ") for sentence in said if sentence)
    return write_text(
        sweep.folder / BEST_FILE,
        header + yaml.safe_dump(msgspec.to_builtins(content), sort_keys=False, allow_unicode=True),
    )


def _html(assessed: Assessment, drawn: list[Figure]) -> str:
    sweep, verdict, manifest = assessed.sweep, assessed.verdict, assessed.sweep.manifest
    head, _, rest = verdict.sentence.partition(": ")
    shown = offline.shown(drawn)
    content = {
        "fingerprint": Markup(FINGERPRINT_LINE.format(fingerprint(sweep))),
        "title": f"{manifest.experiment} · {manifest.sweep}",
        "eyebrow": " · ".join((manifest.experiment, manifest.sweep, manifest.env.id)),
        "heading": page.heading(sweep),
        "outcome": verdict.outcome.replace(" ", "-"),
        "verdict_head": head if rest else "",
        "verdict_rest": _capitalised(rest, verdict.winner) if rest else verdict.sentence,
        "race": None if verdict.race is None else race_note(verdict.race),
        "notes": verdict.notes,
        "tiles": page.tiles(sweep, verdict),
        "confirmed_figures": [item for item in shown if item["name"] in CONFIRMATION_FIGURES],
        "search_figures": [
            item
            for item in shown
            if item["name"] not in (*CONFIRMATION_FIGURES, POPULATION_FIGURE, ABLATION_FIGURE)
        ],
        "ablation": page.ablation(assessed.ablation, sweep.scale),
        "ablation_figures": [item for item in shown if item["name"] == ABLATION_FIGURE],
        "population_figures": [item for item in shown if item["name"] == POPULATION_FIGURE],
        "population": page.population(sweep, verdict, assessed.lineage),
        "confirmed": page.confirmed_rows(verdict, sweep.scale),
        "contenders": verdict.contenders,
        "picked": page.picked_note(verdict),
        "configurations": page.configurations(sweep, verdict),
        "chosen": verdict.chosen,
        "findings": page.findings(list(assessed.findings)),
        "problem_runs": page.problem_runs(sweep),
        "provenance": page.provenance(sweep),
        "words": page.WORDS,
        "folder": sweep.folder,
    }
    return offline.rendered("report.html.jinja", content)


def _capitalised(text: str, winner: str | None) -> str:
    """Capitalises a text, unless its first word is the name of a configuration."""
    return text if winner and text.startswith(winner) else text[:1].upper() + text[1:]

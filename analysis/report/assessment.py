"""Assessment of a sweep, before any of it is drawn: verdict, lineage, importance and advice."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pandas as pd

from analysis.advice import Ablated, Finding, ablation_of, diagnose, importances
from analysis.sweep import (
    BEST_FILE,
    FIGURES_FOLDER,
    REPORT_FILE,
    TABLE_FILES,
    Lineage,
    Sweep,
    load_lineage,
    load_sweep,
)
from analysis.verdict import Verdict, verdict_on

IMPORTANCE_SEED: Final = 0
"""Seed of the only random numbers here, the resampling of trials: a folder always gives the same report."""
FINGERPRINT_LINE: Final = '<meta name="fingerprint" content="{}">'
"""Line of a page by which it is known of what records it was drawn."""
HEAD_BYTES: Final = 2048
"""Beginning of a page, in which that line is."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Files of a written report, with the verdict that it states."""

    html: Path
    """report.html, one file without links to the outside."""
    best: Path | None
    """best.yaml with the configuration to use; None while there is no configuration with a value."""
    frames: dict[str, Path]
    """Name of each table to its Parquet file."""
    figures: tuple[Path, ...]
    """PNG and SVG files; empty if no figures were asked for."""
    verdict: Verdict
    """The verdict that the report states."""
    findings: tuple[Finding, ...]
    """What it says about searching on."""
    ablation: str | None = None
    """Which of the winner's changes carry its gain, in words; None where there is no winner."""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What a report is about to state of a sweep."""

    sweep: Sweep
    verdict: Verdict
    lineage: Lineage | None
    weights: pd.DataFrame
    findings: tuple[Finding, ...]
    ablation: Ablated | None

    @property
    def ablation_sentence(self) -> str | None:
        """Which of the winner's changes carry its gain, in words; None where there is no winner."""
        return None if self.ablation is None else self.ablation.sentence(self.sweep.scale)


def assess(sweep: Sweep) -> Assessment:
    """Computes all that a report states of a sweep."""
    verdict, lineage = verdict_on(sweep), load_lineage(sweep.folder)
    # What a member of a population reached is not due to the values that it ended with.
    attributed = sweep.trials if lineage is None else sweep.trials.head(0)
    weights = importances(attributed, sweep.manifest.space, np.random.default_rng(IMPORTANCE_SEED))
    findings = tuple(diagnose(sweep, verdict, weights, lineage))
    return Assessment(
        sweep=sweep, verdict=verdict, lineage=lineage, weights=weights, findings=findings,
        ablation=ablation_of(sweep),
    )  # fmt: skip


def fingerprint(sweep: Sweep) -> str:
    """Returns a digest of what a report shows, and of the release that draws it."""
    digest = hashlib.sha256(version("ppo-sweeps").encode())
    digest.update(msgspec.json.encode(sweep.manifest.to_json()))
    for frame in (sweep.trials, sweep.curves, sweep.confirmation, sweep.ablation):
        # What damaged records hold need not be hashable.
        plain = frame.astype({name: str for name in frame if frame[name].dtype == object})
        digest.update(repr(list(frame)).encode())
        digest.update(pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def kept_report(folder: str | Path) -> Report | None:
    """Returns the report that a folder holds, without drawing anything; None if it is not of these records.

    Of a population it is never known, since its lineage is no part of the tables.

    Raises:
        NotASweepError: If the folder is no sweep.
    """
    sweep = load_sweep(folder)
    folder = sweep.folder
    if load_lineage(folder) is not None:
        return None
    html, best, figures = folder / REPORT_FILE, folder / BEST_FILE, folder / FIGURES_FOLDER
    frames = {name: folder / file for name, file in TABLE_FILES.items()}
    pictures = tuple(sorted(path for path in figures.glob("*.*") if path.suffix in {".png", ".svg"}))
    if not (
        html.is_file() and best.is_file() and pictures and all(path.is_file() for path in frames.values())
    ):
        return None
    with html.open("rb") as page:
        if FINGERPRINT_LINE.format(fingerprint(sweep)).encode() not in page.read(HEAD_BYTES):
            return None
    assessed = assess(sweep)
    return Report(
        html=html, best=best, frames=frames, figures=pictures,
        verdict=assessed.verdict, findings=assessed.findings, ablation=assessed.ablation_sentence,
    )  # fmt: skip

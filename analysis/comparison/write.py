"""Writer of a comparison: one offline HTML file, its figures and its tables."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from analysis.comparison import page
from analysis.comparison.contestants import CannotCompareError
from analysis.comparison.experiments import ExperimentsCompared
from analysis.comparison.versions import SweepsCompared
from analysis.report import offline
from analysis.sweep import FIGURES_FOLDER, MANIFEST_FILE, write_text, written_whole

PAGE_FILE: Final = "comparison.html"


def write_comparison(compared: SweepsCompared | ExperimentsCompared, out: str | Path) -> Path:
    """Writes comparison.html, figures/*.png and *.svg, and the tables as Parquet; returns the page's path.

    Args:
        compared: What `compare` gave.
        out: A folder, made where it is missing; no sweep's own.

    Raises:
        CannotCompareError: If the folder is that of a sweep, whose figures would be lost.
        OSError: If it cannot be written to.
    """
    folder = Path(out)
    if (folder / MANIFEST_FILE).exists():
        raise CannotCompareError(f"{folder} is a sweep folder: give another one to write the comparison to")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = page.figures_of(compared)
    offline.write_figures(folder / FIGURES_FOLDER, drawn)
    for name, frame in compared.frames().items():
        with written_whole(folder / f"{name}.parquet") as partial:
            frame.to_parquet(partial, index=False)
    folders = shlex.join(str(side.sweep.folder) for side in compared.contestants)
    command = f"python -m analysis compare {folders} --out {shlex.quote(str(folder))}"
    html = offline.rendered("comparison.html.jinja", page.content(compared, drawn, command))
    return write_text(folder / PAGE_FILE, html)

"""Tables of a sweep for people and other programs: printed, CSV, Parquet."""

from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.report import page
from analysis.sweep import TABLE_FILES, Sweep, written_whole
from analysis.verdict import verdict_on

PIPED_WIDTH: Final = 130
"""Columns to print where no terminal says how many it has."""


def runs(sweep: Sweep) -> pd.DataFrame:
    """Returns search trials, confirmation runs and those of the ablation in one table, one run per row."""
    frame = pd.concat([sweep.trials, sweep.confirmation, sweep.ablation], ignore_index=True)
    # Where damage made a name's values text in one of both, they are text in the table.
    mixed: list[str] = frame.select_dtypes("object", exclude="str").columns.tolist()
    for column in mixed:
        frame[column] = frame[column].map(str, na_action="ignore").astype("str")
    return frame


def write_runs(sweep: Sweep, *, csv: Path | None, parquet: Path | None) -> list[Path]:
    """Writes all runs to the files that are given.

    Raises:
        OSError: If a file cannot be written.
    """
    frame, written = runs(sweep), []
    if csv is not None:
        text: list[str] = frame.select_dtypes("str").columns.tolist()
        frame.assign(**{name: frame[name].map(_as_text, na_action="ignore") for name in text}).to_csv(
            csv, index=False
        )
        written.append(csv)
    if parquet is not None:
        frame.to_parquet(parquet, index=False)
        written.append(parquet)
    return written


def _as_text(cell: str) -> str:
    """Returns a cell that a spreadsheet takes for text: one that begins like a formula would be run."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


def write_frames(sweep: Sweep) -> dict[str, Path]:
    """Writes the sweep's frames into its folder as Parquet and returns the path of each one's file."""
    paths = {}
    for name, file in TABLE_FILES.items():
        paths[name] = sweep.folder / file
        with written_whole(paths[name]) as partial:
            getattr(sweep, name).to_parquet(partial, index=False)
    return paths


def print_confirmed(sweep: Sweep) -> None:
    """Prints the verdict and the confirmed configurations; without a confirmation, the best trials."""
    verdict = verdict_on(sweep)
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(Text(verdict.sentence))
    if verdict.table.empty:
        table = Table("Trial", "State", "Objective", "Steps")
        best = sweep.trials.sort_values("objective", ascending=False).head(10)
        for trial in page.records(best):
            known = not pd.isna(trial["objective"])
            objective = sweep.scale.text(trial["objective"])[0] if known else page.DASH
            steps = page.DASH if pd.isna(trial["steps"]) else f"{trial['steps']:,.0f}"
            table.add_row(Text(trial["trial_id"]), trial["state"], objective, steps)
        console.print(table)
        return
    table = Table(
        "Configuration",
        "Seeds",
        "Mean",
        "IQM",
        "Against default",
        "p" if verdict.race is None else "Race",
        "Beats default",
        "Search said",
    )
    for row in page.confirmed_rows(verdict, sweep.scale):
        cells = [Text("\n".join(filter(None, cell.values()))) for cell in row["cells"]]
        table.add_row(Text(row["label"]), str(row["seeds"]), *cells)
    console.print(table)

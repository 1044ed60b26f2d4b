"""Commands of `python -m analysis`: report and tables of a sweep folder, and the comparison of several."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReportCommand:
    """Report of a sweep: report.html, figures, tables and best.yaml are written, the verdict is printed."""

    folder: Path
    """A sweep folder, such as results/trading_sweep/2026-11-20_19-42-06."""

    def run(self) -> None:
        """Writes the report and says where it is."""
        from analysis.report import write_report
        from analysis.verdict import race_note

        report = write_report(self.folder)
        print(report.verdict.sentence)
        if report.verdict.race is not None:
            print(race_note(report.verdict.race))
        for note in report.verdict.notes:
            print(f"Note: {note}")
        print(f"\nReport: {report.html}")
        if report.best is not None:
            print(f"Configuration to use: {report.best}")


@dataclass(frozen=True)
class TableCommand:
    """Table of a sweep: the confirmed configurations printed, or every run written as CSV or Parquet."""

    folder: Path
    """A sweep folder, such as results/trading_sweep/2026-11-20_19-42-06."""

    csv: Path | None = None
    """Write search trials and confirmation runs with all their columns to this CSV file."""

    parquet: Path | None = None
    """The same to this Parquet file."""

    def run(self) -> None:
        """Writes the files that are asked for, or prints the table."""
        from analysis.report import tables
        from analysis.sweep import load_sweep

        sweep = load_sweep(self.folder)
        for path in tables.write_runs(sweep, csv=self.csv, parquet=self.parquet):
            print(f"Written: {path}")
        if self.csv is None and self.parquet is None:
            tables.print_confirmed(sweep)


@dataclass(frozen=True)
class CompareCommand:
    """Comparison of sweeps: of one experiment by their winners, of several on the common score."""

    folders: tuple[Path, ...]
    """Two sweep folders or more, of one experiment, or one of each of several."""

    out: Path = Path("comparison")
    """Folder to write comparison.html, its figures and its tables to."""

    def run(self) -> None:
        """Writes the comparison and says what it found and where it is."""
        from analysis.comparison import compare, write_comparison

        compared = compare(*self.folders)
        html = write_comparison(compared, self.out)
        print(compared.sentence)
        for note in compared.notes:
            print(f"Note: {note}")
        print(f"\nComparison: {html}")

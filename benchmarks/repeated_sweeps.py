"""Verdicts of real sweeps with other seeds each, where tuning pays and where it cannot.

`trading_sweep` has something to find; on the market of `trading_control_sweep` nothing can be earned, so that
every claim there is a false one. Each sweep is run as a user runs it.

Run:    python -m benchmarks.repeated_sweeps
Writes docs/statistics.md; an hour or more, and finished sweeps are not run again. Ends with exit
code 1 where the control makes more than one claim in ten sweeps.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis import Verdict, load_sweep, verdict_on
from analysis.verdict import Outcome
from benchmarks.common import ROOT, STATISTICS, exit_code, options_of, publish, table

HEADER = (
    "experiment",
    '"better"',
    '"worse"',
    "confirmed score of the winner",
    "minus the default",
    "search score minus confirmed",
    "confirmation runs",
)
CONTROL = "trading_control_sweep"


@dataclass(frozen=True, kw_only=True)
class RepeatedSweepsOptions:
    """Experiments and the number of their sweeps."""

    experiments: tuple[str, ...] = ("trading_sweep", CONTROL)
    """Modules below `experiments`."""
    sweeps: int = 10
    """Of each, with the roots 1, 2, ... of all their seeds."""
    storage: Path = ROOT / "results" / "repeated_sweeps"
    """Where they are kept."""


def run(name: str, seed: int, storage: Path) -> Verdict:
    """Runs one sweep, with what it printed in a file beside its folder, and returns its verdict."""
    sweep = f"seed_{seed}"
    folder = storage / name / sweep
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A sweep that was stopped has a report, too.
    ended = folder.with_suffix(".ended")
    if not ended.exists():
        command = [sys.executable, "-m", f"experiments.{name}", "--name", sweep, "--seed", seed]
        with folder.with_suffix(".log").open("w", encoding="utf-8") as log:
            subprocess.run(
                [*map(str, command), "--storage", storage], check=True, stdout=log, stderr=log, cwd=ROOT
            )
        ended.touch()
    return verdict_on(load_sweep(folder))


def row(name: str, verdicts: Sequence[Verdict]) -> list[str]:
    """Returns what the sweeps of an experiment said, as a row of the table."""
    winners = [verdict.row(str(verdict.winner)) for verdict in verdicts]
    scores, differences = (np.array([w[column] for w in winners]) for column in ("mean", "difference"))
    bias = np.array([w["winners_curse"] for w in winners])
    runs = np.array([verdict.table["n"].sum() for verdict in verdicts])
    counts = [sum(v.outcome is outcome for v in verdicts) for outcome in (Outcome.BETTER, Outcome.WORSE)]
    return [
        name,
        f"{counts[0]} of {len(verdicts)}",
        f"{counts[1]}",
        *(f"{x.mean():.2f} ± {x.std(ddof=1):.2f}" for x in (scores, differences, bias)),
        f"{runs.mean():.0f}",
    ]


def main(options: RepeatedSweepsOptions) -> int:
    """Runs what is missing, in turns, writes, and judges."""
    verdicts: dict[str, list[Verdict]] = {name: [] for name in options.experiments}
    for seed in range(1, options.sweeps + 1):
        for name, said in verdicts.items():
            said.append(run(name, seed, options.storage))
            print(f"{name}, seed {seed}: {said[-1].sentence}", flush=True)
    rows = [row(name, said) for name, said in verdicts.items()]
    text = (
        f"`python -m benchmarks.repeated_sweeps`, {options.sweeps} sweeps of each; mean ± standard deviation "
        f"over the sweeps.\n\n{table(HEADER, rows, texts=len(HEADER))}"
    )
    print(text)
    publish(STATISTICS, "repeated-sweeps", text, options)
    false_claims = sum(v.outcome is Outcome.BETTER for v in verdicts.get(CONTROL, []))
    return exit_code([f"{false_claims} false claims of {CONTROL}, at most 1"] if false_claims > 1 else [])


if __name__ == "__main__":
    sys.exit(main(options_of(RepeatedSweepsOptions, __doc__)))

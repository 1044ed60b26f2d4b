"""How often is a verdict right? Real sweeps with other seeds each, where tuning pays and where it cannot.

`trading_sweep` has something to find; on the market of `trading_control_sweep` nothing can be earned, so that
every claim there is a false one. Each sweep is run as a user runs it.

Run:    python benchmarks/repeated_sweeps.py       (an hour or more; finished sweeps are not run again)
Writes docs/statistics.md. Ends with exit code 1 where the control makes more than one claim in ten sweeps.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from training_speed import write_section

from analysis.sweep.loading import load_sweep
from analysis.verdict.decision import Outcome, Verdict, verdict_on

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "statistics.md"
MARKERS = ("<!-- repeated-sweeps -->", "<!-- /repeated-sweeps -->")
CONTROL = "trading_control_sweep"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to run."""

    experiments: tuple[str, ...] = ("trading_sweep", CONTROL)
    """Modules below `experiments`."""
    sweeps: int = 10
    """Of each, with the roots 1, 2, ... of all their seeds."""
    storage: Path = ROOT / "results" / "repeated_sweeps"
    """Where they are kept."""


def run(name: str, seed: int, storage: Path) -> Verdict:
    """One sweep, with what it printed in a file beside its folder."""
    sweep = f"seed_{seed}"
    folder = storage / name / sweep
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A sweep that was stopped has a report, too.
    ended = folder.with_suffix(".ended")
    if not ended.exists():
        command = [sys.executable, "-m", f"experiments.{name}", "--name", sweep, "--seed", seed]
        with folder.with_suffix(".log").open("w", encoding="utf-8") as log:
            subprocess.run([*map(str, command), "--storage", storage], check=True, stdout=log, stderr=log)
        ended.touch()
    done = load_sweep(folder)
    return verdict_on(done)


def row(name: str, verdicts: Sequence[Verdict]) -> str:
    """What the sweeps of an experiment said, as a row of the table."""
    winners = [verdict.row(str(verdict.winner)) for verdict in verdicts]
    scores, differences = (np.array([w[column] for w in winners]) for column in ("mean", "difference"))
    bias = np.array([w["winners_curse"] for w in winners])
    runs = np.array([verdict.table["n"].sum() for verdict in verdicts])
    counts = [sum(v.outcome is outcome for v in verdicts) for outcome in (Outcome.BETTER, Outcome.WORSE)]
    cells = [
        name,
        f"{counts[0]} of {len(verdicts)}",
        f"{counts[1]}",
        *(f"{x.mean():.2f} ± {x.std(ddof=1):.2f}" for x in (scores, differences, bias)),
        f"{runs.mean():.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main(options: Options) -> int:
    """Runs what is missing, in turns, writes, and judges."""
    verdicts: dict[str, list[Verdict]] = {name: [] for name in options.experiments}
    for seed in range(1, options.sweeps + 1):
        for name, said in verdicts.items():
            said.append(run(name, seed, options.storage))
            print(f"{name}, seed {seed}: {said[-1].sentence}", flush=True)
    text = "\n".join(
        [
            f"`python benchmarks/repeated_sweeps.py`, {options.sweeps} sweeps of each; mean ± standard "
            "deviation over the sweeps.",
            "",
            '| experiment | "better" | "worse" | confirmed score of the winner | minus the default '
            "| search score minus confirmed | confirmation runs |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(row(name, said) for name, said in verdicts.items()),
        ]
    )
    write_section(text, MARKERS, DOCUMENT)
    print(text)
    false_claims = sum(v.outcome is Outcome.BETTER for v in verdicts.get(CONTROL, []))
    return 1 if false_claims > 1 else 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))

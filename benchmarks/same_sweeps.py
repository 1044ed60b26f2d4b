"""Comparison of two checkouts: the same sweeps in both, number by number.

A refactoring changes no number. Each sweep is run in both checkouts with the same seeds, one run at a time,
since what is proposed follows the order in which trials end. The tables on disk are compared bit for bit, all
columns but those that follow the clock, and the verdict as each checkout's own code gives it.

With `--kill-after N` the sweep is run in the first checkout alone and all its processes are killed at once,
when N runs have ended and another one has saved itself; then each checkout continues a copy of the folder.

Run:    python -m benchmarks.same_sweeps BEFORE AFTER       (paths of two checkouts)
        python -m benchmarks.same_sweeps BEFORE AFTER --kill-after 3 --sweeps "trading_sweep --trials 12"
Ends with exit code 1 where anything differs, and with 2 where a sweep failed.
"""

from __future__ import annotations

import datetime
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.sweep import STATE_FILE, TABLE_FILES, UNFINISHED_FILE, Phase
from benchmarks.common import ROOT, exit_code, options_of

CLOCK = ("wall_s", "steps_per_s")
"""Columns that no two runs share."""
NAME = "compared"
"""Of the sweep, in both checkouts."""
SIDES = ("before", "after")
EXIT_NO_COMPARISON = 2
VERDICT = """
import importlib, json, pkgutil, sys
import analysis

def named(name):
    for module in pkgutil.walk_packages(analysis.__path__, "analysis."):
        if not module.name.endswith("__main__"):
            found = getattr(importlib.import_module(module.name), name, None)
            if found is not None:
                return found
    raise SystemExit(f"no module of {analysis.__path__} has {name}")

verdict = named("verdict_on")(named("load_sweep")(sys.argv[1]))
facts = ("outcome", "winner", "chosen", "beats_default", "beats_rllib", "sentence", "notes")
stated = {name: getattr(verdict, name) for name in facts}
for row in verdict.table.to_dict("records"):
    stated.update({f"{row['config_id']} {column}": value for column, value in row.items()})
print(json.dumps(stated, default=str))
"""
"""Prints the verdict on a folder; where the functions lie differs between checkouts."""


@dataclass(frozen=True, kw_only=True)
class SameSweepsOptions:
    """Checkouts and sweeps."""

    before: Path
    """Folder of the first checkout."""
    after: Path
    """Folder of the second one."""
    sweeps: tuple[str, ...] = ("trading_sweep --smoke --seed 3", "point_target_sweep --trials 12 --seed 3")
    """Modules below `experiments`, each with its arguments."""
    kill_after: int | None = None
    """Kill each sweep in the first checkout when so many runs have ended, and continue it in both."""
    storage: Path = ROOT / "results" / "same_sweeps"
    """Where the sweeps are kept, each comparison in a folder of its own."""


@dataclass(frozen=True)
class Started:
    """A sweep under way in a process group of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path


def start(checkout: Path, sweep: str, storage: Path) -> Started:
    """Starts a sweep, or continues it, in a checkout; what it prints is kept beside its folder."""
    experiment, *arguments = shlex.split(sweep)
    command = [sys.executable, "-m", f"experiments.{experiment}", *arguments]
    command += ["--name", NAME, "--concurrency", "1", "--storage", str(storage)]
    log = storage / f"{experiment}.log"
    storage.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=checkout, env=environment(checkout), stdout=out, stderr=out, start_new_session=True
        )
    return Started(process, storage / experiment / NAME, log)


def environment(checkout: Path) -> dict[str, str]:
    """Returns an environment in which the checkout's own packages are imported, by Ray's processes too."""
    return {**os.environ, "PYTHONPATH": str(checkout)}


def finish(started: Started) -> Path:
    """Waits for a sweep to end and returns its folder.

    Raises:
        RuntimeError: It failed.
    """
    if started.process.wait():
        last = started.log.read_text(encoding="utf-8").splitlines()[-1:]
        raise RuntimeError(f"{started.folder} ended with {started.process.returncode}: {last}, {started.log}")
    return started.folder


def kill(started: Started, runs: int) -> Path:
    """Kills a sweep when so many runs have ended and another has saved itself, and returns its folder.

    Raises:
        RuntimeError: The sweep ended before.
    """
    while len(list(started.folder.glob(f"*/*/{STATE_FILE}"))) < runs or not unfinished(started.folder):
        if started.process.poll() is not None:
            raise RuntimeError(f"{started.folder} ended before it could be killed: {started.log}")
        time.sleep(0.02)
    os.killpg(started.process.pid, signal.SIGKILL)
    started.process.wait()
    return started.folder


def unfinished(folder: Path) -> list[str]:
    """Returns the names of the runs that have saved themselves and have not ended."""
    saved = (path.parent for phase in Phase for path in (folder / phase).glob(f"*/{UNFINISHED_FILE}"))
    return [run.name for run in saved if not (run / STATE_FILE).exists()]


def run_in_both(sweep: str, options: SameSweepsOptions, storage: Path) -> dict[str, Path]:
    """Returns the folders of a sweep that was run, or continued, in both checkouts."""
    checkouts = dict(zip(SIDES, (options.before.resolve(), options.after.resolve()), strict=True))
    if options.kill_after is not None:
        killed = kill(start(checkouts["before"], sweep, storage / "killed"), options.kill_after)
        ended = len(list(killed.glob(f"*/*/{STATE_FILE}")))
        print(f"  killed with {ended} runs ended and {', '.join(unfinished(killed))} unfinished")
        for side in SIDES:
            shutil.copytree(killed, storage / side / killed.parent.name / NAME)
    return {side: finish(start(checkout, sweep, storage / side)) for side, checkout in checkouts.items()}


def same_values(before: pd.Series[Any], after: pd.Series[Any]) -> NDArray[np.bool_]:
    """Returns whether each value is the same, floats to the last bit; missing equals missing."""
    missing = (before.isna() & after.isna()).to_numpy()
    if before.dtype == after.dtype == np.float64:
        bits = [column.to_numpy().view(np.int64) for column in (before, after)]
        return np.asarray(missing | (bits[0] == bits[1]))
    return np.asarray(missing | (before == after).fillna(False).to_numpy(dtype=bool))


def differences(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    """Yields what differs between two tables, a line for each column."""
    columns = dict(zip(SIDES, ({*before.columns}, {*after.columns}), strict=True))
    for side, own in columns.items():
        if alone := sorted(own - set.intersection(*columns.values())):
            yield f"only {side}: {', '.join(alone)}"
    if len(before) != len(after):
        yield f"{len(before)} rows before, {len(after)} after"
        return
    for column in (name for name in before.columns if name in after.columns and name not in CLOCK):
        one, other = before[column], after[column]
        if one.dtype != other.dtype:
            yield f"{column}: {one.dtype} before, {other.dtype} after"
        differing = np.flatnonzero(~same_values(one, other))
        if differing.size:
            row = int(differing[0])
            yield (
                f"{column}: differs in {differing.size} of {len(before)} rows, first in row {row}: "
                f"{one.iloc[row]!r} before, {other.iloc[row]!r} after"
            )


def verdict(checkout: Path, folder: Path) -> dict[str, Any]:
    """Returns what a checkout's own code says of a sweep, its table's cells by configuration and column."""
    done = subprocess.run(
        [sys.executable, "-c", VERDICT, folder],
        cwd=checkout,
        env=environment(checkout),
        stdout=subprocess.PIPE,
        check=True,
    )
    stated: dict[str, Any] = json.loads(done.stdout)
    return stated


def differing_facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yields what two verdicts say differently."""
    for name in dict.fromkeys((*before, *after)):
        # As text, in which a missing number equals another one and every float is exact.
        one, other = (json.dumps(stated.get(name, "not stated")) for stated in (before, after))
        if one != other:
            yield f"{name}: {one} before, {other} after"


def compare(sweep: str, options: SameSweepsOptions, storage: Path) -> list[str]:
    """Runs a sweep in both checkouts, says of each table what differs, and returns all that does."""
    print(sweep, flush=True)
    folders = run_in_both(sweep, options, storage)
    found: list[str] = []
    for name, file in TABLE_FILES.items():
        # What neither has found worth a table is the same.
        if not any((folders[side] / file).exists() for side in SIDES):
            continue
        before, after = (pd.read_parquet(folders[side] / file) for side in SIDES)
        size = f"{len(before)} rows of {len(before.columns)} columns"
        found += report(name, size, list(differences(before, after)))
    before_said = verdict(options.before.resolve(), folders["before"])
    after_said = verdict(options.after.resolve(), folders["after"])
    return found + report(
        "verdict", f'"{before_said["sentence"]}"', [*differing_facts(before_said, after_said)]
    )


def report(name: str, what: str, differing: list[str]) -> list[str]:
    """Prints whether a part of the sweep is the same, and returns what differs with the part's name."""
    print(f"  {name:13} {what}: {'DIFFERENT' if differing else 'the same'}", flush=True)
    for line in differing:
        print(f"    {line}", flush=True)
    return [f"{name}: {line}" for line in differing]


def main(options: SameSweepsOptions) -> int:
    """Compares all sweeps and judges."""
    storage = options.storage / f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d_%H-%M-%S}"
    try:
        differing = [line for sweep in options.sweeps for line in compare(sweep, options, storage)]
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_NO_COMPARISON
    print(f"folders: {storage}")
    return exit_code([f"{len(differing)} differences"] if differing else [])


if __name__ == "__main__":
    sys.exit(main(options_of(SameSweepsOptions, __doc__)))

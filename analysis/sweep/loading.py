"""Tables of a sweep folder: the same three for a finished, an unfinished and a damaged sweep."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.sweep.layout import MANIFEST_FILE
from analysis.sweep.manifest import Manifest, NotASweepError, read_manifest
from analysis.sweep.records import DamagedError
from analysis.sweep.runs import RunRecords, read_runs
from analysis.sweep.scale import Scale
from analysis.sweep.schema import (
    CONFIG_PREFIX,
    ENV_PREFIX,
    EVALUATION,
    IDENTITY,
    RUN,
    SEEDS_PREFIX,
    Phase,
    State,
)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is on disk of one sweep.

    Args:
        folder: Where it was read from.
        manifest: What the sweep is asked for, and how it was started.
        trials: One row per search trial, with its configuration and its last evaluation.
        curves: One row per evaluation of every run, search and confirmation.
        confirmation: One row per confirmation run; same columns as `trials`.
    """

    folder: Path
    manifest: Manifest
    trials: pd.DataFrame
    curves: pd.DataFrame
    confirmation: pd.DataFrame

    @property
    def scale(self) -> Scale:
        """How this sweep's scores read as returns."""
        return Scale.from_manifest(self.manifest)

    @property
    def interim_analyses(self) -> tuple[int, ...]:
        """Numbers of seeds at the interim analyses of the confirmation; a single one if it is fixed."""
        return tuple(self.manifest.confirmation.looks)


def load_sweep(folder: str | Path) -> Sweep:
    """Read a sweep folder; what is missing or cut off is missing (NaN), never an error.

    Raises:
        NotASweepError: If the folder does not exist or holds no readable manifest.json of a known version.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    identity = {"experiment": manifest.experiment, "sweep": manifest.sweep}
    rows: dict[Phase, list[dict[str, Any]]] = {Phase.SEARCH: [], Phase.CONFIRM: []}
    curves: list[dict[str, Any]] = []
    for phase in Phase:
        for run in _runs(folder / phase):
            row = _row(run, phase)
            rows[phase].append(identity | row)
            named = identity | {key: row[key] for key in (*IDENTITY[2:], "test_seed")}
            curves.extend(named | evaluation.columns for evaluation in run.evaluations)
    return Sweep(
        folder=folder,
        manifest=manifest,
        trials=_frame(rows[Phase.SEARCH], (*IDENTITY, *RUN, *EVALUATION)),
        curves=_frame(curves, (*IDENTITY, "test_seed", *EVALUATION)),
        confirmation=_frame(rows[Phase.CONFIRM], (*IDENTITY, *RUN, *EVALUATION)),
    )


def _manifest(folder: Path) -> Manifest:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise NotASweepError(
            f"{folder} {found}; expected a sweep folder, such as results/<experiment>/<sweep>"
        )
    try:
        manifest = read_manifest(folder)
    except DamagedError as error:
        raise NotASweepError(f"{error}: restore it, or give another sweep folder") from error
    if manifest is None:
        sweeps = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST_FILE}"))
        hint = f"did you mean {folder / sweeps[-1]}?" if sweeps else "give results/<experiment>/<sweep>"
        raise NotASweepError(f"{folder} is not a sweep folder: it has no {MANIFEST_FILE}; {hint}")
    return manifest


def _runs(phase_folder: Path) -> list[RunRecords]:
    try:
        return read_runs(phase_folder)
    except OSError as error:
        raise NotASweepError(f"{phase_folder} cannot be read ({error.strerror}): make it readable") from error


def _row(run: RunRecords, phase: Phase) -> dict[str, Any]:
    """Gives a run's row; one whose records are damaged counts as unfinished."""
    last = run.evaluations[-1].columns if run.evaluations else dict.fromkeys(EVALUATION, math.nan)
    configuration = {} if run.params is None else run.params.configuration
    return {
        "phase": str(phase),
        "trial_id": str(run.name),
        "config_id": run.name.config_id,
        "seed": None if run.params is None else run.params.seed,
        "state": str(run.state),
        "test_seed": run.name.test_seed,
        "cause": None if run.ending is None else run.ending.cause,
        "evaluations": len(run.evaluations),
        **last,
        # What a diverged run counts as is its last objective; a failed run has none, however far it came.
        "objective": math.nan if run.state is State.FAILED else last["objective"],
        **{f"{CONFIG_PREFIX}{name}": value for name, value in configuration.items()},
    }


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Give a frame with stable columns, then env/, then config/, and one type per column."""
    extras = sorted(
        {key for row in rows for key in row} - set(columns), key=lambda key: (key[:4] != "env/", key)
    )
    # As objects, since a column in which some runs have no value would turn its whole numbers into floats.
    frame = pd.DataFrame(rows, columns=[*columns, *extras], dtype=object)
    for column in frame.columns:
        frame[column] = _typed(frame[column], column)
    return frame


def _typed(values: "pd.Series[Any]", column: str) -> "pd.Series[Any]":
    if column in ("seed", "test_seed", "evaluations"):
        return pd.to_numeric(values, errors="coerce").astype("Int64")
    if column in EVALUATION or column.startswith((ENV_PREFIX, SEEDS_PREFIX)):
        return values.astype("float64")
    present = values.dropna()
    if column.startswith(CONFIG_PREFIX) and not present.empty:
        if all(isinstance(value, bool) for value in present):
            return values.astype("boolean")
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
            return (
                values.astype("float64")
                if any(isinstance(v, float) for v in present)
                else values.astype("Int64")
            )
    return values.map(
        lambda value: value if isinstance(value, str) else json.dumps(value), na_action="ignore"
    ).astype("str")

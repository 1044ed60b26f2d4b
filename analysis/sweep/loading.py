"""Tables of a sweep folder: the same three for a finished, an unfinished and a damaged sweep."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.sweep.layout import MANIFEST_FILE, is_ablation
from analysis.sweep.manifest import Manifest, NotASweepError, read_manifest
from analysis.sweep.records import DamagedError
from analysis.sweep.runs import RunRecords, read_runs
from analysis.sweep.scale import Scale
from analysis.sweep.schema import (
    CONFIG_PREFIX,
    ENV_PREFIX,
    EVALUATION,
    IDENTITY,
    OBJECTIVE,
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
        confirmation: One row per confirmation run that the verdict is about; same columns as `trials`.
        ablation: The same of the runs that say which of the winner's changes carry its gain.
    """

    folder: Path
    manifest: Manifest
    trials: pd.DataFrame
    curves: pd.DataFrame
    confirmation: pd.DataFrame
    ablation: pd.DataFrame

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
    search, confirmation = (_runs(folder / phase) for phase in Phase)
    return Sweep(
        folder=folder,
        manifest=manifest,
        trials=_runs_frame(manifest, Phase.SEARCH, search),
        curves=_curves_frame(manifest, {Phase.SEARCH: search, Phase.CONFIRM: confirmation}),
        confirmation=_runs_frame(manifest, Phase.CONFIRM, _of(confirmation, ablation=False)),
        ablation=_runs_frame(manifest, Phase.CONFIRM, _of(confirmation, ablation=True)),
    )


def load_confirmation(folder: Path) -> pd.DataFrame:
    """Read the confirmation runs of a sweep folder, as in `Sweep.confirmation`, and nothing else of it."""
    runs = _of(_runs(folder / Phase.CONFIRM), ablation=False)
    return _runs_frame(_manifest(folder), Phase.CONFIRM, runs)


def load_ablation(folder: Path) -> pd.DataFrame:
    """Read the runs of a sweep folder's ablation, as in `Sweep.ablation`, and nothing else of it."""
    runs = _of(_runs(folder / Phase.CONFIRM), ablation=True)
    return _runs_frame(_manifest(folder), Phase.CONFIRM, runs)


def _of(runs: Sequence[RunRecords], *, ablation: bool) -> list[RunRecords]:
    return [run for run in runs if is_ablation(run.name.config_id) == ablation]


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


def _runs_frame(manifest: Manifest, phase: Phase, runs: Sequence[RunRecords]) -> pd.DataFrame:
    """Give one row per run; one whose records are damaged counts as unfinished."""
    rows = [
        {
            **_identity(manifest, phase, run),
            "cause": None if run.ending is None else run.ending.cause,
            "evaluations": len(run.evaluations),
            **run.evaluations.last,
            # What a diverged run counts as is its last objective; a failed run has none, however far it came.
            **({OBJECTIVE: math.nan} if run.state is State.FAILED else {}),
            **{
                f"{CONFIG_PREFIX}{name}": value
                for name, value in (run.params.configuration if run.params else {}).items()
            },
        }
        for run in runs
    ]
    return _frame(rows, (*IDENTITY, *RUN, *EVALUATION))


def _curves_frame(manifest: Manifest, runs: Mapping[Phase, Sequence[RunRecords]]) -> pd.DataFrame:
    """Give one row per evaluation."""
    each = [(phase, run) for phase in Phase for run in runs[phase]]
    names = _frame([_identity(manifest, phase, run) for phase, run in each], (*IDENTITY, "test_seed"))
    evaluations = [run.evaluations for _, run in each]
    lengths = [len(own) for own in evaluations]
    extras = sorted(set().union(*(own.columns for own in evaluations)) - set(EVALUATION))
    nothing = np.full(max(lengths, default=0), np.nan)
    measured = {
        name: np.concatenate(
            [
                own.columns.get(name, nothing[:length])
                for own, length in zip(evaluations, lengths, strict=True)
            ]
            or [nothing]
        )
        for name in (*EVALUATION, *extras)
    }
    repeated = names.take(np.repeat(np.arange(len(each)), lengths)).reset_index(drop=True)
    return pd.concat([repeated, pd.DataFrame(measured)], axis=1)


def _identity(manifest: Manifest, phase: Phase, run: RunRecords) -> dict[str, Any]:
    return {
        "experiment": manifest.experiment,
        "sweep": manifest.sweep,
        "phase": str(phase),
        "trial_id": str(run.name),
        "config_id": run.name.config_id,
        "seed": None if run.params is None else run.params.seed,
        "state": str(run.state),
        "test_seed": run.name.test_seed,
    }


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Give a frame with stable columns, then env/, then config/, and one type per column."""
    extras = sorted(set().union(*rows) - set(columns), key=lambda key: (key[:4] != "env/", key))
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

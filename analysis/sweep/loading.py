"""Every sweep folder loads into the same three tables: finished, unfinished or broken ones too."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.sweep.layout import (
    MANIFEST_FILE,
    PARAMS_FILE,
    RESULT_FILE,
    RUN_IDENTITY,
    STATE_FILE,
    RunName,
    run_folders,
)
from analysis.sweep.scale import Scale
from analysis.sweep.schema import (
    CONFIG_PREFIX,
    ENV_PREFIX,
    EVALUATION,
    IDENTITY,
    RUN,
    SCHEMA_VERSION,
    SEEDS_PREFIX,
    Phase,
    State,
)


class NotASweepError(Exception):
    """The folder is no sweep; the message is one line that says what was found and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is on disk of one sweep.

    Args:
        folder: Where it was read from.
        manifest: manifest.json as it is.
        trials: One row per search trial, with its configuration and its last evaluation.
        curves: One row per evaluation of every run, search and confirmation.
        confirmation: One row per confirmation run; same columns as `trials`.
    """

    folder: Path
    manifest: Mapping[str, Any]
    trials: pd.DataFrame
    curves: pd.DataFrame
    confirmation: pd.DataFrame

    @property
    def scale(self) -> Scale:
        """How this sweep's scores read as returns."""
        return Scale.from_manifest(self.manifest)

    @property
    def interim_analyses(self) -> tuple[int, ...]:
        """Numbers of seeds at which the confirmation's race is looked at; none if their number is fixed."""
        return tuple(int(n) for n in section(self.manifest, "confirmation").get("looks") or ())


def section(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give a part of a manifest; an empty one where it has none."""
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def load_sweep(folder: str | Path) -> Sweep:
    """Read a sweep folder; what is missing or cut off is missing (NaN), never an error.

    Raises:
        NotASweepError: If the folder does not exist or holds no readable manifest.json of a known version.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    identity = {key: str(manifest.get(key, "")) for key in ("experiment", "sweep")}
    rows: dict[Phase, list[dict[str, Any]]] = {Phase.SEARCH: [], Phase.CONFIRM: []}
    curves: list[dict[str, Any]] = []
    for phase in Phase:
        for name, run in run_folders(folder / phase).items():
            row, evaluations = _read_run(name, run, phase)
            rows[phase].append(identity | row)
            named = identity | {key: row[key] for key in (*IDENTITY[2:], "test_seed")}
            curves.extend(named | evaluation for evaluation in evaluations)
    return Sweep(
        folder=folder,
        manifest=manifest,
        trials=_frame(rows[Phase.SEARCH], (*IDENTITY, *RUN, *EVALUATION)),
        curves=_frame(curves, (*IDENTITY, "test_seed", *EVALUATION)),
        confirmation=_frame(rows[Phase.CONFIRM], (*IDENTITY, *RUN, *EVALUATION)),
    )


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise NotASweepError(
            f"{folder} {found}; expected a sweep folder, such as results/<experiment>/<sweep>"
        )
    manifest = _read_object(folder / MANIFEST_FILE)
    if manifest is None:
        sweeps = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST_FILE}"))
        hint = f"did you mean {folder / sweeps[-1]}?" if sweeps else "give results/<experiment>/<sweep>"
        raise NotASweepError(f"{folder} is not a sweep folder: it has no readable {MANIFEST_FILE}; {hint}")
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise NotASweepError(
            f"{folder} has schema_version {version!r}, but this version reads {SCHEMA_VERSION}; "
            "use the release of ppo-sweeps that wrote it"
        )
    return manifest


def _read_run(name: RunName, run: Path, phase: Phase) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Give a run's row and its evaluations.

    One whose records are damaged counts as unfinished, as it does for the sweep that goes on with it.
    """
    params, ending = _read_object(run / PARAMS_FILE), _read_object(run / STATE_FILE) or {}
    evaluations, whole = _read_evaluations(run / RESULT_FILE)
    state = _state(ending.get("state"))
    if params is None or not whole or (state != State.FAILED and not evaluations):
        state = State.RUNNING
    params = params or {}
    last = evaluations[-1] if evaluations else dict.fromkeys(EVALUATION, math.nan)
    cause = ending.get("cause")
    row = {
        "phase": str(phase),
        "trial_id": run.name,
        "config_id": name.config_id,
        "seed": params.get("seed"),
        "state": str(state),
        "test_seed": name.test_seed,
        "cause": None if cause is None else str(cause),
        "evaluations": len(evaluations),
        **last,
        # What a diverged run counts as is its last objective; a failed run has none, however far it came.
        "objective": math.nan if state == State.FAILED else last["objective"],
        **{f"{CONFIG_PREFIX}{name}": value for name, value in params.items() if name not in RUN_IDENTITY},
    }
    return row, evaluations


def _state(stated: Any) -> State:
    try:
        return State(stated)
    except ValueError:
        return State.RUNNING


def _read_evaluations(path: Path) -> tuple[list[dict[str, float]], bool]:
    """Read the evaluations in the order of their steps, and whether every line could be read.

    Of two at the same step the later one counts: a run that continued from a checkpoint writes the steps
    after the checkpoint once more.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return [], False
    by_steps: dict[float, dict[str, float]] = {}
    whole = True
    for line in lines:
        result = _parse_object(line)
        if result is None or math.isnan(_number(result.get("steps"))):
            whole = False
            continue
        extras = sorted(key for key in result if key.startswith((ENV_PREFIX, SEEDS_PREFIX)))
        by_steps[float(result["steps"])] = {key: _number(result.get(key)) for key in (*EVALUATION, *extras)}
    return [by_steps[steps] for steps in sorted(by_steps)], whole


def _number(value: Any) -> float:
    """Give a finite number; all else is missing."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return math.nan


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        return _parse_object(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def _parse_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


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

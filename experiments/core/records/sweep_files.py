"""The files of a sweep's folder itself, beside its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.sweep import (
    MANIFEST_FILE,
    REPRODUCTION_FILE,
    RLLIB_FILE,
    SCHEDULE_FILE,
    STUDY_FILE,
    DamagedError,
    Manifest,
    NotASweepError,
    check_writes_stay_inside,
    read_manifest,
    write_json,
)
from experiments.core.errors import UserError


def recorded_manifest(folder: Path, *, way_out: str = "choose another --name") -> Manifest | None:
    """Returns the manifest of the sweep in a folder that is to be worked in; None if it holds none.

    Args:
        folder: The sweep's.
        way_out: What a user can do besides, for the message.

    Raises:
        UserError: It is damaged, or a later release wrote it.
    """
    try:
        return read_manifest(folder)
    except DamagedError as error:
        raise UserError(f"{error}: restore it, or {way_out}") from error
    except NotASweepError as error:
        raise UserError(f"{error}, or {way_out}") from error


def check_safe_to_write(folder: Path) -> None:
    """Refuses a sweep folder in which something leads out of it.

    Raises:
        UserError: Something does, or it cannot be looked through.
    """
    try:
        check_writes_stay_inside(folder)
    except NotASweepError as error:
        raise UserError(str(error)) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes what a sweep is.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / MANIFEST_FILE, manifest.to_json())


def write_rllib_settings(folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes what RLlib was told for each configuration that may be the best, by its id."""
    write_json(folder / RLLIB_FILE, settings)


def write_reproduction(folder: Path, compared: Mapping[str, Any]) -> None:
    """Writes how a retraining compares with the confirmation."""
    write_json(folder / REPRODUCTION_FILE, compared)


def write_lineage(
    run: Path, *, history: Sequence[Mapping[str, Any]], schedule: Sequence[Mapping[str, Any]]
) -> None:
    """Writes what a population's member trained with, and how its weights came to be.

    Args:
        run: The member's folder.
        history: Configurations with which the member's own evaluations were trained: each with the `steps`
            from which it was active, the `donor` whose weights it began with (None at the start), and the
            names that were `changed` against the donor's configuration, each with its values before and
            after.
        schedule: Configurations that lead from untrained weights to the member's present ones, along its
            donors: each with the `steps` from which it was active and the `member` that trained with it.
    """
    write_json(run / SCHEDULE_FILE, {"history": list(history), "schedule": list(schedule)})


def new_study(folder: Path) -> Path:
    """Returns where Optuna's journal goes, and removes what an earlier start has left there.

    The journal is made anew from the runs. A process that was killed while it wrote left a lock beside it.
    """
    journal = folder / STUDY_FILE
    for path in folder.glob(f"{STUDY_FILE}*"):
        path.unlink(missing_ok=True)
    return journal

"""Leftovers of earlier starts in a phase's folder: what is half written is removed, damage set aside."""

from __future__ import annotations

import shutil
from collections.abc import Container
from pathlib import Path

from analysis.sweep import (
    OUTPUT_FILE,
    PARAMS_FILE,
    TUNES_FILES,
    UNFINISHED_FILE,
    FinishedRun,
    Params,
    damaged_runs,
    is_partial,
    is_set_aside,
    place_aside,
    read_runs,
    unfinished_runs,
    write_json,
)
from experiments.core.errors import UserError
from experiments.core.records.saved_state import discard


def check_readable(phase_folder: Path) -> None:
    """Refuses records that the disk or their permissions do not let be read: they may be whole.

    Raises:
        UserError: There are some.
    """
    for run in damaged_runs(phase_folder):
        for damage in run.damage:
            if damage.unreadable:
                raise UserError(
                    f"{damage.path} cannot be read ({damage.reason}): make it readable, or move "
                    f"{phase_folder / str(run.name)} away, so that the run is trained again"
                )


def tidy(phase_folder: Path, *, again: Container[str] = ()) -> None:
    """Removes half-written records, and what Tune would restore itself from; sets aside what is damaged.

    Nothing that a run goes on from is touched, and no file that somebody else put there.

    Args:
        phase_folder: Where the runs are.
        again: Names of runs that ended and are trained again; they are set aside like damaged ones.
    """
    for records in read_runs(phase_folder):
        folder = phase_folder / str(records.name)
        if folder.name in again:
            _set_aside(folder, records.params)
        elif isinstance(records.run, FinishedRun):
            discard(folder)
            for path in filter(is_partial, folder.iterdir()):
                path.unlink()
        elif records.damage:
            _set_aside(folder, records.params)
        elif records.params is None:  # it was about to begin
            shutil.rmtree(folder)
        else:
            cut_off(folder)
    remove_tunes_files(phase_folder)


def cut_off(run: Path) -> None:
    """Leaves of a run what it goes on from: its configuration, its saved state, and what it printed."""
    for path in run.iterdir():
        if path.name not in (PARAMS_FILE, UNFINISHED_FILE, OUTPUT_FILE) and not is_set_aside(path):
            _remove(path)


def remove_tunes_files(folder: Path) -> None:
    """Removes what Tune would restore itself from."""
    for path in (path for pattern in TUNES_FILES for path in folder.glob(pattern)):
        path.unlink()


def remove_unfinished(phase_folder: Path, *, keep: Container[str]) -> None:
    """Removes the runs that were cut off, except those of the given names."""
    for run in unfinished_runs(phase_folder):
        if run.name not in keep:
            shutil.rmtree(phase_folder / run.name)


def _set_aside(folder: Path, params: Params | None) -> None:
    """Renames a run's folder; with a configuration that can be read, the run stays, to be trained again."""
    aside = folder.rename(place_aside(folder))
    if params is None:
        return
    folder.mkdir()
    write_json(folder / PARAMS_FILE, params.received)
    if (aside / UNFINISHED_FILE).exists():
        (aside / UNFINISHED_FILE).rename(folder / UNFINISHED_FILE)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()

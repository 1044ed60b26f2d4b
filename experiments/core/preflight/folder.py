"""Checks of a sweep's folder: free or its own, writable, with disk space enough."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from analysis.sweep import LOCK_FILE, Phase, is_partial
from experiments.core.errors import UserError
from experiments.core.planning import Plan, difference_of, manifest_of
from experiments.core.records import check_readable, recorded_manifest, saved_state
from experiments.core.signing import user_key


def check_folder(plan: Plan) -> None:
    """Checks that the sweep's folder is free, or holds the same sweep, and can be written.

    Raises:
        UserError: It is another sweep's, holds something else, or cannot be written or read.
    """
    manifest = recorded_manifest(plan.folder)
    if manifest is not None:
        difference = difference_of(manifest, manifest_of(plan))
        if difference is not None:
            option = "--new-name" if plan.options.new_name else "--name"
            other = (
                "choose another one" if plan.options.new_name else "start a new one from it with --new-name"
            )
            way_out = other if difference.undo is None else f"{difference.undo}, or {other}"
            raise UserError(f"{option} {plan.sweep} holds another sweep ({difference.words}): {way_out}")
    elif plan.folder.exists() and any(_is_foreign(path) for path in plan.folder.iterdir()):
        raise UserError(
            f"{plan.options.storage}/{plan.name}/{plan.sweep} is not a sweep: choose another --name"
        )
    existing = _existing(plan.folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"--storage {plan.options.storage}: cannot be written; choose a folder that can")


def check_records(plan: Plan) -> None:
    """Checks that the records of a sweep that goes on can be read, or are damaged, and are the user's own.

    Raises:
        UserError: What some of them hold is unknown, or was written by somebody who is not trusted.
    """
    for phase in Phase:
        check_readable(plan.folder / phase)
        if not plan.options.trust:
            saved_state.check_own(plan.folder / phase, key=user_key())


def check_warm_start(plan: Plan) -> None:
    """Checks that the sweep which this one starts from, if any, is there.

    Raises:
        UserError: It is not a sweep with completed trials, or what was taken from it cannot be read.
    """
    _ = plan.warm_start


def check_disk(plan: Plan, needed: int) -> int:
    """Returns the free disk space where the sweep is kept, in bytes.

    Raises:
        UserError: There is too little of it.
    """
    free = shutil.disk_usage(_existing(plan.folder)).free
    if free < needed:
        raise UserError(
            f"--storage {plan.options.storage}: {free / 1e6:,.0f} MB free, and the sweep needs about "
            f"{needed / 1e6:,.0f} MB: free some, or choose another folder"
        )
    return free


def _is_foreign(path: Path) -> bool:
    """Returns whether a path is not one that a start leaves which was killed before it wrote a manifest."""
    return path.name != LOCK_FILE and not is_partial(path)


def _existing(folder: Path) -> Path:
    """Returns the folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder

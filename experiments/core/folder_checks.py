"""Is there a place for the sweep: a folder that is free or its own, writable, with room on its disk?"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from experiments.core.errors import UserError
from experiments.core.folder_lock import LOCK_FILE
from experiments.core.manifest import manifest_of, same_experiment
from experiments.core.plan import Plan


def check_folder(plan: Plan) -> None:
    """The sweep's folder is free, or holds the same sweep, and can be written.

    Raises:
        UserError: It is another sweep's, holds something else, or cannot be written or read.
    """
    manifest = plan.folder / "manifest.json"
    if manifest.exists():
        difference = same_experiment(_read(manifest), manifest_of(plan))
        if difference:
            way_out = (
                "choose another one" if plan.options.new_name else "start a new one from it with --new-name"
            )
            option = "--new-name" if plan.options.new_name else "--name"
            raise UserError(f"{option} {plan.sweep} holds another sweep ({difference}): {way_out}")
    elif plan.folder.exists() and any(path.name != LOCK_FILE for path in plan.folder.iterdir()):
        raise UserError(
            f"{plan.options.storage}/{plan.name}/{plan.sweep} is not a sweep: choose another --name"
        )
    existing = _existing(plan.folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"--storage {plan.options.storage}: cannot be written; choose a folder that can")


def check_warm_start(plan: Plan) -> None:
    """The sweep that this one starts from, if any, is there.

    Raises:
        UserError: It is not a sweep with completed trials.
    """
    _ = plan.warm_start


def check_disk(plan: Plan, needed: int) -> int:
    """Room where the sweep is kept, in bytes.

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


def _read(manifest: Path) -> Any:
    try:
        return json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"{manifest} is damaged ({error}): expected JSON; restore it, or choose another --name"
        ) from error


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder

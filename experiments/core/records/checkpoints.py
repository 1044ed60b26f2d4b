"""Checkpoints in runs' folders: what they take, and their removal."""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.sweep import checkpoints_in


def drop_checkpoints(run: Path) -> None:
    """Removes a run's checkpoints; all its other records stay."""
    for checkpoint in checkpoints_in(run):
        shutil.rmtree(checkpoint)


def drop_older_checkpoints(run: Path) -> None:
    """Removes a run's checkpoints but for the last one."""
    for checkpoint in checkpoints_in(run)[:-1]:
        shutil.rmtree(checkpoint)


def checkpoint_bytes(run: Path) -> int:
    """What a run's checkpoints take on disk; files that vanish meanwhile count nothing."""
    total = 0
    for path in (path for checkpoint in checkpoints_in(run) for path in checkpoint.rglob("*")):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total

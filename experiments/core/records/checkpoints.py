"""Where checkpoints lie in a run's folder, and what they take; needs neither Ray nor torch."""

from __future__ import annotations

import shutil
from pathlib import Path

PATTERN = "checkpoint_*"
"""How Tune names checkpoints in a run's folder."""
_REPLICA = "replica_"


def replica_folder(checkpoint: Path, replica: int) -> Path:
    """Where a checkpoint of several replicas keeps one of them."""
    return checkpoint / f"{_REPLICA}{replica}"


def replica_folders(checkpoint: Path) -> list[Path]:
    """The replicas in a checkpoint, in order; none if the run had one seed."""
    return [replica_folder(checkpoint, r) for r in range(len(list(checkpoint.glob(f"{_REPLICA}*"))))]


def drop_checkpoints(run: Path) -> None:
    """Removes a run's checkpoints; all its other records stay."""
    for checkpoint in run.glob(PATTERN):
        shutil.rmtree(checkpoint)


def checkpoint_bytes(run: Path) -> int:
    """What a run's checkpoints take on disk; files that vanish meanwhile count nothing."""
    total = 0
    for path in run.glob(f"{PATTERN}/**/*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total

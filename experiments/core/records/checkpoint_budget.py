"""Disk budget of a sweep's checkpoints, within which those stay that can still be needed.

While the search runs, the worst finished trials lose theirs first; after the confirmation the confirmed runs
and the trials that were confirmed keep theirs. Unfinished runs go on from theirs, which are never touched.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from analysis.sweep import PARAMS_FILE, STATE_FILE, finished_runs, ranking_key, run_folders
from experiments.core.records.checkpoints import checkpoint_bytes, drop_checkpoints


class CheckpointBudget:
    """Keeps the checkpoints of a phase within a budget, room for those about to be written included.

    Args:
        folder: The phase's folder.
        budget: Bytes. Checkpoints of unfinished runs count, but stay even if they alone exceed it.
        full_steps: Steps of a complete run, by which runs are ranked.
    """

    def __init__(self, folder: Path, *, budget: float, full_steps: int) -> None:
        self._folder = folder
        self._budget = budget
        self._full_steps = full_steps
        self._finished: dict[Path, int] = {}
        self._largest = 0

    def enforce(self) -> None:
        """Drops the worst finished runs' checkpoints until the others fit."""
        unfinished: list[int] = []
        for folder in run_folders(self._folder).values():
            if (folder / STATE_FILE).exists():
                if folder not in self._finished:
                    self._finished[folder] = checkpoint_bytes(folder)
            elif (folder / PARAMS_FILE).exists():
                unfinished.append(checkpoint_bytes(folder))
        self._largest = max([self._largest, *self._finished.values(), *unfinished], default=0)
        allowed = self._budget - sum(unfinished) - len(unfinished) * self._largest
        if sum(self._finished.values()) <= allowed:
            return
        for run in sorted(finished_runs(self._folder), key=lambda run: ranking_key(run, self._full_steps)):
            if sum(self._finished.values()) <= allowed:
                return
            drop_checkpoints(self._folder / run.name)
            self._finished[self._folder / run.name] = 0


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Drops the checkpoints of a phase's finished runs, except those of the named ones."""
    for run in finished_runs(folder):
        if run.name not in names:
            drop_checkpoints(folder / run.name)

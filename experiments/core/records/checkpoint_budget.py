"""Disk budget of a sweep's checkpoints, within which those stay that can still be needed.

While the search runs, the worst finished trials lose theirs first; after the confirmation the confirmed runs
and the trials that were confirmed keep theirs. Unfinished runs go on from theirs, which are never touched.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from pathlib import Path

from analysis.sweep import PARAMS_FILE, finished_run, finished_runs, ranking_key, run_folders
from experiments.core.records.checkpoints import checkpoint_bytes, drop_checkpoints


class CheckpointBudget:
    """Keeps the checkpoints of a phase within a budget, room for those about to be written included.

    The phase is looked through once; afterwards only the runs of which something is heard are looked at, so
    that a trial costs the same however many there are.

    Args:
        folder: The phase's folder.
        budget: Bytes. Checkpoints of unfinished runs count, but stay even if they alone exceed it.
        full_steps: Steps of a complete run, by which runs are ranked.
    """

    def __init__(self, folder: Path, *, budget: float, full_steps: int) -> None:
        self._folder = folder
        self._budget = budget
        self._full_steps = full_steps
        self._looked_through = False
        self._unfinished: dict[str, int] = {}
        self._finished: dict[str, int] = {}
        self._worst_first: list[tuple[tuple[int, float, float], str]] = []
        """Heap of the finished runs, by what ranks them."""
        self._held = 0
        """Bytes of the finished runs together."""
        self._largest = 0

    def enforce(self, run: str) -> None:
        """Drops the worst finished runs' checkpoints until the others fit.

        Args:
            run: Name of the run that has begun, saved a checkpoint or ended.
        """
        if self._looked_through:
            self._look_at(self._folder / run)
        else:
            self._looked_through = True
            for folder in run_folders(self._folder).values():
                self._look_at(folder)
        allowed = self._budget - sum(self._unfinished.values()) - len(self._unfinished) * self._largest
        while self._held > allowed and self._worst_first:
            _, name = heapq.heappop(self._worst_first)
            drop_checkpoints(self._folder / name)
            self._held -= self._finished.pop(name)

    def _look_at(self, folder: Path) -> None:
        """Counts what a run's checkpoints take now."""
        run, size = folder.name, checkpoint_bytes(folder)
        self._largest = max(self._largest, size)
        self._unfinished.pop(run, None)
        finished = finished_run(folder)
        if finished is not None:
            self._held += size - self._finished.get(run, 0)
            if run not in self._finished:
                heapq.heappush(self._worst_first, (ranking_key(finished, self._full_steps), run))
            self._finished[run] = size
        elif (folder / PARAMS_FILE).exists():
            self._unfinished[run] = size


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Drops the checkpoints of a phase's finished runs, except those of the named ones."""
    for run in finished_runs(folder):
        if run.name not in names:
            drop_checkpoints(folder / run.name)

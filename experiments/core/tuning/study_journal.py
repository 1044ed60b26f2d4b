"""Optuna's journal of a sweep, written by the one process that knows its trials."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend


class StudyJournal(BaseJournalBackend):
    """Journal that is only written, for others to read while it grows.

    Optuna's own file takes a lock, waits for the disk and reads back what it wrote at every entry, of which a
    trial has one for each hyperparameter and each evaluation: tens of milliseconds in which Tune waits. All
    that is for several processes, and for a journal that is the only record. Here a folder has one process,
    and its journal is made anew from the runs at each start.

    Args:
        path: The file; none yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unread: list[dict[str, Any]] = []
        self._first_unread = 0

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends entries, each a line that others see at once."""
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        with self._path.open("a", encoding="utf-8") as journal:
            journal.write("".join(f"{line}\n" for line in lines))
        # As Optuna finds them in a file, from which nobody gets tuples back.
        self._unread.extend(json.loads(line) for line in lines)

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Returns the entries from a number on, which Optuna's storage asks for in order and once."""
        del self._unread[: log_number_from - self._first_unread]
        self._first_unread = log_number_from
        return list(self._unread)

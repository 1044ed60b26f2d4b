"""Watch over the calls of an environment in a process that trains, which ends where one never comes back."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

from envs.lanes import place_in, under_way
from experiments.core.environments import close_open

LOOKS = 20
"""Looks at the call that is under way within the time that it may take."""
CLOSING_S = 2.0
"""Seconds that environments have to close before the process ends."""
EXIT_CODE = 70
"""By which the process ends."""


class StuckWatch:
    """Watch that ends its process once a call of an environment takes longer than it may.

    A thread looks. A call that keeps even threads from running, by holding Python's lock in C, ends the
    process a little later and without a word: the looking thread puts that off each time it runs.

    Args:
        timeout_s: Seconds that a call may take.
        tell: Given what is to be said of the end, in one line.
    """

    def __init__(self, timeout_s: float, tell: Callable[[str], None]) -> None:
        self._timeout_s, self._tell = timeout_s, tell
        self._watched = threading.main_thread().ident
        self._silence = os.open(os.devnull, os.O_WRONLY)
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def _watch(self) -> None:
        pause_s = self._timeout_s / LOOKS
        while True:
            faulthandler.dump_traceback_later(1.5 * self._timeout_s + 1, exit=True, file=self._silence)
            time.sleep(pause_s)
            since = under_way.since
            if since is not None and time.monotonic() - since > self._timeout_s:
                self._end()

    def _end(self) -> None:
        """Says where the process is stuck, and ends it."""
        frame = sys._current_frames().get(self._watched or 0)
        place = place_in(frame)
        said = f"{under_way.name} has not come back for {self._timeout_s:g} s{f' ({place})' if place else ''}"
        self._tell(said)
        closing = threading.Thread(target=close_open, daemon=True)
        closing.start()
        closing.join(CLOSING_S)
        os._exit(EXIT_CODE)

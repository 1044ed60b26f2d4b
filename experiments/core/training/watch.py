"""Watch in a process that trains, which ends where a call never comes back and where all shall stop."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from envs.lanes import CallInterruption, under_way
from experiments.core.environments import close_open_within
from experiments.core.ray_internals import is_child_of_node

LOOKS = 20
"""Looks at the call that is under way within the time that it may take."""
STOP_S = 0.5
"""Seconds after which a request to stop is seen."""
CLOSING_S = 2.0
"""Seconds that environments have to close before the process ends."""
EXIT_CODE = 70
"""By which the process ends."""
_STANDARD_ERROR = 2


def end_with_ray() -> None:
    """Ends this process once Ray is gone from its node, also where threads of a user's code never end.

    Ray asks its processes to end, which wait for their threads then, and shuts down without waiting for them.
    """
    if is_child_of_node():
        threading.Thread(target=_wait_for_an_orphan, args=(os.getppid(),), daemon=True).start()


def _wait_for_an_orphan(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(STOP_S)
    os._exit(EXIT_CODE)


class StopTraining(CallInterruption):
    """Interruption of training, since the sweep is told to stop."""


class Watch:
    """Watch that ends its process once a call of an environment takes longer than it may.

    It also interrupts training, wherever that is, once a file is there that asks for it.

    A thread looks. A call that keeps even threads from running, by holding Python's lock in C, ends the
    process a little later, with a dump of what it calls: the looking thread puts that off each time it runs.
    A crash leaves the same dump.

    Args:
        timeout_s: Seconds that a call may take.
        tell: Given what is to be said of the end, in one line.
        stop_file: The file that asks; None if there is none.
    """

    def __init__(self, timeout_s: float, tell: Callable[[str], None], stop_file: Path | None = None) -> None:
        self._timeout_s, self._tell, self._stop_file = timeout_s, tell, stop_file
        self._lock, self._interruptible = threading.Lock(), False
        self._over = threading.Event()
        self._watched = threading.main_thread().ident
        self._dump, self._tells_crashes = os.open(os.devnull, os.O_WRONLY), False
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Looks no longer."""
        self._over.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()
        if self._tells_crashes:
            faulthandler.enable(_STANDARD_ERROR, all_threads=False)
        os.close(self._dump)

    def dump_to(self, file: int) -> None:
        """Leaves what the process calls in another file from now on, should it end without a word.

        Args:
            file: A file descriptor, which is closed when it is no longer needed.
        """
        with self._lock:
            before, self._dump, self._tells_crashes = self._dump, file, True
            faulthandler.enable(file, all_threads=False)
            self._put_off()
        os.close(before)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Lets training be interrupted as long as the context lasts.

        Raises:
            StopTraining: From wherever training is.
        """
        with self._lock:
            self._interruptible = True
        try:
            yield
        finally:
            with self._lock:
                self._interruptible = False

    def _interrupt(self) -> None:
        """Interrupts training, once."""
        with self._lock:
            if self._interruptible and self._watched is not None:
                self._interruptible, self._stop_file = False, None
                raised = ctypes.c_ulong(self._watched), ctypes.py_object(StopTraining)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(*raised)

    def _watch(self) -> None:
        pause_s = min(self._timeout_s / LOOKS, STOP_S)
        while not self._over.is_set():
            if self._stop_file is not None and self._stop_file.exists():
                self._interrupt()
            with self._lock:
                self._put_off()
            self._over.wait(pause_s)
            since = under_way.since
            if since is not None and time.monotonic() - since > self._timeout_s:
                self._end()

    def _put_off(self) -> None:
        """Lets the process live until this has not been called for some time."""
        faulthandler.dump_traceback_later(1.5 * self._timeout_s + 1, exit=True, file=self._dump)

    def _end(self) -> None:
        """Says where the process is stuck, and ends it."""
        frame = sys._current_frames().get(self._watched or 0)
        place = under_way.place(frame)
        said = f"{under_way.name} has not come back for {self._timeout_s:g} s{f' ({place})' if place else ''}"
        self._tell(said)
        close_open_within(CLOSING_S)
        os._exit(EXIT_CODE)

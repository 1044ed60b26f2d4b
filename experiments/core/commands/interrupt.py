"""The orderly end of a phase by Ctrl-C or `kill`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from experiments.core.tuning import Interruption, Recorder, has_died


@contextmanager
def graceful_interrupt(interruption: Interruption, stop_file: Path | None = None) -> Iterator[list[Recorder]]:
    """Lets the first Ctrl-C, or the first `kill`, end the phase in order, and the second one at once.

    The file asks the processes that train, which hear of it from Tune only at their next evaluation.

    Goes inside :func:`connected`: Ray's own answer to SIGTERM, which it sets up when it starts, ends the
    process at once under a dump of its stack.
    """
    recorders: list[Recorder] = []
    if threading.current_thread() is not threading.main_thread():
        yield recorders  # signals reach the main thread alone
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if interruption.requested:
            raise KeyboardInterrupt
        interruption.requested = True
        interruption.exit_code = 128 + number
        with suppress(OSError):  # then they are killed where they do not end by themselves
            if stop_file is not None:
                stop_file.touch()
        for recorder in recorders:
            recorder.interrupted = True
        # `timeout` and most cluster managers tell all processes at once; without Ray there is no orderly end.
        if number == signal.SIGTERM and has_died(within_s=1.0):
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield recorders
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        with suppress(OSError):
            if stop_file is not None:
                stop_file.unlink(missing_ok=True)

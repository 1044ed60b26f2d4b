"""Deadline of the checks, which also ends calls of a user's code that never come back."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from envs.lanes import place_in
from experiments.core.environments import close_open

AGAIN_S = 2.0
"""Seconds after which what still runs is interrupted once more: a bare `except:` swallows everything."""
GRACE_S = 3.0
"""Seconds after which the process ends that nothing could interrupt: environments may take that to close."""
CLOSING_S = 1.0
"""Seconds that they have to close then."""


class TimeUpError(BaseException):
    """Interruption of a call, which no `except Exception` of a user's code catches; says where it was."""


class Deadline:
    """Deadline on the clock.

    Args:
        seconds: From now on.
        say: Told what is being done, whenever that changes.
    """

    def __init__(self, seconds: float, say: Callable[[str], None]) -> None:
        self.seconds = seconds
        """How long it is, in seconds."""
        self._end = time.monotonic() + seconds
        self._say = say
        self.doing = ""
        """What is being done."""

    @property
    def left_s(self) -> float:
        """Seconds that are left; 0 when it has passed."""
        return max(0.0, self._end - time.monotonic())

    def begin(self, doing: str) -> None:
        """Notes what is being done from now on."""
        self.doing = doing
        self._say(doing)

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Interrupts what runs in it once the time is up.

        Only the main thread can be interrupted; in another one this does nothing. What takes no interruption,
        because it waits in C or swallows every exception, ends with the process, after a line that says so.

        Raises:
            TimeUpError: From whatever was running, with what was done, and the place in the user's code.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        watched = threading.get_ident()

        def interrupt(number: int, frame: FrameType | None) -> None:
            raise TimeUpError(self._said(frame))

        def end() -> None:
            print(f"error: {self._said(sys._current_frames().get(watched))}", file=sys.stderr, flush=True)
            closing = threading.Thread(target=close_open, daemon=True)
            closing.start()
            closing.join(CLOSING_S)
            os._exit(2)

        watch = threading.Timer(self.left_s + GRACE_S, end)
        watch.daemon = True
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, max(self.left_s, 1e-3), AGAIN_S)
        watch.start()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            watch.cancel()

    def _said(self, frame: FrameType | None) -> str:
        place = place_in(frame)
        at = f" ({place})" if place else ""
        return (
            f"{self.doing} has not ended after {self.seconds:g} s{at}: every run would wait there, too; if "
            "the environment is slow and not stuck, declare check_s=... in the experiment"
        )

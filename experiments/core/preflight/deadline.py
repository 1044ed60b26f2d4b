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

AGAIN_S = 0.5
"""Seconds after which a call is interrupted once more: a bare `except:` swallows everything."""
GRACE_S = 1.0
"""Seconds after which the process is ended that nothing could interrupt, as long as closing may take."""


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
    def enforced(self, give_up: Callable[[str], None] | None = None) -> Iterator[None]:
        """Interrupts what runs in it once the time is up.

        Only the main thread can be interrupted; in another one this does nothing.

        Args:
            give_up: Called in another thread if the call does not even take the interruption, as one that
                waits in C does, with what is to be said; the process ends after it.

        Raises:
            TimeUpError: From whatever was running, with the place in the user's code.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, frame: FrameType | None) -> None:
            raise TimeUpError(place_in(frame) or "")

        watch = threading.Timer(
            self.left_s + GRACE_S, _end, [give_up or _print, f"{self.doing} does not end"]
        )
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


def _print(said: str) -> None:
    print(f"error: {said}", file=sys.stderr, flush=True)


def _end(give_up: Callable[[str], None], said: str) -> None:
    """Ends the process that cannot be interrupted, its environments closed as far as they let themselves."""
    give_up(said)
    closing = threading.Thread(target=close_open, daemon=True)
    closing.start()
    closing.join(GRACE_S)
    os._exit(2)

"""Deadline of the checks, which also ends calls of a user's code that never come back."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from envs.lanes import place_in, under_way
from experiments.core.environments import close_open_within

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
        abandon: Ends the process, given what to say, where a call takes no interruption; if None, such a call
            is waited for.
    """

    def __init__(
        self, seconds: float, say: Callable[[str], None], abandon: Callable[[str], None] | None = None
    ) -> None:
        self.seconds = seconds
        """How long it is, in seconds."""
        self._end = time.monotonic() + seconds
        self._say, self._abandon = say, abandon
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
    def enforced(self, *, at_least_s: float = 0.0) -> Iterator[None]:
        """Interrupts what runs in it once the time is up.

        Only the main thread can be interrupted; in another one this does nothing. A call that takes no
        interruption, because it waits in C or swallows every exception, ends with the process.

        Args:
            at_least_s: Seconds that it has even if less is left.

        Raises:
            TimeUpError: From whatever was running, with what was done, and the place in the user's code.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, frame: FrameType | None) -> None:
            raise TimeUpError(self._said(frame))

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()
            raise KeyboardInterrupt

        # Python drops an exception that is raised while a process is forked, which an environment may do.
        stopped, has_ctrl_c = threading.Event(), signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if has_ctrl_c:
            signal.signal(signal.SIGINT, stop)

        left_s, over = max(self.left_s, at_least_s, 1e-3), threading.Event()
        watch = threading.Thread(target=self._watch, args=(left_s + GRACE_S, over), daemon=True)
        before = signal.signal(signal.SIGALRM, interrupt)
        began = time.monotonic()
        other_s, other_interval_s = signal.setitimer(signal.ITIMER_REAL, left_s, AGAIN_S)
        if self._abandon is not None:
            watch.start()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            if has_ctrl_c:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            if other_s:  # somebody else's alarm was due
                passed_s = time.monotonic() - began
                signal.setitimer(signal.ITIMER_REAL, max(1e-3, other_s - passed_s), other_interval_s)
            over.set()
        if stopped.is_set():
            raise KeyboardInterrupt

    def _watch(self, seconds: float, over: threading.Event) -> None:
        """Abandons the process if a user's code is still running after so many seconds."""
        while not over.wait(seconds):
            frame = sys._current_frames().get(threading.main_thread().ident or 0)
            if self._abandon is not None and (under_way.since is not None or place_in(frame) is not None):
                said = self._said(frame)
                close_open_within(CLOSING_S)
                self._abandon(said)
            seconds = GRACE_S  # whatever it is, it is not stuck in there

    def _said(self, frame: FrameType | None) -> str:
        place = place_in(frame)
        at = f" ({place})" if place else ""
        return (
            f"{self.doing} has not ended after {self.seconds:g} s{at}: every run would wait there, too; if "
            "the environment is slow and not stuck, declare check_s=... in the experiment"
        )

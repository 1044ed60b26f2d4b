"""Deadline of the checks, which also ends calls of a user's code that never come back."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

from envs.lanes import CallInterruption, place_in, under_way
from experiments.core.environments import close_open_within
from experiments.core.preflight.witness import Witness, sentence_of_stuck

AGAIN_S = 2.0
"""Seconds after which what still runs is interrupted once more: a bare `except:` swallows everything."""
GRACE_S = 3.0
"""Seconds after which the process ends that nothing could interrupt: environments may take that to close."""
LOOK_S = 0.25
"""Seconds between looks at whether the checks are done with."""
HELD_S = 1.5
"""Seconds after the end that a call has which holds Python's lock, so that nobody can look."""
CLOSING_S = 1.0
"""Seconds that they have to close then."""


class TimeUpError(CallInterruption):
    """Interruption of a call that takes too long; says where it was.

    Args:
        said: What is said of it.
        call_s: Seconds for which one call of the environment had been under way.
    """

    def __init__(self, said: str, call_s: float) -> None:
        super().__init__(said)
        self.call_s = call_s


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
        self._witness: Witness | None = None
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
        if self._witness is not None:
            self._witness.note(doing)

    @contextmanager
    def enforced(self, *, at_least_s: float = 0.0) -> Iterator[None]:
        """Interrupts what runs in it once the time is up.

        Only the main thread can be interrupted; in another one this does nothing. A call that takes no
        interruption, because it waits or computes in C or swallows every exception, ends with the process.

        Args:
            at_least_s: Seconds that it has even if less is left.

        Raises:
            TimeUpError: From whatever was running, with what was done, and the place in the user's code.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        raised: list[TimeUpError] = []

        def interrupt(number: int, frame: FrameType | None) -> None:
            if not raised:
                call_s = 0.0 if under_way.since is None else time.monotonic() - under_way.since
                raised.append(TimeUpError(self._said(frame), call_s))
            elif not _is_in_an_environment(frame):
                return  # what was interrupted is being closed
            raise raised[0]

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()
            raise KeyboardInterrupt

        # Python drops an exception that is raised while a process is forked, which an environment may do.
        stopped, has_ctrl_c = threading.Event(), signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if has_ctrl_c:
            signal.signal(signal.SIGINT, stop)

        left_s = max(self.left_s, at_least_s, 1e-3)
        before = signal.signal(signal.SIGALRM, interrupt)
        began = time.monotonic()
        other_s, other_interval_s = signal.setitimer(signal.ITIMER_REAL, left_s, AGAIN_S)
        try:
            with self._watched(time.monotonic() + left_s):
                yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            if has_ctrl_c:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            if other_s:  # somebody else's alarm was due
                passed_s = time.monotonic() - began
                signal.setitimer(signal.ITIMER_REAL, max(1e-3, other_s - passed_s), other_interval_s)
        if stopped.is_set():
            raise KeyboardInterrupt

    @contextmanager
    def _watched(self, end: float) -> Iterator[None]:
        """Lets the process end where nothing interrupts it: by a thread, or where none runs by itself."""
        if self._abandon is None:
            yield
            return
        over = threading.Event()
        with closing(Witness(self.seconds)) as witness:
            self._witness = witness
            witness.note(self.doing)
            witness.put_off(end - time.monotonic() + HELD_S)
            watch = threading.Thread(
                target=self._watch, args=(self._abandon, witness, end, over), daemon=True
            )
            watch.start()
            try:
                yield
            finally:
                self._witness = None
                over.set()
                watch.join()

    def _watch(
        self, abandon: Callable[[str], None], witness: Witness, end: float, over: threading.Event
    ) -> None:
        """Abandons the process if a user's code is still running some time after the end."""
        late_s = GRACE_S
        while not over.wait(LOOK_S):
            now = time.monotonic()
            witness.put_off(max(end - now, 0.0) + HELD_S)
            if now < end + late_s:
                continue
            frame = sys._current_frames().get(threading.main_thread().ident or 0)
            if _is_in_an_environment(frame):
                said = self._said(frame)
                close_open_within(CLOSING_S)
                witness.close()
                abandon(said)
            late_s += GRACE_S  # whatever it is, it is not stuck in there

    def _said(self, frame: FrameType | None) -> str:
        return sentence_of_stuck(self.doing, self.seconds, under_way.place(frame))


def _is_in_an_environment(frame: FrameType | None) -> bool:
    return under_way.since is not None or place_in(frame) is not None

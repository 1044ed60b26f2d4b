"""Environment call under way in this process, for whoever watches that it comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from envs.lanes.raised import place_in


class CallUnderWay:
    """Call of a user's environment, and since when it runs.

    One thread calls environments and another one looks: what it reads may be over by then, and is then not
    late.
    """

    def __init__(self) -> None:
        self.name = ""
        """Which call: "reset", "step", or "its constructor"."""
        self.since: float | None = None
        """When it began, by `time.monotonic`; None where nothing is under way."""
        self._place_elsewhere: Callable[[], str | None] | None = None

    def begin(self, name: str) -> None:
        """Notes that a call begins."""
        self.name, self.since, self._place_elsewhere = name, time.monotonic(), None

    def end(self) -> None:
        """Notes that it came back, or raised."""
        self.since = None

    @contextmanager
    def of(self, name: str, place_elsewhere: Callable[[], str | None] | None = None) -> Iterator[None]:
        """Notes a call that lasts as long as the context, in place of the one that is under way already.

        Args:
            name: Which call.
            place_elsewhere: Where in the user's code another process is, if that carries the call out.
        """
        before = self.name, self.since, self._place_elsewhere
        self.begin(name)
        self._place_elsewhere = place_elsewhere
        try:
            yield
        finally:
            self.name, self.since, self._place_elsewhere = before

    def place(self, frame: FrameType | None) -> str | None:
        """Returns the line of the user's code in which the call is, as "my_env.py:31"; None if unknown.

        Args:
            frame: Of the thread that calls environments.
        """
        return self._place_elsewhere() if self._place_elsewhere is not None else place_in(frame)


under_way = CallUnderWay()
"""That of this process."""

"""Environment call under way in this process, for whoever watches that it comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


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

    def begin(self, name: str) -> None:
        """Notes that a call begins."""
        self.name, self.since = name, time.monotonic()

    def end(self) -> None:
        """Notes that it came back, or raised."""
        self.since = None

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Notes a call that lasts as long as the context."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()


under_way = CallUnderWay()
"""That of this process."""

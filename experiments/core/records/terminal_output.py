"""Terminal kept free of what an environment prints in the process of a command, by Python or past it."""

from __future__ import annotations

import ctypes
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from experiments.core.records.output import STANDARD_ERROR, STANDARD_OUTPUT

READ = 1_000_000
"""Bytes that are looked at of what was written past Python."""


class Printed(io.TextIOBase):
    """Standard output and error that keep the first line of what is printed, and count the rest."""

    path = Path(os.devnull)
    """Where processes that print on their own do so."""

    def __init__(self) -> None:
        self.lines = 0
        """Lines printed."""
        self._first = ""

    def write(self, text: str) -> int:
        """Counts the lines in a text, and returns its length."""
        if "\n" not in self._first and len(self._first) < 200:
            self._first += text
        self.lines += text.count("\n")
        return len(text)

    def writable(self) -> bool:
        """Returns that it can be written to."""
        return True

    @property
    def first(self) -> str:
        """The first line printed."""
        return self._first.partition("\n")[0].strip()


@contextmanager
def kept_from_the_terminal() -> Iterator[Printed]:
    """Keeps from the terminal what is printed here; what is printed past Python under :func:`own_streams`."""
    printed = Printed()
    with ExitStack() as stack:
        if sys.__stdout__ is not None and sys.__stdout__.fileno() > STANDARD_ERROR:
            stack.enter_context(_descriptors_kept(printed))
        stack.enter_context(redirect_stdout(printed))
        stack.enter_context(redirect_stderr(printed))
        yield printed


@contextmanager
def own_streams() -> Iterator[None]:
    """Gives Python's two streams file descriptors of their own, so that 1 and 2 are those of other code."""
    with ExitStack() as stack:
        for name, descriptor in (("stdout", STANDARD_OUTPUT), ("stderr", STANDARD_ERROR)):
            stream = getattr(sys, name)
            if isinstance(stream, io.TextIOWrapper) and stream.fileno() == descriptor:
                own = stack.enter_context(_like(stream))
                for each in (name, f"__{name}__"):
                    stack.callback(setattr, sys, each, getattr(sys, each))
                    setattr(sys, each, own)
        yield


def _like(stream: io.TextIOWrapper) -> TextIO:
    stream.flush()
    binary = io.BufferedWriter(io.FileIO(os.dup(stream.fileno()), "w"))
    return io.TextIOWrapper(
        binary,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


@contextmanager
def _descriptors_kept(printed: Printed) -> Iterator[None]:
    """Leads what is written past Python into a file for a while, and counts it then."""
    saved = {descriptor: os.dup(descriptor) for descriptor in (STANDARD_OUTPUT, STANDARD_ERROR)}
    with tempfile.TemporaryFile() as kept:
        try:
            for descriptor in saved:
                os.dup2(kept.fileno(), descriptor)
            yield
        finally:
            ctypes.CDLL(None).fflush(None)  # what C has not written yet
            for descriptor, before in saved.items():
                os.dup2(before, descriptor)
                os.close(before)
            printed.write(os.pread(kept.fileno(), READ, 0).decode("utf-8", "replace"))

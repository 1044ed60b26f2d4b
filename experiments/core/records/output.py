"""Text that an environment prints, kept in the run's folder, or counted, instead of on the terminal."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from analysis.sweep import OUTPUT_FILE

MOST_CHARACTERS = 1_000_000
"""Kept of one start of a run; an environment that prints in every step would fill the disk."""


class RunOutput(io.TextIOBase):
    """The standard output and error of a process that trains, as a file of the run that it trains.

    The file is there once something is printed, and a run that goes on adds to it. What cannot be written is
    lost without an error, since printing is no part of training.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = MOST_CHARACTERS
        self._file: TextIO | None = None

    @property
    def path(self) -> Path:
        """The file, for processes that print there on their own."""
        return self._folder / OUTPUT_FILE

    def write(self, text: str) -> int:
        """Keeps a text, as long as there is room, and returns its length."""
        if self._left > 0 and text:
            kept = text[: self._left]
            self._left -= len(kept)
            try:
                self._opened().write(kept)
                if self._left == 0:
                    self._opened().write(f"\n... only the first {MOST_CHARACTERS:,} characters are kept\n")
            except OSError:
                self._left = 0
        return len(text)

    def writable(self) -> bool:
        """Returns that it can be written to."""
        return True

    def flush(self) -> None:
        """Does nothing: lines are written as they come."""

    def fileno(self) -> int:
        """Returns the file's number, for processes of the environment's that print there, too."""
        return self._opened().fileno()

    @property
    def buffer(self) -> BinaryIO:
        """The file itself, for what is printed as bytes."""
        return self._opened().buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute of the base class
        """How texts become bytes."""
        return "utf-8"

    def close(self) -> None:
        """Ends the file."""
        self._left = 0
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        super().close()

    def _opened(self) -> TextIO:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        return self._file


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
    """Keeps from the terminal what is printed in this process."""
    printed = Printed()
    with redirect_stdout(printed), redirect_stderr(printed):
        yield printed

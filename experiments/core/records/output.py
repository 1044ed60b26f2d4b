"""Text that an environment prints while it trains, kept in the run's folder instead of on the terminal."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from analysis.sweep import OUTPUT_FILE

MOST_CHARACTERS = 1_000_000
"""Kept of one start of a run; an environment that prints in every step would fill the disk."""
STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
"""File descriptors that code in C, and other processes, write to."""


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

    def take_descriptors(self) -> None:
        """Takes what is written by code in C, and by other processes, on the process's own output, too."""
        with suppress(OSError):
            for descriptor in STANDARD_OUTPUT, STANDARD_ERROR:
                os.dup2(self.fileno(), descriptor)

    def bound(self) -> None:
        """Loses what such code writes from now on if it has written too much."""
        with suppress(OSError):
            if os.fstat(STANDARD_OUTPUT).st_size > MOST_CHARACTERS:
                with Path(os.devnull).open("wb") as nowhere:
                    for descriptor in STANDARD_OUTPUT, STANDARD_ERROR:
                        os.dup2(nowhere.fileno(), descriptor)

    def close(self) -> None:
        """Ends the file."""
        self._left = 0
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        super().close()

    def _opened(self) -> TextIO:
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        return self._file

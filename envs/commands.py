"""Ends of commands: errors and Ctrl-C in one line instead of a usage or a traceback."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import gymnasium as gym


class CommandParser(argparse.ArgumentParser):
    """The standard library's parser, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        """Ends the program with exit status 2."""
        self.exit(2, f"error: {message.removeprefix('argument ')}; see {self.prog} --help\n")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Ends the program with exit status 2 and one line where what the user gave was wrong."""
    try:
        yield
    except (ValueError, OSError, gym.error.DependencyNotInstalled) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        raise SystemExit(2) from None


def run_command(main: Callable[[], int | None], end: Callable[[int], NoReturn] = sys.exit) -> NoReturn:
    """Runs a command and ends the program; Ctrl-C ends it in one word.

    Args:
        main: The command, which returns its exit code.
        end: What ends the program, given the exit code.
    """
    try:
        code = main() or 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 128 + signal.SIGINT
    end(code)

"""Ends of commands: errors in one line instead of a usage or a traceback, and exits that nothing holds up."""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import gymnasium as gym

LEAVING_S = 2.0
"""Seconds that threads and processes of a user's code have to end by themselves, once all is said."""


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


def leave(code: int) -> NoReturn:
    """Ends the program, also where a thread or a process that a user's code has left behind never ends.

    Python itself would wait for them.

    Args:
        code: The exit code.
    """
    deadline = time.monotonic() + LEAVING_S
    threads = [
        each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon
    ]
    processes = multiprocessing.active_children()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        process.kill()
    if any(each.is_alive() for each in threads):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command and ends the program; Ctrl-C ends it in one word."""
    try:
        code = main() or 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 128 + signal.SIGINT
    leave(code)

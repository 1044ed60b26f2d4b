"""End of a program whose environments may have left threads and processes behind that never end."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import threading
import time
from typing import NoReturn

LEAVING_S = 2.0
"""Seconds that threads and processes of a user's code have to end by themselves, once all is said."""


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

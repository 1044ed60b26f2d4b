"""Dumps of :mod:`faulthandler`, which processes leave where no code of Python's runs any more."""

from __future__ import annotations

import re

from envs.lanes.raised import innermost_place

_CRASH = re.compile(r"Fatal Python error: (.*)")
_TIMEOUT = "Timeout ("
_CALL = re.compile(r'^  File "(.*)", line (\d+) in ', re.MULTILINE)


def crash_in_dump(dump: str) -> str | None:
    """Returns what a process crashed of, such as "Segmentation fault"; None if it did not crash."""
    crash = _CRASH.match(dump)
    return None if crash is None else crash[1]


def is_of_a_timeout(dump: str) -> bool:
    """Returns whether a dump was written since no code of Python's had run for some time."""
    return dump.startswith(_TIMEOUT)


def place_in_dump(dump: str) -> str | None:
    """Returns the line of the user's code in which a process was, as "my_env.py:31".

    Args:
        dump: Calls of every thread. Counts the one that is called current, else the last, which is the first
            thread of the process.
    """
    threads = re.split(r"^(?=Thread |Current thread )", dump, flags=re.MULTILINE)
    current = next((thread for thread in threads if thread.startswith("Current")), threads[-1])
    return innermost_place((file, int(line)) for file, line in _CALL.findall(current))

"""Timer of the system that ends this process with a chosen exit code, even where no code of Python's runs."""

from __future__ import annotations

import ctypes
import time

_SIGEV_THREAD = 2


class _Event(ctypes.Structure):
    """The system's `sigevent`, which names a function to call in a thread of its own."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("rest", ctypes.c_char * 32),
    )


class _Times(ctypes.Structure):
    """The system's `itimerspec`: seconds and nanoseconds of the interval, and until the first time."""

    _fields_ = tuple(
        (name, ctypes.c_long) for name in ("interval_s", "interval_ns", "seconds", "nanoseconds")
    )


class ExitTimer:
    """Timer that calls the system's `_exit` unless it is put off again.

    Args:
        code: Exit code of the process.

    Raises:
        OSError: This system has no such timers.
    """

    def __init__(self, code: int) -> None:
        system = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        try:
            self._create, self._set, self._delete = (
                getattr(system, f"timer_{name}") for name in ("create", "settime", "delete")
            )
            ends = ctypes.cast(system._exit, ctypes.c_void_p)
        except AttributeError as error:
            raise OSError("no timers") from error
        event = _Event(value=code, notify=_SIGEV_THREAD, function=ends)
        if self._create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)):
            raise OSError(ctypes.get_errno(), "no timer")

    def put_off(self, seconds: float) -> None:
        """Lets the process live for so many seconds from now."""
        whole, part = divmod(max(seconds, 1e-3), 1.0)
        times = _Times(seconds=int(whole), nanoseconds=int(part * 1e9))
        self._set(self._timer, 0, ctypes.byref(times), None)

    def close(self) -> None:
        """Lets the process live."""
        self._delete(self._timer)

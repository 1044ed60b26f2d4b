"""Process beside the checks that says how they ended, where they could not say it themselves.

A call of an environment's may hold Python's lock in C and never come back, crash its process, or leave it.
Then no code of Python's runs there any more: what it called is in a dump, and this process reads it, says it
in one line, and ends the processes that the environment had started.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.core.preflight.exit_timer import ExitTimer

LOOKS_S = 0.2
"""Seconds between looks at whether the checks' process is still there."""
SPARED = (b"multiprocessing.forkserver", b"multiprocessing.resource_tracker")
"""Processes that end by themselves, after what they have to tidy up."""
EXIT_CODE = 2
"""Of a process whose environment never comes back, like that of other wrong input."""
DUMPING_S = 0.3
"""Seconds in which the calls of a process are dumped before it ends."""
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


def sentence_of_stuck(doing: str, seconds: float, place: str | None) -> str:
    """Returns what is said of a call that has not come back."""
    at = f" ({place})" if place else ""
    return (
        f"{doing} has not ended after {seconds:g} s{at}: every run would wait there, too; if the environment "
        "is slow and not stuck, declare check_s=... in the experiment"
    )


class Witness:
    """Witness of this process, from now on until it is closed.

    Args:
        seconds: Time that the checks have, for what is said.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._dump = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as this
        number = self._dump.fileno()
        self._process = subprocess.Popen(
            # As a file, without the packages around it, it looks before the environment can end anything.
            [sys.executable, "-P", __file__, str(number), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.__stderr__,
            pass_fds=(number,),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for the checks
        )
        # Here, since the process that is the witness needs none of the packages until it speaks.
        from experiments.core.preflight.exit_timer import ExitTimer

        try:
            self._exit: ExitTimer | None = ExitTimer(EXIT_CODE)
        except OSError:
            self._exit = None  # faulthandler ends the process, with a code of its own
        assert self._process.stdout is not None
        self._process.stdout.read(1)
        self._was_enabled = faulthandler.is_enabled()
        faulthandler.enable(self._dump, all_threads=False)

    def note(self, doing: str) -> None:
        """Notes what is being done from now on."""
        self._tell({"doing": doing, "seconds": self._seconds})

    def put_off(self, seconds: float) -> None:
        """Lets this process live for so many seconds unless it is put off again; needs Python's lock."""
        faulthandler.dump_traceback_later(seconds, exit=self._exit is None, file=self._dump)
        if self._exit is not None:
            self._exit.put_off(seconds + DUMPING_S)

    def close(self) -> None:
        """Ends the watching, as there is code of Python's that runs."""
        faulthandler.cancel_dump_traceback_later()
        if self._exit is not None:
            self._exit.close()
        if self._was_enabled:
            faulthandler.enable(_STANDARD_ERROR)
        else:
            faulthandler.disable()
        self._tell({})
        with contextlib.suppress(OSError):
            self._process.communicate()
        self._dump.close()

    def _tell(self, note: dict[str, object]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # without it there is nobody to tell, and the checks go on
            self._process.stdin.write(f"{json.dumps(note)}\n".encode())
            self._process.stdin.flush()


def _watch(dump: int, watched: int) -> None:
    """Waits until the checks are done with, or their process is gone, and then says how.

    Args:
        dump: File that the process leaves its calls in.
        watched: The process. It may be gone before this one looks, whose parent is then one of everybody's.
    """
    started, told, note = set[int](), b"", dict[str, object]()
    os.write(_STANDARD_OUTPUT, b".")
    while True:
        if select.select([sys.stdin], [], [], LOOKS_S)[0]:
            read = os.read(sys.stdin.fileno(), 2**16)
            *lines, told = (told + read).split(b"\n")
            note = json.loads(lines[-1]) if lines else note
            if not note:
                return
            if not read:
                break
        found = _descendants(watched)
        if os.getppid() != watched:  # somebody else may hold the pipe
            break
        started = found
    for process in started:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    calls = os.pread(dump, 2**20, 0).decode("utf-8", "replace")
    doing, seconds = str(note.get("doing", "checking")), float(str(note.get("seconds", 0)))
    print(f"error: {_sentence(calls, doing, seconds)}", file=sys.stderr)


def _sentence(calls: str, doing: str, seconds: float) -> str:
    # Imported now, since most checks end in good order.
    from envs.lanes import crash_in_dump, is_of_a_timeout, place_in_dump

    if is_of_a_timeout(calls):
        return sentence_of_stuck(doing, seconds, place_in_dump(calls))
    crash, place = crash_in_dump(calls), place_in_dump(calls)
    at = f" ({place})" if place else ""
    how = f"crashed this process: {crash}{at}" if crash else "ended this process without a word"
    return f"{doing} {how}: a run would end there, too"


def _descendants(process: int) -> set[int]:
    """Returns the processes that another one has started, and those that they have started."""
    found = set[int]()
    with contextlib.suppress(OSError, ValueError):
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                command = Path(f"/proc/{child}/cmdline").read_bytes()
                if child != os.getpid() and not any(name in command for name in SPARED):
                    found |= {child, *_descendants(child)}
    return found


if __name__ == "__main__":
    _watch(int(sys.argv[1]), int(sys.argv[2]))

"""Lanes in processes of their own, for environments so slow that waiting costs more than handing steps over.

The processes are forked from a server that holds nothing but imported modules. Forks of the trial's own
process would keep its connections to Ray open, which then could not tell that the trial has ended.

Each is the head of a process group, which its environment's own processes belong to. It outlives neither the
lanes' closing nor the process that made it, be that killed, and it closes its environment before it ends.
Where that process is killed and a lane holds Python's lock in C, deaf to all but force, a guard ends it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from multiprocessing import forkserver, resource_tracker, spawn
from typing import Any, cast

from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState

from envs.lanes import closing_faults, place_in_dump, under_way
from experiments.core.environments import lane_process
from experiments.core.environments.lane_process import ASKING, ENDING_S, make_lane
from experiments.core.environments.portable import PortableEnvironment

PRELOADED = ("experiments.core.environments.lane_process",)
"""What the server imports once instead of each lane."""
CLOSING_S = 5.0
"""Seconds that an environment may take to close; then its process is told to end, and in the end killed."""
STUCK_S = 0.5
"""Seconds for that where the environment has not yet answered what it was asked before."""
TELLING_S = 1.0
"""Seconds that processes have to tell what they call."""
GUARD = 'read -r closed && exit; sleep "$0"; kill -9 "$@" 2>/dev/null'
"""Shell script that kills process groups some seconds after its input has ended without a line."""


def make_lane_processes(env_id: str, parameters: Mapping[str, Any], lanes: int) -> LaneProcesses:
    """Makes N lanes in N processes, in spaces that PPO can be trained in; `close` ends the processes.

    Observations are encoded where they are made, in the lane's process, and come back in shared memory.

    Args:
        env_id: Gymnasium id, `module:id`, or `module:Class`.
        parameters: The environment's keywords.
        lanes: N.
    """
    return LaneProcesses([partial(make_lane, PortableEnvironment.of(env_id), dict(parameters))] * lanes)


def start_lane_server() -> None:
    """Starts the server that forks lanes, unless it runs, deaf to Ctrl-C like all that it forks."""
    multiprocessing.set_forkserver_preload(list(PRELOADED))
    resource_tracker.ensure_running()  # which would let signals through again if it started with the server
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main(kind: str) -> Iterator[None]:
    """Keeps lanes from running the program's file once more, which would begin its command where no guard is.

    What it declares travels by value.

    Args:
        kind: What the names of the lanes' processes contain.
    """
    prepared = spawn.get_preparation_data

    def prepared_without_main(name: str) -> dict[str, Any]:
        data = prepared(name)
        return {key: data[key] for key in data if kind not in name or not key.startswith("init_main")}

    spawn.get_preparation_data = prepared_without_main
    try:
        yield
    finally:
        spawn.get_preparation_data = prepared


class LaneProcesses(AsyncVectorEnv):
    """Gymnasium's AsyncVectorEnv, whose processes all end, and say why they ended early.

    Args:
        makers: Make the environment of one lane each; the first is also called here, for the spaces.
    """

    def __init__(self, makers: Sequence[Any]) -> None:
        start_lane_server()
        self._state = (
            AsyncState.DEFAULT
        )  # Gymnasium's, which comes to it after the first environment's making
        self.processes: list[Any] = []
        self.parent_pipes: list[Any] = []
        self._guard: subprocess.Popen[bytes] | None = None
        self._dumps, theirs = multiprocessing.Pipe(duplex=False)
        # Printed there, it would be lost in Ray's logs, or flood a terminal.
        output = getattr(sys.stdout, "path", None)
        try:
            with theirs, under_way.of("its constructor", self._place), _without_main(type(self).__name__):
                super().__init__(
                    makers,
                    context="forkserver",
                    worker=cast("Any", partial(lane_process.live, output=output, dumps=theirs)),
                    autoreset_mode=AutoresetMode.NEXT_STEP,
                )
            self._guard = subprocess.Popen(
                ["sh", "-c", GUARD, str(2 * ENDING_S), *(f"-{process.pid}" for process in self.processes)],
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ray kills the group of a process that trains
            )
        except BaseException:
            self.close()
            raise

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Starts an episode in every lane."""
        with self._deaths_told(), under_way.of("reset", self._place):
            return super().reset(**kwargs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Takes a step in every lane."""
        with self._deaths_told(), under_way.of("step", self._place):
            return super().step(actions)

    def close(self, **kwargs: Any) -> None:
        """Ends every process: by asking, by a signal, and by force, each as far as it is needed."""
        if self.closed:
            return
        self.closed = True
        for pipe in self.parent_pipes:
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(OSError):
                    pipe.send(("close", None))
                pipe.close()  # whoever is about to answer finds nobody, and closes its environment, too
        try:
            self._end_processes()
        except BaseException:  # Ctrl-C, say, or a time limit, which wait until all are closed
            self._end_processes()
            raise
        finally:
            self._wait(0.0, signal.SIGKILL)
            self._tell_faults()
            self.processes = []
            self._dumps.close()
            if self._guard is not None:
                with contextlib.suppress(OSError):
                    self._guard.communicate(b"closed\n")

    def _end_processes(self) -> None:
        # Who was asked for a step and does not answer is stuck, and not about to close.
        self._wait(CLOSING_S if self._state is AsyncState.DEFAULT else STUCK_S, signal.SIGTERM)
        self._wait(ENDING_S, signal.SIGKILL)
        self._wait(ENDING_S, None)

    def _wait(self, seconds: float, number: signal.Signals | None) -> None:
        """Waits for the processes' end; those that have not ended by then are sent a signal."""
        deadline = time.monotonic() + seconds
        started = [process for process in self.processes if process.pid is not None]
        for process in started:
            process.join(max(0.0, deadline - time.monotonic()))
        for process in started:
            if number is not None and process.is_alive():
                lane_process.send_signal(process.pid, number)

    def __del__(self) -> None:
        """Closes what was dropped."""
        if hasattr(self, "processes"):
            self.close()

    def _raise_if_errors(self, successes: Sequence[bool]) -> None:
        """Raises what was raised in the first lane that says so."""
        if all(successes):
            return
        self._state = AsyncState.DEFAULT
        try:
            error, told = self.error_queue.get(timeout=ENDING_S)
        except queue.Empty:
            error, told = None, "no cause could be sent"
        raise RuntimeError(told) if error is None else error

    def _tell_faults(self) -> None:
        """Tells what was raised in closing the lanes; their processes are over."""
        with contextlib.suppress(queue.Empty, AttributeError, OSError, EOFError):
            while True:
                sent = self.error_queue.get(block=False)
                if isinstance(sent, str):
                    closing_faults.tell(sent)
        with contextlib.suppress(AttributeError):
            self.error_queue.close()

    @contextlib.contextmanager
    def _deaths_told(self) -> Any:
        """Says which lane's process has died, where Gymnasium would only say that a pipe is broken."""
        try:
            yield
        except (EOFError, ConnectionError) as error:
            self._state = AsyncState.DEFAULT
            time.sleep(0.1)  # until its end is known, too
            ends = [(lane, each.exitcode) for lane, each in enumerate(self.processes) if not each.is_alive()]
            lane, code = ends[0] if ends else (0, None)
            place = place_in_dump(self._dump(within_s=0.0))
            at = f", {place}" if place else ""
            raise RuntimeError(f"the process of lane {lane} died (exit code {code}{at})") from error

    def _place(self) -> str | None:
        """Returns where in the user's code a process is, the first that is in it."""
        deadline = time.monotonic() + TELLING_S
        for process in self.processes:
            if process.is_alive():
                lane_process.send_signal(process.pid, ASKING)
                place = place_in_dump(self._dump(within_s=max(0.0, deadline - time.monotonic())))
                if place is not None:
                    return place
        return None

    def _dump(self, *, within_s: float) -> str:
        """Reads what a process tells of its calls."""
        dump = b""
        while self._dumps.poll(0.1 if dump else within_s):
            read = os.read(self._dumps.fileno(), 2**16)
            if not read:
                break
            dump += read
        return dump.decode("utf-8", "replace")

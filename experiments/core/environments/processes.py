"""Lanes in processes of their own, for environments so slow that waiting costs more than handing steps over.

The processes are forked from a server that holds nothing but imported modules. Forks of the trial's own
process would keep its connections to Ray open, which then could not tell that the trial has ended.

Each is the head of a process group, which its environment's own processes belong to. It outlives neither the
lanes' closing nor the process that made it, be that killed, and it closes its environment before it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState
from gymnasium.vector.utils import write_to_shared_memory

from envs.lanes import Lane, told, under_way
from envs.spaces import encode
from experiments.core.environments.lookup import imported_spec, is_image
from experiments.core.environments.portable import PortableEnvironment

PRELOADED = ("ray", "experiments.core.environments.processes")
"""What the server imports once instead of each lane; Ray is what a trial's main module imports."""
CLOSING_S = 5.0
"""Seconds that an environment may take to close; then its process is told to end, and in the end killed."""
STUCK_S = 0.5
"""Seconds for that where the environment has not yet answered what it was asked before."""
ENDING_S = 2.0
"""Seconds that a process has to close its environment once it was told to end."""


def make_lane_processes(env_id: str, parameters: Mapping[str, Any], lanes: int) -> LaneProcesses:
    """Makes N lanes in N processes, in spaces that PPO can be trained in; `close` ends the processes.

    Observations are encoded where they are made, in the lane's process, and come back in shared memory.

    Args:
        env_id: Gymnasium id, `module:id`, or `module:Class`.
        parameters: The environment's keywords.
        lanes: N.
    """
    return LaneProcesses([partial(make_lane, PortableEnvironment.of(env_id), dict(parameters))] * lanes)


def make_lane(environment: PortableEnvironment, parameters: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Makes the environment that one process steps.

    Args:
        environment: What it is.
        parameters: The environment's keywords.
    """
    environment.unpack()
    # The sweep checks its environment once, before it starts; Gymnasium's checker looks at every first step.
    make = partial(gym.make, imported_spec(environment.env_id), disable_env_checker=True, **parameters)
    lane = Lane.made_by(make)
    try:
        return lane if is_image(lane.observation_space) else encode(lane)
    except BaseException:
        lane.close()
        raise


class LaneProcesses(AsyncVectorEnv):
    """Gymnasium's AsyncVectorEnv, whose processes all end, and say why they ended early.

    Args:
        makers: Make the environment of one lane each; the first is also called here, for the spaces.
    """

    def __init__(self, makers: Sequence[Any]) -> None:
        multiprocessing.set_forkserver_preload(list(PRELOADED))
        self.processes: list[Any] = []
        self.parent_pipes: list[Any] = []
        try:
            with under_way.of("its constructor"):
                super().__init__(
                    makers,
                    context="forkserver",
                    # Printed there, it would be lost in Ray's logs, or flood a terminal.
                    worker=cast("Any", partial(_live, output=getattr(sys.stdout, "path", None))),
                    autoreset_mode=AutoresetMode.NEXT_STEP,
                )
        except BaseException:
            self.close()
            raise

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Starts an episode in every lane."""
        with self._deaths_told(), under_way.of("reset"):
            return super().reset(**kwargs)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Takes a step in every lane."""
        with self._deaths_told(), under_way.of("step"):
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
        # Who was asked for a step and does not answer is stuck, and not about to close.
        asked_s = CLOSING_S if self._state is AsyncState.DEFAULT else STUCK_S
        for seconds, number in ((asked_s, signal.SIGTERM), (ENDING_S, signal.SIGKILL), (ENDING_S, None)):
            deadline = time.monotonic() + seconds
            for process in self.processes:
                process.join(max(0.0, deadline - time.monotonic()))
            for process in self.processes:
                if number is not None and process.is_alive():
                    _signal(process.pid, number)

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
            raise RuntimeError(f"the process of lane {lane} died (exit code {code})") from error


class _NobodyListensError(Exception):
    """Error of a pipe without another end: the lanes were closed, or their process is gone."""


class _ToldToEndError(BaseException):
    """SIGTERM as an exception, which no `except Exception` of a user's code catches."""


def _live(
    index: int,
    maker: Any,
    pipe: Connection,
    parents: Connection,
    memory: Any,
    errors: Any,
    mode: AutoresetMode,
    *,
    output: Path | None,
) -> None:
    """Runs a lane's process: makes the environment, obeys commands, and closes it whatever happens.

    Args:
        index: Which lane.
        maker: Makes its environment.
        pipe: Where commands come from and answers go.
        parents: The pipe's other end, which is not this process's.
        memory: Where observations are written.
        errors: Takes what was raised, as an exception where it can be sent and as text.
        mode: Always NEXT_STEP.
        output: File for what the environment prints; where its maker's process prints if None.
    """
    parents.close()
    if output is not None:
        with contextlib.suppress(OSError):
            sys.stdout = sys.stderr = Path(output).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115
    _lead_group()
    env, unanswered = None, True
    try:
        env = maker()
        _obey(index, env, pipe, memory)
        unanswered = False
    except (_NobodyListensError, _ToldToEndError):
        unanswered = False
    except BaseException as error:
        errors.put((_sendable(error), told(error)))
    finally:
        if env is not None:
            try:
                env.close()
            except Exception:
                traceback.print_exc()
        if unanswered:
            with contextlib.suppress(OSError):
                pipe.send((None, False))
        sys.stdout.flush()


def _obey(index: int, env: gym.Env[Any, Any], pipe: Connection, memory: Any) -> None:
    """Answers commands in Gymnasium's protocol until there are no more."""
    over = False
    while True:
        try:
            command, data = pipe.recv()
        except (EOFError, OSError) as error:
            raise _NobodyListensError from error
        answer: Any = None
        if command == "close":
            return
        if command == "_check_spaces":
            _, observations, actions = data
            answer = observations == env.observation_space, actions == env.action_space
        elif command == "_call":
            name, arguments, keywords = data
            found = env.get_wrapper_attr(name)
            answer = found(*arguments, **keywords) if callable(found) else found
        elif command == "_setattr":
            env.set_wrapper_attr(*data)
        elif command == "reset" or over:
            observation, info = env.reset(**data) if command == "reset" else env.reset()
            write_to_shared_memory(env.observation_space, index, observation, memory)
            answer = (None, info) if command == "reset" else (None, 0.0, False, False, info)
            over = False
        else:
            observation, reward, terminated, truncated, info = env.step(data)
            write_to_shared_memory(env.observation_space, index, observation, memory)
            answer = None, reward, terminated, truncated, info
            over = terminated or truncated
        try:
            pipe.send((answer, True))
        except OSError as error:
            raise _NobodyListensError from error


def _lead_group() -> None:
    """Makes this process end in good order by SIGTERM and its maker's death, and by Ctrl-C not at all."""
    os.setpgid(0, 0)
    # Environments may start processes of their own, which a daemon of multiprocessing's may not.
    multiprocessing.current_process().daemon = False

    def end(number: int, frame: Any) -> None:
        raise _ToldToEndError

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    """Waits until the process that made the lanes is gone, and lets this one not outlive it for long."""
    maker = multiprocessing.parent_process()
    if maker is not None:
        wait([maker.sentinel])
        _signal(os.getpid(), signal.SIGTERM)
        time.sleep(ENDING_S)
        _signal(os.getpid(), signal.SIGKILL)


def _signal(pid: int | None, number: signal.Signals) -> None:
    """Tells a lane's process to end; by force its environment's processes as well."""
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    if number is signal.SIGKILL:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)


def _sendable(error: BaseException) -> BaseException | None:
    """Returns the exception if it survives being sent to another process."""
    try:
        return error if type(pickle.loads(pickle.dumps(error))) is type(error) else None
    except Exception:  # exceptions with arguments of their own often do not
        return None

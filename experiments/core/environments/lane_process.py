"""Process of one lane, from making its environment to closing it."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import write_to_shared_memory

from envs.lanes import CallInterruption, Lane, close, closing_faults, leave, told
from envs.spaces import encode
from experiments.core.environments.lookup import imported_spec
from experiments.core.environments.network_spaces import is_image
from experiments.core.environments.portable import PortableEnvironment

ENDING_S = 2.0
"""Seconds that a process has to close its environment once it was told to end."""
ASKING = signal.SIGUSR2
"""Signal at which a process tells what it calls."""
STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


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
        close(lane)
        raise


class _NobodyListensError(Exception):
    """Error of a pipe without another end: the lanes were closed, or their process is gone."""


class _ToldToEndError(CallInterruption):
    """SIGTERM as an exception."""


def live(
    index: int,
    maker: Any,
    pipe: Connection,
    parents: Connection,
    memory: Any,
    errors: Any,
    mode: AutoresetMode,
    *,
    output: Path | None,
    dumps: Connection,
) -> None:
    """Runs a lane's process: makes the environment, obeys commands, and closes it whatever happens.

    Args:
        index: Which lane.
        maker: Makes its environment.
        pipe: Where commands come from and answers go.
        parents: The pipe's other end, which is not this process's.
        memory: Where observations are written.
        errors: Takes what was raised, as an exception where it can be sent and as text, and then what closing
            raised, as text alone.
        mode: Always NEXT_STEP.
        output: File for what the environment prints; where its maker's process prints if None.
        dumps: Takes what the process calls when it is asked by `ASKING`, or crashes.
    """
    parents.close()
    # Written in C, and so even while the environment holds Python's lock.
    faulthandler.enable(dumps.fileno(), all_threads=False)
    faulthandler.register(ASKING, dumps.fileno(), all_threads=True)
    if output is not None:
        with contextlib.suppress(OSError):
            file = Path(output).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115
            sys.stdout = sys.stderr = file
            for descriptor in STANDARD_OUTPUT, STANDARD_ERROR:  # of code in C, and of other processes
                os.dup2(file.fileno(), descriptor)
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
        with closing_faults.collected() as faults:
            if env is not None:
                close(env)
        for fault in faults:
            errors.put(fault)
        if unanswered:
            with contextlib.suppress(OSError):
                pipe.send((None, False))
        leave(0)


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

    def told_to_end(number: int, frame: Any) -> None:
        raise _ToldToEndError

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, told_to_end)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    """Waits until the process that made the lanes is gone, and lets this one not outlive it for long."""
    maker = multiprocessing.parent_process()
    if maker is not None:
        wait([maker.sentinel])
        send_signal(os.getpid(), signal.SIGTERM)
        time.sleep(ENDING_S)
        send_signal(os.getpid(), signal.SIGKILL)


def send_signal(pid: int | None, number: signal.Signals) -> None:
    """Sends a signal to a lane's process, and SIGKILL to its environment's processes as well."""
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

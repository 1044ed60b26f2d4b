"""Ray's knowledge of this process and its machine: cores, its own processes, registered environments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def cores_here() -> int:
    """Returns the cores of this machine, or of the container around the process, as a Ray on it counts them.

    A sweep is planned before Ray starts, and the limits of a container are read differently by every library.
    """
    from ray._private.utils import get_num_cpus

    return int(get_num_cpus())


def is_child_of_node() -> bool:
    """Returns whether Ray's process on this node, its raylet, has started this one."""
    return os.environ.get("RAY_RAYLET_PID") == str(os.getppid())


def has_dead_process() -> bool:
    """Returns whether a process of the Ray that this process has started is dead; False without one.

    Calls to a Ray that is half gone do not return, and its public state is only to be had through such calls.
    """
    from ray._private import worker

    node = worker._global_node
    return node is not None and bool(node.dead_processes())


@contextmanager
def deaths_untold(*, debug: bool) -> Iterator[None]:
    """Keeps Ray from printing a paragraph on standard output whenever a process of its dies.

    It does so whatever it was told about logs; why a run is lost is said in a line of this suite's own.
    """
    from ray._private import worker

    worker._worker_logs_enabled, before = debug, worker._worker_logs_enabled
    try:
        yield
    finally:
        worker._worker_logs_enabled = before


def registered_env(name: str) -> Callable[..., Any] | None:
    """Returns what `ray.tune.register_env` has registered under a name; None if it is nothing.

    Ray has a public way in, and none out.
    """
    from ray.tune.registry import ENV_CREATOR, _global_registry

    known = _global_registry.contains(ENV_CREATOR, name)
    return _global_registry.get(ENV_CREATOR, name) if known else None

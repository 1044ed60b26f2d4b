"""Ray's knowledge of this process and its machine: cores, its own processes, registered environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def cores_here() -> int:
    """Returns the cores of this machine, or of the container around the process, as a Ray on it counts them.

    A sweep is planned before Ray starts, and the limits of a container are read differently by every library.
    """
    from ray._private.utils import get_num_cpus

    return int(get_num_cpus())


def has_dead_process() -> bool:
    """Returns whether a process of the Ray that this process has started is dead; False without one.

    Calls to a Ray that is half gone do not return, and its public state is only to be had through such calls.
    """
    from ray._private import worker

    node = worker._global_node
    return node is not None and bool(node.dead_processes())


def registered_env(name: str) -> Callable[..., Any] | None:
    """Returns what `ray.tune.register_env` has registered under a name; None if it is nothing.

    Ray has a public way in, and none out.
    """
    from ray.tune.registry import ENV_CREATOR, _global_registry

    known = _global_registry.contains(ENV_CREATOR, name)
    return _global_registry.get(ENV_CREATOR, name) if known else None

"""Connection to Ray: a private one on this machine, or the cluster that a job was submitted to."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from experiments.core.ray_internals import deaths_untold, has_dead_process

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    # A user's environment reads its files where the command was started.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def quieten(*, debug: bool) -> None:
    """Sets what Ray reads when it is imported: no banners, loggers, signal handlers, folders of its own."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
    if debug:
        return
    logging.getLogger("ray").setLevel(logging.ERROR)
    # Tune logs a failed run's traceback as an error; the recorder says its cause in one line.
    logging.disable(logging.ERROR)
    warnings.filterwarnings("ignore")


@contextmanager
def quiet_libraries(*, debug: bool) -> Iterator[None]:
    """Does as :func:`quieten` until it ends: whatever a program does later keeps its warnings and logs."""
    names = {name: os.environ.get(name) for name in _QUIET}
    disabled, level = logging.root.manager.disable, logging.getLogger("ray").level
    with warnings.catch_warnings():
        quieten(debug=debug)
        try:
            yield
        finally:
            logging.disable(disabled)
            logging.getLogger("ray").setLevel(level)
            for name, value in names.items():
                if value is None:
                    del os.environ[name]


def has_died(*, within_s: float) -> bool:
    """Returns whether a process of the private Ray dies soon, as one does that got the same signal."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if has_dead_process():
            return True
        time.sleep(0.05)
    return False


@contextmanager
def connected(*, cores: int | None, debug: bool) -> Iterator[Mapping[str, float]]:
    """Connects to Ray and yields how much there is of each resource, by Ray's names ("CPU", "GPU").

    A job's driver (`RAY_ADDRESS` is set) joins its cluster. A program that has connected to a Ray by itself
    stays connected to that. Anything else gets a private Ray on this machine, since one that happens to run
    here belongs to somebody else; in the end it is shut down, and the program answers signals as before.

    Args:
        cores: Cores of a private Ray; all of this machine's if None.
        debug: Whether Ray may talk.
    """
    import ray

    if ray.is_initialized():
        yield ray.cluster_resources()
        return
    answer = signal.getsignal(signal.SIGTERM)
    common: dict[str, Any] = {
        "log_to_driver": debug,
        "logging_level": logging.INFO if debug else logging.ERROR,
        "configure_logging": debug,
    }
    if os.environ.get("RAY_ADDRESS"):
        ray.init(address="auto", **common)
    else:
        ray.init(address="local", num_cpus=cores, include_dashboard=False, **common)
    try:
        with deaths_untold(debug=debug):
            yield ray.cluster_resources()
    finally:
        ray.shutdown()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, answer)

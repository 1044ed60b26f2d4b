"""Connection to Ray: a private one on this machine, or the cluster that a job was submitted to."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envs.lanes import told
from experiments.core.errors import UserError
from experiments.core.ray_internals import deaths_untold, has_dead_process

ANSWER_S = 6.0
"""Seconds in which a cluster has to answer, to a connection and to the question whether it works."""
FEW_FILES = 256
"""Open files below which Ray may not come up; it does with 80 where little runs, and does not with 40."""
_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    # A user's environment reads its files where the command was started.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # A sweep never restores itself from what Tune writes down of all its trials, every ten seconds.
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
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
    answer = threading.excepthook
    with warnings.catch_warnings():
        quieten(debug=debug)
        if not debug:
            threading.excepthook = lambda raised: None if _is_told(raised) else answer(raised)
        try:
            yield
        finally:
            threading.excepthook = answer
            logging.disable(disabled)
            logging.getLogger("ray").setLevel(level)
            for name, value in names.items():
                if value is None:
                    del os.environ[name]


def _is_told(raised: threading.ExceptHookArgs) -> bool:
    """Returns whether a thread's error is known elsewhere: TensorBoard's writer raises its own twice."""
    return isinstance(raised.exc_value, OSError) and type(raised.thread).__name__ == "_AsyncWriterThread"


def has_died(*, within_s: float) -> bool:
    """Returns whether a process of the private Ray dies soon, as one does that got the same signal."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if has_dead_process():
            return True
        time.sleep(0.05)
    return False


def check_cluster(address: str) -> None:
    """Checks that a Ray cluster answers, since connecting to one that does not never ends.

    Args:
        address: As RAY_ADDRESS gives it.

    Raises:
        UserError: It is no cluster's address, or nothing answers there.
    """
    given = f"RAY_ADDRESS={address}"
    way_out = "start the cluster, or unset RAY_ADDRESS for a Ray of the sweep's own"
    if address in {"auto", "local"}:
        return
    if "://" in address:
        raise UserError(
            f"{given}: expected HOST:PORT of a cluster's head; jobs are submitted to such an address by ray "
            "job submit, which sets RAY_ADDRESS for it: unset it here"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UserError(f"{given}: expected HOST:PORT of a cluster's head, such as 10.0.0.1:6379")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        raise UserError(f"{given}: nothing answers there ({error.strerror or error}): {way_out}") from error
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        healthy = subprocess.run(asked, capture_output=True, timeout=ANSWER_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        healthy = False
    if not healthy:
        raise UserError(f"{given}: what answers there is no Ray cluster that works: {way_out}")


def _started(**settings: Any) -> None:
    """Starts Ray, once more if it does not come up.

    Raises:
        UserError: It does not come up then either, or its sockets' paths are too long.
    """
    import ray

    for last in (False, True):
        try:
            ray.init(**settings)
        except UserError:
            raise
        except Exception as error:  # Ray raises plain ones
            ray.shutdown()
            if "AF_UNIX path length" in str(error):
                folder = tempfile.gettempdir()
                raise UserError(
                    f"TMPDIR={folder} is too long for Ray, whose sockets lie below it: {len(folder)} "
                    "characters; set a shorter one, say TMPDIR=/tmp"
                ) from error
            if last:
                files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
                way_out = (
                    f"a process may open {files} files here, which is few; raise it with ulimit -n 4096"
                    if files < FEW_FILES
                    else "the machine may be too busy or short of memory; try again later, or with a smaller "
                    "--concurrency"
                )
                raise UserError(f"Ray did not come up, tried twice ({told(error)}): {way_out}") from error
        else:
            return


@contextmanager
def connected(*, cores: int | None, debug: bool) -> Iterator[Mapping[str, float]]:
    """Connects to Ray and yields how much there is of each resource, by Ray's names ("CPU", "GPU").

    A job's driver (`RAY_ADDRESS` is set) joins its cluster. A program that has connected to a Ray by itself
    stays connected to that. Anything else gets a private Ray on this machine, since one that happens to run
    here belongs to somebody else; in the end it is shut down, what it wrote of itself is removed, unless it
    may talk, and the program answers signals as before.

    Args:
        cores: Cores of a private Ray; all of this machine's if None.
        debug: Whether Ray may talk.

    Raises:
        UserError: Ray does not come up.
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
    own: Path | None = None
    if os.environ.get("RAY_ADDRESS"):
        common["address"] = "auto"
    else:
        # Ray removes nothing of what it writes, which without a folder of its own would lie among others'.
        own = Path(tempfile.mkdtemp(prefix="ray_", dir=os.environ.get("RAY_TMPDIR")))
        common |= {
            "address": "local",
            "num_cpus": cores,
            "include_dashboard": False,
            "_temp_dir": own.as_posix(),
        }
    try:
        _started(**common)
        with deaths_untold(debug=debug):
            yield ray.cluster_resources()
    finally:
        ray.shutdown()
        if own is not None and not debug:
            shutil.rmtree(own, ignore_errors=True)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, answer)

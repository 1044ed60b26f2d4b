"""What tests of runs share: a Ray of their own, which building an Algorithm needs, and made-up sweeps."""

import fcntl
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import ray

WRITER = Path(__file__).parents[1] / "analysis" / "sweep_writer.py"


@pytest.fixture(scope="session")
def _ray_ends():
    """Ends the last Ray of the tests' process."""
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def writer():
    """The module that writes sweep folders as experiments do."""
    spec = importlib.util.spec_from_file_location(WRITER.stem, WRITER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recalled(common_folder, _key_of_the_tests):
    """Storage of a finished sweep of nested observations and actions, named x: to be copied, never changed.

    Whichever process of the tests comes first runs it, for all of them.
    """
    storage = common_folder / "recalled"
    with (common_folder / "recalled.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not storage.exists():
            command = ["recall_sweep.py", "--name", "x", "--storage", str(storage), "--concurrency", "1"]
            data = Path(__file__).parent / "data"
            done = subprocess.run(
                [sys.executable, *command], cwd=data, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    return storage


@pytest.fixture(scope="module")
def local_ray(_ray_ends):
    """A private Ray on one core; learners and runners alone do not need it.

    Files share it, since each start takes five seconds: their tests build Algorithms in this very process and
    leave nothing in Ray.
    """
    if not ray.is_initialized():
        ray.init(
            address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
        )


@pytest.fixture(scope="module")
def no_ray():
    """The process without the shared Ray, for tests that need none, or start one of another kind."""
    ray.shutdown()

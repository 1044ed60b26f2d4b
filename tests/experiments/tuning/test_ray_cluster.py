"""A Ray that does not come up, or a cluster that does not answer, is one line and no wait without end."""

import http.server
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import ray

from experiments.core.errors import UserError
from experiments.core.tuning.ray_cluster import check_cluster, connected

pytestmark = pytest.mark.usefixtures("no_ray")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:8265", "jobs are submitted to such an address"),
        ("ray://127.0.0.1:10001", "jobs are submitted to such an address"),
        ("somewhere", "expected HOST:PORT of a cluster's head, such as"),
        ("127.0.0.1:", "expected HOST:PORT of a cluster's head, such as"),
    ],
)
def test_what_is_no_address_of_a_cluster_is_refused(address, said):
    with pytest.raises(UserError, match=f"RAY_ADDRESS={address}: .*{said}"):
        check_cluster(address)


def test_a_cluster_that_is_gone_is_refused():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match=f"RAY_ADDRESS=127.0.0.1:{port}: nothing answers there"):
        check_cluster(f"127.0.0.1:{port}")


def test_a_server_that_is_no_cluster_is_refused():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(UserError, match="what answers there is no Ray cluster that works"):
            check_cluster(f"127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def starting(monkeypatch):
    """Lets Ray fail to start so many times, with an error, and counts the tries."""
    tries = []

    def starting(error, *, times):
        def init(**settings):
            tries.append(settings)
            if len(tries) <= times:
                raise error

        monkeypatch.setattr(ray, "init", init)
        monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        return tries

    return starting


def test_a_ray_that_does_not_come_up_is_started_once_more(starting):
    tries = starting(Exception("The current node timed out during startup"), times=1)
    with connected(cores=2, debug=False) as available:
        assert available == {"CPU": 2.0}
    assert len(tries) == 2


def test_a_ray_that_does_not_come_up_twice_is_one_line(starting):
    tries = starting(Exception("The current node timed out\nduring startup"), times=2)
    with pytest.raises(UserError) as caught, connected(cores=2, debug=False):
        pass
    assert len(tries) == 2
    assert str(caught.value).startswith(
        "Ray did not come up, tried twice (Exception: The current node timed out dur"
    )
    assert "\n" not in str(caught.value)


def test_a_ray_that_does_not_come_up_where_few_files_may_be_open_says_how_many(starting):
    starting(Exception("timed out"), times=2)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        with (
            pytest.raises(UserError, match=r"a process may open 200 files here.* ulimit -n 4096"),
            connected(cores=2, debug=False),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


START = """
from experiments.core.errors import UserError
from experiments.core.tuning import connected, quiet_libraries
try:
    with quiet_libraries(debug=False), connected(cores=1, debug=False):
        print("came up")
except UserError as error:
    print(error)
"""


def test_a_temporary_folder_with_a_path_too_long_for_ray_is_named(run_python, tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    done = run_python("-c", START, env={"TMPDIR": str(long)})
    assert done.stdout.startswith(f"TMPDIR={long} is too long for Ray, whose sockets lie below it"), (
        done.stderr
    )
    assert done.stdout.count("\n") == 1


HELD = """
import time
from experiments.core.tuning import connected
with connected(cores=1, debug=False):
    print("came up", flush=True)
    time.sleep(600)
"""


def test_of_a_ray_of_its_own_nothing_is_left_also_after_ctrl_c():
    # Ray's sockets lie below it, whose paths may not be long.
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "RAY_TMPDIR": folder}
        with subprocess.Popen(
            [sys.executable, "-c", HELD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        ) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == b"came up\n"
            assert [*Path(folder).glob("*/session_*/logs")]
            running.send_signal(signal.SIGINT)
        assert running.returncode != 0
        assert not [*Path(folder).iterdir()]

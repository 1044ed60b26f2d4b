"""`ray job submit` runs the same sweep on a cluster and leaves the same folder."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from analysis.sweep.loading import load_sweep

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
RAY = Path(sys.executable).with_name("ray")


def _free_ports(count):
    """Ports that nothing listens on: Ray's own numbers are taken while another Ray runs on the machine."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


@pytest.fixture
def head(tmp_path):
    """A Ray head on loopback behind a token; the environment its clients need."""
    port, dashboard, agent, client = _free_ports(4)
    token = tmp_path / "token"
    token.write_text(secrets.token_hex(32))
    env = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "PATH": f"{RAY.parent}:{os.environ['PATH']}",
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
    }
    env.pop("RAY_ADDRESS", None)
    # pytest's own folders are too deep for the paths of Ray's sockets.
    with (
        tempfile.TemporaryDirectory(prefix="ray_", ignore_cleanup_errors=True) as session,
        (tmp_path / "head.log").open("w") as log,
    ):
        start = [
            RAY, "start", "--head", "--block", "--num-cpus=1", f"--temp-dir={session}", f"--port={port}",
            f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}",
            f"--ray-client-server-port={client}", "--node-ip-address=127.0.0.1",
            "--dashboard-host=127.0.0.1", "--disable-usage-stats",
        ]  # fmt: skip
        running = subprocess.Popen(start, env=env, stdout=log, stderr=subprocess.STDOUT)
        while not _answers(f"http://127.0.0.1:{dashboard}/api/version", token.read_text()):
            assert running.poll() is None, (tmp_path / "head.log").read_text()[-2000:]
            time.sleep(0.2)
        yield env
        running.terminate()
        running.wait()


def _answers(url, token):
    """Whether the job API is there."""
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def _submit(env, *arguments):
    command = [RAY, "job", "submit", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_submitted_smoke_sweep_succeeds_and_leaves_its_folder(head, tmp_path):
    done = _submit(
        head, "--working-dir", ".", "--", "python", "-m", "experiments.trading_sweep", "--smoke",
        "--name", "job", "--storage", str(tmp_path / "results"), "--scheduler", "hyperband",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "succeeded" in done.stdout
    sweep = load_sweep(tmp_path / "results" / "trading_sweep" / "job")
    assert len(sweep.trials) == 4
    assert sweep.trials.set_index("trial_id")["state"]["trial_0000"] == "completed"
    assert set(sweep.trials["state"]) <= {"completed", "pruned"}
    assert len(sweep.confirmation) == 8
    assert (tmp_path / "results" / "trading_sweep" / "job" / "report.html").exists()

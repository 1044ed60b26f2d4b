"""What tests of every package share: running commands as a user does, and which files come first."""

import contextlib
import io
import logging
import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

# Two files run at once on as few as two cores, where two threads of each would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# As in an activated environment, where commands are printed by their names.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items):
    """Puts the files with slow tests first: begun last, one of them would leave other cores without work."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory, worker_id):
    """Folder that all processes of this run of the tests have in common."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session", autouse=True)
def _key_of_the_tests(common_folder):
    """Keeps the key of saved states out of the folders of whoever runs the tests."""
    os.environ["XDG_STATE_HOME"] = str(common_folder / "state")


@pytest.fixture(scope="session")
def disk_accesses():
    """Notes which files are opened, with their mode, and which folders are listed, whatever time it takes."""
    noted = []

    def note(event, arguments):
        if noted and event in {"open", "os.listdir", "os.scandir"}:
            noted[-1].append((event, str(arguments[0]), str(arguments[1]) if event == "open" else ""))

    sys.addaudithook(note)  # which cannot be taken away again

    @contextlib.contextmanager
    def inside(folder):
        made = []
        noted.append([])
        try:
            yield made
        finally:
            made += [access for access in noted.pop() if access[1].startswith(str(folder))]

    return inside


@pytest.fixture(scope="session")
def wait_until():
    """Waits for what a process is about to leave on disk, however long it takes, unless the process ends."""

    def wait(reached, process):
        while not reached():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)

    return wait


@pytest.fixture
def run_python(tmp_path):
    """Runs Python in a fresh process, from the repository's folder, and returns what came of it."""

    def run(*arguments, cwd=ROOT, env=None):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            check=False,
        )

    return run


@pytest.fixture
def run_here(monkeypatch):
    """Runs a script as `python script.py` does and returns the same, without the seconds of a new process.

    What a command leaves behind in its process, which is about to end, is put back.
    """

    def run(script, *arguments):
        out, err, code = io.StringIO(), io.StringIO(), 0
        before, level = dict(os.environ), logging.getLogger("ray").level
        pipe = signal.getsignal(signal.SIGPIPE)
        monkeypatch.setattr(sys, "argv", [str(script), *map(str, arguments)])
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                runpy.run_path(str(ROOT / script), run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
            finally:
                logging.disable(logging.NOTSET)
                logging.getLogger("ray").setLevel(level)
                signal.signal(signal.SIGPIPE, pipe)
                os.environ.clear()
                os.environ.update(before)
        return subprocess.CompletedProcess([script, *arguments], code, out.getvalue(), err.getvalue())

    return run

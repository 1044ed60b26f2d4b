"""What tests of every package share: running the suite's commands as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run_python(tmp_path):
    """Runs Python in a fresh process, from the repository's folder, and returns what came of it."""

    def run(*arguments, cwd=ROOT, timeout=240, env=None):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            check=False,
        )

    return run

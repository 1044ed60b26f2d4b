"""The README is short, and its own environment in five minutes runs as it is printed, from any folder."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_after(marker):
    """The code block that follows a marker."""
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found, marker
    return found[1]


def test_the_readme_is_at_most_150_lines():
    assert len(README.splitlines()) <= 150


@pytest.mark.slow
@pytest.mark.timeout(900)  # two processes that train, one of them a whole sweep
def test_an_environment_of_ones_own_is_checked_and_swept_as_printed(tmp_path):
    (tmp_path / "room_sweep.py").write_text(block_after("room_sweep.py"), encoding="utf-8")
    activate, *commands = block_after("commands").splitlines()
    assert activate.startswith("source")
    # The last one is the sweep in full, which the tiny one has every stage of.
    *commands, in_full = (shlex.split(command, comments=True) for command in commands)
    assert in_full == ["python", "room_sweep.py"]
    for python, *arguments in commands:
        assert python == "python"
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "checked: the environment's contract" in done.stdout
        if "--check" in arguments:
            assert not (tmp_path / "results").exists()
    (report,) = tmp_path.glob("results/room_sweep/*/report.html")
    assert "Can PPO keep a room warm for little money?" in report.read_text(encoding="utf-8")

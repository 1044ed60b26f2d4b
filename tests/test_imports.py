"""The packages know of each other only what they may, and the light ones load without the heavy ones."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("envs", ["ray", "torch", "pygame", "scipy", "pandas", "analysis", "search_spaces", "experiments"]),
        ("search_spaces.ppo", ["ray", "torch", "envs", "analysis", "experiments"]),
        ("analysis", ["ray", "torch", "envs", "search_spaces", "experiments"]),
        ("analysis.report", ["ray", "torch", "envs", "search_spaces", "experiments"]),
        ("experiments.core.policy", ["ray", "torch"]),
    ],
)
def test_a_light_part_imports_without_the_heavy_ones(run_python, module, blocked):
    done = run_python("-c", BLOCKED.format(blocked=blocked) + f"import {module}")
    assert done.returncode == 0, done.stderr


def test_the_import_contracts_hold():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "command", [["experiments.trading_sweep", "--help"], ["experiments"], ["analysis", "--help"]]
)
def test_help_and_listing_load_nothing_heavy(run_python, command):
    program = (
        "import runpy, sys\n"
        f"sys.argv = {command!r}\n"
        f"try: runpy.run_module({command[0]!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'ray', 'torch', 'pandas', 'altair', 'gymnasium', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = run_python("-c", program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "usage" in done.stdout or "question" in done.stdout

"""Commands that are printed work where they are printed, blanks in paths included."""

import os
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest

from experiments.core import program


@pytest.fixture
def running(monkeypatch, tmp_path):
    """Makes a program of some file or module the running one, started in the temporary folder."""
    monkeypatch.chdir(tmp_path)

    def run(file, *arguments, spec=None):
        main = types.ModuleType("__main__")
        main.__spec__ = None if spec is None else types.SimpleNamespace(name=spec)
        if file is not None:
            main.__file__ = str(file)
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).touch()
        monkeypatch.setitem(sys.modules, "__main__", main)
        monkeypatch.setattr(sys, "argv", [str(file), *arguments])

    return run


def test_a_program_is_called_as_it_was_started(running, tmp_path):
    running("my_sweep.py", "--name", "a b")
    assert program.this_command() == "python my_sweep.py --name 'a b'"
    running(tmp_path / "prüf stand" / "my_sweep.py")
    assert program.this_command() == "python 'prüf stand/my_sweep.py'"
    running("/tmp/my_sweep.py")
    assert program.this_program() == "python /tmp/my_sweep.py"
    running(tmp_path / "lab" / "first.py", "--check", spec="lab.first")
    assert program.this_command() == "python -m lab.first --check"
    running(tmp_path / "experiments" / "__main__.py", "replay", "x", spec="experiments.__main__")
    assert program.this_command() == "python -m experiments replay x"


def test_a_command_of_an_environment_that_is_not_activated_is_called_by_its_path(
    running, tmp_path, monkeypatch
):
    running("my_sweep.py")
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "tensorboard"):
        (folder / name).write_text("#!/bin/sh\necho called")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    assert program.installed("tensorboard") == "my env/bin/tensorboard"
    command = program.module_command("my_env", env_id="CartPole-v1")
    assert command == "'my env/bin/python' -m my_env"
    assert subprocess.check_output(command, shell=True, text=True) == "called\n"
    assert program.this_command() == "python my_sweep.py", "records say nothing of the machine"
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    assert program.installed("tensorboard") == "tensorboard"
    assert program.installed("no-such-command") == "no-such-command"


def test_an_interpreter_has_no_command(running, monkeypatch):
    running(None, "-f", "/secret/kernel.json")
    assert program.this_command() == "interactive Python"
    assert program.program_module() == program.NO_FILE
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "<stdin>", raising=False)
    assert program.program_module() == program.NO_FILE


def test_another_module_finds_the_environment_that_lies_beside_the_program(running, tmp_path):
    folder = tmp_path / "my lab"
    running(folder / "my_sweep.py")
    (folder / "my_env.py").write_text("print('found')")
    command = program.module_command("my_env", env_id="my_env:Walk")
    assert command == "PYTHONPATH='my lab' python -m my_env"
    assert subprocess.check_output(command, shell=True, text=True) == "found\n"


def test_nothing_is_added_where_nothing_is_needed(running, tmp_path, monkeypatch):
    running(tmp_path / "lab" / "my_sweep.py")
    assert program.module_command("experiments", "replay", "a b", env_id="CartPole-v1") == shlex.join(
        ["python", "-m", "experiments", "replay", "a b"]
    )
    monkeypatch.chdir(tmp_path / "lab")
    assert program.module_command("my_env", env_id="my_env:Walk") == "python -m my_env"
    running(tmp_path / "lab" / "first.py", spec="lab.first")
    assert program.module_command("my_env", env_id="my_env:Walk") == "python -m my_env"

"""What a user's own file raises before a command has begun is one line, with its place and exit code 2."""

import os
import sys

import pytest

EXPERIMENT = '''"""Is it one line?"""
from experiments import Budget, Experiment, main
from search_spaces import choice, log_uniform, model_layouts, ppo

SPACE = ppo.CORE | model_layouts.MLP
EXPERIMENT = Experiment(env="CartPole-v1", space=SPACE, budget=Budget(trials=4, steps_per_trial=1024))

if __name__ == "__main__":
    main(EXPERIMENT)
'''

LOG = "log_uniform('x', 0, 1, default=1, source='')"
LISTED = "choice('x', [1], default=1, source='')"


@pytest.fixture
def run(tmp_path, run_python):
    """Runs a script in a folder of its own."""

    def run(source, *arguments, **files):
        (tmp_path / "mine.py").write_text(source)
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return run_python("mine.py", *arguments, cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join(sys.path)})

    return run


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps_per_trial=1024", "steps_per_trial=1e5", "100000.0: expected a whole number, 1 or more (m"),
        ("trials=4", "trails=4", "TypeError: Budget.__init__() got an unexpected keyword argument 'trails'"),
        ("SPACE = ", f"SPACE = {LOG} | ", "x from 0 to 1 on a log scale: expected ends above 0"),
        ("SPACE = ", f"SPACE = {LISTED} | ", "x: the choice [1] is a list, expected a number"),
        ("SPACE = ", "SPACE = ppo.CORE | ", "declared twice: join spaces that have no hyperparameter"),
        ("SPACE = ", "SPACE = 1 / 0 | ", "ZeroDivisionError: division by zero (mine.py:5)"),
        ("SPACE = ", "import box2d_of_mine\nSPACE = ", "No module named 'box2d_of_mine' (mine.py:5)"),
        ("SPACE = ", "import helper\nSPACE = ", "KeyError: 'load' (helper.py:2)"),
    ],
)  # fmt: skip
def test_a_declaration_that_raises_is_one_line(run, old, new, said):
    done = run(EXPERIMENT.replace(old, new), helper="\n{}['load']\n")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert "(mine.py:" in line or "(helper.py:" in line
    assert done.stdout == ""


INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, *others):
        if name == "optuna":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "source", [INTERRUPTED + EXPERIMENT, EXPERIMENT.replace("SPACE = ", "raise KeyboardInterrupt\nSPACE = ")]
)
def test_ctrl_c_before_a_command_has_begun_is_one_word(run, source):
    done = run(source)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped\n")


def test_the_traceback_is_there_with_debug(run):
    done = run(EXPERIMENT.replace("trials=4", "trials=0"), "--debug")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


def test_a_program_that_declares_no_experiment_keeps_its_tracebacks(run):
    done = run("import experiments\n1 / 0\n")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


@pytest.mark.parametrize("name", ["analysis", "envs", "search_spaces"])
def test_a_module_that_hides_a_package_of_the_suite_is_named(run, tmp_path, name):
    done = run(EXPERIMENT, **{name: "mine = 1\n"})
    assert done.returncode == 2
    hiding = tmp_path / f"{name}.py"
    said = f"error: {hiding} hides this suite's package of the same name, {name!r}: rename it, or start"
    assert done.stderr == f"{said} from another folder\n"

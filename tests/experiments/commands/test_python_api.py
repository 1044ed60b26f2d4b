"""Sweeps run from Python: the same options, the same folders, and values instead of text and exit codes."""

import dataclasses
import importlib
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from experiments import UserError, check, run, trading_sweep
from experiments.core.commands.identity import name_and_question
from experiments.core.commands.python_api import RunOptions, as_keywords
from experiments.core.planning.options import Options
from experiments.core.preflight import checks
from experiments.core.preflight.probe import Patience

DATA = Path(__file__).parents[1] / "data"
COMMANDS = {"check", "retrain", "seeds"}
"""Options of the command line that stand for functions of their own, or their arguments."""


@pytest.fixture(autouse=True)
def few_extremes(monkeypatch):
    """Lets checks in this process try the baselines alone: extreme configurations have tests of their own."""
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=0.0, clock_s=0.0))


def test_every_option_of_the_command_line_is_one_of_the_functions_and_explained():
    options = {field.name for field in dataclasses.fields(Options)} - COMMANDS
    assert set(RunOptions.__annotations__) - options == {"experiment_name", "question"}
    assert options < set(RunOptions.__annotations__)
    for option in RunOptions.__annotations__:
        assert f" {option}: " in run.__doc__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials 0: expected a whole number, 1 to 4096"),
        ({"trials": "many"}, "trials 'many': expected a whole number, 1 to"),
        ({"confirm_seeds": 0}, "confirm_seeds 0: expected a whole number, 1 to 4096"),
        (
            {"new_name": "b"},
            "new_name b: expected name as well, of the sweep to start from; name alone starts",
        ),
        ({"scheduler": "x"}, "scheduler 'x': expected asha, median, hyperband, none, pbt or pb2"),
        ({"sampler": "tpee"}, "sampler 'tpee': expected tpe, random, gp or cmaes"),
        ({"trainer": "slow"}, "trainer 'slow': expected fast or rllib"),
        ({"storage": "s3://bucket/x"}, "storage s3://bucket/x: expected a folder"),
        ({"warm_start": Path("/no/such/sweep")}, "warm_start: /no/such/sweep does not exist"),
    ],
)
def test_a_wrong_option_is_one_line_by_its_python_name(tmp_path, capfd, options, message):
    with pytest.raises(UserError) as caught:
        run(trading_sweep.EXPERIMENT, **{"storage": tmp_path / "results", **options})
    assert message in str(caught.value)
    assert "--" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_named_with_the_nearest_one():
    with pytest.raises(TypeError, match=r"run\(\) has no option 'trails'; did you mean 'trials'\?"):
        run(trading_sweep.EXPERIMENT, trails=3)


def test_a_command_in_a_message_keeps_its_options():
    message = "x is in use by process 7 on here (python my_sweep.py --name x): wait, or choose another --name"
    assert as_keywords(message) == message.replace("another --name", "another name")


def test_a_check_returns_what_it_measured_and_leaves_nothing(tmp_path, capsys):
    checked = check(trading_sweep.EXPERIMENT, storage=tmp_path, trials=5, quiet=True)
    assert capsys.readouterr().out == ""
    assert checked.estimate.seconds > 0
    assert checked.estimate.steps > 5 * 4096
    check(trading_sweep.EXPERIMENT, storage=tmp_path, trials=5)
    assert "5 trials of up to 16,384 steps" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


WALKS = """
import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv


class Walk(gym.Env):
    observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, reward=1.0, render_mode=None):
        self.reward = reward

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t / 20, np.float32), self.reward * int(action), False, self.t >= 20, {}


class Walks(SyncVectorEnv):
    def __init__(self, num_envs=1, reward=1.0):
        makers = [lambda: Walk(reward)] * num_envs
        super().__init__(makers, autoreset_mode=AutoresetMode.NEXT_STEP)


def make_walk(**parameters):
    return Walk(**parameters)
"""


@pytest.mark.parametrize("name", ["Walk", "Walks", "make_walk"])
def test_a_check_takes_whatever_makes_the_environment(monkeypatch, tmp_path, capsys, name):
    (tmp_path / "my_walks.py").write_text(WALKS)
    monkeypatch.syspath_prepend(tmp_path)
    import my_walks

    experiment = dataclasses.replace(
        trading_sweep.EXPERIMENT, env=getattr(my_walks, name), env_parameters={"reward": 2.0}
    )
    assert check(experiment, storage=tmp_path / "results", trials=2).extremes.updated >= 2
    assert f"my_walks:{name}: 2 trials" in capsys.readouterr().out
    monkeypatch.delitem(sys.modules, "my_walks")


def test_an_experiment_is_called_as_the_file_that_declares_it():
    question = "Does tuning PPO pay on a mean-reverting market?"
    assert name_and_question(trading_sweep.EXPERIMENT) == ("trading_sweep", question)


def test_a_module_that_only_imports_an_experiment_does_not_name_it(tmp_path, monkeypatch):
    text = '"""Whose is it?"""\nfrom experiments.trading_sweep import EXPERIMENT\n'
    (tmp_path / "a_declaring.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importer = importlib.import_module("a_declaring")
    experiment = importer.EXPERIMENT
    declared = sys.modules["experiments.trading_sweep"]
    for order in ([importer, declared], [declared, importer]):
        for module in order:
            monkeypatch.delitem(sys.modules, module.__name__)
        for module in order:
            monkeypatch.setitem(sys.modules, module.__name__, module)
        assert name_and_question(experiment) == (
            "trading_sweep", "Does tuning PPO pay on a mean-reverting market?"
        )  # fmt: skip


def test_one_that_no_file_declares_is_called_as_the_program_and_without_one_experiment(monkeypatch):
    changed = dataclasses.replace(trading_sweep.EXPERIMENT, seed=3)
    program = types.ModuleType("__main__", "Which seed?\n\nMore.")
    monkeypatch.setitem(sys.modules, "__main__", program)
    assert name_and_question(changed) == ("experiment", "Which seed?")
    program.__file__ = "/somewhere/my_sweep.py"
    assert name_and_question(changed) == ("my_sweep", "Which seed?")
    program.__file__ = "<stdin>"
    assert name_and_question(changed) == ("experiment", "Which seed?")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a program says that ran, retrained and replayed a sweep, and its other output."""
    storage = tmp_path_factory.mktemp("results")
    done = subprocess.run(
        [sys.executable, DATA / "python_api.py", storage],
        cwd=DATA, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return storage, json.loads(done.stdout), done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_run_from_a_program_is_a_value_with_folder_verdict_and_frames(told):
    storage, values, stderr = told
    assert stderr == "", "quiet is quiet"
    assert values["folder"] == str(storage / "corridor_sweep" / "first")
    assert values["sentence"]
    assert values["same_sentence"]
    assert values["trials"] == 2
    assert {"default", "rllib"} < set(values["confirmed"])
    assert values["curves"] == ["confirm", "search"]
    assert Path(values["report"]).exists()


@pytest.mark.slow
def test_a_sweep_is_retrained_and_replayed_from_a_program(told):
    _, values, _ = told
    folder, seeds, sentence = values["retrained"]
    assert folder.endswith("_200-201")
    assert seeds == [200, 201]
    assert sentence.startswith("Retrained on 2 new seeds: ")
    loaded, played, episodes = values["policy"]
    assert loaded == played
    assert episodes == 4
    assert -2.0 <= values["mean_return"] <= 0.6


@pytest.mark.slow
def test_a_program_keeps_its_environment_warnings_and_logs(told):
    assert told[1]["undisturbed"]

"""A sweep in a notebook: a real kernel, an environment that only the notebook declares, and progress."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RUN_CELLS = """
import json, sys
import nbformat
from nbclient import NotebookClient

cells = json.load(sys.stdin)
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
NotebookClient(notebook, timeout=500, allow_errors=True).execute()
print(json.dumps([cell.outputs for cell in notebook.cells]))
"""
DECLARE = """
import gymnasium as gym
import numpy as np
from experiments import Budget, Confirmation, Experiment, NoScheduler, load_policy, main, run
from search_spaces import model_layouts, ppo

class Line(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.t = 0, 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.x, self.t = self.x + (1 if action else -1), self.t + 1
        return np.full(1, self.x / 20, np.float32), float(action), False, self.t >= 20, {}

EXPERIMENT = Experiment(
    env=Line,
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512,)) | model_layouts.MLP,
    budget=Budget(trials=2, steps_per_trial=1024, evaluations=2),
    confirmation=Confirmation(top_k=1, seeds=1),
    evaluation_episodes=4,
    scheduler=NoScheduler(),
)
"""
CELLS = (
    DECLARE,
    "result = run(EXPERIMENT, name='first', experiment_name='lines')",
    "result",
    "print(load_policy(result.folder).env, len(result.trials), result.sweep.manifest.command)",
    "run(EXPERIMENT, trials=0)",
    "main(Experiment(env='my/Lien-v0', space=EXPERIMENT.space, budget=EXPERIMENT.budget))",
    "print('the kernel lives')",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each cell showed: the texts, by kind of output."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_CELLS],
        input=json.dumps(CELLS), cwd=tmp_path_factory.mktemp("notebook"),
        capture_output=True, text=True, timeout=550, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [[shown(output) for output in cell] for cell in json.loads(done.stdout)]


def shown(output):
    if output["output_type"] == "stream":
        return output["name"], output["text"]
    if output["output_type"] == "error":
        return output["ename"], output["evalue"]
    return ("widget" if any("widget" in kind for kind in output["data"]) else "shown"), output["data"][
        "text/plain"
    ]


def test_a_sweep_of_an_environment_of_the_notebook_says_what_it_does_and_comes_to_a_verdict(outputs):
    declared, ran, value, *_ = outputs
    assert declared == []
    said = "".join(text for kind, text in ran if kind == "shown")
    assert "__main__:Line: 2 trials of up to 1,024 steps" in said
    assert "Too few seeds to tell" in said
    assert "replay('results/lines/first')" in said, "a shell would not find the notebook's environment"
    ((kind, text),) = value
    assert kind == "shown"
    assert "results/lines/first': Too few seeds to tell" in text


def test_its_tables_and_its_policy_are_at_hand(outputs):
    assert outputs[3] == [("stdout", "__main__:Line 2 interactive Python\n")]


def test_what_is_wrong_is_one_line_and_leaves_the_kernel_alive(outputs):
    assert outputs[4] == [("UserError", "trials 0: expected a whole number, 1 to 4096")]
    ((kind, text),) = outputs[5]
    assert kind == "stderr"
    assert text.startswith("error: unknown environment 'my/Lien-v0'")
    assert outputs[6] == [("stdout", "the kernel lives\n")]

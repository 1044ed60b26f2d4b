"""Another process finds an environment, be it one that only a script declares."""

import json

import pytest

DECLARED = """
import gymnasium as gym
import numpy as np

STEP = 0.25

class Line(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, goal=1.0):
        self.goal = goal

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = 0.0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.x += STEP
        return np.full(1, self.x, np.float32), self.goal, self.x >= 1, False, {}

def make_line(**parameters):
    return Line(**parameters)
"""
PACK = """
import pickle, sys
from experiments.core.environments import PortableEnvironment, full_name

print("run once")
packed = PortableEnvironment.of(full_name({env!r}))
with open("packed", "wb") as file:
    file.write(pickle.dumps(packed))
"""
UNPACK = """
import json, pickle, sys
from experiments.core.environments import make_vector

with open({packed!r}, "rb") as file:
    packed = pickle.load(file)
packed.unpack()
env = make_vector(packed.env_id, {{"goal": 3.0}}, 2, {vectorization!r})
env.reset(seed=0)
observations, rewards, *_ = env.step(env.action_space.sample())
print(json.dumps([packed.env_id, packed.entry is not None, observations.tolist(), rewards.tolist()]))
env.close()
"""


@pytest.mark.parametrize("vectorization", ["auto", "async"])
@pytest.mark.parametrize(
    ("declaration", "env", "name", "by_value"),
    [
        (DECLARED, "my_sweep:Line", "my_sweep:Line", True),
        (DECLARED, "my_sweep:make_line", "my_sweep:make_line", True),
        (DECLARED + "gym.register('my/Line-v0', Line)", "my/Line-v0", "my_sweep:my/Line-v0", True),
        (DECLARED + "gym.register('Line', 'my_sweep:Line')", "my_sweep:Line", "my_sweep:Line", True),
        ("import my_env", "my_env:Line", "my_env:Line", False),
        ("import my_env, gymnasium as gym; gym.register('L', my_env.Line)", "L", "L", True),
    ],
)
def test_an_environment_is_found_by_its_name_in_another_process(
    run_python, tmp_path, declaration, env, name, by_value, vectorization
):
    program, other = tmp_path / "program", tmp_path / "other"
    program.mkdir()
    other.mkdir()
    (program / "my_sweep.py").write_text(declaration + PACK.format(env=env))
    (program / "my_env.py").write_text(DECLARED)
    packed = run_python("my_sweep.py", cwd=program)
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout == "run once\n", "what is running is not imported"
    unpack = UNPACK.format(packed=str(program / "packed"), vectorization=vectorization)
    (other / "worker.py").write_text(
        f"if __name__ == '__main__':\n    {unpack.strip().replace(chr(10), chr(10) + '    ')}"
    )
    found = run_python("worker.py", cwd=other)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == [name, by_value, [[0.25], [0.25]], [3.0, 3.0]]


def test_one_that_cannot_travel_is_refused_with_what_to_write(run_python, tmp_path):
    script = tmp_path / "my_sweep.py"
    script.write_text(
        "import threading, gymnasium as gym\n"
        "from experiments.core.environments import PortableEnvironment\n"
        "LOCK = threading.Lock()\n"
        "class Line(gym.Env):\n"
        "    def step(self, action):\n"
        "        with LOCK: pass\n"
        "PortableEnvironment.of('my_sweep:Line')\n"
    )
    done = run_python(script, cwd=tmp_path)
    message = done.stderr.splitlines()[-1]
    assert (
        "environment 'my_sweep:Line' is declared in my_sweep.py and cannot be sent to the trials'" in message
    )
    assert "cannot pickle '_thread.lock' object" in message
    assert 'say my_env.py beside it, and write env="my_env:Line"' in message

"""`python -m experiments new` writes an experiment that passes its check, or says in one line why not."""

import sys

import pytest

pytestmark = pytest.mark.slow

ROOM = """
import gymnasium as gym
import numpy as np


class Room(gym.Env):
    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.hour, self.warmth = 0, self.np_random.uniform(12.0, 22.0)
        return self._seen(), {}

    def step(self, action):
        self.warmth += 4.0 * action - 0.1 * (self.warmth - 5.0)
        self.hour += 1
        return self._seen(), -abs(self.warmth - 20.0), False, self.hour == 48, {}

    def _seen(self):
        return np.array([self.warmth, self.hour], np.float32)
"""
TWO = f"{ROOM}\n\nclass Hall(Room):\n    pass\n"
FAULTY = ROOM.replace("self.hour += 1", "self.hour += 1 // (self.hour != 30)")
REGISTERED = f"{ROOM}\n\ngym.register('House/Room-v0', entry_point=Room, max_episode_steps=20)\n"


@pytest.fixture
def new(tmp_path, run_python):
    """Runs the command in a folder of a user's."""

    def run(*arguments, env=None):
        if env is not None:
            (tmp_path / "my_env.py").write_text(env)
        return run_python(
            "-m", "experiments", "new", *arguments, cwd=tmp_path, env={"PYTHONPATH": ":".join(sys.path)}
        )

    return run


def test_what_is_written_for_a_class_in_a_file_passes_its_check_and_runs(tmp_path, new, run_python):
    done = new("room", "--env", "my_env.py", env=ROOM)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert any(line.startswith("wrote room_sweep.py: ") for line in said)
    assert said[-3] == "next:"
    assert said[-2].endswith("room_sweep.py --check")
    text = (tmp_path / "room_sweep.py").read_text()
    assert 'env="my_env:Room"' in text
    assert '"normalise_observations": True' in text
    assert '"scale_rewards": True' in text
    assert "Does tuning PPO pay on Room?" in text

    there = {"cwd": tmp_path, "env": {"PYTHONPATH": ":".join(sys.path)}}
    checked = run_python("room_sweep.py", "--check", **there)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "far from order one" not in checked.stdout
    swept = run_python("room_sweep.py", "--smoke", "--name", "x", **there)
    assert swept.returncode == 0, swept.stderr
    assert (tmp_path / "results" / "room_sweep" / "x" / "report.html").exists()

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    replay = ("-m", "experiments", "replay", tmp_path / "results" / "room_sweep" / "x", "--episodes", "2")
    paths = {"PYTHONPATH": ":".join(sys.path)}
    played = run_python(*replay, cwd=elsewhere, env=paths)
    assert played.returncode == 0, "its module is found where the sweep had found it: " + played.stderr
    stranger = run_python(*replay, cwd=elsewhere, env={**paths, "XDG_STATE_HOME": str(elsewhere)})
    assert stranger.returncode == 2, "a folder of somebody else's says nothing of where code lies"
    assert "there is no module 'my_env' to import" in stranger.stderr

    again = new("room_sweep.py", "--env", "my_env.py")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == ("error: room_sweep.py is there already: choose another name, or remove it\n")


def test_an_id_that_the_file_registers_is_taken_with_its_time_limit(tmp_path, new):
    assert new("room", "--env", "my_env.py", "--time", "2m", env=REGISTERED).returncode == 0
    assert 'env="my_env:House/Room-v0"' in (tmp_path / "room_sweep.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (["room"], None, "--env is missing: expected an id such as CartPole-v1"),
        (["room", "--env", "CartPole-v1", "--time", "soon"], None, "--time soon: expected a number and its"),
        (["room", "--env", "CartPole-v1", "--time", "3s"], None, "--time 3s: expected at least 60s"),
        (["../room", "--env", "CartPole-v1"], None, "'../room': expected a name of letters"),
        (["room", "--env", "CartPole"], None, "unknown environment 'CartPole'; did you mean"),
        (["room", "--env", "my_env.py"], None, "there is no file my_env.py"),
        (["room", "--env", "my_env.py"], "x = 1\n", "there is no environment in it"),
        (["room", "--env", "my_env.py"], TWO, "there are Room, Hall in it; choose one: --env my_env.py:Room"),
        (["room", "--env", "my_env.py:Attic"], ROOM, "unknown environment 'my_env:Attic'"),
        (["room", "--env", "my_env.py"], "import nowhere\n", "importing my_env, in which the environment is"),
        (["room", "--env", "my_env.py"], FAULTY, "ZeroDivisionError"),
        (["room", "--environment", "x"], None, "there is no option --environment"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, new, arguments, env, said):
    done = new(*arguments, env=env)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*_sweep.py"))

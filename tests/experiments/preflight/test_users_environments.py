"""Whatever is wrong with a user's environment is said before anything is spent, with the line to change."""

import re
import textwrap
from dataclasses import replace

import pytest

from experiments import Budget, Confirmation, Experiment
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.preflight import checks
from experiments.core.preflight.checks import preflight
from experiments.core.preflight.probe import Patience
from search_spaces import log_uniform

pytestmark = pytest.mark.usefixtures("no_ray")
SOUND = """
import gymnasium as gym
import numpy as np

class Gone(BaseException):
    pass

def refuse(self, *given, **named):
    raise RuntimeError("odd")

class Odd:
    __repr__ = __bool__ = __eq__ = __float__ = __len__ = __array__ = __deepcopy__ = refuse
    __hash__ = object.__hash__

class Mine(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(3)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.seen(), {}

    def step(self, action):
        self.time += 1
        return self.seen(), float(action), self.time >= 10, False, {}

    def seen(self):
        return np.zeros(2, np.float32)
"""
EXPERIMENT = Experiment(
    env="some:Mine",
    space=log_uniform("lr", 1e-5, 1e-2, default=3e-4, source="x"),
    fixed={"batch_size": 256, "num_minibatches": 4, "epochs": 1, "layout": "16-tanh"},
    budget=Budget(trials=2, steps_per_trial=512, evaluations=2),
    confirmation=Confirmation(top_k=1, seeds=1),
    evaluation_episodes=4,
    lanes=2,
    check_s=60.0,
)
COUNT = iter(range(10**6))


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Checks an experiment of a user's environment, which differs from a sound one in one place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=0.0, clock_s=0.0))

    def check(old="", new="", replaced=None, **changes):
        assert old in SOUND
        module = f"lab_{next(COUNT)}"
        text = SOUND.replace(old, textwrap.dedent(new) if not old else new)
        for part, other in (replaced or {}).items():
            text = text.replace(part, other)
        (tmp_path / f"{module}.py").write_text(text)
        experiment = replace(EXPERIMENT, env=f"{module}:Mine", **changes)
        options = Options(storage=str(tmp_path / "results"), concurrency=1)
        return preflight(Plan.of(experiment, options, name="mine_sweep", question="?"))

    return check


def test_a_sound_one_passes_without_a_note(check):
    assert [note for note in check().notes if "other programs" not in note] == []


RESET = "    def reset(self, *, seed=None, options=None):\n        super().reset(seed=seed)\n"
STEP = "        return self.seen(), float(action), self.time >= 10, False, {}\n"
SEEN = "        return np.zeros(2, np.float32)\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("import numpy", "import no_such_package\nimport numpy", "importing lab_.* No module named 'no_such"),
        ("class Mine(gym.Env):", "class Mine(gym.Env)", "importing lab_.* SyntaxError: expected ':'"),
        ("class Mine", "{}['key']\nclass Mine", "importing lab_.* KeyError: 'key'"),
        ("class Mine", "raise SystemExit('no licence')\nclass Mine", "importing lab_.* sys.exit: no licence"),
        ("render_mode\n\n", "open('/no/licence')\n\n", "cannot be made: it raises in its constructor File"),
        ("action_space =", "actions =", "Mine has after its constructor no action_space"),
        (RESET, "    def reset(self):\n", "raises in reset TypeError.*the old gym package; declare reset"),
        ("np.zeros(2", "np.zeros((1, 2)", r"an observation of shape \(1, 2\), expected shape \(2,\)"),
        (" False, {}", " {}", "returns from step 4 values.*the old gym"),
        ("float(action)", "None", "at step 1 .* the reward None of type NoneType"),
        (STEP, f"        [][self.time == 9]\n{STEP}", "raises in step 1 of an episode IndexError: list"),
        (STEP, f"        self.time == 9 and [][0]\n{STEP}", "raises in step 9 of an episode IndexError"),
        (STEP, f"        self.time == 4 and exit(3)\n{STEP}", "sys.exit in step 4 of an episode: 3"),
        ("class Mine", "raise KeyboardInterrupt\nclass Mine", "importing lab_.* KeyboardInterrupt"),
        ("render_mode\n\n", "render_mode\n        raise Gone('x')\n\n", "raises in its constructor Gone: x"),
        (STEP, "        raise Gone('no answer')\n", "raises in step 1 of an episode Gone: no answer"),
        (STEP, "        raise KeyboardInterrupt\n", "raises in step 1 of an episode KeyboardInterrupt"),
        ("self.time >= 10, False", "None, False", "terminated=None of type NoneType, expected True or False"),
        ("self.time >= 10, False", "self.time >= 10, 'no'", "truncated='no' of type str, expected True or"),
        ("float(action)", "10**400", "the reward 1000.* of type int, expected a number"),
        ("float(action)", "Odd()", r"reward what raises RuntimeError: odd \(lab_\d+.py:\d+\) when .* Odd"),
        ("return np.zeros(2, np.float32)", "return Odd()", "of type Odd that raises RuntimeError: odd"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_the_line_of_the_users_file(check, old, new, said):
    with pytest.raises(UserError) as caught:
        check(old, new)
    assert re.search(said, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    raised = not re.search("returns|has after", str(caught.value)) or "raises" in str(caught.value)
    assert bool(re.search(r"\(lab_\d+\.py:\d+\)", str(caught.value))) == raised


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("import numpy", "import no_such_package\nimport numpy", "importing lab_.* No module named 'no_such"),
        ("render_mode\n\n", "open('/no/licence')\n\n", "cannot be made: it raises in its constructor File"),
        ("action_space =", "actions =", "Mine has after its constructor no action_space"),
    ],
)
def test_a_fault_before_any_process_was_started_is_the_same_line(check, old, new, said):
    with pytest.raises(UserError, match=said):
        check(old, new, vectorization="async")


def test_flags_that_are_numbers_and_infos_that_are_no_use_are_no_matter(check):
    old, new = (
        "self.time >= 10, False, {}\n",
        "np.array([self.time >= 10]), 0, {{'odd': Odd(), Odd(): 1, 'lock': LOCK}}\n",
    )
    lock = "LOCK = __import__('threading').Lock()\n\nclass Mine"
    notes = check(old, new.replace("{{", "{").replace("}}", "}"), replaced={"class Mine": lock}).notes
    assert not any("seed" in note for note in notes)


def test_an_error_in_a_later_episode_is_found_as_well(check):
    counted = "        self.episodes = getattr(self, 'episodes', 0) + (self.time == 1)\n"
    later = f"{counted}        1 / (self.episodes < 3)\n"
    with pytest.raises(UserError, match=r"raises in step 1 of an episode ZeroDivisionError"):
        check(STEP, later + STEP)


@pytest.mark.parametrize(
    "reward", ["int(action)", "np.float32(action)", "np.array([action], float)", "np.int64(1)"]
)
def test_a_reward_that_is_a_number_of_any_kind_is_no_matter(check, reward):
    found = check("float(action)", reward)
    assert [note for note in found.notes if "other programs" not in note] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "        super().reset(seed=seed)\n        self.time = 0\n",
            "        np.random.seed(7)\n        self.time = 0\n",
        ),
        (SEEN, "        return np.random.uniform(-1, 1, 2).astype(np.float32)\n"),
        (SEEN, "        return np.random.default_rng().uniform(-1, 1, 2).astype(np.float32)\n"),
    ],
)
def test_seeds_without_effect_are_said_with_what_is_lost_and_how_to_mend_it(check, old, new):
    (note,) = (note for note in check(old, new).notes if "other programs" not in note)
    assert "no run can be repeated, and configurations are not compared on the same episodes" in note
    assert note.endswith("draw every random number from self.np_random")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("float(action)", "1e9 * float(action)", "rewards of up to 2e.09.*fixed=..scale_rewards"),
        (
            "Box(-1.0, 1.0, (2,), np.float32)", "Box(0.0, 1e6, (2,), np.float32)",
            None,
        ),
    ],
)  # fmt: skip
def test_numbers_far_from_order_one_are_said_with_the_setting_that_mends_them(check, old, new, said):
    notes = " ".join(check(old, new).notes)
    assert (said is None) == ("far from order one" not in notes)
    if said is not None:
        assert re.search(said, notes)
        assert "far from" not in " ".join(
            check(old, new, fixed={**EXPERIMENT.fixed, "scale_rewards": True}).notes
        )


@pytest.mark.parametrize(("step", "noted"), [(0.0, False), (1e-3, True), (0.1, False)])
def test_observations_that_hardly_change_are_said_with_the_setting_that_mends_them(check, step, noted):
    seen = f"        return np.array([{step} * self.time, 0.5], np.float32)\n"
    assert ("hardly learns from" in " ".join(check(SEEN, seen).notes)) == noted
    mended = check(SEEN, seen, fixed={**EXPERIMENT.fixed, "normalise_observations": True})
    assert "hardly learns from" not in " ".join(mended.notes)


def test_an_action_mask_is_said_where_nothing_is_raised(check):
    notes = check("self.seen(), {}\n", "self.seen(), {'action_mask': [1, 1, 0]}\n").notes
    assert any("says which actions are allowed, and training takes any" in note for note in notes)


@pytest.mark.parametrize("vectorization", ["auto", "async"])
def test_a_part_of_the_observation_that_no_network_can_read_is_left_out_and_named(check, vectorization):
    mission = (
        "    observation_space = gym.spaces.Dict(\n"
        "        {'mission': type('Mission', (gym.Space,), {})(), 'place': gym.spaces.Discrete(3)}\n    )\n"
    )
    seen = "        return {'mission': 'go to the red door', 'place': self.time % 3}\n"
    old = SOUND[SOUND.index("    observation_space") : SOUND.index("    action_space")]
    found = check(old, mission, vectorization=vectorization, replaced={SEEN: seen})
    (note,) = (note for note in found.notes if "left out" in note)
    assert re.match(r"lab_\d+:Mine observes 'mission' \(lab_\d+.Mission\), which no network can read", note)


def test_an_environment_that_takes_long_to_make_is_not_taken_for_one_that_is_stuck(check, monkeypatch):
    monkeypatch.setattr(checks, "EVALUATION_S", 0.2)
    made = "        self.render_mode = render_mode\n"
    found = check(made, f"{made}        __import__('time').sleep(1.6)\n", check_s=3.2)
    assert any("there was no time to evaluate in lab_" in note for note in found.notes)
    assert not any("an episode lasts about" in note for note in found.notes)


def test_an_environment_that_waits_is_checked_with_few_steps_and_estimated_with_its_waiting(check):
    quick, slow = check(), check(STEP, f"        __import__('time').sleep(0.05)\n{STEP}")
    assert any(
        "too slow to look at its contract now; python -m envs.check lab_" in note for note in slow.notes
    )
    assert slow.estimate.search_s > quick.estimate.search_s + 512 * 0.05
    assert slow.estimate.around_s == pytest.approx(quick.estimate.around_s, abs=1.0)

"""The checker finds each fault in an environment that has just that one, and says what it is."""

import random
import sys

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.check import check_single_env, check_vector_env, main


class Counter(gym.Env):
    """Counts up from a random number; over after four steps. Sound."""

    metadata = {"render_modes": []}  # noqa: RUF012
    observation_space = spaces.Box(0, 100, (1,), np.float32)
    action_space = spaces.Discrete(3)

    def __init__(self, step_size=1):
        self.step_size = step_size

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count, self.steps = int(self.np_random.integers(10)), 0
        return self._observation(), {}

    def step(self, action):
        self.count += self.step_size * int(action)
        self.steps += 1
        over = self.steps == 4
        return self._observation(), float(action), over, False, {"total": self.count} if over else {}

    def _observation(self):
        return np.array([self.count], dtype=np.float32)


class Counters(VectorEnv):
    """The same on N lanes. Sound; each broken one below changes one thing."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, num_envs=1):
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = (
            Counter.observation_space,
            Counter.action_space,
        )
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.lanes = [Counter() for _ in range(num_envs)]
        self.over = np.zeros(num_envs, dtype=bool)

    def reset(self, *, seed=None, options=None):
        for i, lane in enumerate(self.lanes):
            lane.reset(seed=None if seed is None else seed + i)
        self.over[:] = False
        return self.observe(), {}

    def step(self, actions):
        rewards, ended = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=bool)
        for i, lane in enumerate(self.lanes):
            if self.over[i]:
                self.begin(i, rewards)
            else:
                _, rewards[i], ended[i], _, _ = lane.step(actions[i])
        self.over = ended.copy()
        return self.observe(), rewards, ended, np.zeros(self.num_envs, dtype=bool), self.infos(ended)

    def begin(self, i, rewards):
        self.lanes[i].reset()

    def observe(self):
        return np.array([[lane.count] for lane in self.lanes], dtype=np.float32)

    def infos(self, ended):
        if not ended.any():
            return {}
        totals = np.array([lane.count if over else 0 for lane, over in zip(self.lanes, ended, strict=True)])
        return {"total": totals, "_total": ended.copy()}


class WrongSpace(Counters):
    def __init__(self, num_envs=1):
        super().__init__(num_envs)
        self.observation_space = spaces.Box(0, 1, (num_envs, 1), np.float32)


class Undeclared(Counters):
    metadata = {}  # noqa: RUF012


class OutOfBounds(Counters):
    def observe(self):
        return super().observe() + 200


class ListOfFlags(Counters):
    def step(self, actions):
        observations, rewards, terminated, truncated, infos = super().step(actions)
        return observations, rewards, terminated.astype(float), truncated, infos


class NeverResets(Counters):
    def begin(self, i, rewards):
        pass


class ResetsWithinTheStep(Counters):
    def step(self, actions):
        returned = super().step(actions)
        for i in np.flatnonzero(self.over):
            self.lanes[i].reset()
        self.over[:] = False
        return self.observe(), *returned[1:]


class PaysForResets(Counters):
    def begin(self, i, rewards):
        super().begin(i, rewards)
        rewards[i] = -1


class InfosWithoutMask(Counters):
    def infos(self, ended):
        return {"total": np.zeros(self.num_envs)}


class InfosPerLane(Counters):
    def infos(self, ended):
        return {"total": [1], "_total": ended.copy()}


class Unseeded(Counters):
    def reset(self, *, seed=None, options=None):
        return super().reset()


class OneSeedForAll(Counters):
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        for lane in self.lanes:
            lane.reset(seed=seed)
        return self.observe(), {}


class Entangled(Counters):
    def step(self, actions):
        return super().step(np.full_like(actions, actions[0]))


class OneBuffer(Counters):
    def __init__(self, num_envs=1):
        super().__init__(num_envs)
        self.buffer = np.zeros((num_envs, 1), dtype=np.float32)

    def observe(self):
        self.buffer[:] = super().observe()
        return self.buffer


class StateHandedOut(Counters):
    """A later observation is made from the array that the caller got."""

    def reset(self, *, seed=None, options=None):
        self.handed_out, infos = super().reset(seed=seed)
        return self.handed_out, infos

    def step(self, actions):
        observations, *rest = super().step(actions)
        self.handed_out = np.maximum(observations, self.handed_out)
        return self.handed_out, *rest


class Crashes(Counters):
    def step(self, actions):
        raise RuntimeError("no\nmarket")


class OtherSteps(Counter):
    def __init__(self):
        super().__init__(step_size=2)


def failures(results):
    return {result.name: result.problem for result in results if not result.passed}


def check(make, **options):
    return failures(check_vector_env(make, steps=30, **options))


def test_a_sound_vector_environment_passes_everything():
    results = check_vector_env(Counters, make_single=Counter, steps=30)
    assert len(results) == 12
    assert failures(results) == {}


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_gymnasiums_own_sync_vector_env_passes_in_every_mode(mode):
    assert check(lambda n: SyncVectorEnv([Counter] * n, autoreset_mode=mode), make_single=Counter) == {}


@pytest.mark.parametrize(
    ("broken", "promise", "reason"),
    [
        (WrongSpace, "spaces of lanes and batch agree", "observation_space is Box"),
        (Undeclared, "the autoreset mode is declared", "autoreset_mode"),
        (OutOfBounds, "observations, rewards and flags keep their form", "is outside Box"),
        (ListOfFlags, "observations, rewards and flags keep their form", "expected an array of 3 booleans"),
        (NeverResets, "the autoreset mode is obeyed", "not the one that reset"),
        (ResetsWithinTheStep, "the autoreset mode is obeyed", "not the one that reset"),
        (PaysForResets, "reset steps pay nothing", "lane 0 got reward -1"),
        (InfosWithoutMask, "infos are well-formed", "has no mask of 3 booleans under '_total'"),
        (InfosPerLane, "infos are well-formed", "expected an array with one value a lane"),
        (Unseeded, "equal seeds give equal runs", "against"),
        (OneSeedForAll, "lanes are seeded as in SyncVectorEnv", "one lane alone with seed 1 against lane 1"),
        (Entangled, "lanes are independent", "lane 1 changed with the actions of lane 0"),
        (OneBuffer, "returned arrays belong to the caller", "overwrote the observations"),
        (StateHandedOut, "returned arrays belong to the caller", "writing into returned observations"),
        (Crashes, "observations, rewards and flags keep their form", "RuntimeError: no market"),
    ],
)
def test_a_broken_promise_is_found_with_its_reason(broken, promise, reason):
    found = check(broken)
    assert reason in found[promise]
    assert "\n" not in found[promise]


def test_a_single_fault_fails_its_own_promise_only():
    for broken, promise in (
        (PaysForResets, "reset steps pay nothing"),
        (WrongSpace, "spaces of lanes and batch agree"),
    ):
        assert set(check(broken)) == {promise}


def test_a_single_environment_that_differs_is_found():
    found = check(Counters, make_single=OtherSteps)
    assert set(found) == {"SyncVectorEnv of the single environment agrees"}


def test_a_run_without_an_end_is_no_proof_that_lanes_are_reset():
    results = failures(check_vector_env(Counters, steps=3))
    assert "raise the steps" in results["the autoreset mode is obeyed"]


class Float32Reward(Counter):
    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, np.float32(reward), *rest


class ArrayReward(Counter):
    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, np.array([reward]), *rest


class MissingReward(Counter):
    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, None, *rest


class Float64Observation(Counter):
    def _observation(self):
        return np.array([self.count], dtype=np.float64)


class Unrepeatable(Counter):
    def step(self, action):
        observation, *rest, _ = super().step(action)
        return observation, *rest, {"now": np.random.default_rng().random()}


class UnboundedObservation(Counter):
    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)


class UnboundedAction(Counter):
    action_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)

    def step(self, action):
        return super().step(int(action[0] > 0))


class GlobalNumbers(Counter):
    """Draws from the generator that the whole process has, and seeds it where it is asked to."""

    generator = "numpy"

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        if self.generator == "numpy":
            np.random.seed(7)  # noqa: NPY002
        elif self.generator == "random":
            random.random()
        else:
            torch.rand(1)
        return observation, info


class GlobalPython(GlobalNumbers):
    generator = "random"


class GlobalTorch(GlobalNumbers):
    generator = "torch"


@pytest.mark.parametrize("sound", [Counter, Float32Reward, ArrayReward, UnboundedObservation])
def test_a_sound_single_environment_passes(sound):
    assert failures(check_single_env(sound, steps=30)) == {}


@pytest.mark.parametrize(
    ("broken", "promise", "reason"),
    [
        (MissingReward, "types, dtypes and bounds are exact", "reward is None of type NoneType, expected a"),
        (Float64Observation, "types, dtypes and bounds are exact", "of type float64, expected float32"),
        (Unrepeatable, "equal seeds give equal episodes", "['now']"),
        (UnboundedAction, "Gymnasium's check_env passes without a warning", "maximum value is infinity"),
        (GlobalNumbers, "random numbers are the environment's own", "numpy.random moved on, or was seeded"),
        (GlobalPython, "random numbers are the environment's own", "random moved on"),
        (GlobalTorch, "random numbers are the environment's own", "torch moved on"),
    ],
)
def test_a_fault_of_a_single_environment_is_found_with_its_reason(broken, promise, reason):
    assert reason in failures(check_single_env(broken, steps=30))[promise]


@pytest.fixture
def user_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "user_environments", sys.modules[__name__])
    monkeypatch.setattr(sys, "path", [*sys.path])
    return "user_environments"


def test_the_command_passes_a_sound_environment_of_the_user(user_module, capsys):
    assert main([f"{user_module}:Counters", "--steps", "30"]) == 0
    assert "11 of 11 checks passed" in capsys.readouterr().out
    assert main([f"{user_module}:Counter", "step_size=3", "--steps", "30"]) == 0
    assert "5 of 5 checks passed" in capsys.readouterr().out


def test_the_command_takes_the_name_that_an_experiment_has_for_an_environment_of_the_user(
    user_module, capsys, monkeypatch
):
    monkeypatch.setitem(gym.registry, "user/Counter-v0", EnvSpec("user/Counter-v0", entry_point=Counter))
    assert main([f"{user_module}:user/Counter-v0", "step_size=3", "--steps", "30"]) == 0
    assert f"{user_module}:user/Counter-v0: 5 of 5 checks passed" in capsys.readouterr().out


def test_the_command_fails_with_one_and_names_what_failed(user_module, capsys):
    assert main([f"{user_module}:PaysForResets", "--steps", "30"]) == 1
    printed = capsys.readouterr().out
    assert (
        "FAIL  reset steps pay nothing: step 5: lane 0 got reward -1 on its reset step, expected 0" in printed
    )
    assert "ok    lanes are independent" in printed


def test_the_command_checks_both_forms_of_a_registered_id(capsys):
    assert main(["sweeps/Bandit-v0", "--steps", "20"]) == 0
    assert "17 of 17 checks passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["sweeps/Tradin-v0"], "doesn't exist"),
        (["user/Env-v0"], "; one of your own is named module:id, where importing module registers id"),
        (["envs:user/Env-v0"], "nor an id that importing envs registers"),
        (["no_such_module:Env"], "No module named 'no_such_module'"),
        (["envs:NoSuchEnv"], "NoSuchEnv"),
        (["envs:ids"], "The environment must inherit from the gymnasium.Env class"),
        (["sweeps/Trading-v0", "fees=1"], "has no parameter 'fees'; did you mean 'fee_rate'"),
        (["sweeps/Trading-v0", "fee_rate"], "expected a parameter as name=value"),
        (["sweeps/Trading-v0", "--num-envs", "1"], "--num-envs 1: expected a whole number from 2"),
        (["CartPole-v1", "mass=2"], "unexpected keyword argument 'mass'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, reason, user_module, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert reason in printed.err

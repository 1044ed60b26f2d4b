"""Are the vector environments as fast as promised? Steps per second against the classic scalar form.

The classic form is a plain scalar environment in Gymnasium's SyncVectorEnv, made by `gymnasium.make_vec` as
usual, with the same rules, parameters, infos, lanes, seeds and actions. Both are first compared step by step,
then timed in turns in one process. Time is the process' own on its core, and the best of the repetitions
counts, since other work on the machine can only slow a run down. Steps in which a lane resets do not count.

Run:    python benchmarks/environment_speed.py
Expect: docs/performance.md, section "Environments"; about a minute and a half on a free core.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import tyro
from gymnasium.vector import VectorEnv
from scalar_environments import SCALAR

import envs

TARGET_RATIO = 10.0
"""How many times faster than the classic form a vector environment shall be."""
TARGET_STEPS = 1_000_000
"""Steps per second that a vector environment shall make on one core ..."""
TARGET_FRAMES = 300_000
"""... and one that shows images."""
ACTIONS = 64
"""Different batches of actions that are cycled through."""
COMPARED_STEPS = 400


@dataclass(frozen=True)
class Options:
    """What to measure."""

    ids: tuple[str, ...] = envs.ids()
    """Environments."""
    lanes: tuple[int, ...] = (64, 256)
    """Numbers of lanes."""
    seconds: float = 0.5
    """How long a repetition lasts, at least."""
    repetitions: int = 4
    """Repetitions of each form, in turns."""


@dataclass(frozen=True)
class Speed:
    """What one environment with one number of lanes gave."""

    env_id: str
    lanes: int
    steps_per_second: float
    classic_steps_per_second: float | None
    target: float

    @property
    def passed(self) -> bool:
        """Whether both promises are kept."""
        classic = self.classic_steps_per_second
        return self.steps_per_second >= self.target and (
            classic is None or self.steps_per_second >= TARGET_RATIO * classic
        )

    def __str__(self) -> str:
        classic, ratio = "-", "-"
        if self.classic_steps_per_second is not None:
            classic = f"{self.classic_steps_per_second:,.0f}"
            ratio = f"{self.steps_per_second / self.classic_steps_per_second:.0f}x"
        verdict = "pass" if self.passed else "MISSED"
        return (
            f"{self.env_id:34}{self.lanes:6}{self.steps_per_second:14,.0f}{classic:>12}{ratio:>8}   {verdict}"
        )


def main(options: Options) -> int:
    """Prints one line for each environment and number of lanes; 1 if a promise was broken."""
    print(f"{'id':34}{'lanes':>6}{'steps/s':>14}{'classic':>12}{'ratio':>8}")
    broken = 0
    for env_id in options.ids:
        for lanes in options.lanes:
            speed = measure(env_id, lanes, options)
            broken += not speed.passed
            print(speed, flush=True)
    return int(broken > 0)


def measure(env_id: str, lanes: int, options: Options) -> Speed:
    """Compares both forms of an environment and times them in turns."""
    entry = envs.entry(env_id)
    forms = [gym.make_vec(env_id, num_envs=lanes, vectorization_mode="vector_entry_point")]
    scalar = SCALAR.get(entry.dynamics.__name__)
    if scalar is not None:
        forms.append(classic(env_id, scalar, lanes))
    forms[0].action_space.seed(0)
    actions = [forms[0].action_space.sample() for _ in range(ACTIONS)]
    share = count_moves(forms, actions)
    rates = [0.0] * len(forms)
    for _ in range(options.repetitions):
        for form, env in enumerate(forms):
            rates[form] = max(rates[form], share * lanes * calls_per_second(env, actions, options.seconds))
    shape = forms[0].single_observation_space.shape
    target = TARGET_FRAMES if shape is not None and len(shape) == 3 else TARGET_STEPS
    return Speed(env_id, lanes, rates[0], rates[1] if len(rates) > 1 else None, target)


def classic(env_id: str, scalar: Callable[..., gym.Env[Any, Any]], lanes: int) -> VectorEnv[Any, Any, Any]:
    """A scalar environment the way Gymnasium makes it from an id, once for each lane."""
    classic_id = env_id.replace("sweeps/", "classic/")
    gym.register(classic_id, entry_point=scalar, kwargs={"p": envs.entry(env_id).parameters()})
    env = gym.make_vec(classic_id, num_envs=lanes, vectorization_mode="sync")
    del gym.registry[classic_id]
    return env


def count_moves(forms: list[VectorEnv[Any, Any, Any]], actions: list[Any]) -> float:
    """The share of lane steps that are no resets; fails where the forms differ."""
    resets = 0
    firsts = [env.reset(seed=0)[0] for env in forms]
    same(firsts, "first observations")
    for t in range(COMPARED_STEPS):
        results = [env.step(actions[t % ACTIONS]) for env in forms]
        for part, name in enumerate(("observations", "rewards", "terminated", "truncated")):
            same([result[part] for result in results], f"{name} of step {t}")
        same_infos([result[4] for result in results], f"infos of step {t}")
        resets += int((results[0][2] | results[0][3]).sum())
    return 1.0 - resets / (COMPARED_STEPS * forms[0].num_envs)


def same(values: list[Any], name: str) -> None:
    """Fails unless both forms, if there are two, gave the same up to rounding.

    Raises:
        AssertionError: They did not, and comparing their speeds would mean nothing.
    """
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], rtol=1e-5, atol=1e-5, err_msg=name)


def same_infos(infos: list[dict[str, Any]], name: str) -> None:
    """Fails unless both forms reported the same of the same lanes; NaN equals NaN.

    Raises:
        AssertionError: They did not.
    """
    for other in infos[1:]:
        assert sorted(other) == sorted(infos[0]), f"{name}: {sorted(other)} and {sorted(infos[0])}"
        for key, values in infos[0].items():
            np.testing.assert_allclose(other[key], values, rtol=1e-5, atol=1e-5, err_msg=f"{name}: {key}")


def calls_per_second(env: VectorEnv[Any, Any, Any], actions: list[Any], seconds: float) -> float:
    """How many vector steps an environment makes in a second of its core."""
    env.reset(seed=0)
    step: Callable[[Any], Any] = env.step
    calls = 0
    start = time.process_time()
    while time.process_time() - start < seconds:
        for batch in actions:
            step(batch)
        calls += len(actions)
    return calls / (time.process_time() - start)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))

"""Steps per second of the suite's vector environments against the classic scalar form.

The classic form is a plain scalar environment in Gymnasium's SyncVectorEnv, made by `gymnasium.make_vec` as
usual, with the same rules, parameters, infos, lanes, seeds and actions. Both are first compared step by step,
then timed in turns in one process. Time is the process' own on its core, and the best of the repetitions
counts, since other work on the machine can only slow a run down. Steps in which a lane resets do not count.

Run:    python -m benchmarks.environment_speed
Writes docs/performance.md, section "Environments"; about a minute and a half on a free core. Ends with exit
code 1 where a goal is missed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

import envs
from benchmarks.common import PERFORMANCE, exit_code, in_turns, options_of, publish, rate, table
from benchmarks.contestants.scalar_environments import SCALAR

GOAL_RATIO = 10.0
"""How many times faster than the classic form a vector environment shall be."""
GOAL_STEPS = 1_000_000
"""Steps per second that a vector environment shall make on one core ..."""
GOAL_FRAMES = 300_000
"""... and one that shows images."""
ACTIONS = 64
"""Different batches of actions that are cycled through."""
COMPARED_STEPS = 400


@dataclass(frozen=True)
class EnvironmentSpeedOptions:
    """Environments, numbers of lanes and repetitions."""

    ids: tuple[str, ...] = envs.ids()
    """Environments."""
    lanes: tuple[int, ...] = (64, 256)
    """Numbers of lanes."""
    seconds: float = 0.3
    """How long a repetition lasts, at least."""
    repetitions: int = 4
    """Repetitions of each form, in turns."""


@dataclass(frozen=True)
class Speed:
    """Steps per second of one environment with one number of lanes, and of its classic form if it has one."""

    env_id: str
    lanes: int
    images: bool
    steps: float
    classic_steps: float | None

    @property
    def missed(self) -> list[str]:
        """The goals that it misses."""
        goal = GOAL_FRAMES if self.images else GOAL_STEPS
        found = [] if self.steps >= goal else [f"{self.steps:,.0f} steps per second, goal {goal:,}"]
        if self.classic_steps is not None and self.steps < GOAL_RATIO * self.classic_steps:
            found.append(f"{self.steps / self.classic_steps:.1f} times the classic form, goal {GOAL_RATIO:g}")
        return [f"{self.env_id}, {self.lanes} lanes: {goal}" for goal in found]

    @property
    def cells(self) -> tuple[str, str]:
        """Million steps per second, and how many times the classic form's."""
        millions = self.steps / 1e6
        ratio = "" if self.classic_steps is None else f"{self.steps / self.classic_steps:.0f}x"
        return f"{millions:.{1 if millions >= 1 else 2}f}", ratio


def measure(env_id: str, lanes: int, options: EnvironmentSpeedOptions) -> Speed:
    """Compares both forms of an environment and times them in turns."""
    entry = envs.entry(env_id)
    forms = {"vector": gym.make_vec(env_id, num_envs=lanes, vectorization_mode="vector_entry_point")}
    scalar = SCALAR.get(entry.dynamics.__name__)
    if scalar is not None:
        forms["classic"] = classic(env_id, scalar, lanes)
    forms["vector"].action_space.seed(0)
    actions = [forms["vector"].action_space.sample() for _ in range(ACTIONS)]
    moves = lanes * count_moves(list(forms.values()), actions)
    timed = {name: partial(calls_per_second, env, actions, options.seconds) for name, env in forms.items()}
    best = {name: moves * max(rates) for name, rates in in_turns(timed, options.repetitions).items()}
    shape = forms["vector"].single_observation_space.shape
    images = shape is not None and len(shape) == 3
    return Speed(env_id, lanes, images, best["vector"], best.get("classic"))


def classic(env_id: str, scalar: Callable[..., gym.Env[Any, Any]], lanes: int) -> VectorEnv[Any, Any, Any]:
    """Returns a scalar environment made the way Gymnasium makes it from an id, once for each lane."""
    classic_id = env_id.replace("sweeps/", "classic/")
    gym.register(classic_id, entry_point=scalar, kwargs={"p": envs.entry(env_id).parameters()})
    env = gym.make_vec(classic_id, num_envs=lanes, vectorization_mode="sync")
    del gym.registry[classic_id]
    return env


def count_moves(forms: list[VectorEnv[Any, Any, Any]], actions: list[Any]) -> float:
    """Returns the share of lane steps that are no resets; fails where the forms differ."""
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
    """Returns how many vector steps an environment makes in a second of its core."""
    step: Callable[[Any], Any] = env.step

    def cycle() -> int:
        for batch in actions:
            step(batch)
        return len(actions)

    env.reset(seed=0)
    return rate(cycle, seconds=seconds)


def section(speeds: list[Speed], options: EnvironmentSpeedOptions) -> str:
    """Returns the table of docs/performance.md, a row for each environment."""
    header = ["id", *itertools.chain(*((f"{lanes} lanes", "") for lanes in options.lanes))]
    rows = []
    for env_id in options.ids:
        own = [speed for speed in speeds if speed.env_id == env_id]
        name = env_id.removeprefix("sweeps/").removesuffix("-v0") + (" (frames)" if own[0].images else "")
        rows.append([name, *itertools.chain(*(speed.cells for speed in own))])
    return (
        "`python -m benchmarks.environment_speed`: million steps per second of processor time on one core, "
        "and how many times that is of the same rules written as a plain scalar environment in "
        "`SyncVectorEnv`."
        f"\n\n{table(header, rows, texts=1)}"
    )


def main(options: EnvironmentSpeedOptions) -> int:
    """Measures, writes, and judges."""
    speeds = []
    for env_id, lanes in itertools.product(options.ids, options.lanes):
        speeds.append(measure(env_id, lanes, options))
        print(f"{env_id:34} {lanes:4} lanes {' '.join(speeds[-1].cells)}", flush=True)
    publish(PERFORMANCE, "environment-speed", section(speeds, options), options)
    return exit_code(goal for speed in speeds for goal in speed.missed)


if __name__ == "__main__":
    sys.exit(main(options_of(EnvironmentSpeedOptions, __doc__)))

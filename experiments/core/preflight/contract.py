"""Check that the experiment's environment keeps its contract, by the checker's rules within a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv

import envs
from envs.check import CheckResult, check_single_env, check_vector_env
from envs.checking import MakeSingle
from envs.lanes import Lane
from experiments.core.environments import imported_spec
from experiments.core.errors import UserError
from experiments.core.program import NO_FILE, module_command, program_module

LANES = 2
MOST_STEPS = 400
"""Steps of each run of the checker, unless the environment is slow: long enough for most episodes to end."""
FEWEST_STEPS = 20
SECONDS = 1.0
"""Processor time that the runs may take together."""
RUNS_PER_STEP = 20
"""Steps that the checker takes in all, for each step of its longest run."""

DATA_PROMISES = frozenset(
    {
        "spaces of lanes and batch agree",
        "the autoreset mode is declared",
        "observations, rewards and flags keep their form",
        "the autoreset mode is obeyed",
        "reset steps pay nothing",
    }
)
"""Promises of a vector environment without which training runs on wrong data and says nothing."""


def check_contract(env_id: str, parameters: Mapping[str, Any]) -> list[CheckResult]:
    """Runs the environment checker for about a second.

    Args:
        env_id: Gymnasium id, `module:id`, or `module:Class`.
        parameters: The environment's keywords.

    Returns:
        Broken promises with which training is still sound.

    Raises:
        UserError: A vector environment breaks a promise without which its data are wrong.
    """
    spec = imported_spec(env_id)
    make_vector = partial(_make_vector, spec, dict(parameters))
    make_single: MakeSingle | None = None
    results: list[CheckResult] = []
    if spec.entry_point is None:
        steps = _affordable_steps(partial(make_vector, LANES))
    else:
        make_single = partial(gym.make, spec, disable_env_checker=True, **parameters)
        # A lane, as is trained in: what cannot be trained with is named here, before the checker looks.
        steps = _affordable_steps(partial(_make_lane, make_single))
        results += check_single_env(make_single, steps=steps, drawing=False)
    if spec.vector_entry_point is not None:
        results += check_vector_env(make_vector, make_single=make_single, num_envs=LANES, steps=steps)
    broken = [result for result in results if not result.passed and not result.undecided]
    for result in broken:
        if result.name in DATA_PROMISES:
            raise UserError(
                f"{env_id} breaks a promise that training relies on, {result.name!r}: {result.problem}; "
                f"mend it until {check_command(env_id, parameters)} passes"
            )
    return broken


def check_command(env_id: str, parameters: Mapping[str, Any]) -> str:
    """Returns what says more about the environment, to be pasted into a shell in the experiment's folder.

    Into a cell, where the environment is declared in a notebook.
    """
    module, _, name = env_id.rpartition(":")
    if program_module() == NO_FILE and module in {"", NO_FILE} and env_id not in envs.ids():
        given = [f"{keyword}={value!r}" for keyword, value in parameters.items()]
        made = (
            f"{name}({', '.join(given)})" if module else f"gymnasium.make({', '.join([repr(name), *given])})"
        )
        return f"envs.check.check_single_env(lambda: {made})"
    keywords = (f"{name}={json.dumps(value)}" for name, value in parameters.items())
    return module_command("envs.check", env_id, *keywords, env_id=env_id)


def _make_vector(spec: EnvSpec, parameters: dict[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    return gym.make_vec(spec, lanes, "vector_entry_point", **parameters)


def _make_lane(make_single: MakeSingle) -> gym.Env[Any, Any]:
    return Lane(make_single())


def _affordable_steps(make: Callable[[], gym.Env[Any, Any] | VectorEnv[Any, Any, Any]]) -> int:
    """Returns how long the runs may be, measured on a short one."""
    with closing(make()) as env:
        env.action_space.seed(0)
        env.reset(seed=0)
        started = time.process_time()
        for _ in range(FEWEST_STEPS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if np.any(terminated) or np.any(truncated):
                env.reset()
        step_s = (time.process_time() - started) / FEWEST_STEPS
    return min(MOST_STEPS, max(FEWEST_STEPS, int(SECONDS / max(RUNS_PER_STEP * step_s, 1e-9))))

"""Check that the experiment's environment keeps its contract, by the checker's rules within a second."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any

import gymnasium as gym

from envs.check import CheckResult, check_single_env, check_vector_env
from envs.lanes import Lane
from experiments.core.environments import imported_spec
from experiments.core.errors import UserError

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
        env_id: Gymnasium id, or `module:id`.
        parameters: The environment's keywords.

    Returns:
        Broken promises with which training is still sound.

    Raises:
        UserError: A vector environment breaks a promise without which its data are wrong.
    """
    spec = imported_spec(env_id)
    make_single = partial(gym.make, spec.id, disable_env_checker=True, **parameters)
    steps = _affordable_steps(make_single)
    results = check_single_env(make_single, steps=steps, drawing=False)
    if spec.vector_entry_point is not None:
        make = partial(_make_vector, spec.id, dict(parameters))
        results += check_vector_env(make, make_single=make_single, num_envs=LANES, steps=steps)
    broken = [result for result in results if not result.passed and not result.undecided]
    for result in broken:
        if result.name in DATA_PROMISES:
            raise UserError(
                f"{env_id} breaks a promise that training relies on, {result.name!r}: {result.problem}; "
                f"mend it until {check_command(env_id, parameters)} passes"
            )
    return broken


def check_command(env_id: str, parameters: Mapping[str, Any]) -> str:
    """Returns the command that says more about the environment, to be pasted into a shell."""
    keywords = (f"{name}={json.dumps(value)}" for name, value in parameters.items())
    return shlex.join(["python", "-m", "envs.check", env_id, *keywords])


def _make_vector(env_id: str, parameters: dict[str, Any], lanes: int) -> gym.vector.VectorEnv[Any, Any, Any]:
    return gym.make_vec(env_id, lanes, "vector_entry_point", **parameters)


def _affordable_steps(make: partial[gym.Env[Any, Any]]) -> int:
    """Returns how long the runs may be, measured on a short one."""
    # A lane, as is trained in: what cannot be trained with is named here, before the checker looks closer.
    with closing(Lane(make())) as env:
        env.action_space.seed(0)
        env.reset(seed=0)
        started = time.process_time()
        for _ in range(FEWEST_STEPS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
        step_s = (time.process_time() - started) / FEWEST_STEPS
    return min(MOST_STEPS, max(FEWEST_STEPS, int(SECONDS / max(RUNS_PER_STEP * step_s, 1e-9))))

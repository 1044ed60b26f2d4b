"""Check that the experiment's environment keeps its contract, by the checker's rules within a second."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv

import envs
from envs.check import CLOSING, CheckResult, check_single_env, check_vector_env
from envs.checking import INFO, MakeSingle
from envs.lanes import close
from experiments.core.declaration import recorded
from experiments.core.environments import imported_spec
from experiments.core.errors import UserError
from experiments.core.program import NO_FILE, module_command, program_module

LANES = 2
MOST_STEPS = 400
"""Steps of each run of the checker, unless the environment is slow: long enough for most episodes to end."""
FEWEST_STEPS = 3
"""Steps of a run that can still say something; an environment that is too slow for it is not looked at."""
SECONDS = 1.5
"""Seconds that the runs may take together."""
RUNS_PER_STEP = 20
"""Steps that the checker takes in all, for each step of its longest run."""
MADE = 8
"""Environments that the checker makes."""

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


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Promises of an environment, as far as they were looked at."""

    looked: bool
    """Whether there was time to look."""
    broken: Sequence[CheckResult]
    """Broken promises with which training is still sound."""


def check_contract(env_id: str, parameters: Mapping[str, Any], *, make_s: float, step_s: float) -> Contract:
    """Runs the environment checker for about a second, if it can say anything in that time.

    Args:
        env_id: Gymnasium id, `module:id`, or `module:Class`.
        parameters: The environment's keywords.
        make_s: Seconds on the clock that making it takes at least.
        step_s: Seconds on the clock of one of its steps.

    Raises:
        UserError: A vector environment breaks a promise without which its data are wrong.
    """
    if MADE * make_s > SECONDS:
        return Contract(looked=False, broken=())
    spec = imported_spec(env_id)
    make_vector = partial(_make_vector, spec, dict(parameters))
    make_single: MakeSingle | None = None
    if spec.entry_point is not None:
        make_single = partial(gym.make, spec, disable_env_checker=True, **parameters)
    started = time.perf_counter()
    made: gym.Env[Any, Any] | VectorEnv[Any, Any, Any] = (
        make_vector(LANES) if make_single is None else make_single()
    )
    close(made)
    left_s = SECONDS - MADE * (time.perf_counter() - started)
    steps = min(MOST_STEPS, int(left_s / max(RUNS_PER_STEP * step_s, 1e-9)))
    if steps < FEWEST_STEPS:
        return Contract(looked=False, broken=())
    results: list[CheckResult] = []
    if make_single is not None:
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
    return Contract(looked=True, broken=tuple(broken))


OWN_NUMBERS = "call super().reset(seed=seed) first in reset, and draw every random number from self.np_random"
CURES = {
    "equal seeds give equal episodes": (
        "its episodes do not follow from their seed",
        "no run can be repeated, and configurations are not compared on the same episodes",
        OWN_NUMBERS,
    ),
    "random numbers are the environment's own": (
        "it uses the random numbers of the whole process",
        "lanes and runs disturb one another, no run can be repeated, and configurations are not compared on "
        "the same episodes",
        OWN_NUMBERS,
    ),
    "types, dtypes and bounds are exact": (
        "what it returns does not fit what it says of itself",
        "it trains here, and may be cut or refused elsewhere",
        "give its spaces the bounds and types of what is returned",
    ),
}
"""Cause, effect and cure of the broken promises by which results lose something."""
INFOS_CURE = (
    "its infos do not follow from its seed",
    "only numbers among them that are recorded are lost to comparisons",
    "draw what is in them from self.np_random",
)
"""The same for seeds where observations and rewards follow from them."""
_OTHERS = "Gymnasium's check_env passes without a warning"


def contract_notes(contract: Contract, env_id: str, parameters: Mapping[str, Any]) -> list[str]:
    """Returns what is broken of a contract, what is lost by it, and how to mend it, a line each."""
    command = check_command(env_id, parameters)
    if not contract.looked:
        return [f"{env_id} is too slow to look at its contract now; {command} does, and takes its time"]
    notes: list[str] = []
    cures: set[str] = set()
    for result in contract.broken:
        if result.name in CURES:
            only_infos = str(result.problem).startswith(INFO)
            cause, effect, cure = INFOS_CURE if only_infos else CURES[result.name]
            if cure not in cures:
                notes.append(f"{env_id}: {cause} ({result.problem}): {effect}; {cure}")
            cures.add(cure)
    seeds = OWN_NUMBERS in cures
    # Gymnasium's own words on seeds say no more.
    others = [
        result
        for result in contract.broken
        if result.name not in {*CURES, CLOSING}
        and not (seeds and re.search("seed|determinis", str(result.problem), re.I))
    ]
    if len(others) > 1:
        promises = ", ".join(repr(result.name) for result in others)
        return [
            *notes,
            f"{env_id} breaks {len(others)} promises that training does without ({promises}); {command} "
            "says how",
        ]
    for result in others:
        promise = "" if result.name == _OTHERS else f"{result.name!r} does not hold: "
        notes.append(
            f"{env_id}: {promise}{result.problem}; training needs no more than it does, {command} says the "
            "rest"
        )
    return notes


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
    keywords = (f"{name}={json.dumps(value)}" for name, value in recorded(parameters).items())
    return module_command("envs.check", env_id, *keywords, env_id=env_id)


def _make_vector(spec: EnvSpec, parameters: dict[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    return gym.make_vec(spec, lanes, "vector_entry_point", **parameters)

"""Command `python -m envs.check ID`: a checker for single and for vector environments.

    python -m envs.check sweeps/Trading-v0
    python -m envs.check my_package.my_module:my/Walk-v0
    python -m envs.check my_package.my_module:MyVectorEnv size=8 --steps 5000

A single environment goes through Gymnasium's `check_env` with every warning counted as a failure, and through
rollouts that it leaves out; a vector environment through the rules of
:mod:`envs.checking.vector_rules`. From Python:

    failed = [result for result in check_vector_env(lambda n: MyVectorEnv(num_envs=n)) if not result.passed]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import VectorEnv

from envs.checking import MakeSingle, MakeVector, Runs, difference
from envs.checking import vector_rules as rules

ADVICE = "we recommend using a symmetric and normalized space"
"""The one warning that is no fault: RLlib scales actions to any bounded box by itself."""


@dataclass(frozen=True)
class CheckResult:
    """Finding of one check."""

    name: str
    """What was promised."""
    problem: str | None
    """How the promise is broken; None where it is kept."""

    @property
    def passed(self) -> bool:
        """Whether the promise is kept."""
        return self.problem is None

    @property
    def undecided(self) -> bool:
        """Whether the runs were too short to say."""
        return self.problem is not None and self.problem.endswith(rules.UNSEEN)


def check_vector_env(
    make: MakeVector,
    *,
    make_single: MakeSingle | None = None,
    num_envs: int = 3,
    steps: int = 1000,
    seed: int = 0,
) -> list[CheckResult]:
    """Checks a vector environment under random actions.

    Args:
        make: Makes the environment with the given number of lanes.
        make_single: Makes the single environment that it must agree with, where there is one.
        num_envs: How many lanes to run side by side, at least 2.
        steps: How many steps; enough that episodes end.
        seed: Lane i is seeded with `seed + i`.

    Returns:
        One result per promise; a check that raises has failed with what it raised.
    """
    runs = Runs(make, num_envs, steps, seed)
    promises: dict[str, Callable[[], str | None]] = {
        "spaces of lanes and batch agree": partial(rules.spaces_agree, runs),
        "the autoreset mode is declared": partial(rules.mode_declared, runs),
        "observations, rewards and flags keep their form": partial(rules.form_kept, runs),
        "the autoreset mode is obeyed": partial(rules.autoreset_obeyed, runs),
        "reset steps pay nothing": partial(rules.reset_rewards_zero, runs),
        "infos are well-formed": partial(rules.infos_well_formed, runs),
        "equal seeds give equal runs": partial(rules.equal_seeds_equal_runs, runs),
        "lanes are seeded as in SyncVectorEnv": partial(rules.seeded_as_singles, runs),
        "lanes are independent": partial(rules.lanes_independent, runs),
        "returned arrays belong to the caller": partial(rules.arrays_are_the_callers, runs),
    }
    if make_single is not None:
        agrees = partial(rules.agrees_with_singles, runs, make_single)
        promises["SyncVectorEnv of the single environment agrees"] = agrees
    return [_result(name, check) for name, check in promises.items()]


def check_single_env(
    make: MakeSingle, *, steps: int = 1000, seed: int = 0, drawing: bool = True
) -> list[CheckResult]:
    """Checks a single environment.

    Args:
        make: Makes the environment.
        steps: How many steps the rollouts last, over as many episodes as that takes.
        seed: Of the environment and of the actions.
        drawing: Whether to try its render modes too.

    Returns:
        One result per promise; a check that raises has failed with what it raised.
    """
    return [
        _result("Gymnasium's check_env passes without a warning", partial(_gymnasium_problem, make, drawing)),
        _result("types, dtypes and bounds are exact", partial(_strict_problem, make, steps, seed)),
        _result("equal seeds give equal episodes", partial(_twin_problem, make, steps, seed)),
    ]


def _result(name: str, check: Callable[[], str | None]) -> CheckResult:
    try:
        return CheckResult(name, check())
    except Exception as error:  # whatever a broken environment raises is the finding
        return CheckResult(name, f"{type(error).__name__}: {' '.join(str(error).split())}")


def _gymnasium_problem(make: MakeSingle, drawing: bool) -> str | None:
    env = make().unwrapped
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Without a spec Gymnasium cannot make it anew to draw it, and would only warn about that.
        skip_render_check = env.spec is None or not drawing
        check_env(env, skip_render_check=skip_render_check, skip_close_check=env.spec is None)
    # Gymnasium colours its warnings for terminals.
    messages = [re.sub(r"\x1b\[\d*m", "", str(warning.message)) for warning in caught]
    return "; ".join(" ".join(message.split()) for message in messages if ADVICE not in message) or None


def _play(env: gym.Env[Any, Any], steps: int, seed: int) -> list[tuple[Any, ...]]:
    """Returns what `reset` and `step` give over some episodes, observations and infos copied."""
    actions = deepcopy(env.action_space)
    actions.seed(seed)
    returned: list[tuple[Any, ...]] = [deepcopy(env.reset(seed=seed))]
    for _ in range(steps):
        last = returned[-1]
        over = len(last) == 5 and (last[2] or last[3])
        returned.append(deepcopy(env.reset() if over else env.step(actions.sample())))
    return returned


def _strict_problem(make: MakeSingle, steps: int, seed: int) -> str | None:
    env = make()
    for t, returned in enumerate(_play(env, steps, seed)):
        if not env.observation_space.contains(returned[0]):
            return f"step {t}: observation {returned[0]!r} is outside {env.observation_space}"
        if len(returned) != 5:
            continue
        for name, value, kind in zip(
            ("reward", "terminated", "truncated"), returned[1:4], (float, bool, bool), strict=True
        ):
            if type(value) is not kind:
                return (
                    f"step {t}: {name} is {value!r} of type {type(value).__name__}, expected {kind.__name__}"
                )
        if not np.isfinite(returned[1]):
            return f"step {t}: reward {returned[1]} is not finite"
    return None


def _twin_problem(make: MakeSingle, steps: int, seed: int) -> str | None:
    for t, (one, other) in enumerate(
        zip(_play(make(), steps, seed), _play(make(), steps, seed), strict=True)
    ):
        found = difference(one, other)
        if found is not None:
            return f"step {t}{found}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks what the command line names and prints one line per promise.

    Returns:
        0 when everything passed, 1 when something failed, 2 when there is nothing to check.
    """
    parser = argparse.ArgumentParser(prog="python -m envs.check", description=__doc__.splitlines()[0])
    parser.add_argument(
        "target",
        help="a registered id, module:id where importing module registers it, or module:EnvClass",
    )
    parser.add_argument("parameters", nargs="*", help="the environment's keywords, as name=value")
    parser.add_argument("--num-envs", type=int, default=3, help="lanes side by side (default 3)")
    parser.add_argument("--steps", type=int, default=1000, help="steps of each run (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first lane (default 0)")
    options = parser.parse_intermixed_args(arguments)
    # Drawing is checked too, and a check should not open windows.
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
    try:
        if options.num_envs < 2 or options.steps < 2:
            raise ValueError("--num-envs and --steps: expected at least 2 of each")
        keywords = dict(_keyword(text) for text in options.parameters)
        make_single, make_vector = _makers(options.target, keywords)
    except (ValueError, ImportError, AttributeError, gym.error.Error) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    results: list[CheckResult] = []
    if make_single is not None:
        results += check_single_env(make_single, steps=options.steps, seed=options.seed)
    if make_vector is not None:
        results += check_vector_env(
            make_vector,
            make_single=make_single,
            num_envs=options.num_envs,
            steps=options.steps,
            seed=options.seed,
        )
    for result in results:
        print(f"ok    {result.name}" if result.passed else f"FAIL  {result.name}: {result.problem}")
    passed = sum(result.passed for result in results)
    print(f"{options.target}: {passed} of {len(results)} checks passed")
    return 0 if passed == len(results) else 1


def _keyword(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r}: expected a parameter as name=value")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _makers(target: str, keywords: dict[str, Any]) -> tuple[MakeSingle | None, MakeVector | None]:
    """Returns the makers of what a target names, tried once so that a wrong keyword is found at once."""
    make_single: MakeSingle | None = None
    make_vector: MakeVector | None = None
    module_name, _, name = target.rpartition(":")
    module = _imported(module_name) if module_name else None
    if module is None or name in gym.registry:
        make_single = partial(gym.make, name, disable_env_checker=True, **keywords)
        if _spec(name).vector_entry_point is not None:
            make_vector = partial(_make_registered, name, keywords)
    else:
        made = _find_class(module, name)
        if issubclass(made, gym.Env):
            make_single = partial(made, **keywords)
        else:
            make_vector = partial(_make_vector, made, keywords)
    try:
        if make_single is not None:
            make_single()
        if make_vector is not None:
            make_vector(2)
    except TypeError as error:
        raise ValueError(f"{target}: {error}; give its keywords as name=value") from error
    return make_single, make_vector


def _spec(env_id: str) -> EnvSpec:
    try:
        return gym.spec(env_id)
    except gym.error.Error as error:
        way_out = "one of your own is named module:id, where importing module registers id"
        raise ValueError(f"{str(error).rstrip('.')}; {way_out}") from error


def _imported(module_name: str) -> ModuleType:
    # As with `python -m`, a module beside the user counts, however this was started.
    sys.path.insert(0, str(Path.cwd()))
    return importlib.import_module(module_name)


def _find_class(module: ModuleType, name: str) -> type[gym.Env[Any, Any] | VectorEnv[Any, Any, Any]]:
    found = getattr(module, name, None)
    if not isinstance(found, type) or not issubclass(found, gym.Env | VectorEnv):
        raise ValueError(
            f"{module.__name__}:{name} is not a class of gymnasium.Env or gymnasium.vector.VectorEnv, nor an "
            f"id that importing {module.__name__} registers"
        )
    return found


def _make_vector(made: Callable[..., Any], keywords: dict[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    env: VectorEnv[Any, Any, Any] = made(num_envs=lanes, **keywords)
    return env


def _make_registered(env_id: str, keywords: dict[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    return gym.make_vec(env_id, num_envs=lanes, vectorization_mode="vector_entry_point", **keywords)


if __name__ == "__main__":
    sys.exit(main())

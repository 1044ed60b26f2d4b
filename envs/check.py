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

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv

from envs.base import target_spec
from envs.checking import MakeSingle, MakeVector, Runs, single_rules, vector_rules
from envs.commands import CommandParser, run_command
from envs.lanes import (
    EnvironmentExitedError,
    EnvironmentRaisedError,
    close,
    closing_faults,
    is_of_users,
    leave,
    raised_in,
    told,
)
from envs.validation import check_number

CLOSING = "closing raises nothing"
"""What is promised of `close`."""


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
        return self.problem is not None and self.problem.endswith(vector_rules.UNSEEN)


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
    with closing_faults.collected() as faults:
        with Runs(make, num_envs, steps, seed) as runs:
            rules = vector_rules.promises(runs, make_single)
            results = [_result(name, check) for name, check in rules.items()]
        return [*results, _closing(faults)]


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
    rules = single_rules.promises(make, steps, seed, drawing)
    with closing_faults.collected() as faults:
        return [*(_result(name, check) for name, check in rules.items()), _closing(faults)]


def _closing(faults: Sequence[str]) -> CheckResult:
    return CheckResult(CLOSING, "; ".join(faults) or None)


def _result(name: str, check: Callable[[], str | None]) -> CheckResult:
    try:
        return CheckResult(name, check())
    except BaseException as error:
        if not is_of_users(error):
            raise
        return CheckResult(name, told(error))  # whatever a broken environment raises is the finding


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks what the command line names and prints one line per promise.

    Returns:
        0 when everything passed, 1 when something failed, 2 when there is nothing to check.
    """
    parser = CommandParser(prog="python -m envs.check", description=__doc__.splitlines()[0])
    parser.add_argument(
        "target",
        help="a registered id, module:id where importing module registers it, or module:Class",
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
        check_number(f"--num-envs {options.num_envs}", options.num_envs, 2, whole=True)
        check_number(f"--steps {options.steps}", options.steps, 2, whole=True)
        keywords = dict(_keyword(text) for text in options.parameters)
        make_single, make_vector = _makers(options.target, keywords)
    except (
        ValueError,
        ImportError,
        AttributeError,
        gym.error.Error,
        EnvironmentRaisedError,
        EnvironmentExitedError,
    ) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BaseException as error:
        if not is_of_users(error):
            raise
        print(f"error: importing {options.target} raises {told(error)}", file=sys.stderr)
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
    # As with `python -m`, a module beside the user counts, however this was started.
    sys.path.insert(0, str(Path.cwd()))
    spec = target_spec(target)
    make_single: MakeSingle | None = None
    make_vector: MakeVector | None = None
    try:
        if spec.entry_point is not None:
            make_single = partial(gym.make, spec, disable_env_checker=True, **keywords)
            close(make_single())
        if spec.vector_entry_point is not None:
            make_vector = partial(_make_vector, spec, keywords)
            close(make_vector(2))
    except gym.error.Error:
        raise
    except BaseException as error:
        if not is_of_users(error):
            raise
        if isinstance(error, TypeError) and "argument" in str(error):
            raise ValueError(f"{target}: {error}; give its keywords as name=value") from error
        raise raised_in("its constructor", target, error) from error
    return make_single, make_vector


def _make_vector(spec: EnvSpec, keywords: dict[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    return gym.make_vec(spec, num_envs=lanes, vectorization_mode="vector_entry_point", **keywords)


if __name__ == "__main__":
    run_command(main, leave)

"""Makes an experiment's environment, the suite's or the user's own, and says how its returns are judged."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import envs
from experiments.core.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How returns of one environment become scores."""

    return_unit: str = "return"
    """What one unit of the return means."""
    floor: float | None = None
    """The return that scores 0; None if the environment states no optimum, and scores are returns."""
    floor_policy: str | None = None
    """The policy that earns it."""
    optimum: float | None = None
    """The return that scores 1."""
    optimum_source: str | None = None
    """How it was computed."""
    references: Mapping[str, float] = field(default_factory=dict)
    """Expected returns of the named reference policies."""

    def score(self, mean_return: float) -> float:
        """Puts a mean return on the common scale."""
        if self.floor is None or self.optimum is None:
            return mean_return
        return (mean_return - self.floor) / (self.optimum - self.floor)

    @property
    def diverged(self) -> float | None:
        """What a diverged run counts as: the floor, or random actions where the floor is a better policy.

        None where the environment states no references.
        """
        if self.floor is None:
            return None
        return min(0.0, self.score(self.references.get("random", self.floor)))


@dataclass(frozen=True, kw_only=True)
class Arena:
    """Where policies are evaluated in one phase."""

    parameters: Mapping[str, Any]
    """The environment's keywords."""
    scale: Scale
    """How returns there become scores."""


def scale_of(env_id: str, parameters: Mapping[str, Any]) -> Scale:
    """What the environment states about the best that can be done in it.

    Raises:
        UserError: The suite's environment does not take these parameters.
    """
    if env_id not in envs.ids():
        return Scale()
    try:
        references = envs.references(env_id, **parameters)
    except ValueError as error:
        raise UserError(f"{env_id}: {error}") from error
    return Scale(
        return_unit=envs.entry(env_id).dynamics.return_unit,
        floor=references.floor,
        floor_policy=references.floor_policy,
        optimum=references.optimum,
        optimum_source=references.source,
        references={name: policy.expected_return for name, policy in references.policies.items()},
    )


def make_vector(env_id: str, parameters: Mapping[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    """N lanes of an environment: its own vector form if it has one, else N single ones in lockstep.

    Args:
        env_id: Gymnasium id, or `module:id`.
        parameters: The environment's keywords.
        lanes: N.

    Raises:
        UserError: The id is unknown, or the environment does not take the parameters.
    """
    spec = imported_spec(env_id)
    try:
        if spec.vector_entry_point is not None:
            return gym.make_vec(spec.id, lanes, "vector_entry_point", **parameters)
        makers = [lambda: gym.make(spec.id, **parameters)] * lanes
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP)
    except (ValueError, TypeError) as error:
        raise UserError(f"{env_id}: {error}") from error


def imported_spec(env_id: str) -> EnvSpec:
    """Gymnasium's entry for an id, after importing the module that registers it.

    Args:
        env_id: Gymnasium id, or `module:id`.

    Raises:
        UserError: The module cannot be imported, or nothing is registered under the id.
    """
    module, _, plain = env_id.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        return gym.spec(plain)
    except ModuleNotFoundError as error:
        raise UserError(f"environment {env_id!r}: there is no module {error.name!r} to import") from error
    except gym.error.Error as error:
        nearest = difflib.get_close_matches(plain, gym.registry, n=1, cutoff=0.3)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UserError(
            f"unknown environment {env_id!r}; {hint}The suite has: {', '.join(envs.ids())}; "
            "one of your own is named 'module:id', where importing module registers id"
        ) from error

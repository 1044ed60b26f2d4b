"""Makes an experiment's environment, the suite's or the user's own, and says how its returns are judged."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import envs
from envs.encoding import encode_vector
from experiments.core.errors import UserError
from experiments.core.resources import Vectorization


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


def make_vector(
    env_id: str, parameters: Mapping[str, Any], lanes: int, vectorization: Vectorization = "auto"
) -> VectorEnv[Any, Any, Any]:
    """N lanes of an environment, in spaces that PPO can be trained in.

    The environment's own vector form is taken if it has one, else N single ones in lockstep. Images stay as
    they are; other spaces are encoded as one float vector where they are not one already
    (:mod:`envs.encoding`).

    Args:
        env_id: Gymnasium id, or `module:id`.
        parameters: The environment's keywords.
        lanes: N.
        vectorization: "async" steps every lane in a process of its own, which `close` ends.

    Raises:
        UserError: The id is unknown, or the environment does not take the parameters.
    """
    try:
        if vectorization == "async":
            from experiments.core.lane_processes import make_lane_processes

            return make_lane_processes(env_id, parameters, lanes)
        env = make_plain_vector(env_id, parameters, lanes)
        return env if is_image(env.single_observation_space) else encode_vector(env)
    except (ValueError, TypeError) as error:
        raise UserError(f"{env_id}: {error}") from error


def make_plain_vector(env_id: str, parameters: Mapping[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    """N lanes of an environment in its own spaces, otherwise as :func:`make_vector`."""
    spec = imported_spec(env_id)
    if spec.vector_entry_point is not None:
        return gym.make_vec(spec.id, lanes, "vector_entry_point", **parameters)
    makers = [lambda: gym.make(spec.id, **parameters)] * lanes
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP)


def time_limit(env_id: str, parameters: Mapping[str, Any]) -> int | None:
    """Steps after which every episode is over, as far as the environment states any."""
    spec = imported_spec(env_id)
    if spec.id not in envs.ids():
        return spec.max_episode_steps
    found = envs.entry(spec.id)
    return found.dynamics(found.parameters(**parameters), 1).horizon


class RLlibEnv:
    """What RLlib makes its environments with: a call gives lanes, not an instance.

    A class of this module needs no entry in a registry: the names of Ray's are shared by all that runs in the
    process and unknown in the next one, where `Algorithm.from_checkpoint` looks for them.
    """

    def __new__(cls, context: Mapping[str, Any]) -> VectorEnv[Any, Any, Any]:  # type: ignore[misc]  # as said
        """The lanes of `env_config`: its `id`, `parameters` and `vectorization`, and RLlib's `num_envs`."""
        lanes = context.get("num_envs", 1)
        return make_vector(context["id"], context["parameters"], lanes, context.get("vectorization", "auto"))


def is_image(space: gym.Space[Any]) -> bool:
    """Whether observations are images, which are trained on as they are."""
    return isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3


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
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise UserError(
            f"unknown environment {env_id!r}{hint} The suite has: {', '.join(envs.ids())}; "
            "one of your own is named 'module:id', where importing module registers id"
        ) from error

"""Construction of an experiment's environment, the suite's or the user's own, as lanes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

import envs
from envs.lanes import Lane, NativeLanes, SyncLanes, close_all, is_of_users, told, under_way
from envs.spaces import encode_vector
from experiments.core.declaration import Vectorization
from experiments.core.environments.lookup import imported_spec
from experiments.core.environments.network_spaces import is_image
from experiments.core.errors import UserError

_open: weakref.WeakSet[VectorEnv[Any, Any, Any]] = weakref.WeakSet()
"""Environments of this process."""


def make_vector(
    env_id: str, parameters: Mapping[str, Any], lanes: int, vectorization: Vectorization = "auto"
) -> VectorEnv[Any, Any, Any]:
    """Makes N lanes of an environment, in spaces that PPO can be trained in.

    The environment's own vector form is taken if it has one, else N single ones step together. Images stay
    as they are; other spaces are encoded as one float vector where they are not one already
    (:func:`envs.spaces.encode_vector`). Whoever asks for the lanes closes them.

    Args:
        env_id: Gymnasium id, `module:id`, or `module:Class`.
        parameters: The environment's keywords.
        lanes: N.
        vectorization: "async" steps every lane in a process of its own, which `close` ends.

    Raises:
        UserError: The id is unknown, or the environment cannot be made with the parameters.
    """
    try:
        if vectorization == "async":
            from experiments.core.environments.processes import make_lane_processes

            made: VectorEnv[Any, Any, Any] = make_lane_processes(env_id, parameters, lanes)
        else:
            made = _encoded(make_plain_vector(env_id, parameters, lanes))
    except UserError:
        raise
    except BaseException as error:
        if not is_of_users(error):
            raise
        own = env_id in envs.ids()
        raise UserError(f"{env_id}: {error}" if own else f"{env_id} cannot be made: {told(error)}") from error
    _open.add(made)
    return made


def make_plain_vector(env_id: str, parameters: Mapping[str, Any], lanes: int) -> VectorEnv[Any, Any, Any]:
    """Makes N lanes of an environment in its own spaces, otherwise as :func:`make_vector`."""
    spec = imported_spec(env_id)
    if spec.vector_entry_point is None:
        # The sweep checks its environment once; Gymnasium's checker would look at every lane's first steps.
        make = partial(gym.make, spec, disable_env_checker=True, **parameters)
        return SyncLanes([partial(Lane.made_by, make)] * lanes)
    with under_way.of("its constructor"):
        native = gym.make_vec(spec, lanes, "vector_entry_point", **parameters)
    return native if spec.id in envs.ids() else NativeLanes(native)


def _encoded(env: VectorEnv[Any, Any, Any]) -> VectorEnv[Any, Any, Any]:
    """Returns the environment in spaces that PPO can be trained in; closes it if it has none."""
    try:
        return env if is_image(env.single_observation_space) else encode_vector(env)
    except BaseException:
        env.close()
        raise


def close_open() -> None:
    """Closes what :func:`make_vector` made in this process and nobody closed, say after an exception."""
    close_all([*_open])
    _open.clear()


def close_open_within(seconds: float) -> None:
    """Does as :func:`close_open` and waits no longer than so many seconds: a user's `close` may never end."""
    closing = threading.Thread(target=close_open, daemon=True)
    closing.start()
    closing.join(seconds)


class RLlibEnv:
    """Environment class that RLlib is given; calling it makes lanes, not an instance.

    A class of this module needs no entry in a registry: the names of Ray's are shared by all that runs in the
    process and unknown in the next one, where `Algorithm.from_checkpoint` looks for them.
    """

    def __new__(cls, context: Mapping[str, Any]) -> VectorEnv[Any, Any, Any]:  # type: ignore[misc]  # as said
        """Makes the lanes of `env_config`: `id`, `parameters`, `vectorization`, and RLlib's `num_envs`."""
        lanes = context.get("num_envs", 1)
        return make_vector(context["id"], context["parameters"], lanes, context.get("vectorization", "auto"))

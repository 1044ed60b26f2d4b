"""Vector environment of an RLlib configuration, refused where it would corrupt the data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, VectorEnv
from ray.rllib.env.env_context import EnvContext

from envs.lanes import Lane, SyncLanes
from experiments.core.environments import LaneProcesses
from experiments.core.ray_internals import registered_env

BatchedEnv = VectorEnv[Any, Any, Any]


class AutoresetError(ValueError):
    """A batched environment whose episodes do not follow each other in NEXT_STEP mode."""


def make_vector_env(config: Any) -> BatchedEnv:
    """Builds `config.num_envs_per_env_runner` lanes of `config.env`.

    A native batched environment (the id's vector entry point) is preferred; single environments are put
    side by side in this process, or in one process each where `gym_env_vectorize_mode` is "async".

    Raises:
        AutoresetError: if the environment resets itself in another mode than NEXT_STEP.
    """
    lanes, mode = config.num_envs_per_env_runner, gym.VectorizeMode(config.gym_env_vectorize_mode)
    creator = _creator(config)
    if mode is gym.VectorizeMode.ASYNC:
        env: BatchedEnv = LaneProcesses([partial(_lane, _single(config, creator))] * lanes)
    elif creator is not None and mode is gym.VectorizeMode.VECTOR_ENTRY_POINT:
        env = creator(_context(config) | {"num_envs": lanes})
    elif creator is None and gym.spec(config.env).vector_entry_point is not None:
        env = gym.make_vec(
            config.env, lanes, gym.VectorizeMode.VECTOR_ENTRY_POINT, **_keywords(config.env_config)
        )
    else:
        # Observations are copied into the rollout's arrays at once, so the environment need not copy them.
        make = _single(config, creator)
        env = SyncLanes([partial(_lane, make)] * lanes, copy=False)
    check_autoreset(env)
    return env


def _lane(make: Callable[[], gym.Env[Any, Any]]) -> Lane:
    # A function of a module travels to another process by its name.
    return Lane.made_by(make)


def check_autoreset(env: BatchedEnv) -> None:
    """Refuses any autoreset mode but NEXT_STEP, by name."""
    mode = env.metadata.get("autoreset_mode")
    if mode is not AutoresetMode.NEXT_STEP:
        given = mode.name if isinstance(mode, AutoresetMode) else f"metadata['autoreset_mode'] = {mode!r}"
        env.close()
        raise AutoresetError(
            f"{env.unwrapped.__class__.__name__} resets in {given}, expected NEXT_STEP: make it with "
            "autoreset_mode=gymnasium.vector.AutoresetMode.NEXT_STEP"
        )


def _creator(config: Any) -> Any:
    """The function behind a name registered with Ray, or a class; None for a Gymnasium id."""
    return registered_env(config.env) if isinstance(config.env, str) else config.env


def _context(config: Any) -> EnvContext:
    return EnvContext(dict(config.env_config), worker_index=0, num_workers=config.num_env_runners)


def _keywords(env_config: Any) -> dict[str, Any]:
    return {str(key): value for key, value in dict(env_config).items()}


def _single(config: Any, creator: Any) -> Any:
    if creator is not None:
        return partial(creator, _context(config))
    # Gymnasium's checker looks at every single step; a sweep checks its environment once, before it starts.
    return partial(gym.make, config.env, disable_env_checker=True, **_keywords(config.env_config))

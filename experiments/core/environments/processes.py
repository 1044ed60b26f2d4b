"""One process for each lane: for environments so slow that handing every step over costs less than waiting.

The processes are forked from a server that holds nothing but imported modules. Forks of the trial's own
process would keep its connections to Ray open, which then could not tell that the trial has ended.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from functools import partial
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from envs.spaces.encoding import encode
from experiments.core.environments.lookup import imported_spec, is_image

PRELOADED = ("ray", "experiments.core.environments.processes")
"""What the server imports once instead of each lane; Ray is what a trial's main module imports."""


def make_lane_processes(env_id: str, parameters: Mapping[str, Any], lanes: int) -> AsyncVectorEnv:
    """N lanes in N processes, in spaces that PPO can be trained in; `close` ends the processes.

    Observations are encoded where they are made, in the lane's process, and come back in shared memory.

    Args:
        env_id: Gymnasium id, or `module:id`, which every process imports.
        parameters: The environment's keywords.
        lanes: N.
    """
    multiprocessing.set_forkserver_preload(list(PRELOADED))
    makers = [partial(make_lane, env_id, dict(parameters))] * lanes
    return AsyncVectorEnv(makers, context="forkserver", autoreset_mode=AutoresetMode.NEXT_STEP)


def make_lane(env_id: str, parameters: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """What one process steps."""
    env = gym.make(imported_spec(env_id).id, **parameters)
    return env if is_image(env.observation_space) else encode(env)

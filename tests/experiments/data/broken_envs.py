"""Environments that a check has to see through."""

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space


class Walk(gym.Env):
    """Ten steps of nothing; the reward is what it is given, or an error is raised."""

    observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode=None, reward=0.5, steps=10, breaks_at=None):
        self.render_mode = render_mode
        self._reward, self._steps, self._breaks_at = float(reward), steps, breaks_at

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self._time += 1
        if self._time == self._breaks_at:
            raise RuntimeError("the simulator\nis gone")
        over = self._time >= self._steps
        return np.full(1, self._time / self._steps, np.float32), self._reward, False, over, {}


class Listing(Walk):
    """The same with lists for observations, which the checker warns of, though it can be learned in."""

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        return observation.tolist(), info

    def step(self, action):
        observation, *outcome = super().step(action)
        return observation.tolist(), *outcome


class Hasty(VectorEnv):
    """Says that it resets in the next step, and resets in the same one."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, num_envs=1, render_mode=None):
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = Walk.observation_space, Walk.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        self._time = 0
        return np.zeros((self.num_envs, 1), np.float32), {}

    def step(self, actions):
        self._time = (self._time + 1) % 10
        over = np.full(self.num_envs, self._time == 0)
        observations = np.full((self.num_envs, 1), self._time / 10, np.float32)
        return observations, np.ones(self.num_envs), np.zeros(self.num_envs, bool), over, {}


gym.register("tests/Walk-v0", entry_point=Walk)
gym.register("tests/Listing-v0", entry_point=Listing)
gym.register("tests/Limited-v0", entry_point=Walk, max_episode_steps=10**7, kwargs={"steps": 10**9})
gym.register("tests/Hasty-v0", entry_point=Walk, vector_entry_point=Hasty)

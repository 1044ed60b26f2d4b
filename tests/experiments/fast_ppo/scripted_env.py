"""A batched environment whose every step is known in advance, with a trap on every reset step."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

TRAP = 1e6
"""Reward of a reset step: any of it in the data would show."""


class ScriptedEnv(VectorEnv[Any, Any, Any]):
    """Lane i plays episodes of the given lengths over and over; even lanes terminate, odd ones are truncated.

    The observation is (lane, number of the episode, step within the episode); the reward of step k of episode
    e in lane i is 1 + i + 10 e + 0.1 k.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012  # Gymnasium's own convention

    def __init__(
        self,
        num_envs: int = 3,
        lengths: tuple[int, ...] = (3, 5),
        mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        self.metadata = {"autoreset_mode": mode}
        self.num_envs = num_envs
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.single_action_space = spaces.Discrete(3, start=5)
        self.observation_space = gym.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gym.vector.utils.batch_space(self.single_action_space, num_envs)
        self.lengths = lengths
        self.actions: list[Any] = []
        self.real_steps = 0
        self.finished: list[tuple[float, int]] = []

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.episode = np.arange(self.num_envs)  # lanes start at different places of the script
        self.time = np.zeros(self.num_envs, np.int64)
        self.total = np.zeros(self.num_envs)
        self.resetting = np.zeros(self.num_envs, bool)
        return self._observe(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        assert self.action_space.contains(np.asarray(actions)), actions
        self.actions.append(np.array(actions))
        reward = np.where(
            self.resetting, TRAP, 1 + np.arange(self.num_envs) + 10 * self.episode + 0.1 * self.time
        )
        self.real_steps += int((~self.resetting).sum())
        self.time = np.where(self.resetting, 0, self.time + 1)
        self.total = np.where(self.resetting, 0.0, self.total + reward)
        self.episode = self.episode + self.resetting
        length = np.array(self.lengths)[self.episode % len(self.lengths)]
        done = ~self.resetting & (self.time >= length)
        self.finished += list(zip(self.total[done].tolist(), self.time[done].tolist(), strict=True))
        self.resetting = done
        even = np.arange(self.num_envs) % 2 == 0
        return self._observe(), reward, done & even, done & ~even, {}

    def _observe(self) -> Any:
        return np.stack([np.arange(self.num_envs), self.episode, self.time], axis=1).astype(np.float32)


class ScriptedSingleEnv(gym.Env[Any, Any]):
    """One lane of the same, as a single environment: episodes of three steps, reward 1, terminating."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.start, self.time = self.np_random.normal(), 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        # Of a kind at first that nothing later is of.
        return self._observe(), 1.0, self.time == 3, False, {"left": 2 if self.time == 1 else None}

    def _observe(self) -> Any:
        return np.array([self.start, self.time], np.float32)

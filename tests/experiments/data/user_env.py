"""An environment of a user's own: plain Gymnasium, no vector form, no stated optimum, and it may fail."""

import gymnasium as gym
import numpy as np


class Corridor(gym.Env):
    """Walk right five times. A training lane that is seeded with `breaks_on_seed` raises."""

    observation_space = gym.spaces.Box(0.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode=None, breaks_on_seed=None):
        self.render_mode = render_mode
        self._breaks_on_seed = breaks_on_seed

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None and seed == self._breaks_on_seed:
            raise RuntimeError("the corridor collapsed")
        self._position, self._time = 0, 0
        return self._observe(), {}

    def step(self, action):
        self._position = max(0, self._position + (1 if action else -1))
        self._time += 1
        arrived = self._position == 5
        return (
            self._observe(),
            float(arrived) - 0.1,
            arrived,
            self._time == 20,
            {"distance": 5 - self._position},
        )

    def _observe(self):
        return np.array([self._position / 5, self._time / 20], np.float32)


gym.register("tests/Corridor-v0", entry_point=Corridor)

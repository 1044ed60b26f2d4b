"""An environment that puts everything people put into infos there, and prints while it is at it.

It prints in every way that there is, and leaves threads behind that never end.
"""

import os
import subprocess
import threading

import gymnasium as gym
import numpy as np


class Talkative(gym.Env):
    """Ten steps; a level of 2 (an int) or 1.5 (a float) is drawn for every episode."""

    observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self._episodes = 0
        os.write(1, b"written past Python\n")
        subprocess.run(["echo", "written by a process"], check=True)
        threading.Thread(target=threading.Event().wait).start()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._episodes += 1
        self._time, self._level = 0, 2 if self.np_random.random() < 0.5 else 1.5
        print("a new episode begins")
        return np.zeros(1, np.float32), None

    def step(self, action):
        self._time += 1
        info = {
            "level": self._level,
            "left": np.arange(10 - self._time),
            "last": None if self._level == 2 else 1,
            "outcome": "won" if self._level == 2 else 0,
            "detail": {"hits": 1, "where": [1, 2]},
            "speed": np.float32(1.5),
            "one": np.array([[4]]),
            "safe": np.bool_(True),
            "text": "3.5",
            "object": object(),
            "call": lambda: 1,
            "unknown": float("nan"),
            "_hidden": 1,
            7: 0.25,
        }
        if self._episodes > 1:
            info["late"] = 12
        return np.full(1, self._time / 10, np.float32), np.array([1.0]), self._time == 10, False, info


gym.register("tests/Talkative-v0", entry_point=Talkative)

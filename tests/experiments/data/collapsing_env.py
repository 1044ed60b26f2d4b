"""An environment that passes every check and breaks in every trial, after the trial's first evaluation."""

import sys
from pathlib import Path

import gymnasium as gym
from user_env import Corridor

IN_A_TRIAL = Path(sys.argv[0]).name == "default_worker.py"
"""Trials are processes that Ray has started, checks are not."""


class Collapsing(Corridor):
    """A corridor that a trial walks a hundred steps of in each lane."""

    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self._walked = 0

    def step(self, action):
        self._walked += 1
        if IN_A_TRIAL and self._walked > 100:
            raise RuntimeError("no steps [/left] of [low, high]")
        return super().step(action)


gym.register("tests/Collapsing-v0", entry_point=Collapsing)

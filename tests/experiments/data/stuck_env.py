"""An environment that comes to a call which never comes back, in one way or another."""

import ctypes
import itertools
import os
import signal
import time

import gymnasium as gym
import numpy as np


class Stuck(gym.Env):
    """Ten steps an episode; some step of the process is the last.

    Args:
        at: Step, counted over all episodes of this environment, that never comes back.
        how: "waits", "loops", "swallows" every exception meanwhile, "holds" Python's lock in C, "crashes" the
            process, "leaves" it, is "killed", "raises", or "passes"; a word for each process that comes to
            this step, where they are counted.
        reset: Whether it is a reset that never comes back.
        constructor: Whether it is the constructor.
        closing: Whether it is `close`.
    """

    observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode=None, at=None, how="waits", reset=False, constructor=False, closing=False):
        self.render_mode = render_mode
        self._at, self._how, self._in_reset, self._in_close, self._steps = at, how, reset, closing, 0
        if constructor:
            self._never_come_back()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._time = 0
        if self._in_reset:
            self._never_come_back()
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self._time += 1
        self._steps += 1
        if self._steps == self._at and self._is_meant():
            self._never_come_back()
        return np.full(1, self._time / 10, np.float32), float(action), self._time == 10, False, {}

    def close(self):
        if self._in_close:
            self._never_come_back()

    def _is_meant(self):
        """Whether this process is one to be stuck: those that make the named files, each in its way."""
        markers = os.environ.get("STUCK_ONCE")
        if markers is None:
            return True
        for marker, how in zip(markers.split(os.pathsep), self._how.split(), strict=True):
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            self._how = how
            return True
        return False

    def _never_come_back(self):
        while True:
            if self._how == "waits":
                time.sleep(3600)
            elif self._how == "swallows":
                try:
                    time.sleep(3600)
                except BaseException:
                    continue
            elif self._how == "holds":
                sum(itertools.repeat(0))
            elif self._how == "crashes":
                ctypes.string_at(0)
            elif self._how == "leaves":
                os._exit(3)
            elif self._how == "passes":
                return
            elif self._how == "raises":
                raise RuntimeError("=1+1 \x1b[31m gone\x07\u202e")
            elif self._how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)


gym.register("tests/Stuck-v0", entry_point=Stuck)

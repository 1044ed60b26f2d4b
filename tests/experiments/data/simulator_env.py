"""An environment that keeps a process of its own, and a diary of when it was made and closed.

The diary is the folder that the variable SIMULATOR_DIARY names: a file for each environment, in it a line for
each call of its constructor and of `close`.
"""

import os
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import gymnasium as gym
import numpy as np

SIMULATOR = """
import os, time
try:
    print('ready', flush=True)
except BrokenPipeError:  # whoever started it was interrupted meanwhile
    os._exit(0)
time.sleep(3600)
"""
"""It reads nothing, so that it does not end by itself when whoever started it is gone."""


def ignore_interrupt():
    """Makes the simulator deaf to Ctrl-C from its first moment, so that only its environment can end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Simulated(gym.Env):
    """Ten steps beside a simulator; may raise, or end its process, on the way.

    Args:
        at_reset: Whether the simulator starts at the first reset, not in the constructor.
        raises_at: Step of an episode that raises.
        exits_at: Step of an episode that calls `sys.exit`.
        close_raises: Whether `close` raises when all is closed.
    """

    observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode=None, at_reset=False, raises_at=None, exits_at=None, close_raises=False):
        self.render_mode = render_mode
        self._raises_at, self._exits_at, self._close_raises = raises_at, exits_at, close_raises
        self._diary = Path(os.environ["SIMULATOR_DIARY"], uuid.uuid4().hex)
        self._simulator = None
        if not at_reset:
            self._start()
        self._note("made")  # last, since what interrupts a constructor leaves nothing that could be closed

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self._simulator is None:
            self._start()
        self._time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        assert self._simulator.poll() is None, "the simulator is gone"
        self._time += 1
        if self._time == self._raises_at:
            raise RuntimeError("the simulator lost its balance")
        if self._time == self._exits_at:
            sys.exit("the licence has run out")
        return np.full(1, self._time / 10, np.float32), float(action), self._time == 10, False, {}

    def close(self):
        self._note("closed")
        if self._simulator is not None:
            self._simulator.kill()
            self._simulator.wait()
            self._simulator.stdout.close()
            for handle in self._handles:
                handle.close()
        if self._close_raises:
            raise RuntimeError("the simulator had left already")

    def _start(self):
        self._simulator = subprocess.Popen(
            [sys.executable, "-c", SIMULATOR, os.environ["SIMULATOR_DIARY"]],
            stdout=subprocess.PIPE,
            preexec_fn=ignore_interrupt,
        )
        self._simulator.stdout.readline()
        self._handles = (*socket.socketpair(), self._diary.open("a"))

    def _note(self, what):
        with self._diary.open("a") as diary:
            diary.write(f"{what}\n")


gym.register("tests/Simulated-v0", entry_point=Simulated)

"""Trained policy in a child process that answers observations with actions.

The environments know nothing of the libraries that policies are trained with, so whoever can serve a policy
does so in a process of its own, one JSON value a line:

    it writes   {"env": "sweeps/PointTarget-v0", "parameters": {"radius": 6.0, ...}}
                                           once, as soon as it can answer: what the policy was trained in
    it reads    {"observation": [...]}     the environment's observation
    it writes   {"action": [...]}          what the policy does there

Observation and action are batches of one, as `space.to_jsonable([value])` makes them and
`space.from_jsonable(...)[0]` takes them apart, so every Gymnasium space is spoken. Instead of any answer it
may write `{"error": "one line that says why"}` and end. It ends when its standard input does. Whatever else
it has to say goes to its standard error.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import envs

SERVER = (sys.executable, "-m", "experiments", "serve")
"""The command that serves a folder's policy; the folder follows."""


class Agent:
    """A policy in a child process.

    Args:
        command: What to run, for example `(*SERVER, "results/trading_sweep/first")`.
        env_id: The environment that it is to play.

    Raises:
        ValueError: It cannot be started, ends, or was trained in another environment.
    """

    def __init__(self, command: Sequence[str], env_id: str) -> None:
        # A file cannot fill up and stall the child, as a pipe that nobody reads would.
        self._complaints = tempfile.TemporaryFile(  # noqa: SIM115  # lives as long as the process
            "w+", encoding="utf-8", errors="replace"
        )
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            encoding="utf-8",
        )
        try:
            greeting = self._receive("env", "parameters")
            if greeting["env"] != env_id:
                raise ValueError(f"the policy plays {greeting['env']}: expected one of {env_id}")
            self.parameters: dict[str, Any] = greeting["parameters"]
            """The environment's keywords that it was trained with."""
            found = envs.entry(env_id)
            dynamics = found.dynamics(found.parameters(**self.parameters), 1)
        except ValueError:
            self.close()
            raise
        self._observation_space = dynamics.observation_space
        self._action_space = dynamics.action_space

    def act(self, observation: Any) -> Any:
        """Returns the policy's action.

        Raises:
            ValueError: The process ended or answered something else.
        """
        question = {"observation": self._observation_space.to_jsonable([observation])}
        assert self._process.stdin is not None
        # If the pipe is broken, what the process wrote before it ended says more than that.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        return self._action_space.from_jsonable(self._receive("action")["action"])[0]

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._complaints.close()

    def _receive(self, *names: str) -> dict[str, Any]:
        """Reads the next line that the process writes, which must hold the named values."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ValueError(f"the policy's process ended: {self._last_complaint()}")
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            answer = None
        if isinstance(answer, dict) and "error" in answer:
            raise ValueError(f"the policy's process: {answer['error']}")
        if not isinstance(answer, dict) or not all(name in answer for name in names):
            expected = ", ".join(f'"{name}": ...' for name in names)
            raise ValueError(f"the policy's process wrote {line.strip()[:80]!r}: expected {{{expected}}}")
        return answer

    def _last_complaint(self) -> str:
        self._process.wait()
        self._complaints.seek(0)
        lines = [line.strip() for line in self._complaints if line.strip()]
        return lines[-1] if lines else f"exit status {self._process.returncode}, without a word"

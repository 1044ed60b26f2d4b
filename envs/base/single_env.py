"""Single Gymnasium environment over one lane of the batched dynamics."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from envs.base.action_checks import check_action
from envs.base.dynamics import Dynamics
from envs.base.rendering import Canvas, Window
from envs.spaces import member


class SingleEnv(gym.Env[Any, Any]):
    """Gymnasium environment of one lane, whose rules are written for N lanes.

    Args:
        render_mode: None; "rgb_array" (frames, no display needed), "human" (a window, opened by the first
            reset) or "ansi" (text).
        step_info: Whether the info of every reset and step carries the present numbers (prices, servers, what
            there is). Lanes report at an episode's end alone, and so does this without it.
        **parameters: The environment's own keywords.

    Raises:
        ValueError: The render mode or a parameter is unknown, or a parameter is out of range.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # Gymnasium declares it so
        "render_modes": ["human", "rgb_array", "ansi"],
        "render_fps": 10,
    }
    dynamics_type: ClassVar[type[Dynamics[Any]]]

    def __init__(self, render_mode: str | None = None, *, step_info: bool = False, **parameters: Any) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode={render_mode!r}: expected None or one of {', '.join(modes)}")
        values = self.dynamics_type.parameters_type.from_mapping(parameters)
        self.dynamics = self.dynamics_type(values, 1)
        self.dynamics.recording = render_mode is not None
        self.render_mode = render_mode
        self._window: Window | None = None
        self.observation_space = self.dynamics.observation_space
        self.action_space = self.dynamics.action_space
        self._step_info = step_info
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode; its randomness depends on the seed alone."""
        super().reset(seed=seed, options=options)
        self.dynamics.begin(np.zeros(1, dtype=np.intp), [self.np_random])
        self._over = False
        self._show()
        return self._observe(), self._present()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Moves by one step; the info of an episode's last step carries its summary.

        Raises:
            gymnasium.error.ResetNeeded: The episode is over, or none has begun.
            ValueError: The action has the wrong shape or does not exist.
        """
        if self._over:
            raise gym.error.ResetNeeded("the episode is over: call reset() before the next step()")
        actions = check_action(self.action_space, action)
        rewards, terminated, truncated = self.dynamics.advance(slice(None), actions)
        self._over = bool(terminated[0] or truncated[0])
        info = self._present()
        if self._over:
            summary = self.dynamics.summarise(np.zeros(1, dtype=np.intp))
            info |= {name: float(values[0]) for name, values in summary.items()}
        self._show()
        return self._observe(), float(rewards[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> Any:
        """Returns the present state: pixels [height, width, 3] in "rgb_array", text in "ansi".

        In "human" mode every reset and step shows it by itself, and this returns None.
        """
        if self.render_mode is None:
            gym.logger.warn('render() shows nothing: make the environment with render_mode="rgb_array"')
        if self.render_mode == "rgb_array":
            return self._draw().pixels()
        if self.render_mode == "ansi":
            return self.dynamics.describe(0)
        return None

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _present(self) -> dict[str, float]:
        return self.dynamics.present(0) if self._step_info else {}

    def _show(self) -> None:
        if self.render_mode != "human":
            return
        if self._window is None:
            title = self.spec.id if self.spec else type(self.dynamics).__name__
            self._window = Window(self.dynamics.canvas_size, title)
        self._window.show(self._draw(), self.metadata["render_fps"])

    def _draw(self) -> Canvas:
        canvas = Canvas(self.dynamics.canvas_size)
        self.dynamics.draw(canvas, 0)
        return canvas

    def _observe(self) -> Any:
        return member(self.observation_space, self.dynamics.observe(), 0)

"""Episodes of a trained policy as an animation or in a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import gymnasium as gym

import envs
from envs.base import has_screen
from envs.gallery import animate, write_gif
from envs.lanes import close
from experiments.core.environments import imported_spec
from experiments.core.errors import UserError
from experiments.core.policy.trained import TrainedPolicy


class Watched(gym.Wrapper[Any, Any, Any, Any]):
    """Environment that remembers its last observation, for whoever chooses the next action."""

    observation: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Starts an episode."""
        self.observation, info = self.env.reset(seed=seed, options=options)
        return self.observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, Any]:
        """Moves by one step."""
        self.observation, reward, terminated, truncated, info = self.env.step(action)
        return self.observation, reward, terminated, truncated, info


def record(policy: TrainedPolicy, path: Path, *, seed: int) -> None:
    """Writes an animation of an episode; of several where they are short.

    Raises:
        UserError: The environment draws no frames, pygame is missing, or the file cannot be written.
    """
    if not path.absolute().parent.is_dir():
        raise UserError(f"--gif {path}: there is no folder {path.parent}; make it first")
    env = _made(policy, "rgb_array", "--gif")
    try:
        frames = animate(
            env, lambda: policy.compute_action(env.observation), f"{policy.env}, {policy.run}", seed=seed
        )
        write_gif(path, frames)
    except (OSError, ValueError) as error:
        raise UserError(
            f"--gif {path}: cannot be written ({error}); expected a name that ends in .gif"
        ) from error
    finally:
        close(env)


def show(policy: TrainedPolicy, *, episodes: int, seed: int) -> list[float]:
    """Plays episodes in a window, at the environment's own pace, and returns their returns.

    Raises:
        UserError: The environment opens no window, or there is no screen.
    """
    if policy.env in envs.ids() and not has_screen():
        raise UserError("--human needs a screen, and this machine shows none: set DISPLAY, or use --gif")
    env = _made(policy, "human", "--human")
    returns: list[float] = []
    try:
        for episode in range(episodes):
            env.reset(seed=seed + episode)
            earned = 0.0
            for _ in range(policy.most_steps):
                _, reward, terminated, truncated, _ = env.step(policy.compute_action(env.observation))
                earned += float(reward)
                if terminated or truncated:
                    break
            returns.append(earned)
    finally:
        close(env)
    return returns


def _made(policy: TrainedPolicy, mode: Literal["rgb_array", "human"], option: str) -> Watched:
    """Makes the policy's environment with a render mode."""
    spec = imported_spec(policy.env)
    try:
        env = gym.make(spec, render_mode=mode, disable_env_checker=True, **policy.env_parameters)
    except gym.error.DependencyNotInstalled as error:
        raise UserError(f"{option}: {error}") from error
    except (gym.error.Error, TypeError, ValueError) as error:
        raise UserError(
            f"{option}: {policy.env} cannot be made with render_mode={mode!r} ({error})"
        ) from error
    modes = env.metadata.get("render_modes") or []
    if mode not in modes:
        close(env)
        raise UserError(f"{option}: {policy.env} has the render modes {modes}: expected {mode!r} among them")
    return Watched(env.unwrapped if policy.env in envs.ids() else env)

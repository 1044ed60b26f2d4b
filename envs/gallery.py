"""Command `python -m envs.gallery OUT`: pictures of every environment, played well and played at random.

Writes, for every id (or those named), `<name>.png`, the end of an episode of its optimal policy, and the
animations `<name>_optimal.gif` and `<name>_random.gif`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

import envs
from envs.base import MUTED, PANEL, Canvas
from envs.commands import CommandParser, one_line_errors

Choose = Callable[[], Any]
"""Chooses the next action of the one environment it was made for."""

MOST_FRAMES = 100
"""Longer episodes leave frames out, so that an animation stays small."""
FEWEST_FRAMES = 16
MOST_EPISODES = 8
"""Short episodes are played again until there are enough frames, this many times at most."""
FRAME_MS, REST_MS = 90, 900
"""How long a frame is shown, and the first and the last one of an episode."""
STRIP = 34
"""Height of the line above the picture, in pixels."""


@dataclass(frozen=True)
class GifFrame:
    """One picture of an animation."""

    pixels: NDArray[np.uint8]
    """[height, width, 3]."""
    milliseconds: int
    """How long it is shown."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the pictures and says where they are."""
    parser = CommandParser(prog="python -m envs.gallery", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the pictures; made if missing")
    parser.add_argument("ids", nargs="*", help="environments; all of them if left out")
    given = parser.parse_args(arguments)
    with one_line_errors():
        # Misspelt ids are refused before the first picture is made.
        env_ids = [envs.entry(env_id).env_id for env_id in given.ids] or envs.ids()
        given.out.mkdir(parents=True, exist_ok=True)
        for env_id in env_ids:
            for path in portray(env_id, given.out):
                print(path)


def portray(env_id: str, folder: Path, *, seed: int = 0) -> list[Path]:
    """Writes one environment's pictures and returns their paths."""
    name = env_id.rpartition("/")[2]
    picture = folder / f"{name}.png"
    paths = [picture]
    for policy in ("optimal", "random"):
        with closing(gym.make(env_id, render_mode="rgb_array").unwrapped) as env:
            choose = _optimal(env_id, env, seed) if policy == "optimal" else _random(env, seed)
            frames = animate(env, choose, f"{env_id}, {policy} policy", seed=seed)
            paths.append(folder / f"{name}_{policy}.gif")
            write_gif(paths[-1], frames)
            if policy == "optimal":
                write_png(picture, _pixels(env))
    return paths


def animate(env: gym.Env[Any, Any], choose: Choose, title: str, *, seed: int) -> list[GifFrame]:
    """Plays until there are enough frames.

    Args:
        env: Made with `render_mode="rgb_array"`; it is left at the end of its last episode.
        choose: Its policy.
        title: What the line above the picture says first.
        seed: Of the first episode.
    """
    frames: list[GifFrame] = []
    for episode in range(1, MOST_EPISODES + 1):
        frames += _play(env, choose, f"{title}   episode {episode}", seed if episode == 1 else None)
        if len(frames) >= FEWEST_FRAMES:
            break
    return frames


def write_gif(path: Path, frames: Sequence[GifFrame]) -> None:
    """Writes an animation that repeats for ever."""
    from PIL import Image

    # One palette for all frames: what does not change is then equal in all of them and costs nothing.
    sample = np.concatenate([frames[place].pixels for place in (0, len(frames) // 2, -1)])
    palette = Image.fromarray(sample).quantize(256, dither=Image.Dither.NONE)
    first, *others = (
        Image.fromarray(frame.pixels).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames
    )
    durations = [frame.milliseconds for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, optimize=True)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Writes one picture."""
    from PIL import Image

    Image.fromarray(pixels).save(path, optimize=True)


def _play(env: gym.Env[Any, Any], choose: Choose, title: str, seed: int | None) -> list[GifFrame]:
    """Plays one whole episode; returns at most `MOST_FRAMES` frames and its last one."""
    env.reset(seed=seed)
    frames = [_frame(env, f"{title}   return 0", REST_MS)]
    earned, over, steps, every = 0.0, False, 0, 1
    while not over:
        _, reward, terminated, truncated, _ = env.step(choose())
        earned += float(reward)
        over = terminated or truncated
        steps += 1
        if over or steps % every == 0:
            frames.append(_frame(env, f"{title}   return {earned:.4g}", REST_MS if over else FRAME_MS))
        if len(frames) > MOST_FRAMES and not over:
            # Nobody knows how long the episode will be, so half of its past is thrown away now and then.
            frames, every = frames[::2], 2 * every
    return frames


def _frame(env: gym.Env[Any, Any], title: str, milliseconds: int) -> GifFrame:
    return GifFrame(_titled(_pixels(env), title), milliseconds)


def _pixels(env: gym.Env[Any, Any]) -> NDArray[np.uint8]:
    return np.asarray(env.render(), dtype=np.uint8)


def _titled(pixels: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    height, width, _ = pixels.shape
    canvas = Canvas((width, height + STRIP))
    canvas.rectangle(0, 0, width, STRIP, PANEL)
    canvas.text(24, STRIP / 2, title, size=13, colour=MUTED)
    canvas.image(0, STRIP, width, height, pixels)
    return canvas.pixels()


def _optimal(env_id: str, env: gym.Env[Any, Any], seed: int) -> Choose:
    references = envs.references(env_id)
    policy = references.policies[references.optimal_policy]
    dynamics = env.get_wrapper_attr("dynamics")
    batched = batch_space(env.action_space, 1)
    rng = np.random.default_rng(seed)
    return lambda: next(iter(iterate(batched, policy.act(dynamics, rng))))


def _random(env: gym.Env[Any, Any], seed: int) -> Choose:
    # Not the environment's own seed, whose numbers its episodes are made of.
    env.action_space.seed(seed + 1_000_003)
    return env.action_space.sample


if __name__ == "__main__":
    main()

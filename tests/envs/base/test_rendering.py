"""Frames come without a display, and pygame only when a frame is asked for."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

import envs
from envs.base.rendering import BLUE, GREEN, PAPER, RED, Canvas, Window


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_draws_a_frame_that_changes_with_the_first_step(env_id):
    env = gym.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    after = env.render()
    width, height = env.unwrapped.dynamics.canvas_size
    assert before.shape == after.shape == (height, width, 3)
    assert before.dtype == np.uint8
    assert (before != after).any()


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_says_in_text_what_it_draws(env_id):
    env = gym.make(env_id, render_mode="ansi")
    env.reset(seed=0)
    assert env.render().strip()


@pytest.mark.parametrize("env_id", envs.ids())
def test_drawing_changes_nothing_about_an_episode(env_id):
    seen = gym.make(env_id, render_mode="rgb_array")
    unseen = gym.make(env_id)
    actions = gym.make(env_id).action_space
    actions.seed(0)
    first, _ = seen.reset(seed=5)
    twin, _ = unseen.reset(seed=5)
    assert data_equivalence(first, twin)
    for _ in range(20):
        action = actions.sample()
        seen.render()
        outcome, twin_outcome = seen.step(action), unseen.step(action)
        assert data_equivalence(outcome, twin_outcome)
        if outcome[2] or outcome[3]:
            break


def test_making_and_playing_an_environment_imports_no_pygame():
    program = (
        "import sys, envs, gymnasium as gym\n"
        "env = gym.make('sweeps/Trading-v0')\n"
        "env.reset(seed=0); env.step(1)\n"
        "assert 'pygame' not in sys.modules and 'PIL' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_frames_open_no_display():
    program = (
        "import envs, gymnasium as gym\n"
        "env = gym.make('sweeps/Trading-v0', render_mode='rgb_array')\n"
        "env.reset(seed=0); env.render()\n"
        "import pygame\n"
        "assert not pygame.display.get_init()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_human_mode_opens_its_window_at_the_first_reset_and_closes_it(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    env = gym.make("sweeps/Bandit-v0", render_mode="human")
    assert not pygame.display.get_init()
    env.reset(seed=0)
    assert pygame.display.get_init()
    assert pygame.display.get_caption()[0] == "sweeps/Bandit-v0"
    assert env.render() is None
    env.close()
    assert not pygame.display.get_init()


def test_an_unknown_render_mode_is_refused_with_the_known_ones():
    from envs.suite.bandit import BanditEnv

    with pytest.raises(ValueError, match="render_mode='rgb': expected None or one of human, rgb_array, ansi"):
        BanditEnv(render_mode="rgb")


def test_shapes_fill_the_pixels_they_name():
    canvas = Canvas((40, 30))
    canvas.rectangle(10, 5, 20, 10, BLUE)
    canvas.circle(8, 22, 4, RED)
    pixels = canvas.pixels()
    assert pixels.shape == (30, 40, 3)
    assert tuple(pixels[5, 10]) == tuple(pixels[14, 29]) == BLUE
    assert tuple(pixels[4, 10]) == tuple(pixels[15, 29]) == PAPER
    assert tuple(pixels[22, 8]) == RED


def test_an_image_keeps_every_pixel_as_a_block():
    pixels = np.array([[BLUE, RED], [GREEN, PAPER]], dtype=np.uint8)
    canvas = Canvas((20, 20))
    canvas.image(0, 0, 20, 20, pixels)
    assert (canvas.pixels() == pixels.repeat(10, axis=0).repeat(10, axis=1)).all()


def test_text_ends_where_its_anchor_says():
    def columns(anchor):
        canvas = Canvas((200, 40))
        canvas.text(100, 20, "label", anchor=anchor)
        return np.flatnonzero((canvas.pixels() != 255).any(axis=(0, 2)))

    assert columns("left").min() >= 99
    assert columns("right").max() <= 101
    assert abs(columns("center").mean() - 100) < 3


def test_a_window_shows_what_the_canvas_holds(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    canvas = Canvas((60, 40), BLUE)
    window = Window((60, 40), "test")
    window.show(canvas, 1000)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    window.close()
    assert (shown == canvas.pixels()).all()

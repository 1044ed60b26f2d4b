"""The gallery: one picture and two animations an id, small enough for a README."""

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

from envs.gallery import MOST_FRAMES, REST_MS, animate, main


def test_it_writes_a_picture_and_two_animations_of_a_named_environment(tmp_path, capsys):
    main([str(tmp_path / "new" / "folder"), "sweeps/Bandit-v0"])
    written = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert written == ["Bandit-v0.png", "Bandit-v0_optimal.gif", "Bandit-v0_random.gif"]
    assert len(capsys.readouterr().out.splitlines()) == 3
    with Image.open(tmp_path / "new" / "folder" / "Bandit-v0.png") as picture:
        assert picture.size == (640, 320)
    with Image.open(tmp_path / "new" / "folder" / "Bandit-v0_optimal.gif") as animation:
        assert animation.n_frames == 16
        assert animation.info["loop"] == 0


def test_short_episodes_are_repeated_and_rest_at_both_ends():
    env = gym.make("sweeps/Bandit-v0", render_mode="rgb_array")
    frames = animate(env, lambda: 2, "title", seed=0)
    assert len(frames) == 16
    assert {frame.milliseconds for frame in frames} == {REST_MS}


def test_long_episodes_leave_frames_out_but_show_their_end():
    env = gym.make("sweeps/PointTarget-v0", render_mode="rgb_array", max_steps=150)
    corner = np.array([6, 6], dtype=np.float32)
    frames = animate(env, lambda: corner, "title", seed=0)
    assert MOST_FRAMES / 2 < len(frames) <= MOST_FRAMES + 1
    height = env.render().shape[0]
    assert (frames[-1].pixels[-height:] == env.render()).all()


def test_a_misspelt_id_is_one_line_and_nothing_is_written(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "out"), "sweeps/Bandit-v0", "sweeps/Bandti-v0"])
    assert "did you mean 'sweeps/Bandit-v0'?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

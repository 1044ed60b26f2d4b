"""The play loop, on a dummy display with posted events: who earns what, and when an episode begins."""

import os
import subprocess
import sys

import numpy as np
import pytest

import envs
from envs.play.__main__ import Hands, main, play
from envs.play.agent import SERVER, Agent
from envs.play.session import HEADER, Session

BOARD = "sweeps/PointTarget-v0"
CENTRE = (24 + 176, HEADER + 24 + 176)
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
CORNER = (30, HEADER + 30)


@pytest.fixture
def pygame(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    pygame.display.init()
    yield pygame
    pygame.display.quit()


def press(pygame, key):
    return pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(key))


def mouse(pygame, kind, position):
    return pygame.event.Event(getattr(pygame, kind), pos=position)


def test_a_click_on_the_board_jumps_there(pygame):
    session = Session(BOARD, None, seed=0)
    Hands(session).handle(mouse(pygame, "MOUSEBUTTONDOWN", CENTRE))
    assert session.person.over
    assert session.person.score_line == "reward +1   return +1   episodes 1   mean +1"


def test_dragging_jumps_at_every_motion_until_the_button_is_let_go(pygame):
    session = Session(BOARD, None, seed=0)
    hands = Hands(session)
    kinds = ("MOUSEMOTION", "MOUSEBUTTONDOWN", "MOUSEMOTION", "MOUSEMOTION", "MOUSEBUTTONUP", "MOUSEMOTION")
    for kind in kinds:
        hands.handle(mouse(pygame, kind, CORNER))
    assert session.person.earned == -3
    assert not session.person.over


def test_a_click_beside_the_board_does_nothing(pygame):
    session = Session(BOARD, None, seed=0)
    Hands(session).handle(mouse(pygame, "MOUSEBUTTONDOWN", (500, 300)))
    assert session.person.earned == 0


def test_the_press_after_an_episode_begins_the_next_and_is_no_action(pygame):
    session = Session("sweeps/Bandit-v0", None, seed=0)
    hands = Hands(session)
    hands.handle(press(pygame, "3"))
    assert session.person.over
    hands.handle(press(pygame, "1"))
    assert not session.person.over
    hands.handle(press(pygame, "1"))
    assert session.person.score_line == "reward -1   return -1   episodes 2   mean +0"


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_is_played_to_the_end_of_an_episode_by_keys(pygame, env_id):
    session = Session(env_id, None, seed=0)
    hands = Hands(session)
    horizon = session.person.dynamics.horizon
    for _ in range(horizon):
        for key in ("1", "return"):
            if not session.person.over:
                hands.handle(press(pygame, key))
    assert session.person.episodes == 1
    assert session.draw(hands.help).pixels().shape == (session.size[1], session.size[0], 3)


def test_the_window_opens_plays_and_is_left_with_escape(pygame):
    session = Session("sweeps/Bandit-v0", None, seed=0)
    for key in ("3", "space", "1", "escape"):
        pygame.event.post(press(pygame, key))
    play("sweeps/Bandit-v0", session)
    assert not pygame.display.get_init()


def test_events_before_escape_are_played(pygame, monkeypatch):
    session = Session("sweeps/Bandit-v0", None, seed=0)
    rounds = [[press(pygame, "3")], [press(pygame, "space")], [press(pygame, "3")], [press(pygame, "escape")]]
    monkeypatch.setattr(pygame.event, "get", lambda: rounds.pop(0))
    play("sweeps/Bandit-v0", session)
    assert session.person.episodes == 2
    assert session.person.total == 2


ONTO_TARGET = """
import json, sys
print(json.dumps({"env": "sweeps/PointTargetRandom-v0", "parameters": {"max_steps": 30}}), flush=True)
for line in sys.stdin:
    (x, y), = json.loads(line)["observation"]
    print(json.dumps({"action": [[25 + 19 * x, 25 + 19 * y]]}), flush=True)
"""
NEVER = ONTO_TARGET.replace("25 + 19 * x", "25 - 19 * (1 if x > 0 else -1)")


def rival(program):
    env_id = "sweeps/PointTargetRandom-v0"
    return env_id, Agent([sys.executable, "-c", program], env_id)


def test_the_policy_plays_the_same_episodes_beside_the_person():
    env_id, agent = rival(ONTO_TARGET)
    session = Session(env_id, agent, seed=7)
    person, policy = session.players
    for _ in range(3):
        assert (person.dynamics.targets == policy.dynamics.targets).all()
        session.act(person.dynamics.targets[0].astype(np.float32))
        assert person.over
        assert policy.over
        session.begin()
    agent.close()
    assert (person.total, policy.total) == (3, 3)
    assert session.size == (1280, 400 + HEADER + 34)


def test_a_policy_that_is_slower_plays_its_episode_to_the_end():
    env_id, agent = rival(NEVER)
    session = Session(env_id, agent, seed=1)
    person, policy = session.players
    session.act(person.dynamics.targets[0].astype(np.float32))
    agent.close()
    assert person.over
    assert policy.over
    assert policy.total < person.total
    assert policy.dynamics.horizon == person.dynamics.horizon == 30


def test_an_unknown_environment_is_one_line(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["sweeps/PointTraget-v0"])
    assert capsys.readouterr().err.startswith(
        "error: unknown environment 'sweeps/PointTraget-v0'; did you mean 'sweeps/PointTarget-v0'?"
    )


def test_a_folder_without_a_policy_is_one_line(tmp_path):
    with pytest.raises(ValueError, match="the policy's process"):
        Agent((*SERVER, str(tmp_path)), BOARD)


@pytest.mark.parametrize("trust", [[], ["--trust"]], ids=["not trusted", "trusted"])
def test_a_folder_is_trusted_as_the_command_says(monkeypatch, capsys, tmp_path, trust):
    told = (sys.executable, "-c", "import json, sys; print(json.dumps({'error': f'told {sys.argv[1:]}'}))")
    monkeypatch.setattr("envs.play.__main__.SERVER", told)
    with pytest.raises(SystemExit, match="2"):
        main(["sweeps/PointTarget-v0", "--agent", str(tmp_path), *trust])
    assert capsys.readouterr().err.endswith(f"told {[str(tmp_path), *trust]}\n")


@pytest.mark.parametrize("driver", [None, "x11"])
def test_without_a_screen_it_says_so_in_one_line(driver):
    environment = {name: value for name, value in os.environ.items() if name not in SCREENS}
    if driver is not None:
        environment |= {"SDL_VIDEODRIVER": driver, "DISPLAY": ":987"}
    command = [sys.executable, "-m", "envs.play", "sweeps/Bandit-v0"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("error: ")

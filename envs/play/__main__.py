"""Command `python -m envs.play ID`: an environment of the suite in a window, with the mouse or by keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any

import envs
from envs.base import Window, load_pygame
from envs.commands import CommandParser, one_line_errors, run_command
from envs.play.agent import SERVER, Agent
from envs.play.controls import Controls
from envs.play.session import HEADER, Session

FRAMES_PER_SECOND = 30
KEY_REPEAT_DELAY, KEY_REPEAT_INTERVAL = 350, 60
"""Milliseconds until a key that is held down repeats, and between its repeats."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Opens the window and plays until it is closed."""
    parser = CommandParser(prog="python -m envs.play", description=__doc__)
    parser.add_argument("id", help="the environment, for example sweeps/PointTarget-v0")
    parser.add_argument("--agent", metavar="FOLDER", help="folder of a sweep whose best policy plays along")
    parser.add_argument("--trust", action="store_true", help="run code that lies in that folder, if need be")
    parser.add_argument("--seed", type=int, help="of the first episode; drawn if left out")
    given = parser.parse_args(arguments)
    with one_line_errors():
        env_id = envs.entry(given.id).env_id
        seed = secrets.randbelow(2**31) if given.seed is None else given.seed
        with ExitStack() as made:
            command = (*SERVER, given.agent, *(["--trust"] if given.trust else []))
            agent = made.enter_context(closing(Agent(command, env_id))) if given.agent else None
            play(env_id, made.enter_context(closing(Session(env_id, agent, seed))))


def play(env_id: str, session: Session) -> None:
    """Shows the session in a window and lets mouse and keys play it, until Esc or the window's close.

    Raises:
        OSError: There is no screen.
    """
    pygame = load_pygame()
    hands = Hands(session)
    window = Window(session.size, f"{env_id}: play")
    try:
        if not window.visible:
            raise OSError("playing needs a screen, and this machine shows none: set DISPLAY, or use another")
        pygame.key.set_repeat(KEY_REPEAT_DELAY, KEY_REPEAT_INTERVAL)
        window.show(session.draw(hands.help), FRAMES_PER_SECOND)
        while True:
            events = pygame.event.get()
            if any(_leaves(pygame, event) for event in events):
                return
            for event in events:
                hands.handle(event)
            window.show(session.draw(hands.help), FRAMES_PER_SECOND)
    finally:
        window.close()


class Hands:
    """The person's mouse and keys.

    Args:
        session: What they play.
    """

    def __init__(self, session: Session) -> None:
        self._pygame = load_pygame()
        self._session = session
        dynamics = session.person.dynamics
        self._pointed = type(dynamics).action_at is not envs.Dynamics.action_at
        self._controls = Controls(dynamics.action_space, dynamics.action_names)
        self._drags = False

    @property
    def help(self) -> str:
        """What the person can do, in one line."""
        how = "Click or drag on the picture to move" if self._pointed else self._controls.help
        return f"{how}   [Esc] leave"

    def handle(self, event: Any) -> None:
        """Lets one event play."""
        pygame = self._pygame
        pressed = event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN)
        if event.type == pygame.MOUSEBUTTONUP:
            self._drags = False
        elif self._session.person.over:
            # The press that begins an episode is not its first action.
            if pressed:
                self._session.begin()
        elif event.type == pygame.KEYDOWN:
            self._act(self._controls.press(pygame.key.name(event.key)))
        elif self._pointed and event.type == pygame.MOUSEBUTTONDOWN:
            self._drags = True
            self._point(event.pos)
        elif self._drags and event.type == pygame.MOUSEMOTION:
            self._point(event.pos)

    def _point(self, pixel: tuple[int, int]) -> None:
        dynamics = self._session.person.dynamics
        self._act(dynamics.action_at((pixel[0], pixel[1] - HEADER)))

    def _act(self, action: Any | None) -> None:
        if action is not None:
            self._session.act(action)
        if self._session.person.over:
            self._drags = False


def _leaves(pygame: Any, event: Any) -> bool:
    escape = event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE
    return bool(escape or event.type == pygame.QUIT)


if __name__ == "__main__":
    run_command(main)

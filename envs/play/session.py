"""Session of play: a person's episodes, and a trained policy's on exactly the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from typing import Any

import gymnasium as gym

from envs.base import GRID, INK, MUTED, PANEL, Canvas, Dynamics
from envs.play.agent import Agent

HEADER, FOOTER = 64, 34
"""Height of the strips above and below the pictures, in pixels."""


class Player:
    """Player's copy of the environment and what was earned in it.

    Args:
        name: Whose it is.
        env_id: An id of the suite.
        seed: Equal seeds give equal episodes, one after the other.
        parameters: The environment's keywords.
    """

    def __init__(self, name: str, env_id: str, seed: int, parameters: Mapping[str, Any]) -> None:
        self.name = name
        self._env = gym.make(env_id, render_mode="rgb_array", **parameters).unwrapped
        self.dynamics: Dynamics[Any] = self._env.get_wrapper_attr("dynamics")
        self.episodes = 0
        """Episodes played to their end."""
        self.total = 0.0
        """Sum of their returns."""
        try:
            self.begin(seed)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the copy."""
        self._env.close()  # type: ignore[no-untyped-call]  # Gymnasium forgot its annotation

    @property
    def score_line(self) -> str:
        """Reward, return and the mean over all finished episodes in one line."""
        mean = f"{self.total / self.episodes:+.4g}" if self.episodes else "-"
        return (
            f"reward {self.reward:+.4g}   return {self.earned:+.4g}   episodes {self.episodes}   mean {mean}"
        )

    def begin(self, seed: int | None = None) -> None:
        """Starts the next episode."""
        self.observation, _ = self._env.reset(seed=seed)
        self.reward, self.earned, self.over = 0.0, 0.0, False

    def step(self, action: Any) -> None:
        """Takes one step."""
        self.observation, reward, terminated, truncated, _ = self._env.step(action)
        self.reward = float(reward)
        self.earned += self.reward
        self.over = terminated or truncated
        if self.over:
            self.episodes += 1
            self.total += self.earned


class Session:
    """A person at the keys and, beside, a policy that makes a step whenever the person does.

    When the person's episode is over the policy plays its own to the end, so both scores always count the
    same episodes.

    Args:
        env_id: An id of the suite.
        agent: The policy that plays along, or None; both then play with the parameters it was trained with.
        seed: Of the first episode.
    """

    def __init__(self, env_id: str, agent: Agent | None, seed: int) -> None:
        self._agent = agent
        parameters = agent.parameters if agent else {}
        with ExitStack() as made:
            self.person = made.enter_context(closing(Player("You", env_id, seed, parameters)))
            self._rival = Player("Trained policy", env_id, seed, parameters) if agent else None
            made.pop_all()

    def close(self) -> None:
        """Closes every player's copy of the environment."""
        for player in self.players:
            player.close()

    @property
    def players(self) -> list[Player]:
        """The person and, if there is one, the policy."""
        return [self.person] if self._rival is None else [self.person, self._rival]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""
        width, height = self.person.dynamics.canvas_size
        return width * len(self.players), HEADER + height + FOOTER

    def act(self, action: Any) -> None:
        """Carries out the person's action, and the policy's."""
        self.person.step(action)
        self._let_rival_step()
        while self.person.over and self._let_rival_step():
            pass

    def begin(self) -> None:
        """Starts everybody's next episode."""
        for player in self.players:
            player.begin()

    def draw(self, help_line: str) -> Canvas:
        """Draws every player's score above the picture, and what to do below."""
        canvas = Canvas(self.size)
        width, height = self.person.dynamics.canvas_size
        canvas.rectangle(0, 0, self.size[0], HEADER, PANEL)
        canvas.rectangle(0, HEADER + height, self.size[0], FOOTER, PANEL)
        for place, player in enumerate(self.players):
            left = place * width
            picture = Canvas(player.dynamics.canvas_size)
            player.dynamics.draw(picture, 0)
            canvas.image(left, HEADER, width, height, picture.pixels())
            canvas.text(left + 24, 20, player.name, size=17)
            canvas.text(left + 24, 45, player.score_line, size=14, colour=MUTED)
            if place:
                canvas.line([(left, 0), (left, HEADER + height)], GRID)
        over = "Episode over: press a key or click to play on   [Esc] leave"
        message = over if self.person.over else help_line
        canvas.text(24, HEADER + height + FOOTER / 2, message, size=13, colour=INK)
        return canvas

    def _let_rival_step(self) -> bool:
        """Makes the policy's next step and says whether there was one to make."""
        if self._agent is None or self._rival is None or self._rival.over:
            return False
        self._rival.step(self._agent.act(self._rival.observation))
        return True

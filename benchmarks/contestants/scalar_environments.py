"""The suite's environments as they are usually written: as plain scalar Gymnasium environments.

For the benchmark only: one episode at a time, Python numbers, no table shared with the suite. They draw their
random numbers in the suite's order, so both forms can be compared step by step before they are timed.
"""

import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from benchmarks.contestants.scalar_markets import ScalarTrading, ScalarTradingHistorical, Step


class ScalarBandit(gym.Env[int, int]):
    """Five levers."""

    def __init__(self, p: Any) -> None:
        self._p = p
        self.observation_space = spaces.Discrete(2)
        self.action_space = spaces.Discrete(5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Before the first pull."""
        super().reset(seed=seed)
        self._pulled = 0
        return 0, {}

    def step(self, action: int) -> Step:
        """One pull."""
        self._pulled += 1
        return 1, 1.0 if action == 2 else -1.0, self._pulled == self._p.pulls, False, {}


class ScalarPointTarget(gym.Env[Any, Any]):
    """A worker that jumps onto a target."""

    def __init__(self, p: Any) -> None:
        self._p = p
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Box(p.radius, p.board_size - p.radius, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Places the target."""
        super().reset(seed=seed)
        self._jumps = 0
        self._view = [0.0, 0.0]
        if self._p.random_target:
            self._view = [2.0 * (self.np_random.random() * 2.0**20 % 1.0) - 1.0 for _ in range(2)]
        half = self._p.board_size / 2
        self._target = [half + (half - self._p.radius) * view for view in self._view]
        return np.array(self._view, dtype=np.float32), {}

    def step(self, action: Any) -> Step:
        """One jump."""
        p = self._p
        x = min(max(float(action[0]), p.radius), p.board_size - p.radius)
        y = min(max(float(action[1]), p.radius), p.board_size - p.radius)
        hit = max(abs(x - self._target[0]), abs(y - self._target[1])) <= 2 * p.radius
        self._jumps += 1
        truncated = not hit and self._jumps == p.max_steps
        return np.array(self._view, dtype=np.float32), 1.0 if hit else -1.0, hit, truncated, {}


class ScalarResource(gym.Env[Any, Any]):
    """Servers for a day, without a boot delay."""

    def __init__(self, p: Any) -> None:
        self._p = p
        self._largest_load = round(p.load_peak * (1 + 4 * p.noise))
        low = np.array([0, 0, 0, -1, -1], dtype=np.float32)
        self.observation_space = spaces.Box(low, np.ones_like(low))
        self.action_space = spaces.Box(-1, 1, (1,), np.float32) if p.continuous else spaces.Discrete(5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Midnight."""
        super().reset(seed=seed)
        self._time, self._servers, self._queue = 0, self._p.max_servers // 2, 0
        self._load = self._draw_load(-1)
        self._rented, self._over, self._rejected = 0, 0, 0
        self._queues: list[int] = []
        return self._observe(), {}

    def step(self, action: Any) -> Step:
        """Changes the fleet, then serves the step's load."""
        p = self._p
        change = round(min(max(float(action[0]), -1.0), 1.0) * 2) if p.continuous else int(action) - 2
        self._servers = min(max(self._servers + change, 1), p.max_servers)
        self._load = self._draw_load(self._time)
        left = max(self._queue + self._load - 10 * self._servers, 0)
        self._queue = min(left, p.queue_limit)
        self._time += 1
        self._queues.append(self._queue)
        self._rented += self._servers
        self._over += self._load > 10 * self._servers
        self._rejected += left - self._queue
        reward = -(self._servers * p.server_cost + self._queue * p.queue_penalty) / 100
        over = self._time == 288
        return self._observe(), reward, over, False, self._info() if over else {}

    def _info(self) -> dict[str, float]:
        return {
            "server_hours": self._rented / 12,
            "p95_queue": float(np.percentile(self._queues, 95)),
            "over_capacity": self._over / 288,
            "jobs_rejected": float(self._rejected),
        }

    def _draw_load(self, time: int) -> int:
        p = self._p
        wave = (1 - math.cos(2 * math.pi * (time / 12 - 4) / 24)) / 2
        noise = min(max(self.np_random.standard_normal(), -4.0), 4.0)
        load: float = max(p.load_peak * (0.2 + 0.8 * wave) * (1 + p.noise * noise), 0.0)
        return round(load)

    def _observe(self) -> Any:
        p, angle = self._p, 2 * math.pi * self._time / 288
        return np.array(
            [
                self._load / self._largest_load,
                self._servers / p.max_servers,
                math.sqrt(self._queue / p.queue_limit),
                math.sin(angle),
                math.cos(angle),
            ],
            dtype=np.float32,
        )


class ScalarVisual(gym.Env[Any, int]):
    """A walk to the green cell, without walls, from the top left corner; the image is redrawn every step."""

    def __init__(self, p: Any) -> None:
        self._p = p
        shape = (p.image_size, p.image_size, 3)
        self.observation_space = (
            spaces.Box(-1, 1, (4,), np.float32) if p.symbolic else spaces.Box(0, 255, shape, np.uint8)
        )
        self.action_space = spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Draws the target."""
        super().reset(seed=seed)
        self.np_random.random()
        cell = 1 + int(self.np_random.random() * (self._p.grid_size**2 - 1))
        self._target = divmod(cell, self._p.grid_size)
        self._row, self._column, self._time = 0, 0, 0
        return self._observe(), {}

    def step(self, action: int) -> Step:
        """One move."""
        down, right = ((-1, 0), (1, 0), (0, -1), (0, 1))[action]
        last = self._p.grid_size - 1
        self._row = min(max(self._row + down, 0), last)
        self._column = min(max(self._column + right, 0), last)
        self._time += 1
        reached = (self._row, self._column) == self._target
        truncated = not reached and self._time == self._p.max_steps
        info = {}
        if reached or truncated:
            detour = float(self._time - sum(self._target)) if reached else math.nan
            info = {"reached": float(reached), "detour": detour}
        return self._observe(), 10.0 if reached else -0.1, reached, truncated, info

    def _observe(self) -> Any:
        if self._p.symbolic:
            position = np.array([self._row, self._column, *self._target])
            return (2 * position / (self._p.grid_size - 1) - 1).astype(np.float32)
        size = self._p.image_size
        cell = size // self._p.grid_size
        image = np.full((size, size, 3), (236, 238, 241), dtype=np.uint8)
        image[::cell] = image[:, ::cell] = (214, 217, 222)
        for (row, column), colour, inset in (
            (self._target, (0, 158, 115), 0),
            ((self._row, self._column), (0, 78, 168), cell // 4),
        ):
            top, left, side = row * cell + inset, column * cell + inset, cell - 2 * inset
            image[top : top + side, left : left + side] = colour
        return image


class ScalarSpaces(gym.Env[int, int]):
    """The recall task with its default spaces: the answer is the number that is shown."""

    def __init__(self, p: Any) -> None:
        del p
        self.observation_space = spaces.Discrete(5, start=-2)
        self.action_space = spaces.Discrete(5, start=-2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Draws what is shown."""
        super().reset(seed=seed)
        self._shown = int(self.np_random.random() * 5) - 2
        return self._shown, {}

    def step(self, action: int) -> Step:
        """One answer."""
        return self._shown, 1.0 if action == self._shown else 0.0, True, False, {}


SCALAR: dict[str, Callable[..., gym.Env[Any, Any]]] = {
    "Bandit": ScalarBandit,
    "PointTarget": ScalarPointTarget,
    "Resource": ScalarResource,
    "Spaces": ScalarSpaces,
    "Trading": ScalarTrading,
    "TradingHistorical": ScalarTradingHistorical,
    "Visual": ScalarVisual,
}
"""By the name of the suite's rules, as its ids set them; other rules are timed without a comparison."""

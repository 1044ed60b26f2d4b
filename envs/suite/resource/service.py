"""Workload and costs of the service, shared by the environment and its solver, and the environment's parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from envs.base import Parameters
from envs.suite.resource.server_fleet import Fleet

STEPS = 288
"""Steps of five minutes in a day."""
JOBS_PER_SERVER = 10
"""Jobs that a running server completes in a step."""
TROUGH = 0.2
"""The expected load at the quietest time, as a share of that at the busiest."""
QUIETEST_HOUR = 4.0
NOISE_CUT = 4.0
"""Where the load's standardised noise is cut, so that a largest load exists."""
COST_UNIT = 100.0
"""Rewards are costs over this number."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Service(Parameters):
    """Parameters of the service: how much work comes in and what serving it costs."""

    max_servers: int = 20
    """Servers that can be rented at once; 2 to 50."""
    server_cost: float = 1.0
    """Cost of a rented server per step, running or booting; above 0."""
    queue_penalty: float = 0.2
    """Cost of a waiting job per step; above 0. If it is so low that turning jobs away is cheaper than
    serving them, that is what the best policies do."""
    queue_limit: int = 500
    """Jobs that can wait; those beyond are turned away. 1 to 2000."""
    noise: float = 0.2
    """Standard deviation of a step's load as a share of its expectation; 0 to 0.5."""
    boot_delay: int = 0
    """Steps between renting a server and its first work; 0 to 2."""
    load_peak: float = 140.0
    """Expected jobs per step at the busiest time; above 0, up to 1000."""

    def __post_init__(self) -> None:
        self.check("max_servers", 2, 50)
        self.check("server_cost", 0, 1e6, above=True)
        self.check("queue_penalty", 0, 1e6, above=True)
        self.check("queue_limit", 1, 2000)
        self.check("noise", 0, 0.5)
        self.check("boot_delay", 0, 2)
        self.check("load_peak", 0, 1000, above=True)

    @cached_property
    def fleet(self) -> Fleet:
        """The fleets there can be."""
        return Fleet(self.max_servers, self.boot_delay)

    @cached_property
    def expected_loads(self) -> Floats:
        """Expected jobs of the step before midnight and of each step of the day, [T + 1]."""
        hours = np.arange(-1, STEPS) * 24.0 / STEPS
        share = (1.0 - np.cos(2.0 * np.pi * (hours - QUIETEST_HOUR) / 24.0)) / 2.0
        return self.load_peak * (TROUGH + (1.0 - TROUGH) * share)

    @property
    def starting_servers(self) -> int:
        """Servers that run at midnight: half of the largest fleet."""
        return self.max_servers // 2

    def servers_for(self, loads: Integers, utilisation: float) -> Integers:
        """Returns the fewest servers, 1 to `max_servers`, that such loads keep busy to at most this share."""
        servers = np.ceil(loads / (JOBS_PER_SERVER * utilisation)).astype(np.int64)
        return np.clip(servers, 1, self.max_servers)

    def loads(self, noise: Floats) -> Integers:
        """Returns the jobs that arrive, given standard normal noise; both [..., T + 1]."""
        relative = 1.0 + self.noise * np.clip(noise, -NOISE_CUT, NOISE_CUT)
        return np.rint(np.maximum(self.expected_loads * relative, 0.0)).astype(np.int64)

    @property
    def max_load(self) -> int:
        """The most jobs that a step can bring."""
        return round(float(self.expected_loads.max()) * (1.0 + self.noise * NOISE_CUT))

    def load_distribution(self, step: int) -> tuple[int, Floats]:
        """Returns the distribution of a step's load.

        Args:
            step: -1 (before midnight) to 287.

        Returns:
            The smallest load with a positive probability, and the probabilities of it and of those above.
        """
        mean = float(self.expected_loads[step + 1])
        deviation = self.noise * mean
        lowest = round(max(mean - NOISE_CUT * deviation, 0.0))
        highest = round(mean + NOISE_CUT * deviation)
        if lowest == highest:
            return lowest, np.ones(1)
        edges = (np.arange(lowest, highest) + 0.5 - mean) / (deviation * math.sqrt(2.0))
        below = np.array([0.0, *(0.5 * (1.0 + math.erf(edge)) for edge in edges), 1.0])
        return lowest, np.diff(below)


@dataclass(frozen=True, kw_only=True)
class ResourceParameters(Service):
    """Parameters of the environment: those of the service, and the form of the actions."""

    continuous: bool = True
    """Whether actions are numbers from -1 to 1 instead of five choices."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.continuous, bool):
            raise ValueError(f"Resource continuous={self.continuous!r}: expected True or False")

    @property
    def service(self) -> Service:
        """What the optimum depends on: both forms of actions share one solution."""
        return Service(**{field.name: getattr(self, field.name) for field in fields(Service)})

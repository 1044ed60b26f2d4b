"""Solver of the server fleet: the least expected cost, by dynamic programming over time, fleet and queue.

Loads are independent between steps and everything is counted in whole jobs and servers, so the expected
return from step t on, just after the action has been carried out, is a finite table over fleet f and queue q:

    C(t, f, q) = -cost(f) + E[V(t + 1, f, q') - penalty q'],   q' = min(max(q + load - capacity(f), 0), limit)
    V(t, f, q) = max over actions a of C(t, after(f, a), q)

with V(288, ., .) = 0. The expectation is a correlation with the load's distribution, computed by FFT; there
is no grid and no interpolation, so the values are exact up to rounding. The same recursion with a fixed rule
in place of the maximum gives the exact return of that rule, also where the rule looks at the last load.
Bellman (1957), Dynamic Programming, chapter 3; Puterman (1994), Markov Decision Processes, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.suite.resource.server_fleet import CHANGES, MAX_CHANGE
from envs.suite.resource.service import COST_UNIT, JOBS_PER_SERVER, STEPS, Floats, Integers, Service

TIE = 1e-9
"""An action must gain more than this over a smaller one to be chosen: rounding shall not move servers."""

TargetRule = Callable[[Integers], Integers]
"""How many servers a rule wants after having seen the last loads [L], for each of them."""


class FleetSolution:
    """The optimal policy of a service, and the exact returns of simple ones."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._fleet = service.fleet
        self._queue = np.arange(service.queue_limit + 1)
        self._queue_cost = service.queue_penalty * self._queue / COST_UNIT
        self._fleet_cost = service.server_cost * self._fleet.rented / COST_UNIT
        self._capacity = JOBS_PER_SERVER * self._fleet.members[:, 0]
        self._start = self._fleet.number(service.starting_servers)
        self._size = _fast_length(service.queue_limit + service.max_load + 1)
        # [T, F, Q]: the optimal choice before each step.
        self._best = np.zeros((STEPS, len(self._capacity), len(self._queue)), dtype=np.int8)
        self.optimum = self._solve()
        """The best expected return."""
        self.static_returns = self._static_returns()
        """Expected returns of going to 1, 2, ... `max_servers` servers and staying there."""

    @property
    def best_static_fleet(self) -> int:
        """The number of servers that is cheapest when it never changes."""
        return int(np.argmax(self.static_returns)) + 1

    def choices(self, time: Integers, fleet: Integers, queue: Integers) -> Integers:
        """Returns the optimal choice in each lane; all arrays [N]. Times beyond the end count as the last."""
        return self._best[np.minimum(time, STEPS - 1), fleet, queue].astype(np.int64)

    def mixed_return(self, weights: Floats) -> float:
        """Returns the expected return of random choices that have the given probabilities, [A]."""
        value = np.zeros((len(self._capacity), len(self._queue)))
        for step in reversed(range(STEPS)):
            served = self._serve(step, np.arange(len(value)), value)
            value = np.zeros_like(served)
            for choice, weight in enumerate(weights):
                value += weight * served[self._fleet.after[:, choice]]
        return float(value[self._start, 0])

    def target_return(self, rule: TargetRule) -> float:
        """Returns the expected return of steering to a number of servers that depends on the last load."""
        after = self._fleet.after
        value = np.zeros((len(after), len(self._queue)))
        for step in reversed(range(STEPS)):
            # The load that is served now decides, as the last one, on the next action.
            shares = self._choice_shares(step, rule)
            possible: NDArray[np.bool_] = np.any(shares > 0, axis=-1)
            fleets, choices = np.nonzero(possible[self._fleet.rented])
            which = np.cumsum(possible).reshape(possible.shape)[self._fleet.rented[fleets], choices] - 1
            spectra = np.fft.rfft(shares[possible], self._size)[which]
            # After the last step no action follows, and the value is 0 whatever it would be.
            following = value[after[fleets, choices]] if step < STEPS - 1 else value[fleets]
            spectrum = self._spectrum(step, fleets, following, spectra)
            first_of_fleet = np.searchsorted(fleets, np.arange(len(after)))
            value = self._settle(np.add.reduceat(spectrum, first_of_fleet), np.arange(len(after)))
        first_choice = self._choice_shares(-1, rule)[self._fleet.rented[self._start]].sum(axis=-1)
        return float(first_choice @ value[after[self._start], 0])

    def _solve(self) -> float:
        fleets = np.arange(len(self._capacity))
        value = np.zeros((len(fleets), len(self._queue)))
        for step in reversed(range(STEPS)):
            served = self._serve(step, fleets, value)
            value = served[self._fleet.after[:, MAX_CHANGE]]
            self._best[step] = MAX_CHANGE
            for choice in sorted(range(len(CHANGES)), key=lambda choice: abs(choice - MAX_CHANGE)):
                candidate = served[self._fleet.after[:, choice]]
                better = candidate > value + TIE
                value = np.where(better, candidate, value)
                self._best[step][better] = choice
        return float(value[self._start, 0])

    def _static_returns(self) -> Floats:
        targets = np.arange(1, self.service.max_servers + 1)
        fleets = np.full((STEPS + 1, len(targets)), self._start)
        for step in range(STEPS):
            fleets[step + 1] = self._fleet.after[fleets[step], self._fleet.towards(fleets[step], targets)]
        value = np.zeros((len(targets), len(self._queue)))
        for step in reversed(range(STEPS)):
            value = self._serve(step, fleets[step + 1], value)
        return value[:, 0]

    def _serve(self, step: int, fleets: Integers, value: Floats) -> Floats:
        """Takes values after a step, [K, Q], to those before it; `fleets` [K] serve the step's load."""
        _, probabilities = self.service.load_distribution(step)
        spectrum = self._spectrum(step, fleets, value, np.fft.rfft(probabilities, self._size))
        return self._settle(spectrum, fleets)

    def _spectrum(self, step: int, fleets: Integers, value: Floats, loads: NDArray[np.complex128]) -> Any:
        """Computes the expected value of the queue that a step's load leaves, Fourier transformed.

        Args:
            step: Whose load.
            fleets: Which fleets serve it, [K].
            value: By fleet and the queue left, [K, Q].
            loads: Transformed probabilities of the loads from the lowest on, [..., frequencies].

        Returns:
            By fleet and present queue, [K, frequencies].
        """
        lowest, _ = self.service.load_distribution(step)
        left = np.arange(self._size) + lowest - self._capacity[fleets][:, None]
        left = np.clip(left, 0, self.service.queue_limit)
        extended = np.take_along_axis(value - self._queue_cost, left, axis=-1)
        return np.fft.rfft(extended) * np.conj(loads)

    def _settle(self, spectrum: Any, fleets: Integers) -> Floats:
        """Transforms back to present queues, [K, Q], and pays for the fleets [K]."""
        expected = np.fft.irfft(spectrum, self._size)[:, : len(self._queue)]
        return expected - self._fleet_cost[fleets, None]

    def _choice_shares(self, step: int, rule: TargetRule) -> Floats:
        """Computes the probability that a step brings a load and that a rule then makes a choice.

        Returns:
            By servers rented (0 is never so, and all zero), choice and load, [1 + max_servers, A, L].
        """
        lowest, probabilities = self.service.load_distribution(step)
        targets = rule(lowest + np.arange(len(probabilities)))
        rented = np.arange(1 + self.service.max_servers)
        choices = np.clip(targets - rented[:, None], -MAX_CHANGE, MAX_CHANGE)
        return np.where(choices[:, None] == CHANGES[:, None], probabilities, 0.0)


@lru_cache(maxsize=4)
def solve(service: Service) -> FleetSolution:
    """Solves a service; equal ones are solved once."""
    return FleetSolution(service)


def _fast_length(least: int) -> int:
    """Returns the smallest product of 2, 3 and 5 from a number on: the lengths that FFTs are fast at."""
    length = least
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1

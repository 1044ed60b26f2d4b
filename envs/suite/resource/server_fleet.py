"""Fleets of servers, numbered, with the table of what each action turns them into."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

MAX_CHANGE = 2
"""Servers that one action adds or removes at most."""
CHANGES = np.arange(-MAX_CHANGE, MAX_CHANGE + 1)
"""What an action can do to the fleet, [A]: choice 0 removes two servers, choice 4 adds two."""


class Fleet:
    """Table of all fleets of up to `max_servers` servers, numbered, and of where each action leads.

    A fleet is its number of running servers and, with a boot delay of d steps, of the servers that will join
    in the next, second next, ... d-th next step. The environment and its dynamic programme use this one
    table. Axes: [F] fleets, [A] choices.

    Args:
        max_servers: Servers that can be rented at once, running or booting.
        boot_delay: d, steps between renting a server and its first work.
    """

    def __init__(self, max_servers: int, boot_delay: int) -> None:
        members = [
            (running, *booting)
            for running in range(1, max_servers + 1)
            for booting in itertools.product(range(MAX_CHANGE + 1), repeat=boot_delay)
            if running + sum(booting) <= max_servers
        ]
        self._numbers = {member: number for number, member in enumerate(members)}
        self.members: NDArray[np.int64] = np.array(members)
        """Servers running, and joining in 1, 2, ... d steps, [F, 1 + d]."""
        self.rented: NDArray[np.int64] = self.members.sum(axis=1)
        """Servers that are paid for, running or booting, [F]."""
        self.after: NDArray[np.int64] = np.array(
            [
                [self._numbers[_changed(member, int(change), max_servers)] for change in CHANGES]
                for member in members
            ]
        )
        """The fleet that serves the step in which an action is taken, [F, A]."""

    def number(self, running: int) -> int:
        """Returns the number of the fleet of so many servers, none of them booting."""
        return self._numbers[(running, *(0,) * (self.members.shape[1] - 1))]

    def towards(self, fleets: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the choices that bring the servers rented by the given fleets nearest to their targets."""
        changes: NDArray[np.int64] = np.clip(targets - self.rented[fleets], -MAX_CHANGE, MAX_CHANGE)
        return changes + MAX_CHANGE


def _changed(member: tuple[int, ...], change: int, max_servers: int) -> tuple[int, ...]:
    """Returns the fleet after servers have joined and the action has been carried out as far as it can be."""
    running, *booting = member
    added = min(change, max_servers - sum(member)) if change > 0 else 0
    # The servers that finish booting join before any is removed, so that one always stays.
    running, *booting = [running + booting[0], *booting[1:], added] if booting else [running + added]
    return (max(running + min(change, 0), 1), *booting)

"""Reference policies of an operator of servers, with their exact returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from envs.suite.resource.optimum import TargetRule, solve
from envs.suite.resource.server_fleet import MAX_CHANGE
from envs.suite.resource.service import Integers, Service

TARGET_UTILISATION = 0.8
"""What share of its servers the textbook autoscaler keeps busy."""

DIGITS = 9


class ServiceState(NamedTuple):
    """State of the service that an operator may look at; all [N]."""

    time: Integers
    """Steps taken so far."""
    last_load: Integers
    """Jobs that arrived in the last step."""
    fleet: Integers
    """Number of the fleet."""
    queue: Integers
    """Jobs waiting."""


@dataclass(frozen=True)
class ServicePolicy:
    """A way to operate a service."""

    description: str
    """What the operator does, in a few words."""
    expected_return: float
    """Its exact expected return, to nine digits after the point: equal policies state equal returns."""
    choose: Callable[[ServiceState], Integers]
    """The choice in every lane, [N]."""


def service_policies(service: Service) -> Mapping[str, ServicePolicy]:
    """Returns the policies by name: no-op, best static fleet, autoscaler, ceiling of the load, optimum."""
    solution = solve(service)
    static = solution.best_static_fleet
    no_op_return, static_return = solution.static_returns[[service.starting_servers - 1, static - 1]]

    def target_policy(description: str, expected_return: float, rule: TargetRule) -> ServicePolicy:
        def choose(state: ServiceState) -> Integers:
            return service.fleet.towards(state.fleet, rule(state.last_load))

        return ServicePolicy(description, round(expected_return, DIGITS), choose)

    def utilisation_policy(utilisation: float) -> ServicePolicy:
        rule = partial(service.servers_for, utilisation=utilisation)
        description = f"steers to the servers that the last load keeps busy to {utilisation:.0%}"
        return target_policy(description, solution.target_return(rule), rule)

    return {
        "no_op": ServicePolicy(
            "keeps the servers of midnight",
            round(float(no_op_return), DIGITS),
            lambda state: np.full(len(state.fleet), MAX_CHANGE),
        ),
        "static": target_policy(
            f"goes to {static} servers, the best number to keep, and keeps them",
            float(static_return),
            lambda loads: np.full(len(loads), static),
        ),
        "autoscaler": utilisation_policy(TARGET_UTILISATION),
        "ceiling": utilisation_policy(1.0),
        "optimal": ServicePolicy(
            "has the least expected cost to come",
            round(solution.optimum, DIGITS),
            lambda state: solution.choices(state.time, state.fleet, state.queue),
        ),
    }

"""Reference policies of an environment with their returns, and the score made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

D = TypeVar("D")

Act = Callable[[D, np.random.Generator], NDArray[Any]]
"""Chooses every lane's action from the dynamics' full state: `act(dynamics, rng) -> actions [N, ...]`."""


@dataclass(frozen=True)
class ReferencePolicy(Generic[D]):
    """Policy that needs no training, with the return it is known to earn.

    A reference may look at the state behind the observation: it states what can be earned, not what can
    be learned from pictures.
    """

    description: str
    """What the policy does, in a few words."""
    expected_return: float
    """Its expected undiscounted return, in the environment's unit."""
    act: Act[D]
    """The policy itself, for rolling it out."""


@dataclass(frozen=True)
class References(Generic[D]):
    """Reference policies of one environment with given parameters: floor, optimum and textbook rules.

    `score = (return - floor) / (optimum - floor)`: 0 is what the floor policy earns, 1 what the best
    possible policy earns.
    """

    policies: Mapping[str, ReferencePolicy[D]]
    """Every reference policy by name."""
    floor_policy: str
    """The name of the policy that scores 0."""
    optimal_policy: str
    """The name of the policy that scores 1."""
    source: str
    """How the optimum was computed."""

    def __post_init__(self) -> None:
        # Computed returns carry rounding, which must not pass for a difference.
        if not self.optimum - self.floor > 1e-9 * max(1.0, abs(self.optimum)):
            raise ValueError(
                f"the optimum ({self.optimum:g}) is not above the floor ({self.floor:g}): with these "
                "parameters every policy is as good as any other, so no score exists; change them"
            )

    @property
    def floor(self) -> float:
        """The return that scores 0."""
        return self.policies[self.floor_policy].expected_return

    @property
    def optimum(self) -> float:
        """The return that scores 1."""
        return self.policies[self.optimal_policy].expected_return

    def score(self, returns: Any) -> Any:
        """Puts returns (a number or an array) on the common scale, shape kept."""
        return (np.asarray(returns, dtype=np.float64) - self.floor) / (self.optimum - self.floor)

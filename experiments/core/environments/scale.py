"""Scale from returns to scores, and the setting in which a phase evaluates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import envs
from experiments.core.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ScoreScale:
    """Scale from returns of one environment to scores."""

    return_unit: str = "return"
    """What one unit of the return means."""
    floor: float | None = None
    """The return that scores 0; None if the environment states no optimum, and scores are returns."""
    floor_policy: str | None = None
    """The policy that earns it."""
    optimum: float | None = None
    """The return that scores 1."""
    optimum_source: str | None = None
    """How it was computed."""
    references: Mapping[str, float] = field(default_factory=dict)
    """Expected returns of the named reference policies."""

    def score(self, mean_return: float) -> float:
        """Puts a mean return on the common scale."""
        if self.floor is None or self.optimum is None:
            return mean_return
        return (mean_return - self.floor) / (self.optimum - self.floor)

    @property
    def diverged(self) -> float | None:
        """What a diverged run counts as: the floor, or random actions where the floor is a better policy.

        None where the environment states no references.
        """
        if self.floor is None:
            return None
        return min(0.0, self.score(self.references.get("random", self.floor)))


@dataclass(frozen=True, kw_only=True)
class EvaluationSetting:
    """Setting in which policies are evaluated in one phase."""

    parameters: Mapping[str, Any]
    """The environment's keywords."""
    scale: ScoreScale
    """How returns there become scores."""
    most_steps: int
    """Steps after which an episode is cut off, where the environment states no time limit."""


def scale_of(env_id: str, parameters: Mapping[str, Any]) -> ScoreScale:
    """Returns the scale of an environment, from what it states about its reference policies.

    Raises:
        UserError: The suite's environment does not take these parameters.
    """
    if env_id not in envs.ids():
        return ScoreScale()
    try:
        references = envs.references(env_id, **parameters)
    except ValueError as error:
        raise UserError(f"{env_id}: {error}") from error
    return ScoreScale(
        return_unit=envs.entry(env_id).dynamics.return_unit,
        floor=references.floor,
        floor_policy=references.floor_policy,
        optimum=references.optimum,
        optimum_source=references.source,
        references={name: policy.expected_return for name, policy in references.policies.items()},
    )

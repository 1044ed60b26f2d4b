"""What all runs of a sweep have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.sweep import Phase
from experiments.core.declaration import Resources, Seeds, Vectorization
from experiments.core.environments import EvaluationSetting
from experiments.core.training.compilation import Compile


@dataclass(frozen=True, kw_only=True)
class Task:
    """What all trials of a sweep have in common."""

    env: str
    env_parameters: Mapping[str, Any]
    evaluation_settings: Mapping[Phase, EvaluationSetting]
    """Where the runs of each phase are evaluated."""
    fixed: Mapping[str, Any]
    lanes: int
    steps: int
    """Environment steps after which a trial is complete."""
    evaluations: int
    """Evaluations on the way there, evenly spaced."""
    evaluation_episodes: int
    seeds: Seeds
    diverged_score: float
    """What a trial scores once its numbers are no longer finite."""
    trainer: Literal["fast", "rllib"]
    compile: Compile = "auto"
    """Whether gradient steps are compiled."""
    vectorization: Vectorization = "auto"
    resources: Resources = field(default_factory=Resources)
    seeds_per_trial: int = 1
    """Replicas in one run of the search; a confirmation run has one seed."""
    seed_penalty: float = 0.0
    """Standard deviations of the replicas' objectives that their mean is lowered by."""
    goes_on: bool = True
    """Whether a run that is cut off goes on where it was; the members of a population begin anew together."""

    @property
    def evaluation_lanes(self) -> int:
        """Lanes that evaluate: one an episode, or no more than train where each needs a process."""
        if self.vectorization == "async":
            return min(self.lanes, self.evaluation_episodes)
        return self.evaluation_episodes

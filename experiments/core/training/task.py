"""Settings that all runs of a sweep have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from analysis.sweep import Phase
from experiments.core.declaration import Resources, Seeds, Vectorization
from experiments.core.environments import EvaluationSetting, PortableEnvironment
from experiments.core.signing import user_key


@dataclass(frozen=True, kw_only=True)
class Task:
    """Settings that all trials of a sweep have in common."""

    env: str
    """Gymnasium id of the environment, `module:id`, or `module:Class`."""
    env_parameters: Mapping[str, Any]
    """Keywords of the training environment."""
    evaluation_settings: Mapping[Phase, EvaluationSetting]
    """Setting in which the runs of each phase are evaluated."""
    fixed: Mapping[str, Any]
    """Hyperparameters that are not searched."""
    lanes: int
    """Copies of the environment that one run samples from."""
    steps: int
    """Environment steps after which a trial is complete."""
    evaluations: int
    """Evaluations on the way there, evenly spaced."""
    evaluation_episodes: int
    """Greedy episodes of one evaluation."""
    seeds: Seeds
    """Every seed of the sweep."""
    trainer: Literal["fast", "rllib"]
    """The suite's fast PPO path, or RLlib's own runner and learner."""
    vectorization: Vectorization = "auto"
    """How lanes are stepped."""
    resources: Resources = field(default_factory=Resources)
    """Cores, and share of a GPU, of one run."""
    seeds_per_trial: int = 1
    """Replicas in one run of the search; a confirmation run has one seed."""
    seed_penalty: float = 0.0
    """Standard deviations of the replicas' objectives by which their mean is lowered."""
    portable: PortableEnvironment | None = None
    """What another process needs to find the environment; None if it finds it by its name."""
    step_timeout_s: float = 60.0
    """Seconds after which a call of the environment that does not come back ends the run's process."""
    stop_file: Path | None = None
    """File whose presence asks every run to end."""
    key: bytes = field(default_factory=user_key, repr=False)
    """The user's key, which processes on other nodes lack: what a run saves is known by it."""
    trust: bool = False
    """Whether a run goes on from a state that was written without the key."""
    goes_on: bool = True
    """Whether a run that is cut off continues where it was; the members of a population restart together."""

    @property
    def evaluation_lanes(self) -> int:
        """Lanes that evaluate: one an episode, or no more than train where each needs a process."""
        if self.vectorization == "async":
            return min(self.lanes, self.evaluation_episodes)
        return self.evaluation_episodes


def phase_of(config: Mapping[str, Any]) -> Phase:
    """Returns the phase that a run's config belongs to: the confirmation's have a test seed."""
    return Phase.CONFIRM if "test_seed" in config else Phase.SEARCH

"""Declaration of an experiment: a frozen value of what to search, on what, and how much to spend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_args

from analysis.sweep import MINIMAL_EFFECT
from experiments.core.declaration import schedulers
from experiments.core.declaration.environment_name import EnvironmentName
from experiments.core.declaration.parameters import check_parameters, recorded
from experiments.core.declaration.ranges import check_number
from experiments.core.declaration.resources import Resources, Vectorization
from experiments.core.declaration.samplers import SamplerName
from experiments.core.declaration.schedulers import Asha, Scheduler
from experiments.core.declaration.seeds import INDICES, LANES
from experiments.core.errors import UserError
from search_spaces import SearchSpace


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Budget of the search.

    Raises:
        UserError: A number is not positive, or there are more evaluations than steps.
    """

    trials: int
    """Configurations that the search tries, the default one included."""
    steps_per_trial: int
    """Environment steps that a trial may train, if it is not stopped early."""
    evaluations: int = 16
    """Evaluations of a full trial, evenly spaced in steps."""

    def __post_init__(self) -> None:
        _check(self, "trials", 1, INDICES)
        _check(self, "steps_per_trial", 1)
        _check(self, "evaluations", 1, self.steps_per_trial)


@dataclass(frozen=True, kw_only=True)
class Racing:
    """Race for test seeds: they are spent where the decision is still open.

    Every configuration starts with `start` seeds. At four interim analyses, each by the same factor after the
    one before, a contender is dropped or continues to the next. Only one that has taken all seeds is claimed
    to be better than the default; see :class:`analysis.verdict.race.Race`.

    Example:
        >>> from experiments import Racing
        >>> Racing(start=5, maximum=20).interim_analyses
        (5, 8, 13, 20)

    Raises:
        UserError: A number is out of its range.
    """

    start: int = 5
    """Test seeds of every configuration; a contender may be dropped from here on."""
    maximum: int = 20
    """Test seeds of a contender that is never dropped."""

    def __post_init__(self) -> None:
        _check(self, "start", 5, INDICES)
        _check(self, "maximum", self.start + 1, INDICES)

    @property
    def interim_analyses(self) -> tuple[int, ...]:
        """Numbers of seeds at which it is decided who continues: four, each by a factor after the other."""
        return tuple(sorted({round(self.start * (self.maximum / self.start) ** (i / 3)) for i in range(4)}))


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """Confirmation of the search's best configurations on seeds that the search never saw.

    The best of many noisy scores is also lucky, so a search's own scores prove nothing. The `top_k` trials of
    the best objective and the baselines (the space's default values, the same with their batch adapted to the
    budget where that is another one, and RLlib's own) are trained from scratch on test seeds, and each is
    evaluated on episodes of its own. The verdict compares winner and defaults on the seeds that they share,
    by intervals that hold for all contenders together.

    Example:
        >>> from experiments import Confirmation, Racing
        >>> Confirmation(top_k=2, seeds=10).interim_analyses
        (10,)
        >>> str(Confirmation(seeds=Racing(start=5, maximum=30)))
        '5 to 30'

    Raises:
        UserError: A number is not positive.
    """

    top_k: int = 3
    """Configurations taken from the search, best objective first."""
    seeds: int | Racing = field(default_factory=Racing)
    """Test seeds on which each of them and each baseline is trained from scratch: a race, or so many."""
    minimal_effect: float = MINIMAL_EFFECT
    """Gain in score below which a better configuration is called too little better to matter."""
    max_collapse: float | None = None
    """Share of trainings that may collapse at most, 0.01 to 0.5. A winner then takes test seeds until that is
    shown with 95 % confidence, and is kept only if it is; None asks for no such thing."""
    ablation: int = 150
    """Runs that may be spent to say which of a better winner's changes carry its gain; 0 for none."""

    def __post_init__(self) -> None:
        _check(self, "top_k", 1)
        _check(self, "minimal_effect", 0, whole=False)
        _check(self, "ablation", 0, INDICES)
        if self.max_collapse is not None:
            _check(self, "max_collapse", 0.01, 0.5, whole=False)
        if not isinstance(self.seeds, Racing):
            _check(self, "seeds", 1, INDICES)

    @property
    def interim_analyses(self) -> tuple[int, ...]:
        """Numbers of seeds after which it is decided who continues; a single one if the number is fixed."""
        return self.seeds.interim_analyses if isinstance(self.seeds, Racing) else (self.seeds,)

    @property
    def maximum(self) -> int:
        """The most seeds that a configuration may take."""
        if self.max_collapse is None:
            return self.interim_analyses[-1]
        from analysis.verdict import most_extra_seeds  # takes SciPy with it, which a listing can do without

        return max(self.interim_analyses[-1], most_extra_seeds(self.top_k, self.max_collapse))

    def __str__(self) -> str:
        """Returns the number of seeds in words."""
        return (
            f"{self.interim_analyses[0]} to {self.maximum}"
            if self.maximum > self.interim_analyses[0]
            else str(self.maximum)
        )


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Declaration of one sweep: an environment, a search space, and what may be spent on them.

    A sweep tries `budget.trials` configurations of `space`, proposed by `sampler` and stopped early by
    `scheduler`, each trained with PPO on `env` for `budget.steps_per_trial` environment steps. A trial's
    objective is the mean score of its last three evaluations. The best configurations are then confirmed
    (:class:`Confirmation`) against two that nobody tuned.

    The value is frozen, and every number in it is checked when it is made. All random numbers of a sweep are
    derived from `seed`. It is run by `main(EXPERIMENT)` at the end of the module that declares it, whose
    docstring opens with the question that it answers.

    Example:
        >>> from experiments import Asha, Budget, Confirmation, Experiment, Racing
        >>> from search_spaces import model_layouts, ppo
        >>> EXPERIMENT = Experiment(
        ...     env="sweeps/TradingMeanReverting-v0",
        ...     space=ppo.CORE.narrow(lr=(1e-4, 1e-3)) | ppo.BATCH | model_layouts.MLP,
        ...     budget=Budget(trials=32, steps_per_trial=128_000),
        ...     env_parameters={"fee_rate": 0.002},
        ...     fixed={"vf_clip": None},
        ...     scheduler=Asha(grace=1 / 4),
        ...     confirmation=Confirmation(top_k=3, seeds=Racing(start=5, maximum=20)),
        ...     seed=1,
        ... )
        >>> EXPERIMENT.top_k, len(EXPERIMENT.space)
        (3, 13)

    Raises:
        UserError: A value is out of its range, or a hyperparameter is both searched and fixed.
    """

    env: EnvironmentName = EnvironmentName()  # noqa: RUF009  # a descriptor: the field has no default
    """Name of the environment: its Gymnasium id, `module:id` where importing module registers id, or
    `module:Class`. A class, or a function that makes an environment from its keywords, is taken, too."""
    space: SearchSpace
    """Hyperparameters that are searched, with their domains and defaults."""
    budget: Budget
    """Trials, steps of a trial, and evaluations on the way."""
    env_parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of the environment, where they differ from its id's preset."""
    validation_parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keywords, over `env_parameters`, of the environment in which the search evaluates."""
    test_parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keywords, over `env_parameters`, of the environment in which the confirmation evaluates."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Hyperparameters that are not searched, under the same names; the literature's values if left out."""
    lanes: int = 8
    """Copies of the environment that one trial samples from, side by side; 1 to 4,096."""
    vectorization: Vectorization = "auto"
    """How they are stepped; "async" pays where one step takes longer than handing it to a process."""
    resources: Resources = field(default_factory=Resources)
    """Cores, and share of a GPU, of one trial."""
    evaluation_episodes: int = 256
    """Greedy episodes of one evaluation, on the same seeds for every trial; 1 to 4,096."""
    max_evaluation_steps: int | None = None
    """Steps after which an evaluation's episode is cut off, and counts with what it has earned by then, where
    the environment states no time limit; as many as a trial trains if None."""
    confirmation: Confirmation = field(default_factory=Confirmation)
    """Number of configurations that are confirmed, and of their test seeds."""
    scheduler: Scheduler = field(default_factory=Asha)
    """Rule that stops trials early or trains them as a population; see :mod:`.schedulers`."""
    sampler: SamplerName = "tpe"
    """Algorithm that proposes configurations; see :mod:`experiments.core.tuning.samplers`."""
    seed: int = 0
    """Root of every seed in the sweep, 0 or more."""
    seeds_per_trial: int = 1
    """Training seeds of one search trial, side by side; each trains all of the trial's steps."""
    seed_penalty: float = 0.0
    """Standard deviations over a trial's seeds by which its objective, their mean, is lowered; 0 or more."""
    check_s: float = 7.0
    """Seconds on the clock that the checks before a sweep may take, however slow the environment is."""
    step_timeout_s: float | None = None
    """Seconds after which a step or a reset that does not come back counts as stuck, and its run as lost; 60,
    or a hundred steps of the check where those are more, if None."""
    checkpoint_budget_gb: float = 2.0
    """Gigabytes (10^9 bytes) that the search's checkpoints may take; the worst finished trials' go first."""

    @property
    def top_k(self) -> int:
        """Configurations of the search that are confirmed: no more than it tries beside the default one."""
        return min(self.confirmation.top_k, self.budget.trials - 1)

    @property
    def most_evaluation_steps(self) -> int:
        """Steps after which an evaluation cuts an episode off, where the environment states no time limit."""
        return self.max_evaluation_steps or self.budget.steps_per_trial

    def __post_init__(self) -> None:
        for name in ("env_parameters", "validation_parameters", "test_parameters", "fixed"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
            check_parameters(name, getattr(self, name))
        object.__setattr__(self, "fixed", MappingProxyType(recorded(self.fixed)))
        _check(self, "lanes", 1, LANES)
        _check(self, "evaluation_episodes", 1, LANES)
        if self.max_evaluation_steps is not None:
            _check(self, "max_evaluation_steps", 1)
        _check(self, "seed", 0)
        schedulers.check(self.scheduler)
        if self.vectorization not in get_args(Vectorization):
            expected = " or ".join(repr(name) for name in get_args(Vectorization))
            raise UserError(f"vectorization={self.vectorization!r}: expected {expected}")
        _check(self, "seeds_per_trial", 1, LANES // self.lanes)
        _check(self, "seed_penalty", 0, whole=False)
        _check(self, "checkpoint_budget_gb", 0, whole=False)
        _check(self, "check_s", 1, whole=False)
        if self.step_timeout_s is not None:
            _check(self, "step_timeout_s", 1, whole=False)
        if self.seed_penalty and self.seeds_per_trial == 1:
            raise UserError(
                f"seed_penalty={self.seed_penalty:g} without a spread over seeds to take off: set "
                "seeds_per_trial to 2 or more"
            )
        both = sorted(set(self.space.names) & set(self.fixed))
        if both:
            raise UserError(f"{', '.join(both)} both searched and fixed: leave it out of one of them")


def _check(owner: object, name: str, low: float, high: float = math.inf, *, whole: bool = True) -> None:
    value = getattr(owner, name)
    check_number(f"{name}={value!r}", value, low, high, whole=whole)

"""Schema of a sweep's tables: every column with its meaning and unit, for writers and readers alike."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

SCHEMA_VERSION: Final = 1

ENV_PREFIX: Final = "env/"
CONFIG_PREFIX: Final = "config/"
SEEDS_PREFIX: Final = "seeds/"
"""Of trials that train several seeds at once."""

DEFAULT: Final = "default"
"""config_id of the search space's default values."""
ADAPTED: Final = "adapted"
"""config_id of the default values with their batch adapted to the budget."""
RLLIB: Final = "rllib"
"""config_id of RLlib's own defaults."""
BASELINES: Final = (DEFAULT, ADAPTED, RLLIB)
"""What is confirmed besides the contenders."""
DEFAULTS: Final = (DEFAULT, ADAPTED)
"""What a contender has to beat, as far as it was trained."""

OBJECTIVE: Final = "objective"
"""Column of a run's value, which Tune and Optuna maximise."""


class Phase(StrEnum):
    """Which part of a sweep a run belongs to."""

    SEARCH = "search"
    CONFIRM = "confirm"


class State(StrEnum):
    """How a run ended; a run whose end was never written down is `running`."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    FAILED = "failed"
    RUNNING = "running"


MINIMAL_EFFECT: Final = 0.02
"""Gain in score below which a better configuration is too little better to matter, unless declared."""

COUNTED: Final = (State.COMPLETED, State.DIVERGED)
"""Confirmation runs that have a value; a diverged one is worth what was written, a failed one is missing."""

IDENTITY: Final = ("experiment", "sweep", "phase", "trial_id", "config_id", "seed", "state")

EVALUATION: Final = (
    "steps",
    "wall_s",
    "score",
    "objective",
    "eval/return_mean",
    "eval/return_std",
    "eval/length_mean",
    "train/return_mean",
    "train/length_mean",
    "steps_per_s",
    "ppo/kl",
    "ppo/kl_coeff",
    "ppo/entropy",
    "ppo/policy_loss",
    "ppo/vf_loss",
    "ppo/vf_explained_var",
    "ppo/clip_fraction",
    "ppo/grad_norm",
)

SEEDS: Final = ("seeds/steps", "seeds/score_std", "seeds/objective_std", "seeds/diverged")
"""Columns of trials that train several seeds at once, besides `seeds/score_0`, `seeds/score_1` and so on."""

RUN: Final = ("test_seed", "cause", "evaluations")
"""Columns that only the tables of runs have (trials, confirmation): one row per run, not per evaluation."""

DESCRIPTIONS: Final = MappingProxyType(
    {
        "experiment": "name of the declaration that was run",
        "sweep": "name of this run of the experiment (its folder)",
        "phase": "`search` or `confirm`",
        "trial_id": "name of the run's folder",
        "config_id": "configuration: `trial_0007`, `default` (the space's defaults), `adapted` (the same, "
        "its batch adapted to the budget) or `rllib` (RLlib's)",
        "seed": "training seed of the run",
        "state": "`completed`, `pruned`, `diverged`, `failed` or `running` (unfinished)",
        "steps": "environment steps trained so far, summed over lanes",
        "wall_s": "seconds since the run began",
        "score": "return on the common scale: 0 = floor policy, 1 = reference optimum; may leave [0, 1]",
        "objective": "mean of the last (up to) three scores; a run's value is the last one",
        "eval/return_mean": "mean return of the greedy evaluation episodes, in the environment's unit",
        "eval/return_std": "standard deviation of those returns, in the environment's unit",
        "eval/length_mean": "mean length of the evaluation episodes, in steps",
        "train/return_mean": "mean return of all training episodes that ended since the last evaluation",
        "train/length_mean": "mean length of those training episodes, in steps",
        "steps_per_s": "environment steps trained per second since the last evaluation",
        "ppo/kl": "mean Kullback-Leibler divergence from the old to the new policy in the last update, nats",
        "ppo/kl_coeff": "present weight of the KL penalty in the loss",
        "ppo/entropy": "mean entropy of the policy in the last update, in nats",
        "ppo/policy_loss": "PPO's clipped surrogate loss in the last update",
        "ppo/vf_loss": "loss of the value function in the last update, in squared units of the return "
        "the trainer sees",
        "ppo/vf_explained_var": "share of the returns' variance explained by the value function in the last "
        "update; 1 is best",
        "ppo/clip_fraction": "share of the last update's samples whose probability ratio was clipped",
        "ppo/grad_norm": "norm of the gradient before clipping, in the last update",
        "seeds/steps": "environment steps of all the trial's training seeds; `steps` are those of each",
        "seeds/score_std": "standard deviation of the score over the trial's training seeds",
        "seeds/objective_std": "standard deviation of the seeds' objectives, which `seed_penalty` multiplies",
        "seeds/diverged": "training seeds of the trial that diverged; they count with the floor",
        "test_seed": "index k of the test seed (confirmation only)",
        "cause": "why a run failed or diverged, else missing",
        "evaluations": "number of evaluations the run has on disk",
    }
)
"""Column name -> meaning and unit. Names below `env/` and `config/` belong to environment and space."""


def describe(column: str) -> str:
    """Say what a column means, for every column a frame of this package can have.

    Raises:
        KeyError: If no frame has such a column.
    """
    if column.startswith(ENV_PREFIX):
        return (
            f"what the environment reports as `{column.removeprefix(ENV_PREFIX)}` at an episode's end, mean"
        )
    if column.startswith(CONFIG_PREFIX):
        return f"the configuration's value of `{column.removeprefix(CONFIG_PREFIX)}`"
    if column.startswith(SEEDS_PREFIX + "score_") and column.rpartition("_")[2].isdigit():
        return f"score of the trial's training seed number {column.rpartition('_')[2]}"
    return DESCRIPTIONS[column]

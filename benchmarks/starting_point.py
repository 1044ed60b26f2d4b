"""Worth of the second trial of every search on environments that it was not made from.

The configuration in `search_spaces/starting_points.py` was read off winners on environments of this suite.
Here it is trained on classic ones of Gymnasium's, beside the space's default and random configurations, one
seed each. A configuration is as good as the chance is low that a random one beats it.

Run:    python -m benchmarks.starting_point
Writes docs/laboratory.md; a quarter of an hour, and what is on disk is not run again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis import statistics
from analysis.sweep import DEFAULT, Phase, finished_runs, trial_name
from benchmarks.common import LABORATORY, ROOT, options_of, publish, table
from benchmarks.contestants.searches import CORES, plan_of, retrain
from experiments import Budget, Experiment
from experiments.core.tuning import connected, quieten
from search_spaces import model_layouts, ppo
from search_spaces.space import drawn
from search_spaces.starting_points import starting_points

HEADER = ("environment", "steps", "random, median", "default", "beaten by", "starting point", "beaten by")
STEPS = {"CartPole-v1": 16_384, "Acrobot-v1": 32_768, "Pendulum-v1": 65_536}
"""Of a training on each environment: a search's budget, not enough for most configurations."""
SEED_ROOT = 3_000_017
"""Root of seeds that no search has."""
START = trial_name(1)
"""The search's second trial; the random configurations are those after it."""
RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class StartingPointOptions:
    """Configurations and seeds."""

    configurations: int = 40
    """Random ones, one training each."""
    seeds: int = 10
    """Trainings of the default and of the starting point."""
    storage: Path = ROOT / "results" / "starting_point"
    """Where the trainings are kept."""


def objectives(env: str, options: StartingPointOptions) -> dict[str, NDArray[np.float64]]:
    """Trains what is missing and returns objectives: the default's, the starting point's, random ones'."""
    experiment = Experiment(
        env=env,
        space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
        budget=Budget(trials=options.configurations, steps_per_trial=STEPS[env], evaluations=8),
        evaluation_episodes=32,
    )
    plan = plan_of(experiment, env, seed=SEED_ROOT, storage=options.storage, sweep="trainings")
    random = enumerate(drawn(experiment.space, options.configurations), start=2)
    (start,) = starting_points(experiment.space)
    retrain(plan, {DEFAULT: experiment.space.defaults, START: start}, options.seeds)
    retrain(plan, {trial_name(number): config for number, config in random}, 1)
    found: dict[str, list[float]] = {DEFAULT: [], START: [], RANDOM: []}
    for run in finished_runs(plan.folder / Phase.CONFIRM):
        if run.objective is not None:
            found.get(run.config_id, found[RANDOM]).append(run.objective)
    return {name: np.array(values) for name, values in found.items()}


def rows(options: StartingPointOptions) -> Iterator[list[str]]:
    """Yields the table's rows, one for each environment."""
    for env, steps in STEPS.items():
        found = objectives(env, options)
        cells = [env, f"{steps:,}", f"{np.median(found[RANDOM]):.4g}"]
        for name in (DEFAULT, START):
            beaten = statistics.probability_of_improvement(found[RANDOM], found[name])
            low, high = statistics.probability_of_improvement_interval(found[RANDOM], found[name])
            cells += [f"{found[name].mean():.4g}", f"{beaten:.0%} [{low:.0%}, {high:.0%}]"]
        yield cells


def main(options: StartingPointOptions) -> int:
    """Trains, compares, writes."""
    quieten(debug=False)
    with connected(cores=CORES, debug=False):
        compared = table(HEADER, rows(options), texts=1)
    text = (
        "`python -m benchmarks.starting_point`: mean return in the end of the default and of the starting "
        f"point, {options.seeds} seeds each, and the chance, with 95 % interval, that one of "
        f"{options.configurations} random configurations beats them.\n\n{compared}"
    )
    print(text)
    publish(LABORATORY, "starting-point", text, options)
    return 0


if __name__ == "__main__":
    sys.exit(main(options_of(StartingPointOptions, __doc__)))

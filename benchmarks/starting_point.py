"""Is the second trial of every search any good on environments that it was not made from?

The configuration in `search_spaces/starting_points.py` was read off winners on environments of this suite.
Here it is trained on classic ones of Gymnasium's, beside the space's default and random configurations, one
seed each. A configuration is as good as the chance is low that a random one beats it.

Run:    python benchmarks/starting_point.py     (a quarter of an hour; what is on disk is not run again)
Writes docs/performance.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from training_speed import write_section

from experiments.core.tuning.ray_cluster import quieten

quieten(debug=False)

from search_contestants import plan_of, retrain  # noqa: E402  # Ray reads its settings

from analysis import statistics  # noqa: E402
from analysis.sweep.schema import DEFAULT, Phase  # noqa: E402
from experiments import Budget, Experiment  # noqa: E402
from experiments.core.records.runs import finished_runs  # noqa: E402
from experiments.core.tuning.ray_cluster import connected  # noqa: E402
from search_spaces import model_layouts, ppo  # noqa: E402
from search_spaces.space import drawn  # noqa: E402
from search_spaces.starting_points import starting_points  # noqa: E402

ROOT = Path(__file__).parents[1]
MARKERS = ("<!-- starting-point -->", "<!-- /starting-point -->")
STEPS = {"CartPole-v1": 16_384, "Acrobot-v1": 32_768, "Pendulum-v1": 65_536}
"""Of a training on each environment: a search's budget, not enough for most configurations."""
SEED_ROOT = 3_000_017
"""Root of seeds that no search has."""
START = "start"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    configurations: int = 40
    """Random ones, one training each."""
    seeds: int = 10
    """Trainings of the default and of the starting point."""
    storage: Path = ROOT / "results" / "starting_point"
    """Where the trainings are kept."""


def objectives(env: str, options: Options) -> dict[str, NDArray[np.float64]]:
    """Trains what is missing; the objectives of the default, of the starting point, and of random ones."""
    experiment = Experiment(
        env=env,
        space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
        budget=Budget(trials=options.configurations, steps_per_trial=STEPS[env], evaluations=8),
        evaluation_episodes=32,
    )
    plan = plan_of(experiment, env, seed=SEED_ROOT, storage=options.storage, sweep="trainings")
    random = enumerate(drawn(experiment.space, options.configurations))
    (start,) = starting_points(experiment.space)
    retrain(plan, {DEFAULT: experiment.space.defaults, START: start}, options.seeds)
    retrain(plan, {f"random_{number:03d}": config for number, config in random}, 1)
    found: dict[str, list[float]] = {DEFAULT: [], START: [], "random": []}
    for run in finished_runs(plan.folder / Phase.CONFIRM):
        if run.objective is not None:
            found[run.name.partition("_")[0]].append(run.objective)
    return {name: np.array(values) for name, values in found.items()}


def rows(options: Options) -> Iterator[str]:
    """The table's rows, one for each environment."""
    for env, steps in STEPS.items():
        found = objectives(env, options)
        cells = [env, f"{steps:,}", f"{np.median(found['random']):.4g}"]
        for name in (DEFAULT, START):
            beaten = statistics.probability_of_improvement(found["random"], found[name])
            low, high = statistics.probability_of_improvement_interval(found["random"], found[name])
            cells += [f"{found[name].mean():.4g}", f"{beaten:.0%} [{low:.0%}, {high:.0%}]"]
        yield f"| {' | '.join(cells)} |"


def main(options: Options) -> None:
    """Trains, compares, writes."""
    with connected(cores=2, debug=False):
        table = list(rows(options))
    text = "\n".join(
        [
            "`python benchmarks/starting_point.py`: mean return in the end of the default and of the "
            f"starting point, {options.seeds} seeds each, and the chance, with 95 % interval, that one of "
            f"{options.configurations} random configurations beats them.",
            "",
            "| environment | steps | random, median | default | beaten by | starting point | beaten by |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
            *table,
        ]
    )
    print(text)
    write_section(text, MARKERS)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))

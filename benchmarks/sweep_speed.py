"""How long does a search take, and how long do the same trials take in plain Ray Tune with RLlib's PPO?

    python benchmarks/sweep_speed.py [--trials 16] [--steps 65536] [--repeats 1]

Both run the same configurations for the same steps on the same market, two at a time, without stopping any
early, each in a process and a Ray of its own, from command to last trial. The plain sweep is what a tutorial
shows: `Tuner("PPO", param_space=PPOConfig...)` with OptunaSearch, one CPU a trial, the batched environment.
Ends with exit code 1 if the suite is not at least twice as fast.
"""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

ENV = "sweeps/TradingMeanReverting-v0"
LANES = 8
LAYOUT = "64x64-tanh"
FLOOR = 2.0
"""How many times as fast the suite has to be."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    trials: int = 16
    """Configurations."""
    steps: int = 65_536
    """Environment steps of each."""
    repeats: int = 1
    """How often, the two interleaved; the median counts."""
    side: Literal["both", "suite", "plain"] = "both"
    """Both in turn, or one of them in this process."""


def configurations(trials: int) -> list[dict[str, Any]]:
    """The same random configurations for both sides; the layout stays."""
    import optuna

    from search_spaces import ppo

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # With a smaller batch no episode ends before RLlib's first result, which then lacks the metric, and Tune
    # ends the whole plain sweep.
    space = (ppo.CORE | ppo.BATCH.narrow(batch_size=(2048, 4096))).domains
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [dict(study.ask(space).params) for _ in range(trials)]


def run_suite(options: Options) -> None:
    """The trials through the suite's own phase: its trainable, records, checkpoints and evaluations."""
    from ray.tune.schedulers import FIFOScheduler
    from rich.console import Console

    from analysis.schema import Phase
    from experiments import Budget, Experiment
    from experiments.core import phases
    from experiments.core.cluster import connected
    from experiments.core.options import Options as SweepOptions
    from experiments.core.plan import Plan
    from experiments.core.progress import SweepProgress
    from experiments.core.recorder import Recorder
    from experiments.core.searcher import ListedSearch, trial_name
    from search_spaces import ppo

    experiment = Experiment(
        env=ENV,
        space=ppo.CORE | ppo.BATCH,
        budget=Budget(trials=options.trials, steps_per_trial=options.steps),
        fixed={"layout": LAYOUT},
        lanes=LANES,
    )
    with tempfile.TemporaryDirectory() as storage, connected(cores=2, debug=False):
        plan = Plan.of(experiment, SweepOptions(storage=storage), name="speed", question="")
        task = plan.task(diverged_score=0.0)
        progress = SweepProgress(Console(quiet=True), totals={Phase.SEARCH: options.trials})
        runs = [
            {**config, "seed": number, "config_id": trial_name(number)}
            for number, config in enumerate(configurations(options.trials))
        ]
        phases.train_all(
            plan.folder, Phase.SEARCH, task, ListedSearch(runs), FIFOScheduler(),
            runs=len(runs), concurrency=2,
            callbacks=[Recorder(plan.folder / Phase.SEARCH, task.steps, progress)],
            interruption=phases.Interruption(),
        )  # fmt: skip


def run_plain(options: Options) -> None:
    """The trials as a tutorial would write them."""
    import gymnasium as gym
    import ray
    from ray import tune
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
    from ray.tune.registry import register_env
    from ray.tune.search.optuna import OptunaSearch

    from experiments.core import trainer

    def setting(config: dict[str, Any]) -> dict[str, Any]:
        chosen = trainer.training_keywords(trainer.complete(config, {"layout": LAYOUT}))
        return {name: value for name, value in chosen.items() if name != "grad_clip_by"}

    def make(context: dict[str, Any]) -> Any:
        import envs  # noqa: F401  # registers the id in the trial's process

        return gym.make_vec(ENV, context["num_envs"], "vector_entry_point")

    register_env("market", make)
    points = [setting(config) for config in configurations(options.trials)]
    searched = {name: tune.choice([point[name] for point in points]) for name in points[0]}
    base = (
        PPOConfig()
        .environment("market")
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=LANES,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT,
        )
        .rl_module(model_config=DefaultModelConfig(**trainer.model_keywords({"layout": LAYOUT})))
    )
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as storage:
        results = tune.Tuner(
            "PPO",
            param_space={**base.to_dict(), **searched},
            tune_config=tune.TuneConfig(
                metric="env_runners/episode_return_mean",
                mode="max",
                num_samples=options.trials,
                search_alg=OptunaSearch(points_to_evaluate=points),
                max_concurrent_trials=2,
            ),
            run_config=tune.RunConfig(
                storage_path=storage, stop={"num_env_steps_sampled_lifetime": options.steps}, verbose=0
            ),
        ).fit()
    ray.shutdown()
    if results.num_errors:
        raise RuntimeError(f"{results.num_errors} of the plain trials failed: nothing to compare with")


def measure(side: str, options: Options) -> float:
    """Seconds that one side takes, from its command to its end."""
    arguments = ["--trials", options.trials, "--steps", options.steps, "--side", side]
    started = time.perf_counter()
    subprocess.run([sys.executable, Path(__file__), *map(str, arguments)], check=True)
    return time.perf_counter() - started


def main() -> int:
    """Measures both sides in turn and prints the ratio of their medians."""
    options = tyro.cli(Options, description=__doc__)
    if options.side != "both":
        from experiments.core.cluster import quieten

        quieten(debug=False)
        warnings.filterwarnings("ignore")
        logging.disable(logging.WARNING)
        {"suite": run_suite, "plain": run_plain}[options.side](options)
        return 0
    seconds: dict[str, list[float]] = {"plain": [], "suite": []}
    for _ in range(options.repeats):
        for side, measured in seconds.items():
            measured.append(measure(side, options))
            print(f"{side}: {measured[-1]:.0f} s", flush=True)
    plain, suite = (statistics.median(seconds[side]) for side in ("plain", "suite"))
    steps = options.trials * options.steps
    print(f"{options.trials} trials of {options.steps:,} steps, two at a time, median of {options.repeats}:")
    print(f"  plain Ray Tune with RLlib's PPO  {plain:6.0f} s  {steps / plain:8,.0f} steps/s")
    print(f"  this suite                       {suite:6.0f} s  {steps / suite:8,.0f} steps/s")
    print(f"  ratio                            {plain / suite:6.1f}    (at least {FLOOR:g} expected)")
    return 0 if plain / suite >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())

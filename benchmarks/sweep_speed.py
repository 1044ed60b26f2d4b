"""How long does a search take, and how long do the same trials take in what people use today?

    python benchmarks/sweep_speed.py [--trials 16] [--steps 64000] [--repeats 1] [--side all]

All run the same configurations for the same steps on the same market, two at a time, without stopping any
early, in processes of their own, from command to last trial. The plain sweep is what a tutorial of Ray shows:
`Tuner("PPO", param_space=PPOConfig...)` with OptunaSearch, one CPU a trial, the batched environment. The
other is Stable-Baselines3 with Optuna, two processes on one study, each with one torch thread. The suite's
side also evaluates, as `experiments.trading_sweep` declares it, and keeps records and checkpoints; the others
do not.
Writes docs/performance.md where all sides were measured. Ends with exit code 1 where a goal is missed.
"""

from __future__ import annotations

import datetime
import json
import logging
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from search_spaces import SearchSpace

ENV = "sweeps/TradingMeanReverting-v0"
LANES = 8
LAYOUT = "64x64-tanh"
STUDY = "speed"
CONCURRENCY = 2
SIDES = ("plain", "sb3", "suite")
NAMES = {
    "plain": '`Tuner("PPO", param_space=PPOConfig...)` with OptunaSearch',
    "sb3": "Stable-Baselines3 with Optuna, two processes",
    "suite": "this suite",
}
GOALS = {"plain": 5.0, "sb3": 2.0}
"""How many times as fast as each the suite is meant to be."""
TOLERANCE = 0.15
"""How far a goal may be missed before the benchmark fails."""
OVERHEAD_GOAL_S, DRIVER_GOAL = 0.5, 0.1
"""Seconds that a trial after the first may take beyond its training, evaluations included; share of a core
that the driver may take."""
MARKERS = ("<!-- sweep-speed -->", "<!-- /sweep-speed -->")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    trials: int = 16
    """Configurations."""
    steps: int = 64_000
    """Environment steps of each, up to the end of the iteration in which they are reached."""
    repeats: int = 1
    """How often, the sides interleaved; the median counts."""
    side: Literal["all", "suite", "plain", "sb3"] = "all"
    """All in turn, or one of them in this process."""


def configurations(trials: int) -> list[dict[str, Any]]:
    """The same random configurations for all sides; the layout stays."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [dict(study.ask(searched().domains).params) for _ in range(trials)]


def searched() -> SearchSpace:
    """What the configurations are drawn from."""
    from search_spaces import ppo

    # With a smaller batch no episode ends before RLlib's first result, which then lacks the metric, and Tune
    # ends the whole plain sweep.
    return ppo.CORE | ppo.BATCH.narrow(batch_size=(2048, 4096))


def run_suite(options: Options) -> dict[str, float]:
    """The trials through the suite's own phase: its trainable, records, checkpoints and evaluations.

    Returns:
        What a trial after the first costs beside its training, and how much of a core the driver takes.
    """
    from ray.tune.schedulers import FIFOScheduler
    from rich.console import Console
    from sweep_timeline import Timeline

    from analysis.sweep.layout import trial_name
    from analysis.sweep.schema import Phase
    from experiments import Experiment
    from experiments.core.planning.options import Options as SweepOptions
    from experiments.core.planning.plan import Plan
    from experiments.core.terminal.progress import SweepProgress
    from experiments.core.tuning import phases
    from experiments.core.tuning.callbacks import Recorder
    from experiments.core.tuning.listed_search import ListedSearch
    from experiments.core.tuning.ray_cluster import connected
    from experiments.trading_sweep import EXPERIMENT
    from search_spaces import ppo

    experiment = Experiment(
        env=ENV,
        space=ppo.CORE | ppo.BATCH,
        budget=replace(EXPERIMENT.budget, trials=options.trials, steps_per_trial=options.steps),
        fixed={"layout": LAYOUT},
        lanes=LANES,
        evaluation_episodes=EXPERIMENT.evaluation_episodes,
    )
    with tempfile.TemporaryDirectory() as storage, connected(cores=CONCURRENCY, debug=False):
        plan = Plan.of(experiment, SweepOptions(storage=storage), name="speed", question="")
        task = plan.task(diverged_score=0.0)
        progress = SweepProgress(Console(quiet=True), totals={Phase.SEARCH: options.trials})
        runs = [
            {**config, "seed": number, "config_id": trial_name(number)}
            for number, config in enumerate(configurations(options.trials))
        ]
        timeline = Timeline()
        started, used = time.perf_counter(), time.process_time()
        phases.train_all(
            plan.folder, Phase.SEARCH, task, ListedSearch(runs), FIFOScheduler(),
            runs=len(runs), concurrency=CONCURRENCY,
            callbacks=[Recorder(plan.folder / Phase.SEARCH, task.steps, progress), timeline],
            interruption=phases.Interruption(),
        )  # fmt: skip
        driver = (time.process_time() - used) / (time.perf_counter() - started)
    evaluated = {"points": task.evaluations, "episodes": task.evaluation_episodes}
    return {**timeline.overhead(), **evaluated, "driver": driver}


def run_plain(options: Options) -> dict[str, float]:
    """The trials as a tutorial would write them."""
    import gymnasium as gym
    import ray
    from ray import tune
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
    from ray.tune.registry import register_env
    from ray.tune.search.optuna import OptunaSearch

    from experiments.core.training import hyperparameters

    def setting(config: dict[str, Any]) -> dict[str, Any]:
        chosen = hyperparameters.training_keywords(hyperparameters.with_defaults(config, {"layout": LAYOUT}))
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
        .rl_module(model_config=DefaultModelConfig(**hyperparameters.model_keywords({"layout": LAYOUT})))
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
    return {}


def run_sb3(options: Options) -> dict[str, float]:
    """The trials as users of Stable-Baselines3 run them: one study, two processes that take turns at it."""
    import optuna

    with tempfile.TemporaryDirectory() as folder:
        journal = f"{folder}/study.journal"
        study = optuna.create_study(study_name=STUDY, storage=_storage(journal), direction="maximize")
        for config in configurations(options.trials):
            study.enqueue_trial(config)
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=work_on_study, args=(journal, options)) for _ in range(CONCURRENCY)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        finished = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if len(finished) != options.trials:
        raise RuntimeError(f"{len(finished)} of {options.trials} trials finished: nothing to compare with")
    return {}


def work_on_study(journal: str, options: Options) -> None:
    """Trains what is enqueued in the study until nothing is left."""
    import optuna
    import torch

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name=STUDY, storage=_storage(journal))
    while (trial := study.ask(searched().domains)).number < options.trials:
        study.tell(trial, train_sb3(trial.params, options.steps))
    study.tell(trial, state=optuna.trial.TrialState.FAIL)


def train_sb3(config: dict[str, Any], steps: int) -> float:
    """One trial of Stable-Baselines3; returns its mean return of late."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from torch import nn

    import envs  # noqa: F401  # registers the id

    model = PPO(
        "MlpPolicy",
        make_vec_env(ENV, n_envs=LANES, seed=0),
        learning_rate=config["lr"],
        n_steps=config["batch_size"] // LANES,
        batch_size=config["batch_size"] // config["num_minibatches"],
        n_epochs=config["epochs"],
        gamma=1.0 - config["one_minus_gamma"],
        gae_lambda=config["gae_lambda"],
        clip_range=config["clip"],
        ent_coef=config["entropy_coeff"],
        vf_coef=config["vf_coeff"],
        max_grad_norm=config["grad_clip"],
        policy_kwargs={"net_arch": [64, 64], "activation_fn": nn.Tanh},
        device="cpu",
        seed=0,
    )
    model.learn(steps)
    return statistics.fmean(episode["r"] for episode in model.ep_info_buffer)


def _storage(journal: str) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(journal))


def measure(side: str, options: Options) -> dict[str, float]:
    """Seconds that one side takes, from its command to its end, and what it says of itself."""
    arguments = ["--trials", options.trials, "--steps", options.steps, "--side", side]
    started = time.perf_counter()
    command = [sys.executable, Path(__file__), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def section(options: Options, medians: dict[str, dict[str, float]]) -> str:
    """What is written into docs/performance.md."""
    seconds = {side: medians[side]["seconds"] for side in SIDES}
    lines = ["| | seconds | steps/s | the suite is faster by |", "| --- | ---: | ---: | ---: |"]
    for side in SIDES:
        ratio = f"{seconds[side] / seconds['suite']:.1f}x (goal {GOALS[side]:g})" if side in GOALS else ""
        rate = options.trials * options.steps / seconds[side]
        lines.append(f"| {NAMES[side]} | {seconds[side]:.0f} | {rate:,.0f} | {ratio} |")
    suite = medians["suite"]
    return (
        f"{options.trials} configurations of {options.steps:,} steps, {CONCURRENCY} at a time on "
        f"{os.cpu_count()} cores, none stopped early, from command to last trial; median of "
        f"{options.repeats}, {datetime.datetime.now(tz=datetime.UTC).date().isoformat()}.\n\n"
        + "\n".join(lines)
        + f"\n\nA trial after the first takes {suite['rest']:.2f} s beside its training and its evaluations "
        f"(actor reuse, build, records, checkpoint), and {suite['evaluations']:.2f} s for its evaluations "
        f"({suite['points']:.0f} of {suite['episodes']:.0f} episodes), which the others do not have. "
        f"The driver takes {100 * suite['driver']:.0f} % of a core during the search."
    )


def missed(medians: dict[str, dict[str, float]]) -> list[str]:
    """The goals that are missed by more than the tolerance."""
    suite = medians["suite"]
    ratios = {side: medians[side]["seconds"] / suite["seconds"] for side in GOALS}
    found = [
        f"{ratio:.1f} times as fast as {side}, goal {GOALS[side]:g}"
        for side, ratio in ratios.items()
        if ratio < (1 - TOLERANCE) * GOALS[side]
    ]
    overhead = suite["rest"] + suite["evaluations"]
    spent = {"overhead of a trial": (overhead, OVERHEAD_GOAL_S), "driver": (suite["driver"], DRIVER_GOAL)}
    return found + [
        f"{name} {value:.2f}, goal {limit:g}"
        for name, (value, limit) in spent.items()
        if value > (1 + TOLERANCE) * limit
    ]


def main() -> int:
    """Measures all sides in turn, writes, and judges."""
    options = tyro.cli(Options, description=__doc__)
    if options.side != "all":
        from experiments.core.tuning.ray_cluster import quieten

        quieten(debug=False)
        warnings.filterwarnings("ignore")
        logging.disable(logging.WARNING)
        print(json.dumps({"suite": run_suite, "plain": run_plain, "sb3": run_sb3}[options.side](options)))
        return 0
    measured: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(options.repeats):
        for side, values in measured.items():
            values.append(measure(side, options))
            print(side, {name: round(value, 3) for name, value in values[-1].items()}, flush=True)
    medians = {
        side: {name: statistics.median(value[name] for value in values) for name in values[0]}
        for side, values in measured.items()
    }
    from training_speed import write_section

    text = section(options, medians)
    write_section(text, MARKERS)
    print(text)
    misses = missed(medians)
    for miss in misses:
        print("MISSED", miss)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())

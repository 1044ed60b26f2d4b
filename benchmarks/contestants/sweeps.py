"""Sweeps of the same trials: the suite's, Ray Tune's as in its tutorial, and Stable-Baselines3 with Optuna.

Each is a function that trains all of them, to be run in a process of its own. What it imports is part of what
it takes, so everything heavy is imported inside.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search_spaces import SearchSpace

ENV = "sweeps/TradingMeanReverting-v0"
LANES = 8
LAYOUT = "64x64-tanh"
STUDY = "speed"
CONCURRENCY = 2


def configurations(trials: int) -> list[dict[str, Any]]:
    """Returns the same random configurations for every contestant; the layout stays."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [dict(study.ask(searched().domains).params) for _ in range(trials)]


def searched() -> SearchSpace:
    """Returns the space that the configurations are drawn from."""
    from search_spaces import ppo

    # With a smaller batch no episode ends before RLlib's first result, which then lacks the metric, and Tune
    # ends the whole plain sweep.
    return ppo.CORE | ppo.BATCH.narrow(batch_size=(2048, 4096))


def run_suite(trials: int, steps: int) -> dict[str, float]:
    """Trains them through the suite's own phase: its trainable, records, checkpoints and evaluations.

    Returns:
        What a trial after the first costs beside its training, and how much of a core the driver takes.
    """
    from ray.tune.schedulers import FIFOScheduler
    from rich.console import Console

    from analysis.sweep import Phase, trial_name
    from benchmarks.contestants.timeline import Timeline
    from experiments import Experiment
    from experiments.core.planning import Options, Plan
    from experiments.core.terminal import SweepProgress
    from experiments.core.tuning import Interruption, ListedSearch, Recorder, connected, train_all
    from experiments.trading_sweep import EXPERIMENT
    from search_spaces import ppo

    experiment = Experiment(
        env=ENV,
        space=ppo.CORE | ppo.BATCH,
        budget=replace(EXPERIMENT.budget, trials=trials, steps_per_trial=steps),
        fixed={"layout": LAYOUT},
        lanes=LANES,
        evaluation_episodes=EXPERIMENT.evaluation_episodes,
    )
    with tempfile.TemporaryDirectory() as storage, connected(cores=CONCURRENCY, debug=False):
        plan = Plan.of(experiment, Options(storage=storage), name="speed", question="")
        task = plan.task()
        progress = SweepProgress(Console(quiet=True), totals={Phase.SEARCH: trials})
        runs = [
            {**config, "seed": number, "config_id": trial_name(number)}
            for number, config in enumerate(configurations(trials))
        ]
        timeline = Timeline()
        started, used = time.perf_counter(), time.process_time()
        train_all(
            plan.folder, Phase.SEARCH, task, ListedSearch(runs), FIFOScheduler(),
            runs=len(runs), concurrency=CONCURRENCY,
            callbacks=[Recorder(plan.folder, task.steps, progress), timeline],
            interruption=Interruption(),
        )  # fmt: skip
        driver = (time.process_time() - used) / (time.perf_counter() - started)
    evaluated = {"points": task.evaluations, "episodes": task.evaluation_episodes}
    return {**timeline.overhead(), **evaluated, "driver": driver}


def run_plain(trials: int, steps: int) -> dict[str, float]:
    """Trains them as a tutorial of Ray Tune would."""
    import gymnasium as gym
    from ray import tune
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
    from ray.tune.registry import register_env
    from ray.tune.search.optuna import OptunaSearch

    from experiments.core.training import hyperparameters
    from experiments.core.tuning import connected

    def setting(config: dict[str, Any]) -> dict[str, Any]:
        chosen = hyperparameters.training_keywords(hyperparameters.with_defaults(config, {"layout": LAYOUT}))
        return {name: value for name, value in chosen.items() if name != "grad_clip_by"}

    def make(context: dict[str, Any]) -> Any:
        import envs  # noqa: F401  # registers the id in the trial's process

        return gym.make_vec(ENV, context["num_envs"], "vector_entry_point")

    register_env("market", make)
    points = [setting(config) for config in configurations(trials)]
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
    with tempfile.TemporaryDirectory() as storage, connected(cores=CONCURRENCY, debug=False):
        results = tune.Tuner(
            "PPO",
            param_space={**base.to_dict(), **searched},
            tune_config=tune.TuneConfig(
                metric="env_runners/episode_return_mean",
                mode="max",
                num_samples=trials,
                search_alg=OptunaSearch(points_to_evaluate=points),
                max_concurrent_trials=CONCURRENCY,
            ),
            run_config=tune.RunConfig(
                storage_path=storage, stop={"num_env_steps_sampled_lifetime": steps}, verbose=0
            ),
        ).fit()
    if results.num_errors:
        raise RuntimeError(f"{results.num_errors} of the plain trials failed: nothing to compare with")
    return {}


def run_sb3(trials: int, steps: int) -> dict[str, float]:
    """Trains them as users of Stable-Baselines3 do: one study, two processes that take turns at it."""
    import optuna

    with tempfile.TemporaryDirectory() as folder:
        journal = f"{folder}/optuna.log"
        study = optuna.create_study(study_name=STUDY, storage=_storage(journal), direction="maximize")
        for config in configurations(trials):
            study.enqueue_trial(config)
        spawn = multiprocessing.get_context("spawn")
        workers = [
            spawn.Process(target=work_on_study, args=(journal, trials, steps)) for _ in range(CONCURRENCY)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        finished = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if len(finished) != trials:
        raise RuntimeError(f"{len(finished)} of {trials} trials finished: nothing to compare with")
    return {}


def work_on_study(journal: str, trials: int, steps: int) -> None:
    """Trains what is enqueued in the study until nothing is left."""
    import optuna
    import torch

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name=STUDY, storage=_storage(journal))
    while (trial := study.ask(searched().domains)).number < trials:
        study.tell(trial, train_sb3(trial.params, steps))
    study.tell(trial, state=optuna.trial.TrialState.FAIL)


def train_sb3(config: dict[str, Any], steps: int) -> float:
    """Trains one of Stable-Baselines3's and returns its mean return of late."""
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


CONTESTANTS: Mapping[str, Callable[[int, int], dict[str, float]]] = {
    "plain": run_plain,
    "sb3": run_sb3,
    "suite": run_suite,
}
"""By name: trains so many trials of so many steps, and returns what it says of itself."""

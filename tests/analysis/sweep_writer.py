"""Sweep folders as experiments write them, with realistic learning curves; also `sweep_writer.py FOLDER`."""

import sys
from functools import cache
from pathlib import Path
from unittest.mock import Mock, patch

import numpy as np
from optuna.distributions import CategoricalDistribution, IntDistribution

from analysis.sweep import Manifest, Phase, RunName, State, trial_name
from experiments import Budget, Confirmation, Experiment
from experiments.core.planning import Options, Plan, manifest_of
from experiments.core.records import RunLog, write_manifest
from search_spaces.space import choice, integer, log_uniform, uniform

FLOOR, OPTIMUM = -0.06, 0.7
PAPER = {"source": "a paper"}
SPACE = (
    log_uniform("lr", 1e-5, 1e-2, default=3e-4, **PAPER)
    | log_uniform("one_minus_gamma", 1e-3, 0.2, default=0.01, **PAPER)
    | uniform("gae_lambda", 0.8, 1.0, default=0.95, **PAPER)
    | log_uniform("entropy_coeff", 1e-5, 0.1, default=1e-4, **PAPER)
    | uniform("clip", 0.1, 0.4, default=0.2, **PAPER)
    | choice("batch_size", 512, 1024, 2048, 4096, default=2048, **PAPER)
    | integer("epochs", 3, 20, default=10, **PAPER)
    | choice("layout", "64x64-tanh", "64x64-relu", "256x256-tanh", default="64x64-tanh", **PAPER)
)
DEFAULTS = dict(SPACE.defaults)
RLLIB_DEFAULTS = DEFAULTS | {"lr": 5e-5, "gae_lambda": 1.0, "clip": 0.3, "batch_size": 4096, "epochs": 20}
STEPS, EVALUATIONS = 65536, 16
NO_TENSORBOARD = Mock()
"""Nobody looks at these curves there, and its writer takes torch with it."""


@cache
def _plan():
    experiment = Experiment(
        env="sweeps/TradingMeanReverting-v0",
        env_parameters={"fee_rate": 0.001, "mean_reversion": 0.05},
        space=SPACE,
        budget=Budget(trials=32, steps_per_trial=STEPS, evaluations=EVALUATIONS),
        confirmation=Confirmation(top_k=3, seeds=5),
    )
    question = "Does tuning PPO pay on a mean-reverting market?"
    options = Options(name="2026-11-20_19-42-06")
    return Plan.of(experiment, options, name="trading_sweep", question=question)


@cache
def _manifest():
    return manifest_of(_plan())


def manifest(**changes):
    """The entries of a sweep's manifest; `changes` replace entries, or parts of those that have parts."""
    entries = _manifest().to_json()
    references = {"random": FLOOR, "buy_and_hold": 0.0, "long_below_mean": 0.52, "optimal": OPTIMUM}
    entries["env"] |= {"floor": FLOOR, "optimum": OPTIMUM, "references": references}
    for name, value in changes.items():
        whole = name == "space" or not isinstance(value, dict)
        entries[name] = value if whole else entries[name] | value
    return entries


def sample(rng):
    """A configuration of `SPACE`."""
    values = {}
    for name, domain in SPACE.domains.items():
        if isinstance(domain, CategoricalDistribution):
            values[name] = domain.choices[int(rng.integers(len(domain.choices)))]
        elif isinstance(domain, IntDistribution):
            values[name] = int(rng.integers(domain.low, domain.high + 1))
        elif domain.log:
            values[name] = float(np.exp(rng.uniform(np.log(domain.low), np.log(domain.high))))
        else:
            values[name] = float(rng.uniform(domain.low, domain.high))
    return values


def plateau_and_speed(config):
    """What a configuration reaches, and the share of the budget that it needs to get near it."""
    miss = abs(np.log10(config["lr"]) + 2.7)
    discount = max(0.0, np.log10(config["one_minus_gamma"]) + 1.4)
    plateau = 0.97 - 0.18 * max(0.0, miss - 0.3) ** 2 - 0.6 * discount**2
    speed = 0.05 + 0.13 * miss + 0.01 * abs(config["epochs"] - 12) / 4 + config["batch_size"] / 40000
    return plateau, speed


def curve(rng, plateau, speed, evaluations=16, noise=0.02):
    """A learning curve: scores at equally spaced steps."""
    share = np.arange(1, evaluations + 1) / evaluations
    delay = 0.05 + speed * rng.uniform(0.6, 1.6)
    level = plateau + rng.normal(0, noise)
    smooth = level / (1 + np.exp(-(share - 2.2 * delay) / (0.35 * delay)))
    return smooth + rng.normal(0, noise, evaluations) * (0.4 + 1.5 * (smooth < 0.8 * level))


def write_run(folder, config, scores, *, state="completed", cause=None, seed=1, evaluations=EVALUATIONS):
    """One run's folder; `state=None` leaves it without an end, as an unfinished run is."""
    folder.parents[1].mkdir(parents=True, exist_ok=True)
    name = RunName.parse(folder.name)
    test_seed = {} if name.test_seed is None else {"test_seed": name.test_seed}
    with patch("experiments.core.records.run_log.TensorBoardLog", NO_TENSORBOARD):
        log = RunLog.open(folder, {**config, "seed": seed, "config_id": name.config_id, **test_seed})
        for index, score in enumerate(scores):
            diverged = state == "diverged" and index == len(scores) - 1
            recent = scores[max(0, index - 2) : index + 1]
            result = {
                "steps": STEPS // evaluations * (index + 1),
                "wall_s": 0.3 * (index + 1),
                "score": float(score),
                "objective": 0.0 if diverged else float(np.mean(recent)),
                "eval/return_mean": FLOOR + float(score) * (OPTIMUM - FLOOR),
                "eval/return_std": 0.2,
                "eval/length_mean": 200.0,
                "train/return_mean": float("nan") if index == 0 else FLOOR + 0.9 * float(score),
                "train/length_mean": 200.0,
                "steps_per_s": 13_000.0,
                **dict.fromkeys(["ppo/kl", "ppo/entropy", "ppo/vf_loss", "ppo/grad_norm"], 0.01),
                "env/sharpe_ratio": 2 * float(score),
                # What Tune adds, and no record keeps.
                "training_iteration": index + 1,
                "config": {"ignored": True},
            }
            log.write(result)
        log.close(None if state is None else State(state), cause)


def write_sweep(
    folder, *, trials=32, seeds=5, seed=3, top_k=3, confirm=True, diverged=1, failed=1,
    evaluations=EVALUATIONS, pruned=True, **changes
):  # fmt: skip
    """A finished sweep with an ASHA-like share of pruned trials, one diverged trial and one that failed."""
    rng = np.random.default_rng(seed)
    rung = 6 * evaluations // 16
    confirmation = {"top_k": top_k, "seeds": seeds, "looks": [seeds]} | changes.pop("confirmation", {})
    write_manifest(folder, Manifest.of(manifest(confirmation=confirmation, **changes)))
    objectives, configs = {}, {}
    for number in range(trials):
        config = DEFAULTS if number == 0 else sample(rng)
        if number > 8:  # the sampler learns where to look
            config = config | {"lr": float(np.clip(10 ** rng.normal(-2.7, 0.5), 1e-5, 1e-2))}
        name = trial_name(number)
        scores, state, cause = curve(rng, *plateau_and_speed(config), evaluations), "completed", None
        if 2 <= number < 2 + failed:
            scores, state, cause = (
                scores[:3],
                "failed",
                "RuntimeError: the environment returned a reward of type str",
            )
        elif 6 <= number < 6 + diverged:
            scores, state, cause = [*scores[:4], 0.0], "diverged", "loss is not finite after 18432 steps"
        elif pruned and number > 3 and scores[rung - 1] < 0.5:
            scores, state = scores[:rung], "pruned"
        run = folder / Phase.SEARCH / name
        write_run(run, config, scores, state=state, cause=cause, seed=100 + number, evaluations=evaluations)
        configs[name] = config
        if state == "completed" and number > 0:
            objectives[name] = float(np.mean(scores[-3:]))
    if confirm:
        best = sorted(objectives, key=objectives.__getitem__, reverse=True)[:top_k]
        chosen = {"default": DEFAULTS, "rllib": RLLIB_DEFAULTS} | {name: configs[name] for name in best}
        for config_id, config in chosen.items():
            for index in range(seeds):
                run = folder / Phase.CONFIRM / str(RunName(config_id, index))
                scores = curve(rng, *plateau_and_speed(config), evaluations)
                write_run(run, config, scores, seed=1000 + index, evaluations=evaluations)
    return folder


if __name__ == "__main__":
    write_sweep(Path(sys.argv[1]))

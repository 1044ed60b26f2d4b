"""Writes sweep folders as experiments do, with realistic learning curves; also `sweep_writer.py FOLDER`."""

import json
import sys
from pathlib import Path

import numpy as np

FLOOR, OPTIMUM = -0.06, 0.7
SPACE = {
    "lr": ("FloatDistribution", {"low": 1e-5, "high": 1e-2, "log": True, "step": None}, 3e-4),
    "one_minus_gamma": ("FloatDistribution", {"low": 1e-3, "high": 0.2, "log": True, "step": None}, 0.01),
    "gae_lambda": ("FloatDistribution", {"low": 0.8, "high": 1.0, "log": False, "step": None}, 0.95),
    "entropy_coeff": ("FloatDistribution", {"low": 1e-5, "high": 0.1, "log": True, "step": None}, 1e-4),
    "clip": ("FloatDistribution", {"low": 0.1, "high": 0.4, "log": False, "step": None}, 0.2),
    "batch_size": ("CategoricalDistribution", {"choices": [512, 1024, 2048, 4096]}, 2048),
    "epochs": ("IntDistribution", {"low": 3, "high": 20, "log": False, "step": 1}, 10),
    "model": (
        "CategoricalDistribution",
        {"choices": ["64x64-tanh", "64x64-relu", "256x256-tanh"]},
        "64x64-tanh",
    ),
}
DEFAULTS = {name: default for name, (_, _, default) in SPACE.items()}
RLLIB_DEFAULTS = DEFAULTS | {"lr": 5e-5, "gae_lambda": 1.0, "clip": 0.3, "batch_size": 4096, "epochs": 20}


def manifest(**changes):
    """The manifest of a sweep; `changes` replace whole top-level entries."""
    space = {
        name: {
            "distribution": {"name": kind, "attributes": attributes},
            "default": default,
            "source": "a paper",
        }
        for name, (kind, attributes, default) in SPACE.items()
    }
    return {
        "schema_version": 1,
        "experiment": "trading_sweep",
        "sweep": "2026-11-20_19-42-06",
        "question": "Does tuning PPO pay on a mean-reverting market?",
        "env": {
            "id": "sweeps/TradingMeanReverting-v0",
            "parameters": {"fee_rate": 0.001, "mean_reversion": 0.05},
            "return_unit": "fraction of the initial cash",
            "floor": FLOOR,
            "floor_policy": "random",
            "optimum": OPTIMUM,
            "optimum_source": "dynamic programming over log-price and position",
            "references": {"random": FLOOR, "buy_and_hold": 0.0, "long_below_mean": 0.52, "optimal": OPTIMUM},
        },
        "space": space,
        "budget": {"trials": 32, "steps_per_trial": 65536, "evaluations": 16},
        "evaluation": {"episodes": 256},
        "confirmation": {"top_k": 3, "seeds": 5},
        "baselines": {"default": DEFAULTS, "rllib": RLLIB_DEFAULTS},
        "scheduler": "asha",
        "trainer": "fast",
        "seeds": {"root": 0, "sampler": 1, "training": 2, "evaluation": 3, "test_training": [4, 5, 6, 7, 8]},
        "command": "python -m experiments.trading_sweep",
        "started": "2026-11-20T19:42:06+00:00",
        "machine": {"cpu": "Some CPU", "cores": 2, "memory_gib": 23.0, "platform": "Linux"},
        "versions": {"python": "3.11.7", "ray": "2.60.0", "optuna": "5.0.0", "torch": "2.13.0"},
        "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
    } | changes


def sample(rng):
    """A configuration of `SPACE`."""
    values = {}
    for name, (kind, attributes, _) in SPACE.items():
        if kind == "CategoricalDistribution":
            choices = attributes["choices"]
            values[name] = choices[int(rng.integers(len(choices)))]
        elif kind == "IntDistribution":
            values[name] = int(rng.integers(attributes["low"], attributes["high"] + 1))
        elif attributes["log"]:
            values[name] = float(np.exp(rng.uniform(np.log(attributes["low"]), np.log(attributes["high"]))))
        else:
            values[name] = float(rng.uniform(attributes["low"], attributes["high"]))
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


def write_run(
    folder, config, scores, *, state="completed", cause=None, seed=1, config_id=None, test_seed=None
):
    """One run's folder; `state=None` leaves state.json out, as an unfinished run does."""
    folder.mkdir(parents=True)
    identity = {"seed": seed, "config_id": config_id or folder.name}
    identity |= {} if test_seed is None else {"test_seed": test_seed}
    (folder / "params.json").write_text(json.dumps(config | identity))
    lines = []
    for index, score in enumerate(scores):
        steps = 4096 * (index + 1)
        recent = scores[max(0, index - 2) : index + 1]
        objective = 0.0 if state == "diverged" and index == len(scores) - 1 else float(np.mean(recent))
        lines.append(
            json.dumps(
                {
                    "steps": steps,
                    "wall_s": 0.3 * (index + 1),
                    "score": float(score),
                    "objective": objective,
                    "eval/return_mean": FLOOR + float(score) * (OPTIMUM - FLOOR),
                    "eval/return_std": 0.2,
                    "eval/length_mean": 200.0,
                    "train/return_mean": float("nan") if index == 0 else FLOOR + 0.9 * float(score),
                    "train/length_mean": 200.0,
                    "steps_per_s": 13_000.0,
                    **dict.fromkeys(["ppo/kl", "ppo/entropy", "ppo/vf_loss", "ppo/grad_norm"], 0.01),
                    "env/sharpe_ratio": 2 * float(score),
                    "training_iteration": index + 1,
                    "config": {"ignored": True},
                }
            )
        )
    (folder / "result.json").write_text("".join(f"{line}\n" for line in lines))
    if state is not None:
        (folder / "state.json").write_text(json.dumps({"state": state, "cause": cause}))


def write_sweep(
    folder, *, trials=32, seeds=5, seed=3, top_k=3, confirm=True, diverged=1, failed=1, **changes
):
    """A finished sweep with an ASHA-like share of pruned trials, one diverged trial and one that failed."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest(**changes)))
    objectives, configs = {}, {}
    for number in range(trials):
        config = DEFAULTS if number == 0 else sample(rng)
        if number > 8:  # the sampler learns where to look
            config = config | {"lr": float(np.clip(10 ** rng.normal(-2.7, 0.5), 1e-5, 1e-2))}
        name = f"trial_{number:04d}"
        scores, state, cause = curve(rng, *plateau_and_speed(config)), "completed", None
        if 2 <= number < 2 + failed:
            scores, state, cause = (
                scores[:3],
                "failed",
                "RuntimeError: the environment returned a reward of type str",
            )
        elif 6 <= number < 6 + diverged:
            scores, state, cause = [*scores[:4], 0.0], "diverged", "loss is not finite after 18432 steps"
        elif number > 3 and scores[5] < 0.5:
            scores, state = scores[:6], "pruned"
        write_run(folder / "search" / name, config, scores, state=state, cause=cause, seed=100 + number)
        configs[name] = config
        if state == "completed" and number > 0:
            objectives[name] = float(np.mean(scores[-3:]))
    if confirm:
        best = sorted(objectives, key=objectives.__getitem__, reverse=True)[:top_k]
        chosen = {"default": DEFAULTS, "rllib": RLLIB_DEFAULTS} | {name: configs[name] for name in best}
        for config_id, config in chosen.items():
            for index in range(seeds):
                write_run(
                    folder / "confirm" / f"{config_id}_seed{index}",
                    config,
                    curve(rng, *plateau_and_speed(config)),
                    seed=1000 + index,
                    config_id=config_id,
                    test_seed=index,
                )
    return folder


if __name__ == "__main__":
    write_sweep(Path(sys.argv[1]))

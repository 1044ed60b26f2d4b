"""Learning on the fast path against stock RLlib: ten seeds of each, one configuration, five environments.

Two numbers are compared for every environment: the final return (mean of the last tenth of training) and the
area under the curve (mean return over the whole training). Welch's t-test, two-sided; the ten p-values are
judged together by Holm's method. The text says how large a difference the test would have found.

Run:    python -m benchmarks.same_learning
Writes docs/performance.md and docs/pictures/same_learning.svg; an hour on one core, nearly all of it stock
RLlib, and runs that are on disk are not repeated. Ends with exit code 1 where the two differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import altair as alt
import gymnasium as gym
import numpy as np
import pandas as pd
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from scipy import optimize, stats

import envs  # noqa: F401  # registers the suite
from benchmarks.common import DOCS, PERFORMANCE, ROOT, exit_code, options_of, publish, table
from experiments.core.fast_ppo import read_metrics, use_fast_path
from experiments.core.tuning import connected

FIGURE = DOCS / "pictures" / "same_learning.svg"
LEVEL = 0.05
PATHS = ("fast", "RLlib")


@dataclass(frozen=True)
class LearningTask:
    """One environment with the configuration that both paths are given."""

    steps: int
    training: Mapping[str, Any] = field(default_factory=dict)


TASKS: Mapping[str, LearningTask] = {
    "CartPole-v1": LearningTask(100_000),
    "Acrobot-v1": LearningTask(60_000),
    "Pendulum-v1": LearningTask(100_000, {"gamma": 0.9, "lr": 1e-3}),
    "sweeps/TradingMeanReverting-v0": LearningTask(100_000),
    "sweeps/PointTarget-v0": LearningTask(40_000),
}


@dataclass(frozen=True)
class SameLearningOptions:
    """Seeds and the file of runs."""

    seeds: int = 10
    """Seeds per path."""
    runs: Path = ROOT / "results" / "same_learning.jsonl"
    """Finished runs, one JSON line each."""


def train(env: str, task: LearningTask, path: str, seed: int) -> list[tuple[float, float]]:
    """Returns the curve of one run: (steps, mean return of the episodes that ended) after every iteration."""
    native = gym.spec(env).vector_entry_point is not None
    config = (
        PPOConfig()
        .environment(env)
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=8,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT if native else gym.VectorizeMode.SYNC,
        )
        .training(
            **{
                "lr": 3e-4,
                "train_batch_size_per_learner": 2048,
                "minibatch_size": 128,
                "num_epochs": 10,
                "gamma": 0.99,
                "lambda_": 0.95,
                "clip_param": 0.2,
                "vf_clip_param": float("inf"),
                "vf_loss_coeff": 0.5,
                "grad_clip": 0.5,
                **task.training,
            }
        )
        .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[64, 64], vf_share_layers=False))
        .debugging(seed=seed, log_level="ERROR")
    )
    algorithm = (use_fast_path(config) if path == "fast" else config).build_algo()
    curve: list[tuple[float, float]] = []
    while not curve or curve[-1][0] < task.steps:
        metrics = read_metrics(algorithm.train())
        curve.append((metrics["steps"], metrics["train/return_mean"]))
    algorithm.stop()
    return curve


def run_missing(options: SameLearningOptions) -> pd.DataFrame:
    """Runs what is not on disk yet and returns all curves as rows (env, path, seed, steps, return)."""
    options.runs.parent.mkdir(parents=True, exist_ok=True)
    lines = options.runs.read_text(encoding="utf-8").splitlines() if options.runs.exists() else []
    done = [json.loads(line) for line in lines]
    known = {(run["env"], run["path"], run["seed"]) for run in done}
    for seed in range(options.seeds):
        for env, task in TASKS.items():
            for path in PATHS:
                if (env, path, seed) in known:
                    continue
                curve = train(env, task, path, seed)
                done.append({"env": env, "path": path, "seed": seed, "curve": curve})
                with options.runs.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[-1]) + "\n")
                print(f"{env} {path} seed {seed}: {curve[-1][1]:.4g}", flush=True)
    rows = [
        {"env": run["env"], "path": run["path"], "seed": run["seed"], "steps": steps, "return": value}
        for run in done
        if run["seed"] < options.seeds
        for steps, value in run["curve"]
    ]
    return pd.DataFrame(rows)


def compare(curves: pd.DataFrame) -> pd.DataFrame:
    """Makes Welch's test for every environment and number, with Holm's adjusted p-values."""
    rows = []
    for env, task in TASKS.items():
        of_env = curves[curves["env"] == env]
        late = of_env[of_env["steps"] > 0.9 * task.steps]
        for number, part in (("final return", late), ("area under the curve", of_env)):
            values = part.groupby(["path", "seed"])["return"].mean()
            fast, stock = values["fast"].to_numpy(), values["RLlib"].to_numpy()
            test = stats.ttest_ind(fast, stock, equal_var=False)
            low, high = test.confidence_interval(0.95)
            rows.append(
                {
                    "env": env,
                    "number": number,
                    "fast": f"{fast.mean():.4g} ± {fast.std(ddof=1):.2g}",
                    "RLlib": f"{stock.mean():.4g} ± {stock.std(ddof=1):.2g}",
                    "interval": f"[{low:.3g}, {high:.3g}]",
                    "p": float(test.pvalue),
                }
            )
    found = pd.DataFrame(rows)
    order = np.argsort(found["p"].to_numpy())
    adjusted = np.empty(len(found))
    adjusted[order] = np.maximum.accumulate(
        np.minimum(1.0, found["p"].to_numpy()[order] * (len(found) - np.arange(len(found))))
    )
    return found.assign(holm=adjusted)


def detectable(seeds: int, power: float = 0.8) -> float:
    """Returns the difference, in standard deviations, that a t-test finds with this power."""
    freedom = 2 * seeds - 2
    critical = stats.t.ppf(1 - LEVEL / 2, freedom)

    def missing(difference: float) -> float:
        return float(power - stats.nct.sf(critical, freedom, difference * np.sqrt(seeds / 2)))

    return float(optimize.brentq(missing, 0.1, 10.0))


def draw(curves: pd.DataFrame) -> alt.FacetChart:
    """Draws mean curves with their range over seeds."""
    binned = curves.assign(steps=(curves["steps"] / 4096).round() * 4096)
    base = alt.Chart(binned).encode(
        x=alt.X("steps:Q", title="environment steps"), color=alt.Color("path:N", title=None)
    )
    band = base.mark_area(opacity=0.2).encode(
        y=alt.Y("min(return):Q", title="mean return of ended episodes", scale=alt.Scale(zero=False)),
        y2="max(return):Q",
    )
    line = base.mark_line().encode(y="mean(return):Q")
    chart: alt.FacetChart = (
        alt.layer(band, line)
        .properties(width=230, height=150)
        .facet(facet=alt.Facet("env:N", title=None, sort=list(TASKS)), columns=3)
        .resolve_scale(x="independent", y="independent")
    )
    return chart


def section(compared: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Returns what is written into docs/performance.md."""
    counts = curves.groupby(["env", "path"])["seed"].nunique()
    fewest, most = int(counts.min()), int(counts.max())
    header = ["environment", "number", "fast", "RLlib", "fast - RLlib", "p", "p (Holm)"]
    texts = compared[["env", "number", "fast", "RLlib", "interval"]].astype(str).to_numpy().tolist()
    levels = zip(compared["p"], compared["holm"], strict=True)
    rows = [[*cells, f"{p:.2f}", f"{holm:.2f}"] for cells, (p, holm) in zip(texts, levels, strict=True)]
    return (
        f"{fewest if fewest == most else f'{fewest} to {most}'} seeds each: mean ± standard deviation over "
        "seeds; the difference's 95 % interval and p-value (Welch's test), and the p-value adjusted by "
        f"Holm's method. With {fewest} seeds each the test finds a difference of "
        f"{detectable(fewest):.1f} standard deviations with a power of 80 %.\n\n"
        f"{table(header, rows, texts=2)}\n\n![Learning curves](pictures/same_learning.svg)"
    )


def main(options: SameLearningOptions) -> int:
    """Trains, tests, draws, writes, and judges."""
    torch.set_num_threads(1)
    with connected(cores=1, debug=False):
        curves = run_missing(options)
    compared = compare(curves)
    print(compared.to_string(index=False))
    if publish(PERFORMANCE, "same-learning", section(compared, curves), options):
        FIGURE.parent.mkdir(parents=True, exist_ok=True)
        draw(curves.dropna()).save(FIGURE)
    differing = compared[compared["holm"] < LEVEL]
    return exit_code(
        f"{env}, {number}" for env, number in zip(differing["env"], differing["number"], strict=True)
    )


if __name__ == "__main__":
    sys.exit(main(options_of(SameLearningOptions, __doc__)))

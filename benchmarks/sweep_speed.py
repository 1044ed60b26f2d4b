"""Time that a search takes, and that the same trials take in what people use today.

All run the same configurations for the same steps on the same market, two at a time, without stopping any
early, in processes of their own, from command to last trial. The plain sweep is what a tutorial of Ray shows:
`Tuner("PPO", param_space=PPOConfig...)` with OptunaSearch, one CPU a trial, the batched environment. The
other is Stable-Baselines3 with Optuna, two processes on one study, each with one torch thread. The suite's
side also evaluates, as `experiments.trading_sweep` declares it, and keeps records and checkpoints; the others
do not.

Run:    python -m benchmarks.sweep_speed [--trials 16] [--steps 64000] [--repetitions 1]
Writes docs/performance.md; about six minutes. Ends with exit code 1 where a goal is missed.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from benchmarks.common import (
    PERFORMANCE,
    ROOT,
    TOLERANCE,
    exit_code,
    in_turns,
    medians,
    options_of,
    publish,
    table,
    today,
)
from benchmarks.contestants.sweeps import CONCURRENCY, CONTESTANTS

NAMES = {
    "plain": '`Tuner("PPO", param_space=PPOConfig...)` with OptunaSearch',
    "sb3": "Stable-Baselines3 with Optuna, two processes",
    "suite": "this suite",
}
GOALS = {"plain": 5.0, "sb3": 2.0}
"""How many times as fast as each the suite is meant to be."""
OVERHEAD_GOAL_S, DRIVER_GOAL = 0.5, 0.1
"""Seconds that a trial after the first may take beyond its training, evaluations included; share of a core
that the driver may take."""


@dataclass(frozen=True, kw_only=True)
class SweepSpeedOptions:
    """Trials, steps and repetitions."""

    trials: int = 16
    """Configurations."""
    steps: int = 64_000
    """Environment steps of each, up to the end of the iteration in which they are reached."""
    repetitions: int = 1
    """How often, the contestants in turns; the median counts."""
    side: Literal["all", "suite", "plain", "sb3"] = "all"
    """All in turn, or one of them in this process."""


def run_here(side: str, options: SweepSpeedOptions) -> None:
    """Runs one contestant in this process and prints what it says of itself as JSON."""
    from experiments.core.tuning import quieten

    quieten(debug=False)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    print(json.dumps(CONTESTANTS[side](options.trials, options.steps)))


def measure(side: str, options: SweepSpeedOptions) -> dict[str, float]:
    """Returns the seconds of one contestant, from its command to its end, and what it says of itself."""
    arguments = ["--trials", options.trials, "--steps", options.steps, "--side", side]
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.sweep_speed", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    seconds = time.perf_counter() - started
    measured = {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}
    print(side, {name: round(value, 3) for name, value in measured.items()}, flush=True)
    return measured


def median_of_each(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns the median of every number over the repetitions."""
    return medians({name: [values[name] for values in measured] for name in measured[0]})


def section(options: SweepSpeedOptions, found: Mapping[str, Mapping[str, float]]) -> str:
    """Returns what is written into docs/performance.md."""
    seconds = {side: values["seconds"] for side, values in found.items()}
    rows = []
    for side, name in NAMES.items():
        ratio = f"{seconds[side] / seconds['suite']:.1f}x (goal {GOALS[side]:g})" if side in GOALS else ""
        rate = options.trials * options.steps / seconds[side]
        rows.append([name, f"{seconds[side]:.0f}", f"{rate:,.0f}", ratio])
    suite = found["suite"]
    return (
        f"{options.trials} configurations of {options.steps:,} steps, {CONCURRENCY} at a time on "
        f"{os.cpu_count()} cores, none stopped early, from command to last trial; median of "
        f"{options.repetitions}, {today()}.\n\n"
        + table(["", "seconds", "steps/s", "the suite is faster by"], rows, texts=1)
        + f"\n\nA trial after the first takes {suite['rest']:.2f} s beside its training and its evaluations "
        f"(actor reuse, build, records, checkpoint), and {suite['evaluations']:.2f} s for its evaluations "
        f"({suite['points']:.0f} of {suite['episodes']:.0f} episodes), which the others do not have. "
        f"The driver takes {100 * suite['driver']:.0f} % of a core during the search."
    )


def missed(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Returns the goals that are missed by more than the tolerance."""
    suite = found["suite"]
    ratios = {side: found[side]["seconds"] / suite["seconds"] for side in GOALS}
    goals = [
        f"{ratio:.1f} times as fast as {side}, goal {GOALS[side]:g}"
        for side, ratio in ratios.items()
        if ratio < (1 - TOLERANCE) * GOALS[side]
    ]
    overhead = suite["rest"] + suite["evaluations"]
    spent = {"overhead of a trial": (overhead, OVERHEAD_GOAL_S), "driver": (suite["driver"], DRIVER_GOAL)}
    return goals + [
        f"{name} {value:.2f}, goal {limit:g}"
        for name, (value, limit) in spent.items()
        if value > (1 + TOLERANCE) * limit
    ]


def main(options: SweepSpeedOptions) -> int:
    """Measures all contestants in turns, writes, and judges; or runs one of them."""
    if options.side != "all":
        run_here(options.side, options)
        return 0
    contestants = {side: partial(measure, side, options) for side in CONTESTANTS}
    measured = in_turns(contestants, options.repetitions)
    found = {side: median_of_each(values) for side, values in measured.items()}
    text = section(options, found)
    print(text)
    publish(PERFORMANCE, "sweep-speed", text, options)
    return exit_code(missed(found))


if __name__ == "__main__":
    sys.exit(main(options_of(SweepSpeedOptions, __doc__)))

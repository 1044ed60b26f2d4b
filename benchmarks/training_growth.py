"""Training speed against lanes, width and trials at once, and the memory of a process that trains.

Run:    python -m benchmarks.training_growth
Writes docs/performance.md and docs/pictures/training_growth.svg; about two minutes.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import altair as alt
import pandas as pd
import ray
import torch

from benchmarks.common import DOCS, PERFORMANCE, in_turns, medians, options_of, publish, rate, table
from benchmarks.contestants.trainers import TRADING, Setting, rllib
from experiments.core.tuning import connected

FIGURE = DOCS / "pictures" / "training_growth.svg"
LANES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WIDTHS = (32, 64, 128, 256, 512)
TRIALS = (1, 2)


@dataclass(frozen=True)
class TrainingGrowthOptions:
    """Time and repetitions."""

    seconds: float = 1.0
    """How long every point is measured, at least, after one iteration that warms up."""
    repetitions: int = 3
    """Repetitions of every point, in turns; medians count."""


class Memory(NamedTuple):
    """MiB of a process: resident, and of these its own alone (libraries' code is shared)."""

    resident: float
    own: float


def steps_per_second(
    setting: Setting, seconds: float, *, fast: bool = True, clock: Callable[[], float] = time.process_time
) -> float:
    """Returns the speed of training after one iteration that warms up."""
    iterate = rllib(setting, fast=fast)
    iterate()
    return rate(iterate, seconds=seconds, clock=clock)


def of_lanes_and_widths(lanes: int = 8, width: int = 64) -> Setting:
    """Returns the setting that is varied."""
    return Setting(TRADING, lanes, (width, width), 2048, 128)


def memory_here() -> Memory:
    """Returns the memory of this process (Linux)."""
    kib = {
        name: int(value.split()[0])
        for name, value in (
            line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
        )
    }
    return Memory(kib["Rss"] / 1024, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024)


def trial(address: str, seconds: float, fast: bool) -> tuple[float, Memory]:
    """Trains in a process of its own, by the clock on the wall: others may take its core."""
    torch.set_num_threads(1)
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    return steps_per_second(of_lanes_and_widths(), seconds, fast=fast, clock=time.perf_counter), memory_here()


def at_once(trials: int, address: str, seconds: float, *, fast: bool = True) -> tuple[float, Memory]:
    """Returns the sum of the speeds of several trials at the same time, and the memory of one."""
    with ProcessPoolExecutor(trials, multiprocessing.get_context("spawn")) as pool:
        tasks = [pool.submit(trial, address, seconds, fast) for _ in range(trials)]
        results = [task.result() for task in tasks]
    return sum(speed for speed, _ in results), max(memory for _, memory in results)


def measure(address: str, options: TrainingGrowthOptions) -> tuple[pd.DataFrame, dict[str, Memory]]:
    """Returns all points as rows (what, value, speed), and the memory of both paths."""
    memory: dict[str, Memory] = {}

    def several(trials: int) -> float:
        speed, memory["fast"] = at_once(trials, address, options.seconds)
        return speed

    points: dict[tuple[str, int], Callable[[], float]] = {}
    for lanes in LANES:
        points["lanes", lanes] = partial(steps_per_second, of_lanes_and_widths(lanes=lanes), options.seconds)
    for width in WIDTHS:
        points["width", width] = partial(steps_per_second, of_lanes_and_widths(width=width), options.seconds)
    for trials in TRIALS:
        points["trials at once", trials] = partial(several, trials)
    speeds = medians(in_turns(points, options.repetitions))
    memory["RLlib"] = at_once(1, address, options.seconds, fast=False)[1]
    rows = [(what, value, speed) for (what, value), speed in speeds.items()]
    return pd.DataFrame(rows, columns=["what", "value", "speed"]), memory


def draw(points: pd.DataFrame) -> alt.FacetChart:
    """Draws one panel for each thing that grows."""
    chart: alt.FacetChart = (
        alt.Chart(points)
        .mark_line(point=True)
        .encode(
            # Each value is twice the one before, so even distances are a logarithmic scale.
            x=alt.X("value:O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("speed:Q", title="environment steps per second", scale=alt.Scale(zero=True)),
        )
        .properties(width=200, height=150)
        .facet(column=alt.Column("what:N", title=None, sort=["lanes", "width", "trials at once"]))
        .resolve_scale(x="independent")
    )
    return chart


def section(points: pd.DataFrame, memory: dict[str, Memory]) -> str:
    """Returns what is written into docs/performance.md."""
    rows = []
    for what, group in points.groupby("what", sort=False):
        speeds = ", ".join(f"{row.value}: {row.speed:,.0f}" for row in group.itertuples())
        rows.append([f"steps per second by {what}", speeds])
    sizes = [f"{m.resident:,.0f} MiB ({m.own:,.0f} MiB its own)" for m in (memory["fast"], memory["RLlib"])]
    rows.append(["memory of a training process", f"{sizes[0]}; stock RLlib {sizes[1]}"])
    note = (
        "Trading environment, batch 2048, minibatch 128, 10 epochs; 8 lanes and 2x64 tanh where not varied."
    )
    figure = "![How training speed grows](pictures/training_growth.svg)"
    return "\n\n".join([note, table(["", ""], rows, texts=2), figure])


def main(options: TrainingGrowthOptions) -> int:
    """Measures, draws and writes."""
    torch.set_num_threads(1)
    with connected(cores=2, debug=False):
        points, memory = measure(ray.get_runtime_context().gcs_address, options)
    text = section(points, memory)
    print(text)
    if publish(PERFORMANCE, "training-growth", text, options):
        FIGURE.parent.mkdir(parents=True, exist_ok=True)
        draw(points).save(FIGURE)
    return 0


if __name__ == "__main__":
    sys.exit(main(options_of(TrainingGrowthOptions, __doc__)))

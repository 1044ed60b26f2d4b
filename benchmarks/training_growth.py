"""How does the cost of training grow? Steps per second against lanes, width and trials at once.

Also the memory of a process that trains, on the fast path and on stock RLlib.

Run:    python benchmarks/training_growth.py       (about two minutes)
Writes docs/performance.md and docs/figures/training_growth.svg.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import altair as alt
import pandas as pd
import ray
import torch
from training_contestants import Setting, rllib
from training_speed import TRADING, write_section

FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "training_growth.svg"
MARKERS = ("<!-- training-growth -->", "<!-- /training-growth -->")
SECONDS, ROUNDS = 1.0, 3
"""How long every point is measured after one iteration to warm up, and how often, in turns; medians count."""
LANES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WIDTHS = (32, 64, 128, 256, 512)
TRIALS = (1, 2)


class Memory(NamedTuple):
    """MiB of a process: resident, and of these its own alone (libraries' code is shared)."""

    resident: float
    own: float


def steps_per_second(
    setting: Setting, *, fast: bool = True, clock: Callable[[], float] = time.process_time
) -> tuple[float, Memory]:
    """Speed, and the process' memory."""
    iterate = rllib(setting, fast=fast)
    iterate()
    start, steps = clock(), 0
    while (elapsed := clock() - start) < SECONDS:
        steps += iterate()
    return steps / elapsed, _memory_mib()


def _memory_mib() -> Memory:
    """Memory of this process (Linux)."""
    kib = {
        name: int(value.split()[0])
        for name, value in (
            line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
        )
    }
    return Memory(kib["Rss"] / 1024, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024)


def trial(address: str, fast: bool) -> tuple[float, Memory]:
    """One trial in a process of its own, by the clock on the wall: others may take its core."""
    torch.set_num_threads(1)
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    setting = Setting(TRADING, 8, (64, 64), 2048, 128)
    return steps_per_second(setting, fast=fast, clock=time.perf_counter)


def at_once(trials: int, address: str, *, fast: bool = True) -> tuple[float, Memory]:
    """Sum of the speeds of several trials at the same time, and the memory of one."""
    with ProcessPoolExecutor(trials, multiprocessing.get_context("spawn")) as pool:
        results = [task.result() for task in [pool.submit(trial, address, fast) for _ in range(trials)]]
    return sum(speed for speed, _ in results), max(memory for _, memory in results)


def measure(address: str) -> tuple[pd.DataFrame, dict[str, Memory]]:
    """All points as rows (what, value, speed), and the memory of both paths."""
    settings = [("lanes", n, Setting(TRADING, n, (64, 64), 2048, 128)) for n in LANES]
    settings += [("width", w, Setting(TRADING, 8, (w, w), 2048, 128)) for w in WIDTHS]
    rows, memory = [], {}
    for _ in range(ROUNDS):
        rows += [(what, value, steps_per_second(setting)[0]) for what, value, setting in settings]
        for trials in TRIALS:
            speed, memory["fast"] = at_once(trials, address)
            rows.append(("trials at once", trials, speed))
    memory["RLlib"] = at_once(1, address, fast=False)[1]
    points = pd.DataFrame(rows, columns=["what", "value", "speed"])
    return points.groupby(["what", "value"], sort=False, as_index=False)["speed"].median(), memory


def draw(points: pd.DataFrame) -> alt.FacetChart:
    """One panel for each thing that grows."""
    return (
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


def markdown(points: pd.DataFrame, memory: dict[str, Memory]) -> str:
    """What is written into docs/performance.md."""
    lines = ["| | |", "| --- | --- |"]
    for what, group in points.groupby("what", sort=False):
        speeds = ", ".join(f"{row.value}: {row.speed:,.0f}" for row in group.itertuples())
        lines.append(f"| steps per second by {what} | {speeds} |")
    sizes = [f"{m.resident:,.0f} MiB ({m.own:,.0f} MiB its own)" for m in (memory["fast"], memory["RLlib"])]
    lines.append(f"| memory of a training process | {sizes[0]}; stock RLlib {sizes[1]} |")
    note = (
        "Trading environment, batch 2048, minibatch 128, 10 epochs; 8 lanes and 2x64 tanh where not varied."
    )
    return "\n".join([note, "", *lines, "", "![How training speed grows](figures/training_growth.svg)"])


def main() -> int:
    """Measures, draws and writes."""
    torch.set_num_threads(1)
    context = ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    points, memory = measure(context.address_info["gcs_address"])
    ray.shutdown()
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    draw(points).save(FIGURE)
    write_section(markdown(points, memory), MARKERS)
    print(markdown(points, memory))
    return 0


if __name__ == "__main__":
    sys.exit(main())

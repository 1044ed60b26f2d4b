"""How fast is training? Steps per second against stock RLlib, Stable-Baselines3 and the bare torch limit.

Everything is trained in this process on one torch thread, in turns: each repetition runs every contestant
once, so that a slow phase of the machine hits all alike. The median of the repetitions counts. Time is the
process' own, which other processes disturb least. Bare torch is only the learner's loop, without any
environment: what PPO with torch's modules and automatic differentiation could reach if sampling cost nothing.

Run:    python benchmarks/training_speed.py            (writes docs/performance.md, about ten minutes)
        python benchmarks/training_speed.py --quick    (a look at one setting, nothing is written)
Exits with 1 where a floor is missed by more than 15 %.
"""

from __future__ import annotations

import datetime
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ray
import torch
import tyro
from training_contestants import Iteration, Setting, bare_torch, compiled, rllib, stable_baselines3

TRADING = "sweeps/TradingMeanReverting-v0"
TOLERANCE = 0.15
"""How far a floor may be missed before the benchmark fails."""
DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
MARKERS = ("<!-- training-speed -->", "<!-- /training-speed -->")
COMPARED = ("RLlib", "SB3", "bare torch")
CONTESTANTS = ("fast", "compiled", *COMPARED)


@dataclass(frozen=True)
class Floors:
    """Ratios that the fast path has to reach; None where the number is only reported."""

    rllib: float | None
    sb3: float | None
    limit: float


SETTINGS: Mapping[Setting, Floors] = {
    Setting(TRADING, 8, (64, 64), 2048, 128): Floors(4.0, 2.0, 1.2),
    Setting(TRADING, 32, (64, 64), 4096, 512): Floors(4.0, 1.8, 1.2),
    Setting(TRADING, 8, (256, 256), 2048, 128): Floors(2.5, 1.5, 0.9),
    Setting("sweeps/Visual-v0", 8, (64,), 2048, 256, ((16, 8, 4), (32, 4, 2))): Floors(None, None, 0.85),
    Setting("sweeps/Resource-v0", 8, (64, 64), 2048, 128): Floors(None, None, 0.85),
}


@dataclass(frozen=True)
class Options:
    """What to measure."""

    quick: bool = False
    """Only the first setting, few repetitions; docs/performance.md is left alone."""
    repetitions: int = 5
    """Repetitions of every contestant, in turns."""


@dataclass(frozen=True)
class Measured:
    """Median steps per second of every contestant in one setting."""

    setting: Setting
    floors: Floors
    speed: Mapping[str, float]

    def ratio(self, other: str) -> float:
        """How many times faster the fast path is."""
        return self.speed["fast"] / self.speed[other]

    @property
    def misses(self) -> list[str]:
        """The floors that are missed by more than the tolerance."""
        floors = {"RLlib": self.floors.rllib, "SB3": self.floors.sb3, "bare torch": self.floors.limit}
        return [
            f"{self.setting.name}: {self.ratio(name):.2f} of {name}, expected at least {floor}"
            for name, floor in floors.items()
            if floor is not None and self.ratio(name) < (1 - TOLERANCE) * floor
        ]


def measure(setting: Setting, floors: Floors, repetitions: int) -> Measured:
    """Runs all contestants in turns."""
    contestants: dict[str, Iteration] = {
        "fast": rllib(setting, fast=True),
        "RLlib": rllib(setting, fast=False),
        "SB3": stable_baselines3(setting),
        "bare torch": bare_torch(setting),
    }
    if (other := compiled(setting)) is not None:
        contestants["compiled"] = other
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for repetition in range(repetitions + 1):
        for name, iterate in contestants.items():
            start, steps = time.process_time(), 0
            # Short iterations are repeated: at least half a second each time.
            while (elapsed := time.process_time() - start) < 0.5:
                steps += iterate()
            if repetition:  # the first one warms up
                speeds[name].append(steps / elapsed)
    return Measured(setting, floors, {name: float(np.median(s)) for name, s in speeds.items()})


def table(results: list[Measured]) -> str:
    """The results as Markdown."""
    lines = [
        "| setting | fast | compiled | stock RLlib | SB3 | bare torch "
        "| against RLlib | against SB3 | of bare torch |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in results:
        speeds = " | ".join(f"{r.speed[name]:,.0f}" if name in r.speed else "" for name in CONTESTANTS)
        floors = [r.floors.rllib, r.floors.sb3, r.floors.limit]
        ratios = " | ".join(
            f"{r.ratio(name):.2f}x" + (f" (floor {floor})" if floor else "")
            for name, floor in zip(COMPARED, floors, strict=True)
        )
        lines.append(f"| {r.setting.name} | {speeds} | {ratios} |")
    return "\n".join(lines)


def section(results: list[Measured], repetitions: int) -> str:
    """What is written into docs/performance.md."""
    when = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    versions = f"Python {platform.python_version()}, ray {ray.__version__}, torch {torch.__version__}"
    return (
        f"Steps per second of training as a whole, one torch thread, {platform.machine()}, {versions}, "
        f"{when}: median of {repetitions} interleaved repetitions. Ratios are those of the fast path as it "
        "is without compiling; compiled gradient steps stand beside it where the layout is one for which "
        f"they pay. Bare torch is the learner's loop alone, without an environment.\n\n{table(results)}"
    )


def write_section(text: str, markers: tuple[str, str] = MARKERS, path: Path = DOCUMENT) -> None:
    """Replaces what stands between the markers in a document."""
    document = path.read_text(encoding="utf-8")
    before, rest = document.split(markers[0])
    after = rest.split(markers[1])[1]
    path.write_text(f"{before}{markers[0]}\n\n{text}\n\n{markers[1]}{after}", encoding="utf-8")


def main(options: Options) -> int:
    """Measures, prints, writes, and judges."""
    torch.set_num_threads(1)
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    settings = list(SETTINGS.items())[: 1 if options.quick else None]
    repetitions = 2 if options.quick else options.repetitions
    results = []
    for setting, floors in settings:
        results.append(measure(setting, floors, repetitions))
        print(table(results[-1:]).splitlines()[-1], flush=True)
    ray.shutdown()
    if not options.quick:
        write_section(section(results, repetitions))
    misses = [miss for result in results for miss in result.misses]
    for miss in misses:
        print("MISSED", miss)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))

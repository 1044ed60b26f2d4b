"""Training speed of the fast path against stock RLlib, Stable-Baselines3 and a bare loop of torch.

Everything is trained in this process on one torch thread, in turns: each repetition runs every contestant
once, so that a slow phase of the machine hits all alike. The median of the repetitions counts. Time is the
process' own, which other processes disturb least. Bare torch is only the learner's loop, without any
environment: what PPO with torch's modules and automatic differentiation reaches if sampling costs nothing.

Run:    python -m benchmarks.training_speed            (writes docs/performance.md, about ten minutes)
        python -m benchmarks.training_speed --quick    (a look at one setting, nothing is written)
Ends with exit code 1 where a floor is missed by more than 15 %.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import ray
import torch

from benchmarks.common import (
    PERFORMANCE,
    TOLERANCE,
    exit_code,
    in_turns,
    medians,
    options_of,
    publish,
    rate,
    table,
    today,
)
from benchmarks.contestants.trainers import (
    TRADING,
    Iteration,
    Setting,
    bare_torch,
    rllib,
    stable_baselines3,
)
from experiments.core.tuning import connected

COMPARED = ("RLlib", "SB3", "bare torch")
CONTESTANTS = ("fast", *COMPARED)
SECONDS = 0.5
"""Least time of one repetition of one contestant: short iterations are repeated."""


@dataclass(frozen=True)
class Floors:
    """Ratios that the fast path has to reach; None where the number is only reported."""

    rllib: float | None
    sb3: float | None
    torch: float


SETTINGS: Mapping[Setting, Floors] = {
    Setting(TRADING, 8, (64, 64), 2048, 128): Floors(22.0, 12.0, 5.0),
    Setting(TRADING, 32, (64, 64), 4096, 512): Floors(9.0, 6.0, 2.5),
    Setting(TRADING, 8, (256, 256), 2048, 128): Floors(4.5, 3.0, 1.6),
    Setting("sweeps/Visual-v0", 8, (64,), 2048, 256, ((16, 8, 4), (32, 4, 2))): Floors(None, None, 0.85),
    Setting("sweeps/Resource-v0", 8, (64, 64), 2048, 128): Floors(22.0, 12.0, 5.0),
}


@dataclass(frozen=True)
class TrainingSpeedOptions:
    """Settings and repetitions."""

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
        """Returns how many times faster the fast path is."""
        return self.speed["fast"] / self.speed[other]

    @property
    def cells(self) -> list[str]:
        """The table's row."""
        speeds = [f"{self.speed[name]:,.0f}" for name in CONTESTANTS]
        floors = (self.floors.rllib, self.floors.sb3, self.floors.torch)
        ratios = [
            f"{self.ratio(name):.2f}x" + (f" (floor {floor})" if floor else "")
            for name, floor in zip(COMPARED, floors, strict=True)
        ]
        return [self.setting.name, *speeds, *ratios]

    @property
    def misses(self) -> list[str]:
        """The floors that are missed by more than the tolerance."""
        floors = {"RLlib": self.floors.rllib, "SB3": self.floors.sb3, "bare torch": self.floors.torch}
        return [
            f"{self.setting.name}: {self.ratio(name):.2f} of {name}, expected at least {floor}"
            for name, floor in floors.items()
            if floor is not None and self.ratio(name) < (1 - TOLERANCE) * floor
        ]


def measure(setting: Setting, floors: Floors, repetitions: int) -> Measured:
    """Runs all contestants in turns; a repetition before the first one warms up."""
    contestants: dict[str, Iteration] = {
        "fast": rllib(setting, fast=True),
        "RLlib": rllib(setting, fast=False),
        "SB3": stable_baselines3(setting),
        "bare torch": bare_torch(setting),
    }
    timed = {name: partial(rate, iterate, seconds=SECONDS) for name, iterate in contestants.items()}
    speeds = in_turns(timed, 1 + repetitions)
    return Measured(setting, floors, medians({name: warm for name, (_, *warm) in speeds.items()}))


def section(results: list[Measured], repetitions: int) -> str:
    """Returns what is written into docs/performance.md."""
    header = ["setting", "fast", "stock RLlib", "SB3", "bare torch"]
    header += ["against RLlib", "against SB3", "of bare torch"]
    versions = f"Python {platform.python_version()}, ray {ray.__version__}, torch {torch.__version__}"
    return (
        f"Steps per second of training as a whole, one torch thread, {platform.machine()}, {versions}, "
        f"{today()}: median of {repetitions} interleaved repetitions. Bare torch is the learner's loop "
        "alone, without an environment.\n\n" + table(header, [result.cells for result in results], texts=1)
    )


def main(options: TrainingSpeedOptions) -> int:
    """Measures, prints, writes, and judges."""
    torch.set_num_threads(1)
    settings = list(SETTINGS.items())[: 1 if options.quick else None]
    repetitions = 2 if options.quick else options.repetitions
    results = []
    with connected(cores=1, debug=False):
        for setting, floors in settings:
            results.append(measure(setting, floors, repetitions))
            print(" | ".join(results[-1].cells), flush=True)
    publish(PERFORMANCE, "training-speed", section(results, repetitions), options)
    return exit_code(miss for result in results for miss in result.misses)


if __name__ == "__main__":
    sys.exit(main(options_of(TrainingSpeedOptions, __doc__)))

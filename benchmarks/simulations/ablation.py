"""Simulated ablations of winners with known effects: what a path finds, claims wrongly, and spends.

Run:    python -m benchmarks.simulations.ablation
Writes docs/statistics.md, section "Ablation"; about three minutes on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.verdict import Ablation, Changes, End, Path
from analysis.verdict.ablation import CARRIED, MARGIN
from analysis.verdict.group_sequential import differences, permitted_error
from benchmarks.common import STATISTICS, options_of, publish, shown
from benchmarks.simulations.confirmations import CONTENDERS, Draw, collapsing, normal, share, skewed
from experiments import Confirmation

Effect = Callable[[Changes], float]
"""Share of the winner's gain that some of its changes have."""

CHANGES: Final = 10
"""Changes from default to winner; the suite's 13 hyperparameters are at most 12, as the batch is one."""


@dataclass(frozen=True)
class AblationOptions:
    """Numbers of simulations."""

    sweeps: int = 300
    """Simulated sweeps per row, in each of which the winner was claimed to be better."""

    seed: int = 0
    """Seed of all random numbers."""


def additive(*large: float) -> Effect:
    """Returns effects that add up: some large ones, and what is left shared by the other changes."""
    rest = (1 - sum(large)) / (CHANGES - len(large))
    effects = [*large, *[rest] * (CHANGES - len(large))]
    return lambda changes: sum(effects[change] for change in changes)


def pair(changes: Changes) -> float:
    """Returns the effect of two changes of which most comes with both, and nine tenths in all."""
    alone = 0.2 * (0 in changes) + 0.1 * (1 in changes)
    return alone + 0.6 * ({0, 1} <= changes) + 0.1 * len(changes - {0, 1}) / (CHANGES - 2)


WORLDS: Final[dict[str, Effect]] = {
    "one change, 90 %": additive(0.9),
    "one of 120 %, others harm": additive(1.2),
    "two, 55 and 35 %": additive(0.55, 0.35),
    "three, 40, 30 and 20 %": additive(0.4, 0.3, 0.2),
    "two that need each other, 90 %": pair,
    "one of 45 %, the rest spread": additive(0.45),
    "all alike": additive(),
}
HEADER: Final = (
    "gain carried by", "gain", "recovered", "first step right", "called as good", "of these, less than 80 %",
    "called as good, less than 50 %", "changes named", "runs",
)  # fmt: skip


def walk(world: Effect, gain: float, draw: Draw, rng: np.random.Generator) -> Path:
    """Simulates a sweep whose winner was claimed to be better, and its ablation to the end."""
    asked = Confirmation()
    seeds = asked.interim_analyses[-1]
    while True:
        default, winner = draw(rng, (2, seeds))
        low, _ = differences((winner + gain - default)[None]).ends(*[permitted_error(CONTENDERS)] * 2)
        if low[0] > 0:
            break
    target = frozenset(range(CHANGES))
    runs = {frozenset[int](): dict(enumerate(default)), target: dict(enumerate(winner + gain))}
    while True:
        ablation = Ablation(changes=CHANGES, seeds=seeds, budget=asked.ablation, runs=runs)
        path = ablation.path()
        if path.end is not None:
            return path
        noise = draw(rng, (len(path.missing),))
        for (changes, seed), value in zip(path.missing, noise, strict=True):
            runs.setdefault(changes, {})[seed] = gain * world(changes) + value


def rows(options: AblationOptions) -> Iterator[list[str]]:
    """Yields what paths came to, for each world, gain and shape of the seed noise."""
    cells: list[tuple[str, float, str, Draw]] = [
        (name, gain, "", normal) for name in WORLDS for gain in (1.0, 1.5, 2.0, 3.0)
    ]
    for shape, draw in (("skewed", skewed), ("collapse in 1 of 10", collapsing(10))):
        cells += [(name, 2.0, f"; {shape}", draw) for name in list(WORLDS)[:3]]
    for name, gain, shape, draw in cells:
        world, rng = WORLDS[name], np.random.default_rng(options.seed)
        paths = [walk(world, gain, draw, rng) for _ in range(options.sweeps)]
        last = [path.steps[-1].changes if path.steps else frozenset() for path in paths]
        carried = np.array([world(changes) for changes in last])
        good = np.array([path.end == End.AS_GOOD for path in paths])
        first = [bool(path.steps) and world(path.steps[0].changes) >= _largest(world) for path in paths]
        yield [
            name + shape,
            f"{gain:g} sd",
            share(int((carried >= CARRIED - 1e-9).sum()), options.sweeps),
            f"{np.mean(first):.0%}",
            f"{good.mean():.0%}",
            f"{(carried < CARRIED - 1e-9)[good].mean():.0%}" if good.any() else "",
            share(int((good & (carried < MARGIN - 1e-9)).sum()), options.sweeps),
            f"{np.mean([len(changes) for changes in last]):.1f}",
            f"{np.mean([path.spent for path in paths]):.0f}",
        ]


def _largest(world: Effect) -> float:
    return max(world(frozenset({change})) for change in range(CHANGES)) - 1e-9


def main(options: AblationOptions) -> None:
    """Simulates, prints and writes the table of docs/statistics.md."""
    publish(STATISTICS, "ablation", shown(HEADER, rows(options)), options)


if __name__ == "__main__":
    main(options_of(AblationOptions, __doc__))

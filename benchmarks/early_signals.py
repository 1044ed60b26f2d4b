"""What does an unfinished or a single training tell about a configuration?

For each experiment random configurations are trained to the end, each on several seeds. From their curves:

- the *objective*: over how much of the end of a single training has the mean score to be taken, to rank
  configurations most like their final scores on other seeds do;
- *early stopping*: asynchronous successive halving replayed on the curves, for each grace period and
  reduction: the share of steps that it spends, and how good the best survivor is on other seeds, between
  the median configuration (0) and the best one (1);
- *trials and seeds*: with a given number of trainings, how good are the best configurations of many trials on
  one seed each, and of fewer trials on the mean of several seeds.

Run:    python benchmarks/early_signals.py       (half an hour; what is on disk is not run again)
Writes docs/performance.md.
"""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from scipy import stats
from training_speed import write_section

from experiments.core.tuning.ray_cluster import quieten

quieten(debug=False)

from search_contestants import declared, plan_of, retrain  # noqa: E402  # Ray reads its settings

from analysis.sweep.schema import Phase  # noqa: E402
from experiments.core.tuning.ray_cluster import connected  # noqa: E402
from search_spaces.space import drawn  # noqa: E402

ROOT = Path(__file__).parents[1]
MARKERS = ("<!-- early-signals -->", "<!-- /early-signals -->")
SEED_ROOT = 2_000_003
"""Root of seeds that no search has."""
WINDOWS = (1, 2, 3, 4, 6, 8)
"""Sixteenths of a training, from its end, whose mean score may be the objective."""
GRACES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
REDUCTIONS = (2.0, 3.0, 4.0)
POINTS = 16
FINAL = 3
"""Sixteenths of a training, from its end, whose mean score on the other seeds counts as true."""
ORDERS = 400
"""Random orders of the trials in which successive halving is replayed."""
TRAININGS = (6, 12, 24, 36)
"""That a search may spend on its trials."""
SEEDS = (1, 2, 3)
"""Of each trial."""
DRAWS = 4_000
"""Random choices of trials and of their seeds."""
CONFIRMED = 3
"""Best trials whose true scores are averaged, as many as a sweep confirms."""

Curves = NDArray[np.float64]
"""[configurations, seeds, `POINTS`]: scores at evenly spaced shares of the steps."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    experiments: tuple[str, ...] = ("trading_sweep", "resource_sweep", "point_target_sweep")
    """Modules below `experiments`."""
    configurations: int = 40
    """Random ones of each."""
    seeds: int = 4
    """Trainings of each configuration."""
    storage: Path = ROOT / "results" / "early_signals"
    """Where the trainings are kept."""


def curves_of(name: str, options: Options) -> Curves:
    """Trains what is missing and reads the curves."""
    experiment = declared(name)
    plan = plan_of(experiment, name, seed=SEED_ROOT, storage=options.storage, sweep="curves")
    random = enumerate(drawn(experiment.space, options.configurations))
    configs = {f"config_{number:03d}": config for number, config in random}
    retrain(plan, configs, options.seeds)
    shares = np.arange(1, POINTS + 1) / POINTS * experiment.budget.steps_per_trial
    return np.array(
        [
            [
                _at(shares, plan.folder / Phase.CONFIRM / f"{config_id}_seed{seed}")
                for seed in range(options.seeds)
            ]
            for config_id in configs
        ]
    )


def _at(steps: NDArray[np.float64], run: Path) -> NDArray[np.float64]:
    """A run's scores at the given steps: of the last evaluation before, or of the first one."""
    lines = [json.loads(line) for line in (run / "result.json").read_text(encoding="utf-8").splitlines()]
    done = np.array([line["steps"] for line in lines])
    scores = np.array([line["score"] for line in lines])
    return scores[np.clip(np.searchsorted(done, steps, side="right") - 1, 0, None)]


def final_scores(curves: Curves) -> NDArray[np.float64]:
    """[configurations, seeds]: mean score over the last part of each training."""
    return curves[:, :, -FINAL:].mean(axis=2)


def rank_correlation(curves: Curves, window: int) -> float:
    """Spearman's, of the objective on one seed with the final score on the others; mean over seeds."""
    final = final_scores(curves)
    one = curves[:, :, -window:].mean(axis=2)
    seeds = range(curves.shape[1])
    return float(
        np.mean(
            [stats.spearmanr(one[:, s], np.delete(final, s, axis=1).mean(axis=1)).statistic for s in seeds]
        )
    )


def halved(curves: Curves, grace: float, reduction: float) -> tuple[float, float]:
    """Successive halving: share of steps spent and quality of the best survivor, means over random orders."""
    objective = np.stack(
        [curves[:, :, max(0, p - FINAL + 1) : p + 1].mean(axis=2) for p in range(POINTS)], axis=2
    )
    final = final_scores(curves)
    rungs = []
    at = grace
    while at < 1.0:
        rungs.append(round(at * POINTS) - 1)
        at *= reduction
    rng = np.random.default_rng(0)
    spent, quality = [], []
    for _ in range(ORDERS):
        seed = rng.integers(curves.shape[1])
        truth = np.delete(final, seed, axis=1).mean(axis=1)
        best, chosen, steps = -np.inf, 0, 0.0
        seen: dict[int, list[float]] = {rung: [] for rung in rungs}
        for config in rng.permutation(len(curves)):
            steps += POINTS
            for rung in rungs:
                value = objective[config, seed, rung]
                stops = bool(seen[rung]) and value < np.nanpercentile(seen[rung], 100 * (1 - 1 / reduction))
                seen[rung].append(value)
                if stops:
                    steps -= POINTS - rung - 1
                    break
            else:
                if objective[config, seed, -1] > best:
                    best, chosen = objective[config, seed, -1], config
        spent.append(steps / POINTS / len(curves))
        quality.append((truth[chosen] - np.median(truth)) / (truth.max() - np.median(truth)))
    return float(np.mean(spent)), float(np.mean(quality))


def picked(curves: Curves, trainings: int, seeds: int) -> float:
    """True score of the best trials by the mean of several seeds each, on a seed that none of them had."""
    final = final_scores(curves)
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(DRAWS):
        trials = rng.choice(len(final), trainings // seeds, replace=False)
        order = rng.permutation(final.shape[1])
        seen, true = final[np.ix_(trials, order[:seeds])].mean(axis=1), final[trials, order[-1]]
        scores.append(true[np.argsort(-seen)[:CONFIRMED]].mean())
    return float(np.mean(scores))


def good_enough(curves: Curves) -> float:
    """Share of the configurations whose mean score over all seeds is 0.9 of the best one's, or more."""
    mean = final_scores(curves).mean(axis=1)
    return float((mean >= 0.9 * mean.max()).mean())


def section(curves: dict[str, Curves], options: Options) -> str:
    """What is written into docs/performance.md."""
    names = list(curves)
    lines = [
        f"`python benchmarks/early_signals.py`: {options.configurations} random configurations of each "
        f"experiment, each trained to the end on {options.seeds} seeds. How well one seed ranks them, by the "
        "mean score over the last part of its training: Spearman's correlation with the final score on the "
        "other seeds. In the last row, the share of these configurations that are, over all seeds, 0.9 as "
        "good as the best one.",
        "",
        f"| mean over the last | {' | '.join(names)} |",
        "| --- |" + " ---: |" * len(names),
    ]
    for window in WINDOWS:
        values = " | ".join(f"{rank_correlation(curves[name], window):.2f}" for name in names)
        lines.append(f"| {window}/{POINTS} | {values} |")
    shares = " | ".join(f"{good_enough(curves[name]):.0%}" for name in names)
    lines.append(f"| share 0.9 as good | {shares} |")
    lines += [
        "",
        "Successive halving replayed on these curves: share of the steps it spends, and how good the trial "
        "is that it ends with (0: the median configuration, 1: the best one), on seeds other than its own.",
        "",
        f"| grace | reduction | {' | '.join(names)} |",
        "| --- | --- |" + " ---: |" * len(names),
    ]
    for grace in (*GRACES, 1.0):
        for reduction in REDUCTIONS if grace < 1 else REDUCTIONS[:1]:
            values = [halved(curves[name], grace, reduction) for name in names]
            cells = " | ".join(f"{spent:.0%}: {quality:.2f}" for spent, quality in values)
            label = f"{grace:.3g} | {reduction:g}" if grace < 1 else "none |"
            lines.append(f"| {label} | {cells} |")
    lines += [
        "",
        "So many trainings spent on trials of one seed each, or on fewer trials of several: true score of "
        f"the best {CONFIRMED}, the mean over random draws of such trials.",
        "",
        f"| trainings | seeds a trial | {' | '.join(names)} |",
        "| ---: | ---: |" + " ---: |" * len(names),
    ]
    for trainings, seeds in itertools.product(TRAININGS, SEEDS):
        cells = " | ".join(f"{picked(curves[name], trainings, seeds):.2f}" for name in names)
        lines.append(f"| {trainings} | {seeds} | {cells} |")
    return "\n".join(lines)


def main(options: Options) -> int:
    """Trains, replays and writes."""
    with connected(cores=2, debug=False):
        curves = {name: curves_of(name, options) for name in options.experiments}
    text = section(curves, options)
    write_section(text, MARKERS)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))

"""Worth of an unfinished or a single training as a sign of how good a configuration is.

For each experiment random configurations are trained to the end, each on several seeds. From their curves:

- the *objective*: over how much of the end of a single training has the mean score to be taken, to rank
  configurations most like their final scores on other seeds do;
- *early stopping*: asynchronous successive halving replayed on the curves, for each grace period and
  reduction: the share of steps that it spends, and how good the best survivor is on other seeds, between
  the median configuration (0) and the best one (1);
- *trials and seeds*: with a given number of trainings, how good are the best configurations of many trials on
  one seed each, and of fewer trials on the mean of several seeds.

Run:    python -m benchmarks.early_signals
Writes docs/laboratory.md; half an hour, and what is on disk is not run again.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.sweep import RESULT_FILE, Phase, RunName, trial_name
from benchmarks.common import LABORATORY, ROOT, options_of, publish, table
from benchmarks.contestants.searches import CORES, declared, plan_of, retrain
from experiments.core.tuning import connected, quieten
from search_spaces.space import drawn

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
class EarlySignalsOptions:
    """Experiments and trainings."""

    experiments: tuple[str, ...] = ("trading_sweep", "resource_sweep", "point_target_sweep")
    """Modules below `experiments`."""
    configurations: int = 40
    """Random ones of each."""
    seeds: int = 4
    """Trainings of each configuration."""
    storage: Path = ROOT / "results" / "early_signals"
    """Where the trainings are kept."""


def curves_of(name: str, options: EarlySignalsOptions) -> Curves:
    """Trains what is missing and returns the curves."""
    experiment = declared(name)
    plan = plan_of(experiment, name, seed=SEED_ROOT, storage=options.storage, sweep="curves")
    random = enumerate(drawn(experiment.space, options.configurations))
    configs = {trial_name(number): config for number, config in random}
    retrain(plan, configs, options.seeds)
    shares = np.arange(1, POINTS + 1) / POINTS * experiment.budget.steps_per_trial
    return np.array(
        [
            [
                _at(shares, plan.folder / Phase.CONFIRM / str(RunName(config_id, seed)))
                for seed in range(options.seeds)
            ]
            for config_id in configs
        ]
    )


def _at(steps: NDArray[np.float64], run: Path) -> NDArray[np.float64]:
    """Returns a run's scores at the given steps: of the last evaluation before, or of the first one."""
    lines = [json.loads(line) for line in (run / RESULT_FILE).read_text(encoding="utf-8").splitlines()]
    done = np.array([line["steps"] for line in lines])
    scores = np.array([line["score"] for line in lines])
    return np.asarray(scores[np.clip(np.searchsorted(done, steps, side="right") - 1, 0, None)])


def final_scores(curves: Curves) -> NDArray[np.float64]:
    """Returns [configurations, seeds]: mean score over the last part of each training."""
    return np.asarray(curves[:, :, -FINAL:].mean(axis=2))


def rank_correlation(curves: Curves, window: int) -> float:
    """Returns Spearman's correlation of one seed's objective with the others' final score, a mean."""
    final = final_scores(curves)
    one = curves[:, :, -window:].mean(axis=2)
    seeds = range(curves.shape[1])
    return float(
        np.mean(
            [stats.spearmanr(one[:, s], np.delete(final, s, axis=1).mean(axis=1)).statistic for s in seeds]
        )
    )


def halved(curves: Curves, grace: float, reduction: float) -> tuple[float, float]:
    """Returns share of steps spent and quality of the best survivor, means over random orders."""
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
    """Returns the true score, on another seed, of the best trials by the mean of several seeds each."""
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
    """Returns the share of configurations whose mean final score is at least 0.9 of the best one's."""
    mean = final_scores(curves).mean(axis=1)
    return float((mean >= 0.9 * mean.max()).mean())


def ranking(curves: Mapping[str, Curves]) -> str:
    """Returns the table of how well one seed ranks configurations, by the part of training that counts."""
    rows = [
        [f"{window}/{POINTS}", *(f"{rank_correlation(each, window):.2f}" for each in curves.values())]
        for window in WINDOWS
    ]
    rows.append(["share 0.9 as good", *(f"{good_enough(each):.0%}" for each in curves.values())])
    return table(["mean over the last", *curves], rows, texts=1)


def stopping(curves: Mapping[str, Curves]) -> str:
    """Returns the table of successive halving, replayed."""
    rows = []
    for grace, reduction in [*itertools.product(GRACES, REDUCTIONS), (1.0, REDUCTIONS[0])]:
        values = [halved(each, grace, reduction) for each in curves.values()]
        label = [f"{grace:.3g}", f"{reduction:g}"] if grace < 1 else ["none", ""]
        rows.append([*label, *(f"{spent:.0%}: {quality:.2f}" for spent, quality in values)])
    return table(["grace", "reduction", *curves], rows, texts=2)


def seeds_of_a_trial(curves: Mapping[str, Curves]) -> str:
    """Returns the table of trials and seeds that a number of trainings is spent on."""
    rows = [
        [str(trainings), str(seeds), *(f"{picked(each, trainings, seeds):.2f}" for each in curves.values())]
        for trainings, seeds in itertools.product(TRAININGS, SEEDS)
    ]
    return table(["trainings", "seeds a trial", *curves], rows, texts=0)


def section(curves: Mapping[str, Curves], options: EarlySignalsOptions) -> str:
    """Returns what is written into docs/laboratory.md."""
    return "\n\n".join(
        [
            f"`python -m benchmarks.early_signals`: {options.configurations} random configurations of each "
            f"experiment, each trained to the end on {options.seeds} seeds. How well one seed ranks them, by "
            "the mean score over the last part of its training: Spearman's correlation with the final score "
            "on the other seeds. In the last row, the share of these configurations that are, over all "
            "seeds, 0.9 as good as the best one.",
            ranking(curves),
            "Successive halving replayed on these curves: share of the steps it spends, and how good the "
            "trial is that it ends with (0: the median configuration, 1: the best one), on seeds other than "
            "its own.",
            stopping(curves),
            "So many trainings spent on trials of one seed each, or on fewer trials of several: true score "
            f"of the best {CONFIRMED}, the mean over random draws of such trials.",
            seeds_of_a_trial(curves),
        ]
    )


def main(options: EarlySignalsOptions) -> int:
    """Trains, replays and writes."""
    quieten(debug=False)
    with connected(cores=CORES, debug=False):
        curves = {name: curves_of(name, options) for name in options.experiments}
    text = section(curves, options)
    print(text)
    publish(LABORATORY, "early-signals", text, options)
    return 0


if __name__ == "__main__":
    sys.exit(main(options_of(EarlySignalsOptions, __doc__)))

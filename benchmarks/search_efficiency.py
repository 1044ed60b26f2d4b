"""Environment steps that a search takes until it has found something good.

For each experiment and each of ten sweep seeds: steps of all trials, pruned ones too, until the incumbent's
true score first reaches 0.9 of the best that any of the searches ends with. The incumbent is the best trial
so far in the suite's own ranking (longer trained ones first, then by objective); its true score is the mean
over retrainings on five held-out seeds. Incumbents are retrained in order until one is good enough: those
after it do not matter. A trial's steps count when it ends. Steps are compared seed by seed; a search that
never gets there has infinitely many. The interval of the median ratio comes from order statistics. Beside it
stands what the ratio would be of a search whose first trial always is good enough. The suite is compared with
its peers; what its defaults are worth is told by changing one at a time where it has no starting point.

Run:    python -m benchmarks.search_efficiency     (hours; what is on disk is not run again)
        python -m benchmarks.search_efficiency --experiments point_target_sweep --seeds 3
Writes docs/laboratory.md. Ends with exit code 1 where a goal is missed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.sweep import STATE_FILE, FinishedRun, Phase, finished_runs, ranking_key, trial_name
from benchmarks.common import LABORATORY, ROOT, exit_code, options_of, publish, table
from benchmarks.contestants.searches import (
    CONTESTANTS,
    CORES,
    OURS,
    PEERS,
    VARIATIONS,
    declared,
    has_ended,
    plan_of,
    retrain,
    search,
)
from experiments.core.tuning import connected, quieten

SHARE = 0.9
"""Of the best true score that any search ends with: what counts as found."""
HELD_OUT_ROOT, HELD_OUT = 1_000_003, 5
"""Root of the seeds for true scores, which no search has, and how many there are."""
GOALS = {"random search": 0.4, "OptunaSearch + ASHA": 1.0, "Optuna + median pruner": 1.0}
"""The median ratio of steps has to lie below; for the last two the whole interval."""
VARIED = ("resource_sweep",)
"""Where the variations are searched with: elsewhere one random trial to three find something good enough."""
NOTHING = (-1, -math.inf, -math.inf)
"""The ranking key of a run without a value."""


@dataclass(frozen=True, kw_only=True)
class SearchEfficiencyOptions:
    """Searches to compare."""

    experiments: tuple[str, ...] = ("trading_sweep", "resource_sweep", "point_target_sweep")
    """Modules below `experiments`."""
    contestants: tuple[str, ...] = CONTESTANTS
    """Searches to compare, the suite's own among them."""
    seeds: int = 10
    """Sweeps of each contestant."""
    storage: Path = ROOT / "results" / "search_efficiency"
    """Where the searches are kept."""
    at_once: int = 2
    """Searches at the same time, each with two trials at a time: only steps are counted, not seconds."""
    one: tuple[str, ...] | None = None
    """Experiment, contestant and seed: only this search, in this process."""


@dataclass(frozen=True)
class Incumbent:
    """A configuration that was the best at some time."""

    since: int
    """Steps that the search had spent by then."""
    trials: int
    """Trials that had ended by then."""
    config_id: str
    """Its name among the retrained ones, a trial's with a number made of its values."""
    config: Mapping[str, Any]


def incumbents(folder: Path, full_steps: int) -> list[Incumbent]:
    """Returns who was the best when, in the order in which trials ended."""
    runs = sorted(finished_runs(folder), key=lambda run: (folder / run.name / STATE_FILE).stat().st_mtime_ns)
    found: list[Incumbent] = []
    best, spent = NOTHING, 0
    for trials, run in enumerate(runs, start=1):
        spent += max(run.curve, default=0)
        if (reached := ranking_key(run, full_steps)) > best:
            best = reached
            found.append(Incumbent(spent, trials, _name_of(run.config), run.config))
    return found


def true_scores(folder: Path) -> dict[str, float]:
    """Returns the mean objective over the held-out seeds, by configuration."""
    values = pd.DataFrame(
        [(run.config_id, _objective(run)) for run in finished_runs(folder)],
        columns=["config_id", "objective"],
    )
    return {str(name): float(mean) for name, mean in values.groupby("config_id")["objective"].mean().items()}


def first_unknown(target: float, path: list[Incumbent], scores: Mapping[str, float]) -> Incumbent | None:
    """Returns the first incumbent whose true score is asked for: none once an earlier one is good enough."""
    for each in path:
        if each.config_id not in scores:
            return each
        if scores[each.config_id] >= target:
            return None
    return None


@dataclass(frozen=True)
class Spent:
    """What a search had spent when its incumbent was good enough for the first time; infinite if never."""

    share: float
    """True score of the last incumbent over the best one of all searches."""
    steps: float = math.inf
    trials: float = math.inf


def spent_until(best: float, path: list[Incumbent], scores: Mapping[str, float]) -> Spent:
    """Returns steps and trials until the incumbent first was nearly as good as the best of all searches."""
    share = scores[path[-1].config_id] / best
    reached = (
        Spent(share, each.since, each.trials) for each in path if scores[each.config_id] >= SHARE * best
    )
    return next(reached, Spent(share))


def median_ratio(ours_s: list[float], theirs_s: list[float]) -> tuple[float, float, float]:
    """Returns the median over seeds S of ours / theirs, with a 95 % interval from order statistics.

    Two searches that both never get there are alike: their ratio is 1.
    """
    ratio_s = np.sort(
        [1.0 if a == b else (0.0 if math.isinf(b) else a / b) for a, b in zip(ours_s, theirs_s, strict=True)]
    )
    n = len(ratio_s)
    below = int(stats.binom.ppf(0.025, n, 0.5))
    return float(np.median(ratio_s)), float(ratio_s[max(below - 1, 0)]), float(ratio_s[min(n - below, n - 1)])


def measure(name: str, options: SearchEfficiencyOptions) -> dict[str, list[Spent]]:
    """Runs what is missing and returns what each contestant spent, seed by seed."""
    experiment = declared(name)
    contestants = [each for each in options.contestants if each not in VARIATIONS or name in VARIED]
    searches = list(itertools.product(range(options.seeds), contestants))

    def run(number_and_contestant: tuple[int, str]) -> list[Incumbent]:
        seed, contestant = number_and_contestant
        plan = plan_of(experiment, name, seed=seed, storage=options.storage, sweep=f"{contestant} {seed}")
        if not has_ended(plan):
            arguments = ["--storage", options.storage, "--one", name, contestant, seed]
            command = [sys.executable, "-m", "benchmarks.search_efficiency", *map(str, arguments)]
            subprocess.run(command, check=True, cwd=ROOT)
        print(f"{name}, seed {seed}, {contestant}", flush=True)
        return incumbents(plan.folder / Phase.SEARCH, experiment.budget.steps_per_trial)

    with ThreadPoolExecutor(options.at_once) as pool:
        paths = dict(zip(searches, pool.map(run, searches), strict=True))
    truth = plan_of(experiment, name, seed=HELD_OUT_ROOT, storage=options.storage, sweep="truth")

    def true_scores_of(asked: list[Incumbent]) -> dict[str, float]:
        retrain(truth, {each.config_id: each.config for each in asked}, HELD_OUT)
        return true_scores(truth.folder / Phase.CONFIRM)

    with connected(cores=CORES, debug=False):
        scores = true_scores_of([path[-1] for path in paths.values()])
        best = max(scores[path[-1].config_id] for path in paths.values())
        while asked := [
            each for path in paths.values() if (each := first_unknown(SHARE * best, path, scores))
        ]:
            print(f"{name}: {len(asked)} incumbents to retrain", flush=True)
            scores = true_scores_of(asked)
    return {
        contestant: [spent_until(best, paths[seed, contestant], scores) for seed in range(options.seeds)]
        for contestant in contestants
    }


def section(spent: Mapping[str, Mapping[str, list[Spent]]], seeds: int) -> str:
    """Returns what is written into docs/laboratory.md."""
    lines = [
        f"`python -m benchmarks.search_efficiency`, {seeds} sweeps of each: median environment steps and "
        f"trials until the incumbent's true score is {SHARE:g} of the best that any search found; steps of "
        "ours over theirs, seed by seed, with 95 % interval, and what they would be if our first trial were "
        "always good enough; true score in the end, as a share of the best (median).",
        "",
        compared(spent, [OURS, *PEERS]),
    ]
    if variations := [name for name in VARIATIONS if any(name in each for each in spent.values())]:
        changed = "The suite without its starting point, and that with one of its defaults changed:"
        lines += ["", changed, "", compared(spent, variations)]
    return "\n".join(lines)


def compared(spent: Mapping[str, Mapping[str, list[Spent]]], contestants: Sequence[str]) -> str:
    """Returns the table of some contestants, each beside the suite."""
    header = ["experiment", "search", "steps", "trials", "never", "in the end", "ours / theirs", "at best"]
    rows = []
    for name, by_contestant in spent.items():
        for contestant in (each for each in contestants if each in by_contestant):
            spent_s = by_contestant[contestant]
            steps, trials = (
                f"{value:,.0f}" if math.isfinite(value) else "never"
                for value in (median(s.steps for s in spent_s), median(s.trials for s in spent_s))
            )
            never = sum(math.isinf(s.steps) for s in spent_s)
            ratio, best = "", ""
            if contestant != OURS:
                ratio, best = (
                    "{:.2f} [{:.2f}, {:.2f}]".format(*median_ratio(ours_s, [s.steps for s in spent_s]))
                    for ours_s in (
                        [s.steps for s in by_contestant[OURS]],
                        [float(declared(name).budget.steps_per_trial)] * len(spent_s),
                    )
                )
            end = f"{median(s.share for s in spent_s):.2f}"
            rows.append([name, contestant, steps, trials, f"{never} of {len(spent_s)}", end, ratio, best])
    return table(header, rows, texts=2)


def missed_goals(spent: Mapping[str, Mapping[str, list[Spent]]]) -> list[str]:
    """Returns the goals that the suite did not reach against its peers."""
    missed = []
    for name, by_contestant in spent.items():
        ours_s = [s.steps for s in by_contestant[OURS]]
        for peer, goal in ((peer, goal) for peer, goal in GOALS.items() if peer in by_contestant):
            middle, low, high = median_ratio(ours_s, [s.steps for s in by_contestant[peer]])
            reached = middle <= goal if peer == "random search" else high < goal
            if not reached:
                missed.append(f"{name}: {middle:.2f} [{low:.2f}, {high:.2f}] of {peer}")
    return missed


def main(options: SearchEfficiencyOptions) -> int:
    """Searches, retrains, compares, writes, and judges."""
    quieten(debug=False)
    if options.one is not None:
        name, contestant, seed = options.one
        plan = plan_of(
            declared(name), name, seed=int(seed), storage=options.storage, sweep=f"{contestant} {seed}"
        )
        with connected(cores=CORES, debug=False):
            search(contestant, plan)
        return 0
    spent = {name: measure(name, options) for name in options.experiments}
    text = section(spent, options.seeds)
    print(text)
    publish(LABORATORY, "search-efficiency", text, options)
    return exit_code(missed_goals(spent))


def _objective(run: FinishedRun) -> float:
    return -math.inf if run.objective is None else run.objective


def _name_of(config: Mapping[str, Any]) -> str:
    text = json.dumps(dict(config), sort_keys=True)
    # Five digits or more, since trials of the searches have four.
    return trial_name(10_000 + int(hashlib.sha256(text.encode()).hexdigest(), 16) % 999_990_000)


if __name__ == "__main__":
    sys.exit(main(options_of(SearchEfficiencyOptions, __doc__)))

"""What is each default of the search worth? Whole searches, simulated from trainings on disk.

Ten real sweeps of each search (`search_efficiency.py`) are too few to tell neighbouring settings apart. Here
a forest stands in for training (Eggensperger et al. 2015, "Efficient Benchmarking of Hyperparameter
Optimizers via Surrogates"): fitted to every training on disk that was never to be stopped early, it says how
good a configuration truly is (its prediction), and what one training of it looks like (the whole curve of a
training in the same leaf of one of its trees). The suite's own searcher and scheduler then search, two trials
at a time, once with every default and once with each changed.

Reported are the steps that a search takes; the steps until its incumbent has 0.9 of the gain, from the
default configuration's true score to the best that any search ends with, as a ratio to those of the search's
defaults, seed by seed; and the best true score among the trials that would be confirmed.

Run:    python benchmarks/simulated_searches.py     (half an hour; needs what early_signals.py and
                                                     search_efficiency.py have left on disk)
Writes docs/performance.md.
"""

from __future__ import annotations

import heapq
import importlib
import itertools
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import tyro
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from scipy import stats
from search_efficiency import median_ratio
from sklearn.ensemble import ExtraTreesRegressor
from training_speed import write_section

from analysis.schema import State
from experiments import Asha, Experiment, Median, NoScheduler
from experiments.core.early_stopping import early_stopping
from experiments.core.resume import FinishedRun, finished_runs, merit
from experiments.core.samplers import SamplerName
from experiments.core.schedulers import Scheduler
from experiments.core.searcher import METRIC, StepwiseOptunaSearch
from search_spaces import SearchSpace
from search_spaces.starting_points import starting_points

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
MARKERS = ("<!-- simulated-searches -->", "<!-- /simulated-searches -->")
SHARE = 0.9
"""Of the gain from the default configuration to the best that any search ends with: what counts as found."""
CONFIRMED = 3
"""Best trials, of which the confirmation takes the truly best one."""
WORKERS = 2
"""Trials at a time."""
TREES, LEAF = 200, 4
"""Of the forest: trees, and trainings in a leaf at least."""
FOLDS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to simulate."""

    experiments: tuple[str, ...] = ("trading_sweep", "resource_sweep", "point_target_sweep")
    """Modules below `experiments`."""
    seeds: int = 20
    """Searches of each kind."""
    results: Path = RESULTS
    """Where the trainings are."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a search goes about it: the defaults, but for what is given."""

    sampler: SamplerName = "tpe"
    scheduler: Scheduler = field(default_factory=Asha)
    starts: bool = True
    """Whether it tries the known starting points."""
    trials: float = 1.0
    """Trials, as a multiple of the declared number."""


DEFAULTS = "the defaults"
SETTINGS: Mapping[str, Setting] = {
    DEFAULTS: Setting(),
    "without the starting point": Setting(starts=False),
    "random search, nothing stopped": Setting(sampler="random", scheduler=NoScheduler(), starts=False),
    "sampler gp": Setting(sampler="gp"),
    "sampler cmaes": Setting(sampler="cmaes"),
    "grace 1/8": Setting(scheduler=Asha(grace=1 / 8)),
    "grace 1/2": Setting(scheduler=Asha(grace=1 / 2)),
    "reduction 4": Setting(scheduler=Asha(reduction=4)),
    "median stopping": Setting(scheduler=Median()),
    "nothing stopped": Setting(scheduler=NoScheduler()),
    "a quarter of the trials": Setting(trials=1 / 4),
    "half of the trials": Setting(trials=1 / 2),
    "twice the trials": Setting(trials=2),
}


class Forest:
    """Stands in for training: learned from trainings of random and of good configurations.

    Args:
        space: What the configurations are of.
        runs: Full trainings.
    """

    def __init__(self, space: SearchSpace, runs: list[FinishedRun]) -> None:
        self._domains = space.domains
        self._runs = runs
        features = np.array([self._features(run.config) for run in runs])
        finals = np.array([run.objective for run in runs])
        self._trees = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, random_state=0)
        self._trees.fit(features, finals)
        self._leaves = self._trees.apply(features)

    def true_score(self, config: Mapping[str, Any]) -> float:
        """The mean objective over training seeds."""
        return float(self._trees.predict([self._features(config)])[0])

    def training(self, config: Mapping[str, Any], rng: np.random.Generator) -> FinishedRun:
        """One training of about this configuration."""
        tree = rng.integers(TREES)
        leaf = self._trees.estimators_[tree].apply(np.float32([self._features(config)]))[0]
        return self._runs[rng.choice(np.flatnonzero(self._leaves[:, tree] == leaf))]

    def _features(self, config: Mapping[str, Any]) -> list[float]:
        return [x for name, domain in self._domains.items() for x in _scaled(config[name], domain)]


def _scaled(value: Any, domain: BaseDistribution) -> Iterator[float]:
    """A value as numbers between 0 and 1: ordered ones as one, others as one for each choice."""
    if not isinstance(domain, CategoricalDistribution):
        low, high = domain.low, domain.high
        yield math.log(value / low) / math.log(high / low) if domain.log else (value - low) / (high - low)
    elif all(isinstance(choice, int | float) for choice in domain.choices):
        yield domain.choices.index(value) / max(1, len(domain.choices) - 1)
    else:
        yield from (float(value == choice) for choice in domain.choices)


def trainings(name: str, results: Path) -> list[FinishedRun]:
    """Every training on disk that nothing could stop early, or had chosen for its curve."""
    searches = results / "search_efficiency" / name
    folders = [
        results / "early_signals" / name / "curves" / "confirm",
        searches / "truth" / "confirm",
        *sorted(searches.glob("random search */search")),
    ]
    return [run for folder in folders for run in finished_runs(folder) if run.objective is not None]


def rank_correlation(space: SearchSpace, runs: list[FinishedRun]) -> float:
    """Spearman's, of predictions for configurations that the forest has not seen with measured means."""
    by_config: dict[str, list[FinishedRun]] = {}
    for run in runs:
        by_config.setdefault(json.dumps(dict(run.config), sort_keys=True), []).append(run)
    groups = [by_config[key] for key in sorted(by_config)]
    order = np.random.default_rng(0).permutation(len(groups))
    predicted, measured = [], []
    for fold in np.array_split(order, FOLDS):
        held_out = set(fold.tolist())
        forest = Forest(space, [run for i, group in enumerate(groups) if i not in held_out for run in group])
        # A single training says too little about its configuration to be compared with.
        for group in (groups[i] for i in fold if len(groups[i]) > 1):
            predicted.append(forest.true_score(group[0].config))
            measured.append(np.mean([run.objective for run in group]))
    return float(stats.spearmanr(predicted, measured).statistic)


@dataclass(frozen=True)
class Searched:
    """How a simulated search went."""

    steps: int
    """All that it took."""
    incumbents: list[tuple[int, float]]
    """Steps spent and true score, each time that another trial was the best."""
    confirmed: float
    """The best true score among the trials that would be confirmed."""

    def steps_to(self, target: float) -> float:
        """Steps until the incumbent was as good as the target; infinite if it never was."""
        return next((float(steps) for steps, true in self.incumbents if true >= target), math.inf)


class _Controller:
    """What schedulers ask of Tune: which trials there are."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []

    def get_trials(self) -> list[Trial]:
        """All of them."""
        return self.trials


def search(experiment: Experiment, forest: Forest, setting: Setting, seed: int) -> Searched:
    """One search with the suite's searcher and scheduler, on a clock that counts a trial's steps."""
    space, budget = experiment.space, experiment.budget
    trials, rng = round(setting.trials * budget.trials), np.random.default_rng(seed)
    ended: list[FinishedRun] = []
    incumbents: list[tuple[int, float]] = []
    spent, best = 0, (-1, -math.inf, -math.inf)
    with tempfile.TemporaryDirectory() as folder:
        searcher = StepwiseOptunaSearch(
            space=space, study_name="simulated", journal=Path(folder) / "journal",
            sampler=setting.sampler, sampler_seed=seed, training_seed=lambda number: number,
            full_steps=budget.steps_per_trial, first=starting_points(space) if setting.starts else (),
        )  # fmt: skip
        scheduler = early_stopping(setting.scheduler, steps=budget.steps_per_trial, seed=seed)
        controller = _Controller()
        # Whose turn it is: the trial with the earliest next evaluation.
        clock: list[tuple[int, int, Trial, dict[str, Any], FinishedRun, list[int]]] = []

        def begin(now: int) -> None:
            number = len(controller.trials)
            config = searcher.suggest(f"id_{number}")
            trial = Trial("simulated", stub=True, trial_id=f"id_{number}", config=config)
            controller.trials.append(trial)
            scheduler.on_trial_add(controller, trial)
            trained = forest.training(config, rng)
            points = sorted(trained.curve)
            heapq.heappush(clock, (now + points[0], number, trial, config, trained, points))

        for _ in range(min(WORKERS, trials)):
            begin(0)
        while clock:
            now, number, trial, config, trained, points = heapq.heappop(clock)
            steps, *later = points
            result = {"steps": steps, METRIC: trained.curve[steps]}
            decision = scheduler.on_trial_result(controller, trial, result) if later else TrialScheduler.STOP
            if later and decision == TrialScheduler.CONTINUE:
                searcher.on_trial_result(trial.trial_id, result)
                heapq.heappush(clock, (now + later[0] - steps, number, trial, config, trained, later))
                continue
            state = State.PRUNED if later else trained.state
            result["state"] = state
            scheduler.on_trial_complete(controller, trial, result)
            searcher.on_trial_complete(trial.trial_id, result)
            run = FinishedRun(
                name=config["config_id"],
                config={name: config[name] for name in space.names},
                state=state,
                curve={step: value for step, value in trained.curve.items() if step <= steps},
            )
            ended.append(run)
            spent += steps
            if (reached := merit(run, budget.steps_per_trial)) > best:
                best = reached
                incumbents.append((spent, forest.true_score(run.config)))
            if len(controller.trials) < trials:
                begin(now)
    # The first trial is the default, which is confirmed anyway.
    ranked = sorted(ended, key=lambda run: merit(run, budget.steps_per_trial), reverse=True)
    contenders = [run for run in ranked if run.config != space.defaults][:CONFIRMED]
    return Searched(spent, incumbents, max(forest.true_score(run.config) for run in contenders))


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """The searches of one experiment."""

    trainings: int
    """That its forest was learned from."""
    correlation: float
    """Of the forest's predictions for configurations that it has not seen with measured means, of ranks."""
    default: float
    """The default configuration's true score."""
    searches: Mapping[str, list[Searched]]
    """By setting."""

    @property
    def target(self) -> float:
        """The true score that counts as found."""
        best = max(each.incumbents[-1][1] for each in itertools.chain(*self.searches.values()))
        return self.default + SHARE * (best - self.default)


def measure(name: str, options: Options) -> Simulated:
    """Learns from the trainings of an experiment, and searches with every setting."""
    experiment: Experiment = importlib.import_module(f"experiments.{name}").EXPERIMENT
    runs = trainings(name, options.results)
    if not runs:
        raise SystemExit(f"no trainings of {name} in {options.results}: run early_signals.py first")
    forest = Forest(experiment.space, runs)
    searches = {}
    for label, setting in SETTINGS.items():
        searches[label] = [search(experiment, forest, setting, seed) for seed in range(options.seeds)]
        print(name, label, flush=True)
    return Simulated(
        trainings=len(runs),
        correlation=rank_correlation(experiment.space, runs),
        default=forest.true_score(experiment.space.defaults),
        searches=searches,
    )


def section(found: Mapping[str, Simulated], options: Options) -> str:
    """What is written into docs/performance.md."""
    lines = [
        f"`python benchmarks/simulated_searches.py`: {options.seeds} simulated searches of each kind.",
        "",
        "| experiment | trainings learned from | rank correlation with unseen ones | the default's score "
        "| counts as found |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {name} | {it.trainings:,} | {it.correlation:.2f} | {it.default:.2f} | {it.target:.2f} |"
            for name, it in found.items()
        ),
        "",
        "| experiment | search | steps in all | steps until found, against the defaults | never "
        "| best of those confirmed |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, each in found.items():
        ours = [one.steps_to(each.target) for one in each.searches[DEFAULTS]]
        for label, searches in each.searches.items():
            until = [one.steps_to(each.target) for one in searches]
            ratio = "{:.2f} [{:.2f}, {:.2f}]".format(*median_ratio(until, ours))
            confirmed = np.array([one.confirmed for one in searches])
            error = confirmed.std(ddof=1) / math.sqrt(len(confirmed))
            lines.append(
                f"| {name} | {label} | {np.mean([one.steps for one in searches]):,.0f} "
                f"| {'' if label == DEFAULTS else ratio} | {sum(map(math.isinf, until))} of {len(until)} "
                f"| {confirmed.mean():.3f} ± {error:.3f} |"
            )
    return "\n".join(lines)


def main(options: Options) -> int:
    """Simulates and writes."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = {name: measure(name, options) for name in options.experiments}
    text = section(found, options)
    write_section(text, MARKERS)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))

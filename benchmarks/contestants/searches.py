"""Searches of the same space with the same trainer, each leaving the same records behind.

The suite's own search with its defaults, random configurations without pruning, Ray's OptunaSearch with
ASHA as its documentation shows them, and Optuna's own loop with its median pruner. Only the suite begins
with the space's default configuration; the others have no notion of one. Besides, the suite's search without
its starting point, and that with one of its defaults changed, to see what each is worth.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import optuna
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch
from rich.console import Console

from analysis.sweep import Phase, State, finished_runs, run_name, trial_name
from experiments import Asha, Experiment, NoScheduler
from experiments.core.planning import Options, Plan
from experiments.core.records import RunLog, tidy
from experiments.core.terminal import SweepProgress
from experiments.core.training import PPOTrial, Task
from experiments.core.tuning import METRIC, Interruption, ListedSearch, Recorder, phases, train_all

OURS = "this suite"
PEERS = ("random search", "OptunaSearch + ASHA", "Optuna + median pruner")
WITHOUT_START = f"{OURS}, without its starting point"
CHANGED: Mapping[str, Mapping[str, Any]] = {
    "reduction 4": {"scheduler": Asha(reduction=4)},
    "nothing stopped": {"scheduler": NoScheduler()},
    "sampler gp": {"sampler": "gp"},
    "sampler random": {"sampler": "random"},
}
"""What an experiment's default is changed to. A good starting point would hide what that does."""
VARIATIONS = (WITHOUT_START, *CHANGED)
CONTESTANTS = (OURS, *PEERS, *VARIATIONS)
CORES = 2


class PlainOptunaSearch(OptunaSearch):  # type: ignore[misc]  # ray ships no types
    """Ray's searcher as it is; only the run's name and training seed are added to what it suggests.

    Args:
        plan: Whose space is searched.
        **settings: Of Ray's searcher.
    """

    def __init__(self, plan: Plan, **settings: Any) -> None:
        super().__init__(space=plan.experiment.space.domains, metric=METRIC, mode="max", **settings)
        self._training_seed, self._count = plan.seeds.training, 0

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Returns the next configuration with its name and seed."""
        number, self._count = self._count, self._count + 1
        return {
            **super().suggest(trial_id),
            "seed": self._training_seed(number),
            "config_id": trial_name(number),
        }


def declared(name: str) -> Experiment:
    """Returns the experiment that a module below `experiments` declares."""
    experiment: Experiment = importlib.import_module(f"experiments.{name}").EXPERIMENT
    return experiment


def plan_of(experiment: Experiment, name: str, *, seed: int, storage: Path, sweep: str) -> Plan:
    """Returns the plan of one search; `seed` is the root of all its seeds."""
    options = Options(storage=storage.as_posix(), name=sweep, seed=seed)
    return Plan.of(options.apply(experiment), options, name=name, question="")


def search(contestant: str, plan: Plan) -> None:
    """Runs one search from its start.

    Args:
        contestant: One of `CONTESTANTS`.
        plan: The experiment with its seed and folder.
    """
    shutil.rmtree(plan.folder, ignore_errors=True)
    plan.folder.mkdir(parents=True)
    task = plan.task()
    seed = plan.seeds.sampler % 2**32
    match contestant:
        case "random search":
            sampler = optuna.samplers.RandomSampler(seed=seed)
            _on_tune(plan, task, PlainOptunaSearch(plan, sampler=sampler), FIFOScheduler())
        case "OptunaSearch + ASHA":
            asha = ASHAScheduler(
                time_attr="steps",
                metric=METRIC,
                mode="max",
                max_t=task.steps,
                grace_period=task.steps // task.evaluations,
            )
            _on_tune(plan, task, PlainOptunaSearch(plan, seed=seed), asha)
        case "Optuna + median pruner":
            _optuna_loop(plan, task, seed)
        case _:
            plan = replace(plan, experiment=replace(plan.experiment, **CHANGED.get(contestant, {})))
            left_out = contestant in VARIATIONS
            with patch.object(phases, "starting_points", lambda space: []) if left_out else nullcontext():
                phases.train(
                    plan, task, concurrency=CORES, recorder=_recorder(plan, task),
                    interruption=Interruption(), next_phase=dict,
                )  # fmt: skip
    _ended(plan).touch()


def has_ended(plan: Plan) -> bool:
    """Returns whether the search was run to its end."""
    return _ended(plan).exists()


def _ended(plan: Plan) -> Path:
    return plan.folder / "searched"


def _on_tune(plan: Plan, task: Task, searcher: OptunaSearch, scheduler: TrialScheduler) -> None:
    train_all(
        plan.folder, Phase.SEARCH, task, searcher, scheduler,
        runs=plan.experiment.budget.trials, concurrency=CORES, callbacks=[_recorder(plan, task)],
        interruption=Interruption(),
    )  # fmt: skip


def _recorder(plan: Plan, task: Task) -> Recorder:
    return Recorder(plan.folder, task.steps, _silent(plan.experiment.budget.trials))


def _optuna_loop(plan: Plan, task: Task, seed: int) -> None:
    """What Optuna's documentation shows: ask, train, report, prune, in one process."""
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
    )

    def objective(trial: optuna.Trial) -> float:
        config = {
            name: _suggested(trial, name, domain) for name, domain in plan.experiment.space.domains.items()
        }
        run = PPOTrial.__new__(PPOTrial)
        identity = {"seed": plan.seeds.training(trial.number), "config_id": trial_name(trial.number)}
        run.setup({**config, **identity}, task)
        log = RunLog.open(plan.folder / Phase.SEARCH / trial_name(trial.number), {**config, **identity})
        state: State | None = None
        while state is None:
            result = run.step()
            log.write(result)
            trial.report(result[METRIC], int(result["steps"]))
            if result["done"]:
                state = State(result.get("state", State.COMPLETED))
            elif trial.should_prune():
                state = State.PRUNED
        run.cleanup()
        log.close(state, result.get("cause"))
        if state is State.PRUNED:
            raise optuna.TrialPruned
        return float(result[METRIC])

    study.optimize(objective, n_trials=plan.experiment.budget.trials)


def _suggested(trial: optuna.Trial, name: str, domain: optuna.distributions.BaseDistribution) -> Any:
    match domain:
        case optuna.distributions.CategoricalDistribution():
            return trial.suggest_categorical(name, domain.choices)
        case optuna.distributions.IntDistribution():
            return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)
        case optuna.distributions.FloatDistribution():
            return trial.suggest_float(name, domain.low, domain.high, step=domain.step, log=domain.log)
    raise TypeError(f"{name}: {domain} is no domain of this suite")


def retrain(plan: Plan, configs: Mapping[str, Mapping[str, Any]], seeds: int) -> None:
    """Trains configurations on held-out seeds into `confirm/` of the plan's folder, unless they are there."""
    folder = plan.folder / Phase.CONFIRM
    tidy(folder)
    there = {run.name for run in finished_runs(folder)}
    runs = [
        {**config, "config_id": config_id, "seed": plan.seeds.test_training(k), "test_seed": k}
        for config_id, config in configs.items()
        for k in range(seeds)
    ]
    runs = [run for run in runs if run_name(run) not in there]
    if not runs:
        return
    task = plan.task()
    train_all(
        plan.folder, Phase.CONFIRM, task, ListedSearch(runs), FIFOScheduler(),
        runs=len(runs), concurrency=CORES,
        callbacks=[Recorder(plan.folder, task.steps, _silent(len(runs)))], interruption=Interruption(),
    )  # fmt: skip


def _silent(runs: int) -> SweepProgress:
    return SweepProgress(Console(quiet=True), totals={Phase.SEARCH: runs, Phase.CONFIRM: runs})

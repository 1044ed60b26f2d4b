"""The confirmation goes on where the search has ended: with its records, and in its processes."""

import os
from types import SimpleNamespace

import pytest
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from experiments.core.tuning import phases, quiet_libraries
from experiments.core.tuning.both_phases import BothPhasesScheduler, BothPhasesSearch
from experiments.core.tuning.callbacks import Interruption
from experiments.core.tuning.listed_search import METRIC, ListedSearch
from experiments.core.tuning.ray_cluster import connected

TRIALS = [{"config_id": f"trial_{number:04d}"} for number in range(3)]
CONFIRMED = [{"config_id": "trial_0001", "test_seed": seed} for seed in range(2)]


def test_nothing_is_confirmed_before_the_last_trial_has_ended():
    asked = []
    searcher = BothPhasesSearch(
        ListedSearch(TRIALS), 3, lambda: asked.append("chosen") or ListedSearch(CONFIRMED)
    )
    assert [searcher.suggest(name) for name in "abc"] == TRIALS
    searcher.on_trial_complete("a", {})
    searcher.on_trial_complete("b", error=True)
    assert searcher.suggest("d") is None
    assert asked == []
    searcher.on_trial_complete("c", {})
    assert [searcher.suggest(name) for name in "de"] == CONFIRMED
    assert searcher.suggest("f") is None, "one of the race may follow"
    searcher.on_trial_complete("d", {})
    searcher.on_trial_complete("e", {})
    assert searcher.suggest("f") == Searcher.FINISHED
    assert asked == ["chosen"]


def test_a_run_whose_process_died_is_suggested_again_as_the_same_run():
    class Listener(ListedSearch):
        def on_trial_result(self, trial_id, result):
            heard.append((trial_id, result["steps"]))

        def on_trial_complete(self, trial_id, result=None, error=False):
            heard.append((trial_id, "failed" if error else "ended"))
            super().on_trial_complete(trial_id, result, error)

    heard, lost = [], set()
    searcher = BothPhasesSearch(Listener(TRIALS[:2]), 2, lambda: None, lost)
    assert [searcher.suggest(name) for name in "ab"] == TRIALS[:2]
    for name in "ab":
        searcher.on_trial_complete(name, error=True)
    lost.add("b")
    assert searcher.suggest("c") == TRIALS[1], "a has failed, and b was lost"
    searcher.on_trial_result("c", {"steps": 7})
    searcher.on_trial_complete("c", error=True)
    lost.add("c")
    assert searcher.suggest("d") == TRIALS[1]
    assert searcher.suggest("e") is None
    searcher.on_trial_complete("d", {})
    assert searcher.suggest("e") == Searcher.FINISHED
    assert heard == [("a", "failed"), ("b", 7), ("b", "ended")]


def test_a_search_of_which_nothing_is_chosen_is_the_end():
    searcher = BothPhasesSearch(ListedSearch(TRIALS[:1]), 1, lambda: None)
    assert searcher.suggest("a") == TRIALS[0]
    searcher.on_trial_complete("a", {})
    assert searcher.suggest("b") == Searcher.FINISHED


def test_results_are_told_to_the_searcher_of_their_phase():
    class Listener(ListedSearch):
        def __init__(self, configs):
            super().__init__(configs)
            self.heard = []

        def on_trial_result(self, trial_id, result):
            self.heard.append(trial_id)

    first, second = Listener(TRIALS[:1]), Listener(CONFIRMED)
    searcher = BothPhasesSearch(first, 1, lambda: second)
    searcher.suggest("a")
    searcher.on_trial_result("a", {})
    searcher.on_trial_complete("a", {})
    searcher.suggest("b")
    searcher.on_trial_result("b", {})
    assert (first.heard, second.heard) == (["a"], ["b"])


class Harsh(FIFOScheduler):
    """A judge that stops whatever it is shown, and notes what that was."""

    def __init__(self):
        self.shown = []

    def on_trial_result(self, tune_controller, trial, result):
        self.shown.append(trial.config["config_id"])
        return TrialScheduler.STOP


class Brief(tune.Trainable):
    """A run of two results, each with the process that it came of."""

    def setup(self, config, task):
        pass

    def reset_config(self, new_config):
        return True

    def step(self):
        return {METRIC: 0.0, "process": os.getpid(), "steps": self.iteration, "done": self.iteration > 0}

    def save_checkpoint(self, folder):
        pass


@pytest.mark.slow
@pytest.mark.usefixtures("no_ray")
def test_a_confirmation_runs_in_the_processes_of_the_search_and_is_stopped_by_nobody(tmp_path, monkeypatch):
    class Notes(tune.Callback):
        processes, results = {}, []

        def on_trial_result(self, iteration, trials, trial, result, **info):
            self.results.append(trial.config["config_id"])
            self.processes.setdefault("test_seed" in trial.config, set()).add(result["process"])

    monkeypatch.setattr(phases, "PPOTrial", Brief)
    task, judge = SimpleNamespace(resources=SimpleNamespace(declared={"CPU": 1})), Harsh()
    with quiet_libraries(debug=False), connected(cores=2, debug=False):
        phases.train_all(
            tmp_path / "sweep", None, task,
            BothPhasesSearch(ListedSearch(TRIALS), 3, lambda: ListedSearch(CONFIRMED)),
            BothPhasesScheduler(judge, 2),
            runs=9, concurrency=2, callbacks=[Notes()], interruption=Interruption(),
        )  # fmt: skip
    assert sorted(judge.shown) == [trial["config_id"] for trial in TRIALS]
    assert Notes.processes[True] <= Notes.processes[False]
    assert Notes.results.count("trial_0001") == 1 + 2 * 2
    folders = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*/*/checkpoint_*")}
    assert folders == {
        *(f"sweep/search/{trial['config_id']}" for trial in TRIALS),
        *(f"sweep/confirm/trial_0001_seed{seed}" for seed in range(2)),
    }

"""Between the rounds of a race no actor is given up."""

import os
import time
from pathlib import Path

import pytest
from ray import tune
from ray.tune import CheckpointConfig, RunConfig, TuneConfig, Tuner

from experiments.core.tuning.first_come import KeepWarmScheduler
from experiments.core.tuning.listed_search import METRIC, ListedSearch
from experiments.core.tuning.ray_cluster import connected


class Waiter(tune.Trainable):
    """A run that notes its start in a folder, and ends once the files that it waits for lie there."""

    def setup(self, config):
        self.folder, self.name, self.waits_for = Path(config["folder"]), config["name"], config["waits_for"]

    def reset_config(self, new_config):
        self.setup(new_config)
        return True

    def step(self):
        (self.folder / f"{self.name} began").touch()
        while not all((self.folder / event).exists() for event in self.waits_for):
            time.sleep(0.01)
        return {METRIC: 0.0, "name": self.name, "process": os.getpid(), "done": True}


class NotesEnds(tune.Callback):
    """Notes in the same folder which runs Tune has taken leave of."""

    def on_trial_complete(self, iteration, trials, trial, **info):
        Path(trial.config["folder"], f"{trial.config['name']} ended").touch()


@pytest.mark.slow
@pytest.mark.usefixtures("no_ray")
def test_a_second_round_runs_together_on_the_processes_of_the_first(tmp_path):
    def run(name, *waits_for):
        return {"folder": str(tmp_path), "name": name, "waits_for": waits_for}

    # The first round's later run ends when the other's actor is idle already.
    first = [run("a", "b began"), run("b", "a began", "a ended")]
    second = [run("c", "d began"), run("d", "c began")]
    following = iter([second, []])
    with connected(cores=2, debug=False):
        results = Tuner(
            Waiter,
            tune_config=TuneConfig(
                search_alg=ListedSearch(first, lambda: next(following)), scheduler=KeepWarmScheduler(2),
                num_samples=8, max_concurrent_trials=2, reuse_actors=True,
            ),
            run_config=RunConfig(
                checkpoint_config=CheckpointConfig(checkpoint_at_end=False), callbacks=[NotesEnds()],
                storage_path=str(tmp_path / "results"), verbose=0,
            ),
        ).fit()  # fmt: skip
    process = {result.metrics["name"]: result.metrics["process"] for result in results}
    assert process.keys() == {"a", "b", "c", "d"}
    assert process["a"] != process["b"]
    assert {process["c"], process["d"]} == {process["a"], process["b"]}

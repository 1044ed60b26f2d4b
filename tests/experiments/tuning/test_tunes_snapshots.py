"""Tune writes down the state of all trials a few times a phase, and not at every trial's end."""

from types import SimpleNamespace

import pytest
from ray import tune
from ray.tune.execution.tune_controller import TuneController

from analysis.sweep import Phase
from experiments.core.tuning import phases, quiet_libraries
from experiments.core.tuning.first_come import FirstComeScheduler
from experiments.core.tuning.listed_search import METRIC, ListedSearch
from experiments.core.tuning.ray_cluster import connected


class Brief(tune.Trainable):
    """A run that has ended as soon as it begins, and leaves a checkpoint as all do."""

    def setup(self, config, task):
        pass

    def reset_config(self, new_config):
        return True

    def step(self):
        return {METRIC: 0.0, "done": True}

    def save_checkpoint(self, folder):
        pass


@pytest.mark.slow
@pytest.mark.usefixtures("no_ray")
def test_the_number_of_snapshots_does_not_grow_with_the_number_of_trials(tmp_path, monkeypatch):
    written = []
    save = TuneController.save_to_dir
    monkeypatch.setattr(
        TuneController, "save_to_dir", lambda controller: written.append(controller) or save(controller)
    )
    monkeypatch.setattr(phases, "PPOTrial", Brief)
    task = SimpleNamespace(resources=SimpleNamespace(declared={"CPU": 1}))

    def snapshots_of(trials):
        written.clear()
        phases.train_all(
            tmp_path / str(trials), Phase.SEARCH, task,
            ListedSearch([{"config_id": f"trial_{number:04d}"} for number in range(trials)]),
            FirstComeScheduler(), runs=trials, concurrency=2, callbacks=[],
            interruption=phases.Interruption(),
        )  # fmt: skip
        assert len([*(tmp_path / str(trials)).glob("search/trial_*/checkpoint_*")]) == trials
        return len(written)

    with quiet_libraries(debug=False), connected(cores=2, debug=False):
        assert snapshots_of(12) <= snapshots_of(4) + 1

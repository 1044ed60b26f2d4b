"""Between the rounds of a race no actor is given up."""

import time

import pytest
from ray import tune
from ray.tune import CheckpointConfig, RunConfig, TuneConfig, Tuner

from experiments.core.tuning.keep_warm import KeepWarmScheduler
from experiments.core.tuning.listed_search import METRIC, ListedSearch
from experiments.core.tuning.ray_cluster import connected


class Sleeper(tune.Trainable):
    def setup(self, config):
        self.seconds = config["seconds"]

    def reset_config(self, new_config):
        self.setup(new_config)
        return True

    def step(self):
        began = time.time()
        time.sleep(self.seconds)
        return {METRIC: 0.0, "began": began, "ended": time.time(), "done": True}


@pytest.mark.slow
@pytest.mark.usefixtures("no_ray")
def test_the_runs_of_a_second_round_are_under_way_together_from_its_start(tmp_path):
    first, second = [{"seconds": 0.1}, {"seconds": 2.0}], [{"seconds": 3.0}] * 2
    following = iter([second, []])
    with connected(cores=2, debug=False):
        results = Tuner(
            Sleeper,
            tune_config=TuneConfig(
                search_alg=ListedSearch(first, lambda: next(following)), scheduler=KeepWarmScheduler(2),
                num_samples=8, max_concurrent_trials=2, reuse_actors=True,
            ),
            run_config=RunConfig(
                checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
                storage_path=str(tmp_path), verbose=0,
            ),
        ).fit()  # fmt: skip
    runs = sorted((result.metrics["began"], result.metrics["ended"]) for result in results)
    assert len(runs) == 4
    assert runs[2][0] > runs[1][1]
    assert runs[3][0] < runs[2][1]

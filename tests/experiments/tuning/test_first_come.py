"""The first trial that waits begins first, and the trials that are over cost nothing."""

import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from experiments.core.declaration.schedulers import SCHEDULERS
from experiments.core.tuning.both_phases import BothPhasesScheduler
from experiments.core.tuning.build_schedulers import build_scheduler
from experiments.core.tuning.first_come import FirstComeScheduler


class Controller:
    """What a scheduler sees of Tune: the trials, in the order in which they came."""

    def __init__(self):
        self.trials = []

    def add(self, status):
        trial = Trial("unused", stub=True)
        trial.set_status(status)
        self.trials.append(trial)
        return trial

    def get_trials(self):
        return self.trials


def test_whatever_waits_begins_in_the_order_of_rays_own():
    controller, ours, rays = Controller(), FirstComeScheduler(), FIFOScheduler()
    for status in (Trial.TERMINATED, Trial.RUNNING, Trial.PAUSED, Trial.PENDING, Trial.ERROR, Trial.PENDING):
        controller.add(status)
        assert ours.choose_trial_to_run(controller) is rays.choose_trial_to_run(controller)
    for trial, status in [(3, Trial.RUNNING), (2, Trial.PENDING), (5, Trial.PAUSED), (2, Trial.TERMINATED)]:
        controller.trials[trial].set_status(status)
        assert ours.choose_trial_to_run(controller) is rays.choose_trial_to_run(controller)


@pytest.mark.parametrize("name", ["asha", "median", "hyperband", "none"])
def test_trials_that_are_over_are_not_looked_at(name, monkeypatch):
    scheduler = BothPhasesScheduler(build_scheduler(SCHEDULERS[name](), steps=100, seed=0), actors=2)
    controller, looks = Controller(), []
    monkeypatch.setattr(
        Trial, "is_finished", lambda trial: looks.append(trial) or trial.status == "TERMINATED"
    )
    for _ in range(200):
        trial = controller.add(Trial.PENDING)
        assert scheduler.choose_trial_to_run(controller) is trial
        trial.set_status(Trial.TERMINATED)
    looks.clear()
    assert scheduler.choose_trial_to_run(controller) is None
    assert len(looks) <= 1

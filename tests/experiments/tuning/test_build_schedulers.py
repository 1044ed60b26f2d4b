"""A scheduler is declared by name with its parameters, counts steps, and lets the default finish."""

import dataclasses
import json

import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

import experiments
from experiments import Asha, Budget, Experiment, Hyperband, Median, NoScheduler
from experiments.core.declaration.schedulers import SCHEDULERS, named, to_json
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from experiments.core.tuning.build_schedulers import build_scheduler
from search_spaces import ppo

STEPS, POINTS = 8192, 8
STOPPING = ["asha", "median", "hyperband", "none"]


class Controller:
    """What a scheduler sees of Tune: the trials."""

    def __init__(self, trials):
        self._trials = trials

    def get_trials(self):
        return self._trials

    def get_live_trials(self):
        return [trial for trial in self._trials if not trial.is_finished()]


def trained_one_after_another(scheduler, plateaus):
    """Steps that each trial reaches, if the n-th one reports `plateaus[n]` at every evaluation."""
    reached = []
    for number, plateau in enumerate(plateaus):
        trial = Trial("unused", stub=True, config={"config_id": f"trial_{number:04d}"})
        controller = Controller([trial])
        scheduler.on_trial_add(controller, trial)
        trial.set_status(Trial.RUNNING)
        for point in range(1, POINTS + 1):
            # Batches overshoot the steps at which an evaluation is due.
            result = {"steps": point * STEPS // POINTS + 5, "objective": plateau}
            if point == POINTS:
                scheduler.on_trial_complete(controller, trial, result)
            elif scheduler.on_trial_result(controller, trial, result) == TrialScheduler.STOP:
                break
        reached.append(point * STEPS // POINTS)
        trial.set_status(Trial.TERMINATED)
    return reached


def scheduler_of(name):
    return build_scheduler(SCHEDULERS[name](), steps=STEPS, seed=0)


@pytest.mark.parametrize("name", STOPPING)
def test_the_default_finishes_even_if_it_is_the_worst(name):
    scheduler = scheduler_of(name)
    names_in_order = [0.9, 0.8, 0.9, 0.7, 0.9, 0.8]
    trained_one_after_another(scheduler, [0.5, *names_in_order])
    trial = Trial("unused", stub=True, config={"config_id": "trial_0000"})
    scheduler.on_trial_add(Controller([trial]), trial)
    for point in range(1, POINTS):
        result = {"steps": point * STEPS // POINTS, "objective": -1.0}
        assert scheduler.on_trial_result(Controller([trial]), trial, result) == TrialScheduler.CONTINUE


@pytest.mark.parametrize("name", ["asha", "median"])
def test_a_bad_trial_stops_at_the_end_of_its_grace_and_a_good_one_goes_on(name):
    reached = trained_one_after_another(scheduler_of(name), [0.5, 0.6, 0.7, 0.8, 0.1, 0.9])
    assert reached[-2] == STEPS // 4
    assert reached[-1] == STEPS


def test_nothing_is_stopped_without_a_scheduler():
    assert trained_one_after_another(scheduler_of("none"), [0.9, 0.8, 0.1]) == [STEPS] * 3


def test_grace_and_reduction_are_what_asha_goes_by():
    scheduler = build_scheduler(Asha(grace=1 / 8, reduction=3), steps=STEPS, seed=0)
    (bracket,) = scheduler._brackets
    assert [rung for rung, _ in bracket._rungs] == [3072, 1024]
    assert trained_one_after_another(scheduler, [0.9, 0.9, 0.1])[-1] == 1024


def test_median_waits_for_as_many_others_as_it_is_told():
    scheduler = build_scheduler(Median(grace=1 / 2, min_trials=4), steps=STEPS, seed=0)
    assert trained_one_after_another(scheduler, [0.9] * 4 + [0.1]) == [STEPS] * 4 + [STEPS // 2]
    scheduler = build_scheduler(Median(grace=1 / 2, min_trials=5), steps=STEPS, seed=0)
    assert trained_one_after_another(scheduler, [0.9] * 4 + [0.1]) == [STEPS] * 5


def test_hyperband_stops_early_in_one_bracket_later_in_the_next_and_never_in_the_last():
    reached = trained_one_after_another(
        build_scheduler(Hyperband(reduction=2, brackets=3), steps=STEPS, seed=0),
        [0.9] * 20 + [0.9 - 0.01 * number for number in range(60)],
    )[20:]
    assert set(reached) == {STEPS // 4, STEPS // 2, STEPS}
    assert reached.count(STEPS // 4) > reached.count(STEPS // 2) > reached.count(STEPS)


def test_hyperband_deals_a_trial_to_the_same_bracket_whatever_came_before_it():
    def bracket_of(scheduler, number):
        trial = Trial("unused", stub=True, config={"config_id": f"trial_{number:04d}"})
        scheduler.on_trial_add(Controller([trial]), trial)
        return scheduler._brackets.index(scheduler._trial_info[trial.trial_id])

    whole, later = (build_scheduler(Hyperband(), steps=STEPS, seed=0) for _ in range(2))
    brackets = [bracket_of(whole, number) for number in range(40)]
    assert set(brackets) == {0, 1, 2}
    assert [bracket_of(later, number) for number in reversed(range(40))] == brackets[::-1]


def test_hyperband_deals_trials_to_brackets_by_its_seed():
    plateaus = [1 - 0.01 * number for number in range(30)]
    runs = [
        trained_one_after_another(build_scheduler(Hyperband(), steps=STEPS, seed=seed), plateaus)
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("name", list(SCHEDULERS))
def test_every_scheduler_is_exported_and_goes_into_the_manifest_with_its_parameters(name):
    kind = SCHEDULERS[name]
    assert getattr(experiments, kind.__name__) is kind
    written = json.loads(json.dumps(to_json(kind())))
    assert written == {"name": name, **dataclasses.asdict(kind())}


def test_a_scheduler_named_on_the_command_line_keeps_the_declared_parameters_of_its_kind():
    declared = Asha(grace=1 / 8, reduction=3)
    experiment = Experiment(
        env="x", space=ppo.CORE, budget=Budget(trials=2, steps_per_trial=100), scheduler=declared
    )
    assert Options(scheduler="asha").apply(experiment).scheduler == declared
    assert Options(scheduler="median").apply(experiment).scheduler == Median()
    assert Options().apply(experiment).scheduler == declared
    assert named("none", declared) == NoScheduler()


@pytest.mark.parametrize("name", ["pbt", "pb2"])
def test_a_sampler_for_a_population_is_one_line(name):
    experiment = Experiment(env="x", space=ppo.CORE, budget=Budget(trials=2, steps_per_trial=100))
    with pytest.raises(UserError, match=f"--sampler gp: nothing proposes configurations under {name}"):
        Options(scheduler=name, sampler="gp").apply(experiment)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Asha(grace=0), r"Asha\(grace=0\): expected a number, above 0, at most 1"),
        (lambda: Asha(reduction=1), r"Asha\(reduction=1\): expected a number, above 1"),
        (lambda: Median(min_trials=0), r"Median\(min_trials=0\): expected a whole number, 1 to 1000000"),
        (lambda: Hyperband(brackets=2.5), r"Hyperband\(brackets=2.5\): expected a whole number"),
        (lambda: experiments.PopulationBased(quantile=0.6), r"quantile=0.6\): expected .* at most 0.5"),
        (lambda: experiments.PopulationBandit(interval="x"), r"interval='x'\): expected a number"),
        (
            lambda: Experiment(
                env="x", space=ppo.CORE, budget=Budget(trials=2, steps_per_trial=100), scheduler="asha"
            ),
            r"scheduler='asha': expected one of Asha\(\), Median\(\)",
        ),
    ],
)
def test_a_wrong_parameter_is_one_line(make, message):
    with pytest.raises(UserError, match=message):
        make()

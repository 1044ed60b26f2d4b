"""A population is compared when all its members wait, copies the best, and keeps its records straight."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ray.train._internal.session import _TrainingResult
from ray.tune import Checkpoint
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from analysis.sweep.layout import SCHEDULE_FILE
from analysis.sweep.records import Schedule, read_record
from analysis.sweep.runs import FinishedRun
from analysis.sweep.schema import State
from experiments import PopulationBandit, PopulationBased
from experiments.core.records.schedule import config_at
from experiments.core.training import hyperparameters
from experiments.core.tuning.lineage import LineageWriter
from experiments.core.tuning.pbt import population_scheduler
from experiments.core.tuning.perturbation import (
    changeable,
    members,
    numbers,
    perturbed,
    position,
    value_at,
)
from search_spaces import model_layouts, ppo

STEPS, POINTS = 8192, 8
SPACE = ppo.CORE | ppo.BATCH | ppo.NORMALISATION | model_layouts.MLP


class Population:
    """A scheduler with real trials that report what they are given, one after another."""

    def __init__(self, folder, declared, size=8, **settings):
        self.folder = folder
        self.scheduler = population_scheduler(
            declared, SPACE, size=size, steps=STEPS, evaluations=POINTS, seed=3,
            **{"concurrency": 2, "lineage": LineageWriter(folder), **settings},
        )  # fmt: skip
        self.search_alg = None
        self.trials = []
        for number, config in enumerate(members(SPACE, size, 7)):
            (folder / f"trial_{number:04d}").mkdir(parents=True)
            config = {**config, "config_id": f"trial_{number:04d}", "seed": 100 + number}
            self.trials.append(Trial("unused", stub=True, config=config))
            self.scheduler.on_trial_add(self, self.trials[-1])

    def get_trials(self):
        return self.trials

    def report(self, number, point, objective, overshoot=0):
        """One evaluation; a member that has to wait is paused with a checkpoint of that evaluation."""
        trial, steps = self.trials[number], point * STEPS // POINTS + overshoot
        trial.set_status(Trial.RUNNING)
        result = {"steps": steps, "objective": objective}
        decision = self.scheduler.on_trial_result(self, trial, result)
        if decision == TrialScheduler.PAUSE:
            kept = _TrainingResult(Checkpoint(f"/checkpoints/{number}/{point}"), result)
            trial.run_metadata.checkpoint_manager._latest_checkpoint_result = kept
            trial.set_status(Trial.PAUSED)
        return decision

    def compare(self):
        """What Tune asks at every turn; returns who trains next."""
        return self.scheduler.choose_trial_to_run(self)

    def copied(self):
        """Which member stands at whose checkpoint, of those that copied."""
        stands = {
            number: int(trial.checkpoint.path.split("/")[2])
            for number, trial in enumerate(self.trials)
            if trial.checkpoint
        }
        return {member: donor for member, donor in stands.items() if member != donor}


@pytest.fixture(params=[PopulationBased(), PopulationBandit()], ids=["pbt", "pb2"])
def population(request, tmp_path):
    return Population(tmp_path, request.param)


def report_all(population, point, objectives):
    for number, objective in enumerate(objectives):
        population.report(number, point, objective, overshoot=number)


RANKED = [0.0, 0.9, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8]
"""Objectives of members 0 to 7: after the default, which is left alone, members 2 and 3 are the worst."""


def test_the_worst_copy_the_best_and_the_default_is_left_alone(population):
    report_all(population, 1, RANKED)
    population.compare()
    copied = population.copied()
    assert set(copied) == {2, 3}
    assert set(copied.values()) <= {1, 7}


def test_nobody_is_compared_before_the_last_member_waits(population):
    for number, objective in enumerate(RANKED[:-1]):
        assert population.report(number, 1, objective) == TrialScheduler.PAUSE
        population.compare()
    assert population.copied() == {}
    population.trials[7].set_status(Trial.RUNNING)
    assert population.compare() is None
    assert population.report(7, 1, RANKED[7]) == TrialScheduler.PAUSE
    assert population.compare() is not None
    assert population.copied() != {}


@pytest.mark.parametrize("ending", [Trial.TERMINATED, Trial.ERROR])
def test_a_member_that_ends_last_does_not_leave_the_others_waiting(population, ending):
    for number, objective in enumerate(RANKED[:-1]):
        population.report(number, 1, objective)
    population.trials[7].set_status(ending)
    assert population.compare() is not None
    assert set(population.copied().values()) == {1, 6} & set(population.copied().values())


def test_members_whose_batches_overshoot_stay_in_step(population):
    for point in range(1, POINTS):
        report_all(population, point, RANKED)
        population.compare()
        assert population.scheduler.barrier == point + 1


def test_a_member_with_a_large_batch_waits_for_the_others_to_catch_up(population):
    for number in range(7):
        population.report(number, 1, RANKED[number])
    population.report(7, 2, RANKED[7])  # one batch took it past two evaluation points
    chosen = population.compare()
    assert population.trials.index(chosen) != 7
    chosen.set_status(Trial.RUNNING)
    assert population.trials.index(population.compare()) != 7


def test_equals_do_not_copy_each_other(population):
    report_all(population, 1, [0.5] * 8)
    population.compare()
    assert population.copied() == {}


def test_no_more_members_train_than_there_is_room_for(tmp_path):
    population = Population(tmp_path, PopulationBased(), concurrency=1)
    report_all(population, 1, RANKED)
    first = population.compare()
    first.set_status(Trial.RUNNING)
    assert population.compare() is None


def test_a_copy_keeps_its_name_and_seed_and_takes_over_what_the_network_is_built_by(population):
    report_all(population, 1, RANKED)
    population.report(0, 1, 0.0)
    population.compare()
    copied = population.copied()
    assert set(copied) == {2, 3}
    for member, donor in copied.items():
        own, other = population.trials[member].config, population.trials[donor].config
        assert own["config_id"] == f"trial_{member:04d}"
        assert own["seed"] == 100 + member
        assert {n: own[n] for n in hyperparameters.STRUCTURAL if n in own} == {
            n: other[n] for n in hyperparameters.STRUCTURAL if n in other
        }
        named = {n: v for n, v in own.items() if n in SPACE.names}
        assert SPACE.contains(named)


def test_pbt_changes_what_it_copies(tmp_path):
    population = Population(tmp_path, PopulationBased())
    report_all(population, 1, RANKED)
    population.compare()
    copied = population.copied()
    assert set(copied) == {2, 3}
    for member, donor in copied.items():
        own, other = population.trials[member].config, population.trials[donor].config
        assert own["lr"] != other["lr"]
        assert own["epochs"] != other["epochs"]


def test_pb2_changes_numbers_once_it_has_seen_progress_and_keeps_choices(tmp_path):
    population = Population(tmp_path, PopulationBandit(interval=1 / 4))
    report_all(population, 1, [value / 2 for value in RANKED])
    report_all(population, 2, RANKED)
    population.compare()
    copied = population.copied()
    assert set(copied) == {2, 3}
    for member, donor in copied.items():
        own, other = population.trials[member].config, population.trials[donor].config
        assert own["lr"] != other["lr"]
        assert isinstance(own["epochs"], int)
        assert own["batch_size"] == other["batch_size"]


def test_the_same_seed_gives_the_same_population(tmp_path):
    configs = []
    for name in ("a", "b"):
        population = Population(tmp_path / name, PopulationBased())
        report_all(population, 1, RANKED)
        population.compare()
        configs.append([trial.config for trial in population.trials])
    assert configs[0] == configs[1]


def test_the_folder_tells_who_copied_whom_and_the_schedule_that_leads_to_the_weights(tmp_path):
    population = Population(tmp_path, PopulationBased(quantile=1 / 8))
    report_all(population, 1, [0.0, 0.9, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7])  # 2 copies 1
    first = dict(population.trials[1].config)
    population.compare()
    second = dict(population.trials[2].config)
    report_all(population, 2, [0.0, 0.4, 0.9, 0.1, 0.4, 0.5, 0.6, 0.7])  # 3 copies 2
    population.compare()
    third = population.trials[3].config
    written = json.loads((tmp_path / "trial_0003" / "schedule.json").read_text())
    assert [(s["steps"], s["member"]) for s in written["schedule"]] == [
        (0, "trial_0001"), (1024, "trial_0002"), (2048, "trial_0003"),
    ]  # fmt: skip
    assert [(h["steps"], h["donor"]) for h in written["history"]] == [(0, None), (2048, "trial_0002")]
    assert written["history"][1]["changed"]["lr"] == [second["lr"], third["lr"]]
    schedule = read_record(tmp_path / "trial_0003" / SCHEDULE_FILE, Schedule).schedule
    run = FinishedRun(name="trial_0003", config=third, state=State.COMPLETED, curve={}, schedule=schedule)
    config = {"config_id": "trial_0003", "seed": 1, **run.repetition}
    for steps, trained in ((0, first), (1023, first), (1024, second), (2047, second), (2048, third)):
        active = config_at(config, steps)
        assert {n: active[n] for n in SPACE.names} == {n: trained[n] for n in SPACE.names}
    assert not (tmp_path / "trial_0001" / "schedule.json").exists()
    assert replace(run, config=first, schedule=()).repetition == first


def test_the_first_member_is_the_default_and_more_members_do_not_change_the_others():
    assert members(SPACE, 1, 5) == [SPACE.defaults]
    assert members(SPACE, 6, 5)[:4] == members(SPACE, 4, 5)
    assert [SPACE.contains(config) for config in members(SPACE, 20, 5)] == [True] * 20
    assert members(SPACE, 4, 5) != members(SPACE, 4, 6)


def test_what_another_sweep_gives_comes_first_and_names_that_it_lacks_are_drawn():
    taken = [{"lr": 1e-4, "layout": "64-tanh"}, {"lr": 2e-4}]
    found, drawn = members(SPACE, 5, 5, first=taken), members(SPACE, 5, 5)
    assert found[0] == SPACE.defaults
    assert found[1:3] == [{**drawn[1], **taken[0]}, {**drawn[2], **taken[1]}]
    assert found[3:] == drawn[3:]
    assert members(SPACE, 2, 5, first=taken) == found[:2]


def test_a_layout_in_parts_is_recorded_by_its_name_and_never_changes():
    space = ppo.CORE | model_layouts.deep_mlp(depths=(2,))
    configs = members(space, 8, 5)
    assert len(configs) == 8
    for config in configs:
        assert config["layout"] == f"{config['width_1']}x{config['width_2']}-{config['activation']}"
    assert set(changeable(space)) == set(ppo.CORE.names)


@pytest.mark.parametrize("resample", [0.0, 1.0])
def test_perturbation_stays_inside_the_space_and_touches_nothing_structural(resample):
    rng = np.random.default_rng(0)
    domains = changeable(SPACE)
    assert not set(domains) & set(hyperparameters.STRUCTURAL)
    config = dict(SPACE.defaults)
    for _ in range(300):
        config = perturbed(config, domains, rng, resample=resample, step=0.1)
        assert SPACE.contains(config)
    assert {n: config[n] for n in hyperparameters.STRUCTURAL if n in config} == {
        n: SPACE.defaults[n] for n in hyperparameters.STRUCTURAL if n in SPACE.names
    }


def test_a_move_is_a_share_of_the_range_on_its_own_scale():
    config = {**SPACE.defaults, "epochs": 10, "entropy_coeff": 0.0}
    changed = perturbed(config, changeable(SPACE), np.random.default_rng(1), resample=0.0, step=0.01)
    domains = SPACE.domains
    assert abs(position(domains["lr"], changed["lr"]) - position(domains["lr"], 3e-4)) == pytest.approx(0.01)
    assert abs(changed["epochs"] - 10) == 1  # a hundredth of the range is less than one
    assert changed["entropy_coeff"] in (0.0, pytest.approx(0.0003))
    choices = list(domains["batch_size"].choices)
    assert abs(choices.index(changed["batch_size"]) - choices.index(2048)) == 1


@pytest.mark.parametrize("name", list(numbers(SPACE.domains)))
def test_a_value_and_its_place_are_inverses(name):
    domain = SPACE.domains[name]
    assert value_at(domain, 0.0) == domain.low
    assert value_at(domain, 1.0) == domain.high
    assert value_at(domain, 7.0) == domain.high
    for place in (0.1, 0.5, 0.83):
        value = value_at(domain, place)
        assert value_at(domain, position(domain, value)) == pytest.approx(value)

"""Every private name of Ray that the suite depends on is there, and does what it is used for."""

import inspect
import os
import re

import gymnasium as gym
import pytest
import ray
from ray import tune
from ray._private import utils, worker
from ray._private.node import Node
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors import connector_v2
from ray.rllib.connectors.common import (
    AddObservationsFromEpisodesToBatch,
    BatchIndividualItems,
    NumpyToTensor,
)
from ray.rllib.connectors.env_to_module import FlattenObservations
from ray.tune import registry
from ray.tune.execution.tune_controller import TrialRunnerWrapper, TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, PopulationBasedTraining, TrialScheduler
from ray.tune.schedulers.async_hyperband import _Bracket
from ray.tune.schedulers.pb2 import PB2
from ray.tune.schedulers.pbt import _PBTTrialState
from ray.tune.utils.object_cache import _ObjectCache

from experiments.core.ray_internals import (
    PopulationScheduler,
    assign_bracket,
    cores_here,
    custom_connectors,
    is_child_of_node,
    registered_env,
    rungs_per_bracket,
    without_source_lookup,
)

SPACES = (gym.spaces.Box(0.0, 1.0, (2,)), gym.spaces.Discrete(3))


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (utils, "get_num_cpus"),
        (worker, "_global_node"),
        (Node, "dead_processes"),
        (registry, "_global_registry"),
        (AlgorithmConfig, "_env_to_module_connector"),
        (AlgorithmConfig, "_module_to_env_connector"),
        (AlgorithmConfig, "_learner_connector"),
        (connector_v2, "inspect.stack()"),
        (AsyncHyperBandScheduler, "_brackets"),
        (AsyncHyperBandScheduler, "_trial_info"),
        (_Bracket, "_rungs"),
        (TrialRunnerWrapper, "_tune_controller"),
        (TuneController, "_actor_cache"),
        (_ObjectCache, "increase_max"),
        (PopulationBasedTraining, "_trial_state"),
        (PopulationBasedTraining, "_next_perturbation_sync"),
        (PopulationBasedTraining, "_perturbation_interval"),
        (PopulationBasedTraining, "_time_attr"),
        (_PBTTrialState, "last_score"),
        (_PBTTrialState, "last_train_time"),
        (_PBTTrialState, "last_checkpoint"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__.rpartition(".")[2],
)
def test_ray_still_has(owner, name):
    assert re.search(rf"(\b|self\.|def ){re.escape(name)}\W", inspect.getsource(owner))


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (PopulationBasedTraining._quantiles, []),
        (PopulationBasedTraining._save_trial_state, ["state", "time", "result", "trial"]),
        (PopulationBasedTraining._exploit, ["tune_controller", "trial", "trial_to_clone"]),
        (PopulationBasedTraining._get_new_config, ["trial", "trial_to_clone"]),
        (PB2._save_trial_state, ["state", "time", "result", "trial"]),
        (PB2._get_new_config, ["trial", "trial_to_clone"]),
        (_ObjectCache.increase_max, ["key", "by"]),
    ],
    ids=lambda each: getattr(each, "__qualname__", ""),
)
def test_ray_still_takes(method, parameters):
    assert [*inspect.signature(method).parameters] == ["self", *parameters]


def test_the_cores_are_those_of_this_machine_or_fewer():
    assert 1 <= cores_here() <= os.cpu_count()


DIES = """
import os, ray, signal, time
from experiments.core.ray_internals import has_dead_process
assert not has_dead_process()
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
assert not has_dead_process()
monitor = ray._private.worker._global_node.all_processes["monitor"][0].process
os.kill(monitor.pid, signal.SIGKILL)
while not has_dead_process():
    time.sleep(0.05)
print("dead")
"""


@pytest.mark.slow
def test_a_dead_process_of_ray_is_noticed(run_python):
    done = run_python("-c", DIES)
    assert done.stdout == "dead\n", done.stderr


def test_what_is_registered_is_found_under_its_name():
    tune.register_env("of a test", lambda context: f"made of {context}")
    assert registered_env("of a test")("this") == "made of this"
    assert registered_env("of nobody") is None


def test_connectors_of_ones_own_are_found():
    def own(*arguments, **keywords):
        return None

    assert set(custom_connectors(PPOConfig()).values()) == {None}
    config = (
        PPOConfig()
        .env_runners(env_to_module_connector=own, module_to_env_connector=own)
        .training(learner_connector=own)
    )
    assert set(custom_connectors(config).values()) == {own}


def test_a_trial_is_judged_by_the_rungs_of_the_bracket_that_it_is_put_in():
    scheduler = AsyncHyperBandScheduler(
        time_attr="steps",
        metric="score",
        mode="max",
        max_t=27,
        grace_period=3,
        reduction_factor=3,
        brackets=3,
    )
    assert rungs_per_bracket(scheduler) == [3, 2, 1]
    decisions = {}
    for bracket in range(3):
        for name, score in (("good", 1.0), ("bad", 0.0)):
            trial = Trial("unused", stub=True, trial_id=f"{name}{bracket}")
            assign_bracket(scheduler, trial, bracket)
            decisions[name, bracket] = scheduler.on_trial_result(None, trial, {"steps": 3, "score": score})
    stopped = [case for case, decision in decisions.items() if decision == TrialScheduler.STOP]
    assert stopped == [("bad", 0)]


class Copying(PopulationScheduler):
    """The worst becomes as the best."""

    def new_config(self, member, donor):
        return {**donor.config, "copied": True}


class Controller:
    """What a scheduler sees of Tune."""

    search_alg = None


def test_a_population_shows_its_state_and_copies_when_it_is_told_to():
    scheduler = Copying(
        time_attr="steps", metric="score", mode="max", perturbation_interval=2, synch=True, log_config=False,
        hyperparam_mutations={"lr": [0.1, 0.2]},
    )  # fmt: skip
    trials = [Trial("unused", stub=True, config={"lr": 0.1, "name": name}) for name in "ab"]
    for trial in trials:
        scheduler.on_trial_add(Controller(), trial)
        trial.set_status(Trial.PAUSED)
    best, worst = scheduler.members
    assert [best, worst] == trials
    assert (scheduler.time_of(best), str(scheduler.score_of(best))) == (0, "nan")
    scheduler.record(best, 2, {"steps": 2, "score": 0.7})
    scheduler.record(worst, 1, {"steps": 1, "score": 0.3})
    assert [(scheduler.time_of(each), scheduler.score_of(each)) for each in trials] == [(2, 0.7), (1, 0.3)]
    assert scheduler.quantiles() == ([worst], [best])
    scheduler.copy(Controller(), worst, best)
    assert worst.config == {"lr": 0.1, "name": "a", "copied": True}
    assert scheduler.time_of(worst) == 2
    assert scheduler.barrier == 2
    scheduler.raise_barrier()
    assert scheduler.barrier == 4


@pytest.mark.parametrize(
    ("connector", "arguments"),
    [
        (AddObservationsFromEpisodesToBatch, {"as_learner_connector": True}),
        (BatchIndividualItems, {"multi_agent": True}),
        (NumpyToTensor, {"pin_memory": True, "device": "cpu"}),
        (FlattenObservations, {"multi_agent": False}),
    ],
)
def test_a_connector_that_is_built_the_short_way_knows_its_own_arguments(connector, arguments):
    long = connector(*SPACES, **arguments)
    with without_source_lookup():
        short = connector(*SPACES, **arguments)
    assert short._ctor_kwargs == long._ctor_kwargs
    assert arguments.items() <= short._ctor_kwargs.items()
    assert short._ctor_kwargs["input_observation_space"] is SPACES[0]


def test_rllib_is_left_as_it_was():
    with without_source_lookup():
        assert connector_v2.inspect is not inspect
    assert connector_v2.inspect is inspect
    with pytest.raises(ZeroDivisionError), without_source_lookup():
        raise ZeroDivisionError
    assert connector_v2.inspect is inspect


@pytest.mark.usefixtures("local_ray")
def test_a_process_of_rays_knows_that_its_node_has_started_it():
    assert not is_child_of_node()
    assert ray.get(ray.remote(is_child_of_node).remote())

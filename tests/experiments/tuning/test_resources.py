"""What a trial takes is declared once and reaches Ray, torch's threads and the learner's device."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import ray
import torch
from ray import tune
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.tune import Callback
from ray.tune.schedulers import FIFOScheduler

from analysis.sweep.schema import Phase
from experiments import Budget, Experiment, Resources
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.errors import UserError
from experiments.core.fast_ppo import greedy_policy
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.preflight.checks import preflight
from experiments.core.records.run_errors import run_error
from experiments.core.training.task import Task
from experiments.core.training.trial import PPOTrial, ppo_config
from experiments.core.tuning.listed_search import ListedSearch
from experiments.core.tuning.phases import Interruption, train_all
from search_spaces import ppo

TASK = Task(
    env="Acrobot-v1",
    env_parameters={},
    evaluation_settings={
        phase: EvaluationSetting(parameters={}, scale=ScoreScale(), most_steps=10_000) for phase in Phase
    },
    fixed={"batch_size": 64, "epochs": 2, "num_minibatches": 2, "layout": "16x16-tanh"},
    lanes=4,
    steps=64,
    evaluations=1,
    evaluation_episodes=2,
    seeds=Seeds(0),
    trainer="fast",
)
CONFIG = {"seed": 1, "config_id": "trial_0000"}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")


@pytest.fixture(scope="module")
def pretended_gpu(no_ray):
    """A Ray that believes in a GPU: what is declared can be seen where there is none."""
    ray.init(
        address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False,
        logging_level="ERROR",
    )  # fmt: skip
    yield
    ray.shutdown()


@pytest.fixture
def threads():
    """Gives the tests' process its threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cpus": 0}, "cpus=0: expected a whole number, 1 or more"),
        ({"cpus": 1.5}, "cpus=1.5: expected a whole number"),
        ({"gpus": -0.5}, "gpus=-0.5 .*: expected a number, 0 to 1"),
        ({"gpus": 2}, "gpus=2 .a share of one, as several trials can have.: expected a number, 0 to 1"),
        ({"gpus": "all"}, "gpus='all' .*: expected a number"),
    ],
)
def test_wrong_resources_are_refused_with_what_was_expected(given, message):
    with pytest.raises(UserError, match=message):
        Resources(**given)


@pytest.mark.parametrize(
    ("resources", "available", "trials"),
    [
        (Resources(), {"CPU": 8.0}, 8),
        (Resources(cpus=3), {"CPU": 8.0, "GPU": 1.0}, 2),
        (Resources(gpus=0.25), {"CPU": 8.0, "GPU": 1.0}, 4),
        (Resources(gpus=0.6), {"CPU": 8.0, "GPU": 2.0}, 2),  # no trial lies on two halves
        (Resources(cpus=4, gpus=0.1), {"CPU": 8.0, "GPU": 2.0}, 2),
    ],
)
def test_as_many_trials_run_at_once_as_fit(resources, available, trials):
    assert resources.trials_in(available) == trials


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources(cpus=4), "a trial takes 4 cores, there are 2: declare fewer cpus"),
        (Resources(gpus=0.5), "a trial takes 0.5 of a GPU, there is none: declare gpus=0"),
    ],
)
def test_resources_that_are_not_there_are_one_line(resources, message):
    with pytest.raises(UserError, match=message) as caught:
        resources.trials_in({"CPU": 2.0})
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_noticed_before_anything_is_written(tmp_path):
    experiment = Experiment(
        env="Acrobot-v1",
        space=ppo.CORE,
        budget=Budget(trials=1, steps_per_trial=100),
        resources=Resources(gpus=1),
    )
    plan = Plan.of(experiment, Options(storage=str(tmp_path)), name="x", question="")
    with pytest.raises(UserError, match="there is none"):
        preflight(plan)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("trainer", ["fast", "rllib"])
def test_the_share_of_a_gpu_reaches_the_learner(trainer):
    task = replace(TASK, resources=Resources(gpus=0.5), trainer=trainer)
    assert ppo_config(CONFIG, task).num_gpus_per_learner == 0.5
    assert ppo_config(CONFIG, TASK).num_gpus_per_learner == 0


def test_declared_cores_are_torchs_threads(pretended_gpu, threads):
    trial = made(replace(TASK, resources=Resources(cpus=2)))
    assert torch.get_num_threads() == 2
    trial.stop()
    trial = made(TASK)
    assert torch.get_num_threads() == 1
    trial.stop()


def made(task):
    return tune.with_parameters(PPOTrial, task=task)(config=CONFIG)


class Seen(Callback):
    """Remembers what Tune asked Ray for, and why the run failed."""

    def __init__(self):
        self.required, self.causes = [], []

    def on_trial_error(self, iteration, trials, trial, **info):
        self.required.append(trial.placement_group_factory.required_resources)
        self.causes.append(run_error(trial.error_file).cause)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_tune_is_asked_for_the_declared_share_and_a_trial_without_a_usable_gpu_says_so(
    pretended_gpu, tmp_path
):
    seen, task = Seen(), replace(TASK, resources=Resources(cpus=2, gpus=0.5))
    train_all(
        tmp_path, Phase.SEARCH, task, ListedSearch([CONFIG]), FIFOScheduler(),
        runs=1, concurrency=1, callbacks=[seen], interruption=Interruption(),
    )  # fmt: skip
    assert seen.required == [{"CPU": 2.0, "GPU": 0.5}]
    (cause,) = seen.causes
    assert "a trial takes 0.5 of a GPU, and torch" in cause


@needs_gpu
@pytest.mark.parametrize(
    ("env", "layout"),
    [
        ("Acrobot-v1", "16x16-tanh"),
        ("Pendulum-v1", "16x16-tanh"),
        ("sweeps/Visual-v0", "cnn-small-256"),
    ],
)
def test_a_gpu_computes_the_same_update_and_its_checkpoints_go_on(pretended_gpu, env, layout, tmp_path):
    def trained(gpus, updates):
        task = replace(TASK, env=env, fixed={**TASK.fixed, "layout": layout}, resources=Resources(gpus=gpus))
        algorithm = ppo_config(CONFIG, task).build_algo()
        for _ in range(updates):
            algorithm.train()
        return algorithm

    def weights(algorithm):
        parameters = algorithm.learner.module[DEFAULT_MODULE_ID].parameters()
        return torch.cat([p.detach().flatten() for p in parameters])

    on_cpu, on_gpu = trained(0, 1), trained(1, 1)
    assert weights(on_gpu).is_cuda
    torch.testing.assert_close(weights(on_gpu).cpu(), weights(on_cpu), rtol=1e-3, atol=1e-4)
    observations = gym.make(env).observation_space.sample()[None]
    assert np.isfinite(np.asarray(greedy_policy(on_gpu)(observations), dtype=float)).all()

    checkpoint = on_gpu.save_to_path(tmp_path / "checkpoint")
    restored = trained(1, 0)
    restored.restore_from_path(checkpoint)
    on_gpu.train(), restored.train()
    torch.testing.assert_close(weights(restored), weights(on_gpu), rtol=1e-3, atol=1e-4)
    for algorithm in (on_cpu, on_gpu, restored):
        algorithm.stop()

"""A searched parameter of the environment changes where a policy learns, and never where it is judged."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from analysis.sweep.schema import Phase
from experiments import Budget, Experiment
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.scale import EvaluationSetting, scale_of
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.preflight import checks as checks
from experiments.core.preflight.checks import preflight
from experiments.core.preflight.environment_parameters import known_parameters
from experiments.core.preflight.probe import Patience
from experiments.core.training.task import Task
from experiments.core.training.trial import PPOTrial, ppo_config
from search_spaces import choice, log_uniform, ppo

ENV = "sweeps/TradingMeanReverting-v0"
FEE = log_uniform("env.fee_rate", 1e-4, 1e-2, default=1e-3, source="a test")
PINNED = {"fee_rate": 1e-3}


@pytest.fixture(autouse=True)
def few_extremes(monkeypatch):
    """Lets checks try the baselines alone: extreme configurations have tests of their own."""
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=0.0, clock_s=0.0))


def searched(space, env=ENV, **declared):
    return Experiment(
        env=env, space=ppo.CORE | space, budget=Budget(trials=4, steps_per_trial=1000), **declared
    )


def checked(experiment, tmp_path):
    options = Options(storage=str(tmp_path))
    preflight(Plan.of(experiment, options, name="x", question="?"))


@pytest.mark.parametrize(
    "declared",
    [
        {"env_parameters": PINNED},
        {"validation_parameters": PINNED, "test_parameters": PINNED},
    ],
    ids=["for all", "for each phase"],
)
def test_a_name_that_every_evaluation_pins_may_be_searched(declared, tmp_path):
    checked(searched(FEE, **declared), tmp_path)


@pytest.mark.parametrize(
    ("declared", "phase", "where"),
    [
        ({}, "search", "validation_parameters"),
        ({"test_parameters": PINNED}, "search", "validation_parameters"),
        ({"validation_parameters": PINNED}, "confirmation", "test_parameters"),
        ({"env_parameters": {"volatility": 0.02}}, "search", "validation_parameters"),
    ],
    ids=["nothing", "the confirmation alone", "the search alone", "another name"],
)
def test_a_name_that_an_evaluation_leaves_open_is_refused_with_the_reason(declared, phase, where, tmp_path):
    message = (
        f"env.fee_rate is searched, but nothing declares the fee_rate with which the {phase} evaluates: it "
        f"may change how good a policy looks, so set fee_rate in env_parameters or {where}"
    )
    with pytest.raises(UserError) as refused:
        checked(searched(FEE, **declared), tmp_path)
    assert str(refused.value) == message


def test_an_unknown_name_is_refused_with_the_nearest_one(tmp_path):
    wrong = log_uniform("env.fee_rat", 1e-4, 1e-2, default=1e-3, source="a test")
    with pytest.raises(UserError, match=r"no parameter 'fee_rat'; did you mean 'fee_rate'\? It takes: "):
        checked(searched(wrong), tmp_path)


def test_the_keywords_of_an_environment_of_ones_own_are_read_from_its_constructor(tmp_path):
    assert known_parameters("MountainCarContinuous-v0") == ["goal_velocity"]
    wrong = choice("env.goal_speed", 0.0, 0.01, default=0.0, source="a test")
    with pytest.raises(UserError, match=r"did you mean 'goal_velocity'"):
        checked(searched(wrong, env="MountainCarContinuous-v0"), tmp_path)


def test_a_constructor_that_takes_anything_is_tried_out(tmp_path):
    class Corridor(gym.Env):
        observation_space = gym.spaces.Box(0, 1, (1,))
        action_space = gym.spaces.Discrete(2)

        def __init__(self, **keywords):
            if keywords["length"] > 8:
                raise ValueError(f"length={keywords['length']}: expected 8 or less")

    gym.register("tests/AnyLength-v0", entry_point=Corridor)
    assert known_parameters("tests/AnyLength-v0") is None
    lengths = choice("env.length", 4, 16, default=4, source="a test")
    with pytest.raises(UserError, match="length=16: expected 8 or less"):
        checked(searched(lengths, env="tests/AnyLength-v0", env_parameters={"length": 4}), tmp_path)


@pytest.mark.parametrize(
    ("space", "env", "declared", "message"),
    [
        (
            choice("env.fee_rate", 0.001, 7.0, default=0.001, source="a test"), ENV,
            {"env_parameters": PINNED}, "fee_rate=7.0",
        ),
        (
            choice("env.observation_space", "box", "discrete", default="box", source="a test"),
            "sweeps/Spaces-v0", {"env_parameters": {"observation_space": "box"}}, "other spaces",
        ),
        (
            choice("env.split", "train", "test", default="train", source="a test"),
            "sweeps/TradingHistorical-v0",
            {
                "env_parameters": {"split": "train"},
                "validation_parameters": {"split": "validation"},
                "test_parameters": {"split": "test"},
            },
            "trains on test",
        ),
    ],
    ids=["out of range", "other spaces", "the data of the test"],
)  # fmt: skip
def test_a_value_that_no_training_may_have_is_refused(space, env, declared, message, tmp_path):
    with pytest.raises(UserError, match=message):
        checked(searched(space, env=env, **declared), tmp_path)


TASK = Task(
    env=ENV,
    env_parameters=PINNED,
    evaluation_settings={
        phase: EvaluationSetting(parameters=PINNED, scale=scale_of(ENV, PINNED), most_steps=10_000)
        for phase in Phase
    },
    fixed={"batch_size": 1024, "epochs": 1, "num_minibatches": 1, "layout": "8-tanh"},
    lanes=4,
    steps=1024,
    evaluations=1,
    evaluation_episodes=8,
    seeds=Seeds(0),
    trainer="fast",
)


def one_evaluation(task=TASK, **config):
    trial = PPOTrial.__new__(PPOTrial)
    # The first policy of this seed trades, so that a fee would show.
    trial.setup({"seed": 4, "config_id": "x", **config}, task)
    result = trial.step()
    trial.cleanup()
    return result


def test_the_sampled_value_reaches_the_training_environment_and_no_other_setting():
    built = ppo_config({"env.fee_rate": 0.01, "seed": 1}, TASK)
    assert built.env_config["id"] == ENV
    assert built.env_config["parameters"] == {"fee_rate": 0.01}
    assert ppo_config({"seed": 1}, TASK).env_config["parameters"] == PINNED


@pytest.mark.usefixtures("local_ray")
def test_the_evaluation_does_not_change_with_the_searched_value():
    # Without a learning rate all policies stay the same one, so only the environments can differ.
    results = [one_evaluation(lr=0.0, **{"env.fee_rate": fee}) for fee in (0.0, 0.05)]
    free, dear = results
    judged = [name for name in free if name.startswith(("eval/", "env/")) or name in {"score", "objective"}]
    np.testing.assert_equal([free[name] for name in judged], [dear[name] for name in judged])
    assert free["train/return_mean"] > dear["train/return_mean"] + 0.05
    # The test can fail: with another fee declared, the same policy earns less.
    costly = {"fee_rate": 0.05}
    evaluation_setting = EvaluationSetting(parameters=costly, scale=scale_of(ENV, costly), most_steps=10_000)
    elsewhere = dataclasses.replace(TASK, evaluation_settings=dict.fromkeys(Phase, evaluation_setting))
    assert one_evaluation(elsewhere, lr=0.0)["eval/return_mean"] < free["eval/return_mean"]

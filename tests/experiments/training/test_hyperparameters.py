"""Every name of a configuration reaches RLlib's PPOConfig, and a name that would not is refused."""

import math

import pytest
from ray.rllib.algorithms.ppo import PPOConfig

from analysis.sweep.schema import Phase
from experiments.__main__ import declared
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.errors import UserError
from experiments.core.preflight.extremes import extremes
from experiments.core.training import hyperparameters
from experiments.core.training.task import Task
from experiments.core.training.trial import ppo_config
from search_spaces import model_layouts
from search_spaces.baselines import RLLIB_DEFAULTS

TASK = Task(
    env="CartPole-v1",
    env_parameters={},
    evaluation_settings={
        phase: EvaluationSetting(parameters={}, scale=ScoreScale(), most_steps=10_000) for phase in Phase
    },
    fixed={},
    lanes=4,
    steps=1000,
    evaluations=4,
    evaluation_episodes=8,
    seeds=Seeds(0),
    trainer="fast",
)
ANOTHER_VALUE = {
    "lr": 1e-3, "kl_coeff": 0.7, "kl_target": 0.02, "clip": 0.3, "vf_clip": 5.0, "entropy_coeff": 0.02,
    "vf_coeff": 1.5, "gae_lambda": 0.8, "one_minus_gamma": 0.05, "grad_clip": 2.0, "epochs": 4,
    "batch_size": 1024, "minibatch_size": 32, "num_minibatches": 8, "layout": "32x32-relu-shared",
    "normalise_observations": True, "scale_rewards": True,
    "depth": 2, **{f"width_{k}": 32 for k in range(1, model_layouts.MAX_DEPTH + 1)}, "activation": "relu",
}  # fmt: skip
"""A value for each name that differs from the literature's default."""


IN_PARTS = dict.fromkeys(model_layouts.PARTS, 64) | {"depth": model_layouts.MAX_DEPTH, "activation": "tanh"}
"""A layout in parts, none of which means anything without the others."""


def built(**config):
    return ppo_config({**config, "seed": 1, "config_id": "x"}, TASK)


@pytest.mark.parametrize("name", hyperparameters.NAMES)
def test_a_changed_name_changes_the_configuration_that_is_trained(name):
    others = IN_PARTS if name in model_layouts.PARTS else {}
    assert built(**{**others, name: ANOTHER_VALUE[name]}).to_dict() != built(**others).to_dict()


def test_names_mean_what_they_say():
    config = built(
        one_minus_gamma=0.05, batch_size=1024, num_minibatches=8, layout="32x16-relu-shared", vf_clip=5.0
    )
    assert config.gamma == pytest.approx(0.95)
    assert config.train_batch_size_per_learner == 1024
    assert config.minibatch_size == 128
    assert config.vf_clip_param == 5.0
    assert list(config.model_config["fcnet_hiddens"]) == [32, 16]
    assert config.model_config["fcnet_activation"] == "relu"
    assert config.model_config["vf_share_layers"] is True
    assert config.seed == 1


def test_a_layout_in_parts_is_the_layout_of_that_name():
    parts = {"depth": 2, "width_1": 128, "width_2": 32, "activation": "relu"}
    named = model_layouts.derived(parts)
    assert named == {"layout": "128x32-relu"}
    assert built(**parts).to_dict() == built(**named).to_dict() == built(**parts, **named).to_dict()


def test_value_clipping_is_off_unless_it_is_asked_for():
    assert built().vf_clip_param == math.inf


def test_rllibs_defaults_are_what_ppo_config_says():
    ours, theirs = built(**RLLIB_DEFAULTS), PPOConfig()
    for attribute in (
        "lr", "kl_coeff", "kl_target", "clip_param", "vf_clip_param", "entropy_coeff", "vf_loss_coeff",
        "lambda_", "gamma", "grad_clip", "num_epochs", "minibatch_size", "use_kl_loss", "use_gae",
        "shuffle_batch_per_epoch",
    ):  # fmt: skip
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert ours.train_batch_size_per_learner == theirs.train_batch_size
    theirs.environment("CartPole-v1")
    model = theirs.model_config
    assert list(ours.model_config["fcnet_hiddens"]) == list(model.get("fcnet_hiddens", [256, 256]))
    assert ours.model_config["fcnet_activation"] == model.get("fcnet_activation", "tanh")


@pytest.mark.parametrize("name", list(declared()))
def test_every_extreme_configuration_of_every_declared_space_builds(name):
    _, experiment = declared()[name]
    configs = extremes(experiment.space)
    assert len(configs) >= 3, "the default, the lowest and the highest values"
    for config in configs:
        settings = hyperparameters.with_defaults(config, experiment.fixed)
        assert settings["batch_size"] % settings["minibatch_size"] == 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"num_sgd_iter": 3}, "does not know 'num_sgd_iter'"),
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"batch_size": 256, "minibatch_size": 512}, "minibatch_size=512 is larger than batch_size=256"),
        ({"batch_size": 1000, "num_minibatches": 32}, "does not divide"),
        ({"width_1": 64}, "width_1 without depth"),
        ({"depth": 2, "width_1": 64, "activation": "tanh"}, "depth=2 without width_2"),
        ({"depth": 1, "width_1": 64, "activation": "tanh", "layout": "32-tanh"}, "by name or in parts"),
    ],
)
def test_a_configuration_that_cannot_be_trained_is_refused(config, message):
    with pytest.raises(UserError, match=message):
        hyperparameters.with_defaults(config, {})


def test_a_fixed_minibatch_size_and_a_searched_number_of_minibatches_contradict_each_other():
    with pytest.raises(UserError, match="one follows from the other"):
        hyperparameters.with_defaults({"num_minibatches": 8}, {"minibatch_size": 64})


def test_a_baseline_with_its_own_minibatch_size_overrules_what_is_fixed():
    assert hyperparameters.with_defaults(RLLIB_DEFAULTS, {"num_minibatches": 8})["minibatch_size"] == 128

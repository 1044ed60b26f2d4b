"""Proof that the fast learner is RLlib's PPO: on one batch the same losses, gradients, weights and KL."""

import math
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from experiments.core.environments.network_spaces import action_decoder
from experiments.core.fast_ppo.dense_network import DenseNetwork
from experiments.core.fast_ppo.distribution import sample
from experiments.core.fast_ppo.divergence import DivergenceError
from experiments.core.fast_ppo.learner import FastPPOLearner
from experiments.core.fast_ppo.statistics import check_finite
from experiments.core.fast_ppo.torch_network import TorchNetwork
from experiments.core.fast_ppo.update import (
    CLIPPED,
    ENTROPY,
    KLS,
    LOSS,
    NORM,
    POLICY_LOSS,
    VALUE_LOSS,
    Rows,
    UpdateLog,
)

VECTOR = spaces.Box(-1.0, 1.0, (5,), np.float32)
IMAGE = spaces.Box(0.0, 1.0, (16, 16, 3), np.float32)
ROWS = 96

ACTION_SPACES: dict[str, gym.Space[Any]] = {
    "discrete": spaces.Discrete(3),
    "multi-discrete": spaces.MultiDiscrete([2, 3, 4]),
    "box": spaces.Box(-2.0, 1.0, (2,), np.float32),
    "tuple": spaces.Tuple([spaces.Discrete(3), spaces.Box(-1.0, 1.0, (2,), np.float32)]),
    "dict": spaces.Dict(
        {"arm": spaces.Box(-1.0, 1.0, (1,), np.float32), "gear": spaces.MultiDiscrete([2, 3])}
    ),
    "nested": spaces.Dict(
        {"b": spaces.Tuple([spaces.Discrete(2), spaces.Discrete(4)]), "a": spaces.Discrete(3)}
    ),
}

LAYOUTS: dict[str, DefaultModelConfig] = {
    "separate tanh": DefaultModelConfig(fcnet_hiddens=[16, 8], vf_share_layers=False),
    "shared relu": DefaultModelConfig(fcnet_hiddens=[16], fcnet_activation="relu", vf_share_layers=True),
    "shared with heads": DefaultModelConfig(fcnet_hiddens=[16], head_fcnet_hiddens=[8]),
    "no encoder layers but one": DefaultModelConfig(fcnet_hiddens=[8], vf_share_layers=False),
    "silu": DefaultModelConfig(fcnet_hiddens=[16], fcnet_activation="silu", vf_share_layers=False),
    "elu": DefaultModelConfig(fcnet_hiddens=[16, 8], fcnet_activation="elu"),
    "layer norm": DefaultModelConfig(fcnet_hiddens=[16], fcnet_use_layernorm=True, vf_share_layers=False),
}

GAUSSIAN_LAYOUTS: dict[str, DefaultModelConfig] = {
    "free deviations": DefaultModelConfig(fcnet_hiddens=[8], free_log_std=True, vf_share_layers=False),
    "free deviations, shared": DefaultModelConfig(fcnet_hiddens=[8], free_log_std=True),
    "tightly clipped deviations": DefaultModelConfig(fcnet_hiddens=[8], log_std_clip_param=0.05),
    "free and clipped": DefaultModelConfig(fcnet_hiddens=[8], free_log_std=True, log_std_clip_param=0.05),
}

IMAGE_LAYOUTS: dict[str, DefaultModelConfig] = {
    "cnn": DefaultModelConfig(conv_filters=[[4, 4, 2], [8, 4, 2]], head_fcnet_hiddens=[16]),
    "cnn, separate": DefaultModelConfig(
        conv_filters=[[4, 4, 2]], head_fcnet_hiddens=[16], vf_share_layers=False
    ),
}

CASES = [
    *((f"{name}", VECTOR, space, LAYOUTS["separate tanh"]) for name, space in ACTION_SPACES.items()),
    *((f"{name}", VECTOR, spaces.Discrete(3), layout) for name, layout in LAYOUTS.items()),
    *((f"{name}", VECTOR, ACTION_SPACES["box"], layout) for name, layout in GAUSSIAN_LAYOUTS.items()),
    *((f"{name}", IMAGE, spaces.Discrete(3), layout) for name, layout in IMAGE_LAYOUTS.items()),
]

BY_TORCH = ("layer norm", "cnn", "cnn, separate")
"""Layouts that torch runs and differentiates."""


def config_for(obs_space: Any, action_space: Any, layout: DefaultModelConfig, **training: Any) -> PPOConfig:
    settings = {
        "lr": 1e-2,
        "clip_param": 0.1,
        "vf_clip_param": 1.5,
        "vf_loss_coeff": 0.7,
        "entropy_coeff": 0.03,
        "kl_coeff": 0.4,
        "kl_target": 0.01,
        "grad_clip": 0.05,
        "num_epochs": 3,
        "minibatch_size": 32,
        "shuffle_batch_per_epoch": False,
        "train_batch_size_per_learner": ROWS,
    }
    return (
        PPOConfig()
        .environment(observation_space=obs_space, action_space=action_space)
        .training(**(settings | training))
        .rl_module(model_config=layout)
        .debugging(seed=0)
    )


def learners(config: PPOConfig) -> tuple[Any, FastPPOLearner]:
    """RLlib's learner and the fast one with the same weights."""
    module_spaces = {DEFAULT_MODULE_ID: (config.observation_space, config.action_space)}
    stock = config.copy().build_learner(spaces=module_spaces)
    fast = config.copy().learners(learner_class=FastPPOLearner).build_learner(spaces=module_spaces)
    fast.module[DEFAULT_MODULE_ID].set_state(stock.module[DEFAULT_MODULE_ID].get_state())
    return stock, fast


def random_rows(config: PPOConfig, fast: FastPPOLearner, rows: int = ROWS) -> Rows:
    """Rows in which all branches of the loss occur: clipped and free ratios, small and large value errors."""
    generator = torch.Generator().manual_seed(1)
    distribution = fast.distribution
    obs = torch.rand((rows, *config.observation_space.shape), generator=generator).numpy()
    logits = 0.5 * torch.randn((rows, distribution.num_logits), generator=generator).numpy()
    actions = np.empty((rows, distribution.num_columns), np.float32)
    sample(logits, distribution.noise((rows,), generator), distribution.leaves, actions)
    normalised, old_log_prob = distribution.normalised(logits, actions)
    return Rows(
        obs=obs,
        actions=actions,
        old_log_prob=old_log_prob,
        old_normalised=normalised,
        advantages=torch.randn(rows, generator=generator).numpy(),
        targets=2.0 * torch.randn(rows, generator=generator).numpy(),
    )


def as_rllib(rows: Rows, action_space: gym.Space[Any]) -> dict[str, Any]:
    structured = action_decoder(action_space, normalize=False).decode(rows.actions)
    given = {
        Columns.OBS: rows.obs,
        Columns.ACTION_LOGP: rows.old_log_prob,
        Columns.ACTION_DIST_INPUTS: rows.old_normalised,
        Postprocessing.ADVANTAGES: rows.advantages,
        Postprocessing.VALUE_TARGETS: rows.targets,
    }
    columns = {name: torch.from_numpy(column) for name, column in given.items()}
    return {Columns.ACTIONS: _tensors(structured), **columns}


def one_step(fast: FastPPOLearner, rows: Rows) -> tuple[UpdateLog, dict[str, torch.Tensor]]:
    """One gradient step over all rows: what it looked like, and the clipped gradient that Adam was given."""
    optimizer = fast.get_optimizer(DEFAULT_MODULE_ID)
    numbers = fast._numbers(optimizer)
    record = fast.network.update(rows, np.arange(len(rows.targets))[None], numbers, optimizer)
    parameters = dict(fast.module[DEFAULT_MODULE_ID].named_parameters())
    # After the first step Adam's mean is this share of the gradient.
    share = 1.0 - optimizer.param_groups[0]["betas"][0]
    gradients = {
        name: optimizer.state[p]["exp_avg"] / share if p in optimizer.state else torch.zeros_like(p)
        for name, p in parameters.items()
    }
    return record, gradients


def _tensors(actions: Any) -> Any:
    if isinstance(actions, dict):
        return {key: _tensors(value) for key, value in actions.items()}
    if isinstance(actions, tuple):
        return tuple(_tensors(value) for value in actions)
    return torch.from_numpy(np.ascontiguousarray(actions))


def stock_gradients(stock: Any, batch: dict[str, Any]) -> tuple[Any, dict[str, torch.Tensor]]:
    """RLlib's losses and clipped gradients by parameter name."""
    stock.metrics.reduce()
    fwd_out = stock.module.forward_train({DEFAULT_MODULE_ID: batch})
    loss = stock.compute_losses(fwd_out=fwd_out, batch={DEFAULT_MODULE_ID: batch})
    raw = stock.compute_gradients(loss)
    clipped = stock.postprocess_gradients(dict(raw))
    names = {id(p): name for name, p in stock.module[DEFAULT_MODULE_ID].named_parameters()}
    reported = {
        key: float(torch.as_tensor(stock.metrics.peek((DEFAULT_MODULE_ID, key))).detach()) for key in REPORTED
    }
    reported["total"] = float(loss[DEFAULT_MODULE_ID].detach())
    return reported, {names[id(p)]: gradient for p, gradient in clipped.items()}


REPORTED = ("policy_loss", "vf_loss", "entropy", "mean_kl_loss")


@pytest.mark.parametrize("torch_alone", [False, True], ids=["native", "torch alone"])
@pytest.mark.parametrize(
    ("obs_space", "action_space", "layout"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_losses_and_gradients_equal_those_of_rllib(obs_space, action_space, layout, torch_alone):
    config = config_for(obs_space, action_space, layout)
    stock, fast = learners(config)
    if torch_alone:
        fast.network = TorchNetwork(fast.module[DEFAULT_MODULE_ID].unwrapped(), fast.distribution)
    rows = random_rows(config, fast)
    reported, expected = stock_gradients(stock, as_rllib(rows, action_space))

    record, gradients = one_step(fast, rows)

    means, (step,) = record.sums[0] / ROWS, record.steps
    assert means[VALUE_LOSS] < config.vf_clip_param, "the limit on the value error is exercised"
    assert means[CLIPPED] > 0.0, "the clipped surrogate is exercised"
    assert step[NORM] > config.grad_clip, "the limit on the gradient is exercised"
    np.testing.assert_allclose(
        [*means[[POLICY_LOSS, VALUE_LOSS, ENTROPY, KLS]], step[LOSS]],
        [*(reported[key] for key in REPORTED), reported["total"]],
        rtol=1e-5,
        atol=1e-6,
    )
    for name, gradient in gradients.items():
        wanted = expected.get(name, torch.zeros_like(gradient))
        torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize(("name", "obs_space", "action_space", "layout"), CASES, ids=[c[0] for c in CASES])
def test_dense_layouts_are_native_and_all_others_torchs(name, obs_space, action_space, layout):
    _, fast = learners(config_for(obs_space, action_space, layout))
    assert type(fast.network) is (TorchNetwork if name in BY_TORCH else DenseNetwork)


@pytest.mark.parametrize(
    ("action_space", "layout"),
    [c[2:] for c in CASES if c[0] not in BY_TORCH],
    ids=[c[0] for c in CASES if c[0] not in BY_TORCH],
)
def test_logits_and_values_are_those_of_the_module(action_space, layout):
    config = config_for(VECTOR, action_space, layout)
    _, fast = learners(config)
    obs = random_rows(config, fast, 300).obs
    other = TorchNetwork(fast.module[DEFAULT_MODULE_ID].unwrapped(), fast.distribution)
    np.testing.assert_allclose(fast.network.logits(obs), other.logits(obs), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fast.network.values(obs), other.values(obs), rtol=1e-5, atol=1e-6)


def test_an_update_gives_the_same_bits_each_time():
    config = config_for(VECTOR, ACTION_SPACES["tuple"], LAYOUTS["separate tanh"], minibatch_size=17)
    weights = []
    for _ in range(2):
        _, fast = learners(config)
        fast.update_on(random_rows(config, fast))
        weights.append([p.detach().numpy().tobytes() for p in fast.module[DEFAULT_MODULE_ID].parameters()])
    assert weights[0] == weights[1]


@pytest.mark.parametrize("rows", [ROWS, ROWS + 11], ids=["whole minibatches", "minibatches that span epochs"])
@pytest.mark.parametrize("action_space", ACTION_SPACES.values(), ids=ACTION_SPACES)
def test_a_whole_update_changes_the_weights_and_the_kl_coefficient_as_rllib_does(action_space, rows):
    config = config_for(VECTOR, action_space, LAYOUTS["separate tanh"])
    stock, fast = learners(config)
    batch = random_rows(config, fast, rows)

    for _ in range(2):  # the second update starts from Adam's moments and the adapted coefficient
        stock.update(
            batch=MultiAgentBatch(
                {DEFAULT_MODULE_ID: SampleBatch(as_rllib(batch, action_space))}, env_steps=rows
            ),
            timesteps={"num_env_steps_sampled_lifetime": rows},
            num_epochs=config.num_epochs,
            minibatch_size=config.minibatch_size,
            shuffle_batch_per_epoch=False,
        )
        statistics = fast.update_on(batch)
        fast.metrics.log_dict(statistics, key=DEFAULT_MODULE_ID, window=1)
        fast.after_gradient_based_update(timesteps={"num_env_steps_sampled_lifetime": rows})
        fast.metrics.reduce()

    theirs = dict(stock.module[DEFAULT_MODULE_ID].named_parameters())
    for name, parameter in fast.module[DEFAULT_MODULE_ID].named_parameters():
        torch.testing.assert_close(parameter, theirs[name], rtol=1e-3, atol=2e-5)
    coefficients = [float(x.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]) for x in (stock, fast)]
    assert coefficients[0] == coefficients[1]
    assert coefficients[0] != config.kl_coeff, "the coefficient has been adapted"


@pytest.mark.parametrize(
    ("kl_target", "factor"), [(1e-6, 1.5), (1e6, 0.5), (None, 1.0)], ids=["raised", "lowered", "kept"]
)
def test_the_kl_coefficient_is_adapted_by_rllibs_rule(kl_target, factor):
    config = config_for(VECTOR, spaces.Discrete(3), LAYOUTS["separate tanh"])
    _, fast = learners(config)
    statistics = fast.update_on(random_rows(config, fast))
    fast.config.kl_target = statistics["mean_kl_loss"] if kl_target is None else kl_target
    fast.metrics.log_dict(statistics, key=DEFAULT_MODULE_ID, window=1)
    fast.after_gradient_based_update(timesteps={})
    assert float(fast.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]) == pytest.approx(config.kl_coeff * factor)


def test_without_the_kl_penalty_the_loss_has_no_kl_term():
    config = config_for(VECTOR, spaces.Discrete(3), LAYOUTS["separate tanh"], use_kl_loss=False)
    stock, fast = learners(config)
    rows = random_rows(config, fast)
    _, expected = stock_gradients(stock, as_rllib(rows, config.action_space))
    for name, gradient in one_step(fast, rows)[1].items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-6)


def test_learning_rate_and_entropy_schedules_follow_the_environment_steps():
    config = config_for(
        VECTOR,
        spaces.Discrete(3),
        LAYOUTS["separate tanh"],
        lr=[[0, 1e-3], [1000, 0.0]],
        entropy_coeff=[[0, 0.1], [1000, 0.0]],
    )
    _, fast = learners(config)
    optimizer = fast.get_optimizer(DEFAULT_MODULE_ID)
    assert fast._numbers(optimizer).entropy_coeff == pytest.approx(0.1)
    fast.after_gradient_based_update(timesteps={"num_env_steps_sampled_lifetime": 250})
    assert fast._numbers(optimizer).entropy_coeff == pytest.approx(0.075)
    assert fast._numbers(optimizer).lr == pytest.approx(7.5e-4)


@pytest.mark.parametrize(
    ("loss", "norm", "weights_finite", "what"),
    [(math.inf, math.nan, False, "loss"), (1.0, math.inf, False, "gradient"), (1.0, 1.0, False, "weights")],
)
def test_what_is_not_finite_first_is_named(loss, norm, weights_finite, what):
    record = UpdateLog.empty(3)
    record.steps[1:, LOSS], record.steps[1:, NORM] = (loss, math.nan), (norm, norm)
    with pytest.raises(DivergenceError, match=f"non-finite {what}") as error:
        check_finite(record, weights_finite=weights_finite)
    assert pickle.loads(pickle.dumps(error.value)).what == what


@pytest.mark.parametrize("layout", ["separate tanh", "shared relu", "silu", "elu", "layer norm"])
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_never_hidden_by_an_activation(layout, poison):
    config = config_for(VECTOR, spaces.Discrete(3), LAYOUTS[layout])
    _, fast = learners(config)
    with torch.no_grad():
        next(fast.module[DEFAULT_MODULE_ID].unwrapped().encoder.parameters())[0, 0] = poison
    with pytest.raises(DivergenceError, match="non-finite"):
        fast.update_on(random_rows(config, fast))

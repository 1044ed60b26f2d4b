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
from experiments.core.fast_ppo.compiled import compiles
from experiments.core.fast_ppo.divergence import DivergenceError
from experiments.core.fast_ppo.gradient_step import GradientStep
from experiments.core.fast_ppo.learner import FastPPOLearner
from experiments.core.fast_ppo.loss import Minibatch, losses, output_gradient, row_terms
from experiments.core.fast_ppo.statistics import check_finite

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

UNCOMPILED = ("layer norm", "cnn", "cnn, separate")
"""Layouts that torch differentiates, and convolutions."""


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


def random_batch(config: PPOConfig, fast: FastPPOLearner, rows: int = ROWS) -> Minibatch:
    """Rows in which all branches of the loss occur: clipped and free ratios, small and large value errors."""
    generator = torch.Generator().manual_seed(1)
    obs = torch.rand((rows, *config.observation_space.shape), generator=generator)
    logits = 0.5 * torch.randn((rows, fast.distribution.num_logits), generator=generator)
    actions = fast.distribution.sample(logits, fast.distribution.noise((rows,), generator))
    normalised = fast.distribution.normalise(logits)
    return Minibatch(
        obs=obs,
        actions=actions,
        old_log_prob=fast.distribution.log_prob(normalised, actions),
        old_normalised=normalised,
        advantages=torch.randn(rows, generator=generator),
        targets=2.0 * torch.randn(rows, generator=generator),
    )


def as_rllib(batch: Minibatch, action_space: gym.Space[Any]) -> dict[str, Any]:
    structured = action_decoder(action_space, normalize=False).decode(batch.actions.numpy())
    return {
        Columns.OBS: batch.obs,
        Columns.ACTIONS: _tensors(structured),
        Columns.ACTION_LOGP: batch.old_log_prob,
        Columns.ACTION_DIST_INPUTS: batch.old_normalised,
        Postprocessing.ADVANTAGES: batch.advantages,
        Postprocessing.VALUE_TARGETS: batch.targets,
    }


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


@pytest.mark.parametrize(
    ("obs_space", "action_space", "layout"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_losses_and_gradients_equal_those_of_rllib(obs_space, action_space, layout):
    config = config_for(obs_space, action_space, layout)
    stock, fast = learners(config)
    batch, weights = random_batch(config, fast), fast._coefficients()
    reported, gradients = stock_gradients(stock, as_rllib(batch, action_space))

    logits, values, activations = fast.network.forward(batch.obs)
    terms = row_terms(fast.distribution, logits, values, batch)
    mine = losses(fast.distribution, terms, batch, weights)
    fast.network.backward(activations, *output_gradient(fast.distribution, terms, batch, weights))
    norm = fast.flat.clip(config.grad_clip)

    assert bool((terms.error.square() > config.vf_clip_param).any()), (
        "the limit on the value error is exercised"
    )
    assert bool(((terms.ratio - 1.0).abs() > config.clip_param).any()), "the clipped surrogate is exercised"
    assert float(norm) > config.grad_clip, "the limit on the gradient is exercised"
    np.testing.assert_allclose(
        [float(x) for x in (mine.policy, mine.value, mine.entropy, mine.kl, mine.total)],
        [*(reported[key] for key in REPORTED), reported["total"]],
        rtol=1e-5,
        atol=1e-6,
    )
    for name, parameter in fast.module[DEFAULT_MODULE_ID].named_parameters():
        expected = gradients.get(name, torch.zeros_like(parameter))
        torch.testing.assert_close(
            parameter.grad, expected, rtol=1e-4, atol=1e-7, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize(
    ("action_space", "layout"),
    [c[2:] for c in CASES if c[0] not in UNCOMPILED],
    ids=[c[0] for c in CASES if c[0] not in UNCOMPILED],
)
def test_the_step_that_is_compiled_is_the_same_step(action_space, layout):
    config = config_for(VECTOR, action_space, layout)
    _, fast = learners(config)
    assert compiles(fast.network, ROWS)
    step = GradientStep(fast.network, fast.distribution, fast.flat.adam)
    vectors = [vector.clone() for vector in fast.flat.vectors]
    weights = fast._coefficients()
    numbers = torch.tensor([*weights, config.grad_clip, fast.flat.lr])
    with torch.no_grad():
        for rows in (ROWS, 2, 31):
            batch = random_batch(config, fast, rows)
            expected_norm, expected = fast._gradient_step(batch, 1.0, weights)
            norm, *terms = step(*vectors, numbers, *batch)
            torch.testing.assert_close(norm, expected_norm, rtol=1e-4, atol=1e-6)
            for term, wanted in zip(terms, expected, strict=True):
                torch.testing.assert_close(term, wanted, rtol=1e-4, atol=1e-5)
    for vector, wanted in zip(vectors, fast.flat.vectors, strict=True):
        torch.testing.assert_close(vector, wanted, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", UNCOMPILED)
def test_what_compiling_does_not_make_faster_is_not_compiled(name):
    (obs_space, action_space, layout) = next(c[1:] for c in CASES if c[0] == name)
    _, fast = learners(config_for(obs_space, action_space, layout))
    assert not compiles(fast.network, ROWS)


def test_large_matrix_products_are_not_compiled():
    wide = DefaultModelConfig(fcnet_hiddens=[64, 64], vf_share_layers=False)
    _, fast = learners(config_for(VECTOR, spaces.Discrete(3), wide))
    assert [compiles(fast.network, rows) for rows in (64, 256, 512)] == [True, True, False]


def test_minibatches_of_one_row_are_not_compiled():
    _, fast = learners(config_for(VECTOR, spaces.Discrete(3), LAYOUTS["separate tanh"]))
    assert [compiles(fast.network, rows) for rows in (1, 2)] == [False, True]


@pytest.mark.parametrize("rows", [ROWS, ROWS + 11], ids=["whole minibatches", "minibatches that span epochs"])
@pytest.mark.parametrize("action_space", ACTION_SPACES.values(), ids=ACTION_SPACES)
def test_a_whole_update_changes_the_weights_and_the_kl_coefficient_as_rllib_does(action_space, rows):
    config = config_for(VECTOR, action_space, LAYOUTS["separate tanh"])
    stock, fast = learners(config)
    batch = random_batch(config, fast, rows)

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
        with torch.no_grad():
            statistics = fast._update_epochs(batch, scale=1.0)
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
    with torch.no_grad():
        statistics = fast._update_epochs(random_batch(config, fast), scale=1.0)
    fast.config.kl_target = statistics["mean_kl_loss"] if kl_target is None else kl_target
    fast.metrics.log_dict(statistics, key=DEFAULT_MODULE_ID, window=1)
    fast.after_gradient_based_update(timesteps={})
    assert float(fast.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]) == pytest.approx(config.kl_coeff * factor)


def test_without_the_kl_penalty_the_loss_has_no_kl_term():
    config = config_for(VECTOR, spaces.Discrete(3), LAYOUTS["separate tanh"], use_kl_loss=False)
    stock, fast = learners(config)
    batch = random_batch(config, fast)
    _, gradients = stock_gradients(stock, as_rllib(batch, config.action_space))
    logits, values, activations = fast.network.forward(batch.obs)
    terms = row_terms(fast.distribution, logits, values, batch)
    fast.network.backward(
        activations, *output_gradient(fast.distribution, terms, batch, fast._coefficients())
    )
    fast.flat.clip(config.grad_clip)
    for name, parameter in fast.module[DEFAULT_MODULE_ID].named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-7)


def test_learning_rate_and_entropy_schedules_follow_the_environment_steps():
    config = config_for(
        VECTOR,
        spaces.Discrete(3),
        LAYOUTS["separate tanh"],
        lr=[[0, 1e-3], [1000, 0.0]],
        entropy_coeff=[[0, 0.1], [1000, 0.0]],
    )
    _, fast = learners(config)
    assert fast._coefficients().entropy_coeff == pytest.approx(0.1)
    fast.after_gradient_based_update(timesteps={"num_env_steps_sampled_lifetime": 250})
    assert fast._coefficients().entropy_coeff == pytest.approx(0.075)
    assert fast.get_optimizer(DEFAULT_MODULE_ID).param_groups[0]["lr"] == pytest.approx(7.5e-4)


@pytest.mark.parametrize(
    ("ratio", "norm", "weights_finite", "what"),
    [(math.inf, math.nan, False, "loss"), (1.0, math.inf, False, "gradient"), (1.0, 1.0, False, "weights")],
)
def test_what_is_not_finite_first_is_named(ratio, norm, weights_finite, what):
    config = config_for(VECTOR, spaces.Discrete(3), LAYOUTS["separate tanh"])
    _, fast = learners(config)
    batch = random_batch(config, fast)
    terms = row_terms(fast.distribution, *fast.network.forward(batch.obs)[:2], batch)
    broken = terms._replace(ratio=torch.full_like(terms.ratio, ratio))
    norms = torch.tensor([1.0, norm, math.nan if norm != 1.0 else 1.0])
    with pytest.raises(DivergenceError, match=f"non-finite {what}") as error:
        check_finite(
            fast.distribution,
            [(batch, terms), (batch, broken), (batch, broken)],
            norms,
            fast._coefficients(),
            weights_finite=weights_finite,
        )
    assert pickle.loads(pickle.dumps(error.value)).what == what

"""A policy read from its checkpoint in NumPy is the one that torch computes, or it is refused."""

import logging
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.lstm_containing_rlm import LSTMContainingRLModule

import envs
from envs.suite.any_space.probe_spaces import ACTION_SPACES, OBSERVATION_SPACES
from experiments.core.environments.make import make_vector
from experiments.core.environments.network_spaces import action_decoder, observation_encoder
from experiments.core.fast_ppo.inference import module_policy
from experiments.core.fast_ppo.normalise import NormalisingPPOModule
from experiments.core.policy import numpy_layers
from experiments.core.policy.numpy_policy import NumpyNetwork, saved_policy
from experiments.core.policy.saved_module import UnknownModuleError, read
from experiments.core.training import hyperparameters
from search_spaces import SearchSpace, model_layouts

VECTOR = spaces.Box(-1.0, 1.0, (5,), np.float32)
IMAGE = spaces.Box(0, 255, (26, 33, 3), np.uint8)
"""Neither square nor a multiple of a stride, so that padding differs from side to side."""
CHOICE, FORCE = spaces.Discrete(4), spaces.Box(-2.0, 3.0, (3,), np.float32)
ROWS = 16
LAYOUTS = sorted(
    {
        layout
        for space in vars(model_layouts).values()
        if isinstance(space, SearchSpace)
        for layout in space["layout"].domain.choices
    }
    | {f"{widths}-{end}" for widths in ("24", "24x8x16") for end in ("tanh", "relu", "silu", "silu-shared")}
    | {f"cnn-{stack}-16{end}" for stack in model_layouts.CNN_STACKS for end in ("", "-shared")}
)


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.ERROR)


@pytest.fixture
def saved(tmp_path):
    """Builds RLlib's module for an environment's spaces, with large weights, and saves it."""

    def save(observations, actions, *, module_class=None, **settings):
        pair = (observation_encoder(observations).module_space, action_decoder(actions).module_space)
        config = PPOConfig().rl_module(model_config=DefaultModelConfig(**settings))
        spec = config.get_rl_module_spec(spaces={"__env_single__": pair, "default_policy": pair})
        torch.manual_seed(0)
        module = (spec if module_class is None else replace(spec, module_class=module_class)).build()
        with torch.no_grad():
            for weight in module.parameters():
                weight.copy_(torch.randn(weight.shape) / max(1.0, weight[0].numel() ** 0.5 / 2))
            for name, values in module.named_buffers():
                if name.startswith("obs_"):
                    values.copy_(torch.rand(values.shape) + 0.1)
        module.save_to_path(tmp_path.as_posix())
        return tmp_path, module

    return save


def samples(space, rows=ROWS):
    space = batch_space(space, rows)
    space.seed(1)
    return space.sample()


def leaves(batch):
    if isinstance(batch, dict):
        return [leaf for name in sorted(batch) for leaf in leaves(batch[name])]
    if isinstance(batch, tuple):
        return [leaf for part in batch for leaf in leaves(part)]
    return [np.asarray(batch)]


def assert_the_same_policy(folder, module, observation_space, action_space, observations):
    encoder, decoder = observation_encoder(observation_space), action_decoder(action_space)
    obs = np.asarray(encoder.encode(observations) * np.float32(encoder.scale), np.float32)
    expected = module.forward_inference({Columns.OBS: torch.from_numpy(obs)})[Columns.ACTION_DIST_INPUTS]
    logits = NumpyNetwork(read(folder), encoder.module_space.shape, decoder.parts).logits(obs)
    assert logits.dtype == np.float32
    assert np.ptp(logits, axis=0).max() > 0.1, "the observation has to matter"
    np.testing.assert_allclose(logits, expected.detach().numpy(), rtol=1e-4, atol=1e-4)

    given = leaves(saved_policy(folder, observation_space, action_space)(observations))
    wanted = leaves(module_policy(module, observation_space, action_space)(observations))
    for actions, torch_actions in zip(given, wanted, strict=True):
        assert actions.dtype == torch_actions.dtype
        if actions.dtype.kind == "f":
            np.testing.assert_allclose(actions, torch_actions, rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(actions, torch_actions)


@pytest.mark.parametrize("module_class", [None, NormalisingPPOModule], ids=["plain", "normalising"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_computed_as_by_torch(saved, layout, module_class):
    space = IMAGE if model_layouts.parse(layout).filters else VECTOR
    folder, module = saved(
        space, CHOICE, module_class=module_class, **hyperparameters.model_keywords({"layout": layout})
    )
    assert_the_same_policy(folder, module, space, CHOICE, samples(space))


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_every_action_space_is_acted_in_as_by_torch(saved, name):
    space = ACTION_SPACES[name]
    folder, module = saved(VECTOR, space, fcnet_hiddens=[16])
    assert_the_same_policy(folder, module, VECTOR, space, samples(VECTOR))


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_every_observation_space_is_read_as_by_torch(saved, name):
    space = OBSERVATION_SPACES[name]
    layout = "cnn-tile4-16" if len(observation_encoder(space).module_space.shape) == 3 else "16x8-tanh"
    folder, module = saved(space, CHOICE, **hyperparameters.model_keywords({"layout": layout}))
    assert_the_same_policy(folder, module, space, CHOICE, samples(space))


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_is_played_as_by_torch(saved, env_id):
    env = make_vector(env_id, {}, ROWS)
    observation_space, action_space = env.single_observation_space, env.single_action_space
    layout = "cnn-small-16" if len(observation_space.shape) == 3 else "16x16-tanh"
    folder, module = saved(
        observation_space, action_space, **hyperparameters.model_keywords({"layout": layout})
    )
    seen = [env.reset(seed=0)[0], samples(observation_space)]
    env.action_space.seed(0)
    seen += [env.step(env.action_space.sample())[0] for _ in range(3)]
    assert_the_same_policy(folder, module, observation_space, action_space, np.concatenate(seen))


@pytest.mark.parametrize("free", [False, True], ids=["of the network", "free"])
def test_a_gaussians_deviations_are_limited_as_by_torch(saved, free):
    folder, module = saved(VECTOR, FORCE, fcnet_hiddens=[16], free_log_std=free, log_std_clip_param=0.5)
    assert_the_same_policy(folder, module, VECTOR, FORCE, samples(VECTOR))
    parts = action_decoder(FORCE).parts
    deviations = NumpyNetwork(read(folder), VECTOR.shape, parts).logits(samples(VECTOR))[:, 3:]
    assert np.abs(deviations).max() == 0.5


def test_settings_beyond_those_that_layouts_have_a_name_for_are_computed_too(saved):
    folder, module = saved(
        IMAGE,
        FORCE,
        conv_filters=[[4, 5, 3], [6, 3, 2]],
        conv_activation="linear",
        head_fcnet_hiddens=[12, 8],
        head_fcnet_activation="Tanh",
    )
    assert_the_same_policy(folder, module, IMAGE, FORCE, samples(IMAGE))
    folder, module = saved(VECTOR, CHOICE, fcnet_hiddens=[8, 8], fcnet_activation=None)
    assert_the_same_policy(folder, module, VECTOR, CHOICE, samples(VECTOR))


def test_images_taken_a_few_at_a_time_give_what_they_give_together(saved, monkeypatch):
    folder, _ = saved(IMAGE, CHOICE, **hyperparameters.model_keywords({"layout": "cnn-small-16"}))
    network = NumpyNetwork(read(folder), IMAGE.shape, action_decoder(CHOICE).parts)
    images = samples(IMAGE).astype(np.float32)
    together = network.logits(images)
    monkeypatch.setattr(numpy_layers, "WINDOW_NUMBERS", 3 * 7 * 9 * 8 * 8 * 3)
    np.testing.assert_allclose(network.logits(images), together, rtol=1e-5, atol=1e-4)


def test_observations_of_another_shape_are_refused(saved):
    folder, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    act = saved_policy(folder, VECTOR, CHOICE)
    for shape in [(5,), (2, 1), (2, 6)]:
        with pytest.raises(ValueError, match=r"observations of shape"):
            act(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("settings", "unknown"),
    [
        ({"use_lstm": True}, "use_lstm"),
        ({"fcnet_use_layernorm": True}, "fcnet_use_layernorm"),
        ({"head_fcnet_hiddens": [8], "head_fcnet_use_layernorm": True}, "head_fcnet_use_layernorm"),
        ({"fcnet_activation": "elu"}, "activation elu"),
        ({"fcnet_activation": torch.nn.Tanh}, "torch.nn"),
    ],
    ids=str,
)
def test_a_layout_that_is_not_known_is_refused(saved, settings, unknown):
    folder, _ = saved(VECTOR, CHOICE, **{"fcnet_hiddens": [8], **settings})
    with pytest.raises(UnknownModuleError, match=unknown):
        saved_policy(folder, VECTOR, CHOICE)


@pytest.mark.parametrize(
    "filters", [[[4, 8, 4, "valid"]], [[4, [8, 6], 4]], [[4, 2, 3]]], ids=["padding", "oblong", "gaps"]
)
def test_a_convolution_that_is_not_known_is_refused(saved, filters):
    folder, _ = saved(IMAGE, CHOICE, conv_filters=filters)
    with pytest.raises(UnknownModuleError, match=r"convolution|whole numbers"):
        saved_policy(folder, IMAGE, CHOICE)


def test_a_module_of_another_class_is_refused(tmp_path):
    spec = RLModuleSpec(
        module_class=LSTMContainingRLModule,
        observation_space=VECTOR,
        action_space=CHOICE,
        model_config={"lstm_cell_size": 8, "dense_layers": [8]},
    )
    spec.build().save_to_path(tmp_path.as_posix())
    with pytest.raises(UnknownModuleError, match="LSTMContainingRLModule"):
        saved_policy(tmp_path, VECTOR, CHOICE)


def test_a_module_for_other_spaces_is_refused(saved):
    folder, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    with pytest.raises(UnknownModuleError, match=r"shape \(8, 5\): expected \(8, 6\)"):
        saved_policy(folder, spaces.Box(-1.0, 1.0, (6,), np.float32), CHOICE)
    with pytest.raises(UnknownModuleError, match=r"shape \(4, 8\): expected \(3, 8\)"):
        saved_policy(folder, VECTOR, spaces.Discrete(3))
    with pytest.raises(UnknownModuleError, match=r"images without convolutions"):
        saved_policy(folder, IMAGE, CHOICE)


def changed(path, change):
    values = pickle.loads(path.read_bytes())
    change(values)
    path.write_bytes(pickle.dumps(values))


ENCODER, CRITIC = "encoder.actor_encoder.net.mlp.0", "encoder.critic_encoder.net.mlp.0"


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights.pop(f"{ENCODER}.bias"),
        lambda weights: weights.update({"encoder.actor_encoder.skip.weight": np.ones((8, 8), np.float32)}),
        lambda weights: weights.update({"pi.log_std": np.zeros(3, np.float32)}),
        lambda weights: weights.update({f"{ENCODER}.weight": weights[f"{ENCODER}.weight"].T.copy()}),
        lambda weights: weights.update({f"{ENCODER}.weight": weights[f"{ENCODER}.weight"].astype(float)}),
        lambda weights: weights.update({f"{ENCODER}.weight": weights[f"{ENCODER}.weight"].tolist()}),
        lambda weights: weights.update({7: weights.pop(f"{ENCODER}.bias")}),
        lambda weights: weights.update({"obs_mean": np.zeros(5, np.float32)}),
    ],
    ids=["missing", "more", "deviations", "shape", "type", "list", "number for a name", "moments"],
)
def test_weights_other_than_the_layouts_are_refused(saved, change):
    folder, _ = saved(VECTOR, FORCE, fcnet_hiddens=[8], vf_share_layers=False)
    changed(folder / "module_state.pkl", change)
    with pytest.raises(UnknownModuleError):
        saved_policy(folder, VECTOR, FORCE)


def test_the_value_networks_weights_are_not_looked_at(saved):
    folder, module = saved(VECTOR, CHOICE, fcnet_hiddens=[8], vf_share_layers=False)
    changed(folder / "module_state.pkl", lambda weights: weights.pop(f"{CRITIC}.bias"))
    assert_the_same_policy(folder, module, VECTOR, CHOICE, samples(VECTOR))


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made["ctor_args_and_kwargs"][1]["model_config"].update(dropout=0.1),
        lambda made: made["ctor_args_and_kwargs"][1]["model_config"].pop("free_log_std"),
        lambda made: made["ctor_args_and_kwargs"][1].update(residual=True),
        lambda made: made["ctor_args_and_kwargs"][1].update(catalog_class=None),
        lambda made: made.update({"class": RLModuleSpec}),
        lambda made: made.pop("class"),
    ],
    ids=["unknown setting", "missing setting", "argument", "catalog", "class", "no class"],
)
def test_a_module_made_in_a_way_that_is_not_known_is_refused(saved, change):
    folder, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    changed(folder / "class_and_ctor_args.pkl", change)
    with pytest.raises(UnknownModuleError):
        saved_policy(folder, VECTOR, CHOICE)


class Creating:
    """Unpickled by pickle itself, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("name", ["module_state.pkl", "class_and_ctor_args.pkl"])
def test_reading_runs_nothing_that_a_file_names(saved, tmp_path, name):
    folder, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    made = tmp_path / "made"
    changed(folder / name, lambda values: values.update(extra=Creating(made.as_posix())))
    with pytest.raises(UnknownModuleError, match=r"mkdir is not known"):
        read(folder)
    assert not made.exists()


def test_files_that_are_missing_or_damaged_are_refused(saved, tmp_path):
    folder, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    state = folder / "module_state.pkl"
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(UnknownModuleError):
        read(folder)
    with pytest.raises(UnknownModuleError, match="FileNotFoundError"):
        read(tmp_path / "nowhere")

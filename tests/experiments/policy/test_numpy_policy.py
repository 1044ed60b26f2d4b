"""A policy exported from its module and asked in NumPy is the one that torch computes, or it is refused."""

import json
import logging
from dataclasses import replace

import msgspec
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
from analysis.sweep.records import DamagedError
from envs.suite.any_space.probe_spaces import ACTION_SPACES, OBSERVATION_SPACES
from experiments.core.environments.make import make_vector
from experiments.core.environments.network_spaces import action_decoder, observation_encoder
from experiments.core.fast_ppo.inference import module_policy
from experiments.core.fast_ppo.normalise import NormalisingPPOModule
from experiments.core.policy import numpy_layers
from experiments.core.policy.exported import (
    ExportedPolicy,
    UnknownModuleError,
    read_policy,
    write_policy,
)
from experiments.core.policy.numpy_policy import NumpyNetwork, export_policy, exported_policy
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
    | {f"{widths}-{end}" for widths in ("24", "24x8x16") for end in ("tanh", "relu", "elu", "silu-shared")}
    | {f"cnn-{stack}-16{end}" for stack in (*model_layouts.CNN_STACKS, "16x32") for end in ("", "-shared")}
)


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.ERROR)


@pytest.fixture
def saved(tmp_path):
    """Builds RLlib's module for an environment's spaces, with large weights, and exports its policy."""

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
        write_policy(tmp_path, ExportedPolicy.of(module, observations, actions))
        return read_policy(tmp_path), module

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


def assert_the_same_policy(exported, module, observation_space, action_space, observations):
    encoder, decoder = observation_encoder(observation_space), action_decoder(action_space)
    obs = np.asarray(encoder.encode(observations) * np.float32(encoder.scale), np.float32)
    expected = module.forward_inference({Columns.OBS: torch.from_numpy(obs)})[Columns.ACTION_DIST_INPUTS]
    logits = NumpyNetwork(exported, encoder.module_space.shape, decoder.parts).logits(obs)
    assert logits.dtype == np.float32
    assert np.ptp(logits, axis=0).max() > 0.1, "the observation has to matter"
    np.testing.assert_allclose(logits, expected.detach().numpy(), rtol=1e-4, atol=1e-4)

    given = leaves(exported_policy(exported, observation_space, action_space)(observations))
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
    exported, module = saved(
        space, CHOICE, module_class=module_class, **hyperparameters.model_keywords({"layout": layout})
    )
    assert_the_same_policy(exported, module, space, CHOICE, samples(space))


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_every_action_space_is_acted_in_as_by_torch(saved, name):
    space = ACTION_SPACES[name]
    exported, module = saved(VECTOR, space, fcnet_hiddens=[16])
    assert_the_same_policy(exported, module, VECTOR, space, samples(VECTOR))


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_every_observation_space_is_read_as_by_torch(saved, name):
    space = OBSERVATION_SPACES[name]
    layout = "cnn-tile4-16" if len(observation_encoder(space).module_space.shape) == 3 else "16x8-tanh"
    exported, module = saved(space, CHOICE, **hyperparameters.model_keywords({"layout": layout}))
    assert_the_same_policy(exported, module, space, CHOICE, samples(space))


@pytest.mark.parametrize("env_id", envs.ids())
def test_every_environment_is_played_as_by_torch(saved, env_id):
    env = make_vector(env_id, {}, ROWS)
    observation_space, action_space = env.single_observation_space, env.single_action_space
    layout = "cnn-small-16" if len(observation_space.shape) == 3 else "16x16-tanh"
    exported, module = saved(
        observation_space, action_space, **hyperparameters.model_keywords({"layout": layout})
    )
    seen = [env.reset(seed=0)[0], samples(observation_space)]
    env.action_space.seed(0)
    seen += [env.step(env.action_space.sample())[0] for _ in range(3)]
    assert_the_same_policy(exported, module, observation_space, action_space, np.concatenate(seen))


@pytest.mark.parametrize("free", [False, True], ids=["of the network", "free"])
def test_a_gaussians_deviations_are_limited_as_by_torch(saved, free):
    exported, module = saved(VECTOR, FORCE, fcnet_hiddens=[16], free_log_std=free, log_std_clip_param=0.5)
    assert_the_same_policy(exported, module, VECTOR, FORCE, samples(VECTOR))
    parts = action_decoder(FORCE).parts
    deviations = NumpyNetwork(exported, VECTOR.shape, parts).logits(samples(VECTOR))[:, 3:]
    assert np.abs(deviations).max() == 0.5


def test_settings_beyond_those_that_layouts_have_a_name_for_are_computed_too(saved):
    exported, module = saved(
        IMAGE,
        FORCE,
        conv_filters=[[4, 5, 3], [6, 3, 2]],
        conv_activation="linear",
        head_fcnet_hiddens=[12, 8],
        head_fcnet_activation="Tanh",
    )
    assert_the_same_policy(exported, module, IMAGE, FORCE, samples(IMAGE))
    exported, module = saved(VECTOR, CHOICE, fcnet_hiddens=[8, 8], fcnet_activation=None)
    assert_the_same_policy(exported, module, VECTOR, CHOICE, samples(VECTOR))


def test_images_taken_a_few_at_a_time_give_what_they_give_together(saved, monkeypatch):
    exported, _ = saved(IMAGE, CHOICE, **hyperparameters.model_keywords({"layout": "cnn-small-16"}))
    network = NumpyNetwork(exported, IMAGE.shape, action_decoder(CHOICE).parts)
    images = samples(IMAGE).astype(np.float32)
    together = network.logits(images)
    monkeypatch.setattr(numpy_layers, "WINDOW_NUMBERS", 3 * 7 * 9 * 8 * 8 * 3)
    np.testing.assert_allclose(network.logits(images), together, rtol=1e-5, atol=1e-4)


def test_observations_of_another_shape_are_refused(saved):
    exported, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    act = exported_policy(exported, VECTOR, CHOICE)
    for shape in [(5,), (2, 1), (2, 6)]:
        with pytest.raises(ValueError, match=r"observations of shape"):
            act(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("settings", "unknown"),
    [
        ({"use_lstm": True}, "use_lstm"),
        ({"fcnet_use_layernorm": True}, "fcnet_use_layernorm"),
        ({"head_fcnet_hiddens": [8], "head_fcnet_use_layernorm": True}, "head_fcnet_use_layernorm"),
        ({"fcnet_activation": torch.nn.Tanh}, "torch.nn"),
    ],
    ids=str,
)
def test_a_layout_that_is_not_known_is_refused(saved, settings, unknown):
    with pytest.raises(UnknownModuleError, match=unknown):
        exported_policy(saved(VECTOR, CHOICE, **{"fcnet_hiddens": [8], **settings})[0], VECTOR, CHOICE)


@pytest.mark.parametrize(
    "filters", [[[4, 8, 4, "valid"]], [[4, [8, 6], 4]], [[4, 2, 3]]], ids=["padding", "oblong", "gaps"]
)
def test_a_convolution_that_is_not_known_is_refused(saved, filters):
    with pytest.raises(UnknownModuleError, match=r"convolution|whole numbers|conv_filters"):
        exported_policy(saved(IMAGE, CHOICE, conv_filters=filters)[0], IMAGE, CHOICE)


def test_a_module_of_another_class_is_not_exported(tmp_path):
    spec = RLModuleSpec(
        module_class=LSTMContainingRLModule,
        observation_space=VECTOR,
        action_space=CHOICE,
        model_config={"lstm_cell_size": 8, "dense_layers": [8]},
    )
    module = spec.build()
    with pytest.raises(UnknownModuleError, match="LSTMContainingRLModule"):
        ExportedPolicy.of(module, VECTOR, CHOICE)
    assert not export_policy(tmp_path, module, VECTOR, CHOICE)
    assert not list(tmp_path.iterdir())


def test_a_module_for_other_spaces_is_refused(saved):
    exported, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    with pytest.raises(UnknownModuleError, match=r"shape \(8, 5\): expected \(8, 6\)"):
        exported_policy(exported, spaces.Box(-1.0, 1.0, (6,), np.float32), CHOICE)
    with pytest.raises(UnknownModuleError, match=r"sizes=\(4,\).*expected .*sizes=\(3,\)"):
        exported_policy(exported, VECTOR, spaces.Discrete(3))
    with pytest.raises(UnknownModuleError, match=r"categorical.*expected .*gaussian"):
        exported_policy(exported, VECTOR, spaces.Box(-1.0, 1.0, (2,), np.float32))
    with pytest.raises(UnknownModuleError, match=r"images without convolutions"):
        exported_policy(exported, IMAGE, CHOICE)


def with_weights(exported, change):
    weights = dict(exported.weights)
    change(weights)
    return msgspec.structs.replace(exported, weights=weights)


ENCODER = "encoder.actor_encoder.net.mlp.0"


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights.pop(f"{ENCODER}.bias"),
        lambda weights: weights.update({"encoder.actor_encoder.skip.weight": np.ones((8, 8), np.float32)}),
        lambda weights: weights.update({"pi.log_std": np.zeros(3, np.float32)}),
        lambda weights: weights.update({f"{ENCODER}.weight": weights[f"{ENCODER}.weight"].T.copy()}),
        lambda weights: weights.update({f"{ENCODER}.weight": weights[f"{ENCODER}.weight"].astype(float)}),
        lambda weights: weights.update({"obs_mean": np.zeros(5, np.float32)}),
    ],
    ids=["missing", "more", "deviations", "shape", "type", "moments"],
)
def test_weights_other_than_the_layouts_are_refused(saved, tmp_path, change):
    exported, _ = saved(VECTOR, FORCE, fcnet_hiddens=[8], vf_share_layers=False)
    write_policy(tmp_path, with_weights(exported, change))
    with pytest.raises(UnknownModuleError):
        exported_policy(read_policy(tmp_path), VECTOR, FORCE)


def test_the_value_networks_weights_stay_behind(saved):
    exported, module = saved(VECTOR, CHOICE, fcnet_hiddens=[8], vf_share_layers=False)
    left_behind = module.get_state().keys() - exported.weights.keys()
    assert {name.split(".")[0] for name in left_behind} == {"vf", "encoder"}
    assert not any("critic" in name for name in exported.weights)


@pytest.mark.parametrize(
    "change", [{"dropout": 0.1}, {"free_log_std": msgspec.UNSET}], ids=["unknown setting", "missing setting"]
)
def test_a_layout_with_other_settings_is_refused(saved, change):
    exported, _ = saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    layout = {**exported.about.layout, **change}
    layout = {name: value for name, value in layout.items() if value is not msgspec.UNSET}
    about = msgspec.structs.replace(exported.about, layout=layout)
    with pytest.raises(UnknownModuleError, match="are unknown, or missing"):
        exported_policy(msgspec.structs.replace(exported, about=about), VECTOR, CHOICE)


def test_the_file_says_what_it_holds_and_is_no_pickle(saved, tmp_path):
    exported, _ = saved(VECTOR, FORCE, module_class=NormalisingPPOModule, fcnet_hiddens=[8])
    content = (tmp_path / "policy.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    about = json.loads(header.pop("__metadata__")["policy"])
    assert json.loads(about["observation_space"]) == {"Box": {"low": -1.0, "high": 1.0, "shape": [5]}}
    assert json.loads(about["action_space"]) == {"Box": {"low": -2.0, "high": 3.0, "shape": [3]}}
    assert about["distribution"] == [{"kind": "gaussian", "sizes": [3]}]
    assert about["normalises"] is True
    assert about["layout"]["fcnet_hiddens"] == [8]
    assert {"ray", "torch", "numpy"} <= about["versions"].keys()
    assert header.keys() == exported.weights.keys() >= {"obs_mean", "obs_factor"}


def spoilt(content, **header):
    """A file with another header, and the same numbers."""
    end = 8 + int.from_bytes(content[:8], "little")
    text = json.dumps(json.loads(content[8:end]) | header).encode()
    return len(text).to_bytes(8, "little") + text + content[end:]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:200],
        lambda content: b"",
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: spoilt(content, __metadata__=None),
        lambda content: spoilt(content, __metadata__={"policy": "{}"}),
        lambda content: spoilt(content, __metadata__={"policy": '{"format": 2}'}),
        lambda content: spoilt(content, __metadata__={"policy": "[" * 100_000}),
        lambda content: spoilt(content, more={"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}),
        lambda content: spoilt(content, more={"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}),
        lambda content: spoilt(content, more=[]),
    ],
    ids=[
        "half",
        "empty",
        "length",
        "nothing said",
        "too little said",
        "later",
        "deep",
        "huge",
        "type",
        "list",
    ],
)
def test_a_file_that_is_damaged_is_one_line(saved, tmp_path, spoil):
    saved(VECTOR, CHOICE, fcnet_hiddens=[8])
    path = tmp_path / "policy.safetensors"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DamagedError, match="is damaged") as caught:
        read_policy(tmp_path)
    assert str(caught.value).startswith(f"{path} is damaged (")
    assert "\n" not in str(caught.value)
    assert read_policy(tmp_path / "nowhere") is None

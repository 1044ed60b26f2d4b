"""Trained policy in NumPy: the greedy actions of an exported policy, without RLlib and torch.

It computes what `fast_ppo.inference.module_policy` does, for RLlib's default PPO module and the normalising
one, with every layout that `search_spaces.model_layouts` can name. Anything else is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from experiments.core.environments import (
    ActionPart,
    Policy,
    action_decoder,
    most_probable,
    observation_encoder,
)
from experiments.core.policy.exported import ExportedPolicy, UnknownModuleError, write_policy
from experiments.core.policy.numpy_layers import (
    ACTIVATIONS,
    Activation,
    Convolutions,
    Layer,
    LogDeviations,
    Normalisation,
    NumpyConvolution,
    NumpyDense,
)

Array = NDArray[Any]

_SETTINGS = {
    "vf_share_layers", "fcnet_hiddens", "fcnet_activation", "conv_filters", "conv_activation",
    "head_fcnet_hiddens", "head_fcnet_activation", "free_log_std", "log_std_clip_param",
}  # fmt: skip
_SWITCHED_OFF = {"use_lstm", "fcnet_use_layernorm", "head_fcnet_use_layernorm"}


def exported_policy(
    exported: ExportedPolicy, observation_space: gym.Space[Any], action_space: gym.Space[Any]
) -> Policy:
    """Makes the greedy policy of what was exported: the most probable category, and the mean of a Gaussian.

    Args:
        exported: Its weights, and what they mean.
        observation_space: The environment's (single) observation space.
        action_space: The environment's (single) action space.

    Raises:
        UnknownModuleError: It is not one that is known here, or does not fit the spaces.
    """
    encoder, decoder = observation_encoder(observation_space), action_decoder(action_space)
    network = NumpyNetwork(exported, encoder.module_space.shape, decoder.parts)
    scale = np.float32(encoder.scale)

    def act(observations: Any) -> Any:
        obs = encoder.encode(observations)
        logits = network.logits(obs if scale == 1.0 else obs * scale)
        return decoder.decode(most_probable(decoder.parts, logits))

    return act


def export_policy(
    folder: Path, module: Any, observation_space: gym.Space[Any], action_space: gym.Space[Any]
) -> bool:
    """Writes the policy of one of RLlib's modules as a file without code.

    Args:
        folder: Where to.
        module: The module.
        observation_space: Space of one observation that it was trained on.
        action_space: Space of one action.

    Returns:
        Whether it was written: a network that could not be read again without its own code is not.
    """
    try:
        exported = ExportedPolicy.of(module, observation_space, action_space)
        exported_policy(exported, observation_space, action_space)
    except UnknownModuleError:
        return False
    write_policy(folder, exported)
    return True


class NumpyNetwork:
    """Policy network of an exported policy, normalisation included.

    Args:
        exported: Its weights, and what they mean.
        shape: Of one observation.
        parts: What the logits mean.

    Raises:
        UnknownModuleError: The layout has a setting that is not known here, or the weights are not exactly
            those that the layout asks for with these observations and actions.
    """

    def __init__(
        self, exported: ExportedPolicy, shape: tuple[int, ...], parts: tuple[ActionPart, ...]
    ) -> None:
        self._shape = shape
        if exported.parts != parts:
            raise UnknownModuleError(f"it acts by {exported.parts}: expected {parts}")
        layout, weights = _checked(exported.about.layout), _Weights(exported.weights)
        self._layers = tuple(_layers(layout, weights, shape, parts, normalises=exported.about.normalises))
        weights.check_left()

    def logits(self, obs: Array) -> Array:
        """Computes logits [B, L] of observations [B, ...], as the module's forward pass does.

        Raises:
            ValueError: The observations have another shape.
        """
        if obs.shape[1:] != self._shape:
            raise ValueError(f"observations of shape {obs.shape}: expected [B, ...] of {self._shape}")
        x = obs
        for layer in self._layers:
            x = layer(x)
        return x


class _Weights:
    """Parameters and buffers of a module, each to be taken once."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._left = dict(weights)

    def take(self, name: str, *shape: int) -> Array:
        """Takes the numbers of a name, which must have this shape."""
        array = self._left.pop(name, None)
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            raise UnknownModuleError(f"{name} is {type(array).__name__}: expected float32 numbers")
        if array.shape != shape:
            raise UnknownModuleError(f"{name} of shape {array.shape}: expected {shape}")
        return array

    def check_left(self) -> None:
        """Checks that all of them were taken."""
        if self._left:
            raise UnknownModuleError(f"weights that the layout does not ask for: {', '.join(self._left)}")


def _checked(layout: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a layout of which every setting is understood."""
    odd = layout.keys() ^ (_SETTINGS | _SWITCHED_OFF)
    if odd:
        raise UnknownModuleError(f"settings {', '.join(sorted(odd))} are unknown, or missing")
    switched_on = [name for name in _SWITCHED_OFF if layout[name]]
    if switched_on:
        raise UnknownModuleError(f"settings {', '.join(sorted(switched_on))} are on")
    return layout


def _layers(
    layout: Mapping[str, Any],
    weights: _Weights,
    shape: tuple[int, ...],
    parts: tuple[ActionPart, ...],
    *,
    normalises: bool,
) -> Iterator[Layer]:
    """Yields the layers from an observation to the logits."""
    if normalises:
        yield Normalisation(weights.take("obs_mean", *shape), weights.take("obs_factor", *shape))
    encoder = f"encoder.{'encoder' if layout['vf_share_layers'] else 'actor_encoder'}.net"
    if len(shape) == 3:
        convolutions = _convolutions(layout, weights, f"{encoder}.0.cnn", shape)
        yield convolutions
        height, width = convolutions.layers[-1].size
        latent = height * width * len(convolutions.layers[-1].bias)
    else:
        hidden, activation = _whole(layout["fcnet_hiddens"]), layout["fcnet_activation"]
        if not hidden or len(shape) != 1:
            raise UnknownModuleError(f"an encoder of {hidden} for observations of {shape}")
        yield from _dense(weights, f"{encoder}.mlp", [*shape, *hidden], [activation] * len(hidden))
        latent = hidden[-1]

    free = bool(layout["free_log_std"])
    outputs = sum(part.logits for part in parts)
    hidden, activation = _whole(layout["head_fcnet_hiddens"]), layout["head_fcnet_activation"]
    widths = [latent, *hidden, outputs // 2 if free else outputs]
    yield from _dense(weights, "pi.net.mlp", widths, [activation] * len(hidden) + ["linear"])
    limit = float(weights.take("pi.log_std_clip_param_const", 1)[0])
    # Only a Gaussian alone has its deviations limited, and can have free ones.
    if [part.kind for part in parts] == ["gaussian"]:
        yield LogDeviations(weights.take("pi.log_std", outputs // 2) if free else None, limit)
    elif free:
        raise UnknownModuleError("free deviations of what is no Gaussian")


def _dense(
    weights: _Weights, prefix: str, widths: Sequence[int], activations: Sequence[Any]
) -> Iterator[Layer]:
    """Yields the dense layers of a `TorchMLP`, one fewer than widths."""
    place = 0
    for (before, after), activation in zip(pairwise(widths), activations, strict=True):
        activate = _activation(activation)
        weight = weights.take(f"{prefix}.{place}.weight", after, before)
        bias = weights.take(f"{prefix}.{place}.bias", after)
        yield NumpyDense(np.ascontiguousarray(weight.T), bias, activate)
        # Torch numbers activations, too, but not the absence of one.
        place += 1 if activate is ACTIVATIONS["linear"] else 2


def _convolutions(
    layout: Mapping[str, Any], weights: _Weights, prefix: str, shape: tuple[int, ...]
) -> Convolutions:
    """Makes the convolutions of a `TorchCNN`, each behind the padding with which it sees every pixel."""
    activate = _activation(layout["conv_activation"])
    layers: list[NumpyConvolution] = []
    (height, width, channels), place = shape, 1
    for filters in layout["conv_filters"] or ():
        numbers = _whole(filters)
        if len(numbers) != 3:
            raise UnknownModuleError(f"convolution {filters}: expected channels, kernel and stride")
        out, kernel, stride = numbers
        if kernel < stride:
            raise UnknownModuleError(f"convolution {filters} leaves pixels out")
        weight = weights.take(f"{prefix}.{place}.weight", out, channels, kernel, kernel)
        (height, above), (width, beside) = (_padding(side, kernel, stride) for side in (height, width))
        layers.append(
            NumpyConvolution(
                weight=np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, out)),
                bias=weights.take(f"{prefix}.{place}.bias", out),
                kernel=kernel,
                stride=stride,
                padding=(above, beside),
                size=(height, width),
                activate=activate,
            )
        )
        channels = out
        # Torch numbers padding and activations, too, but not the absence of an activation.
        place += 2 if activate is ACTIVATIONS["linear"] else 3
    if not layers:
        raise UnknownModuleError("images without convolutions")
    return Convolutions(tuple(layers))


def _padding(side: int, kernel: int, stride: int) -> tuple[int, tuple[int, int]]:
    """Returns windows along a side, and the zeros before and after it with which they see all of it."""
    windows = -(-side // stride)
    missing = (windows - 1) * stride + kernel - side
    return windows, (missing // 2, missing - missing // 2)


def _whole(numbers: Any) -> list[int]:
    """Returns whole numbers above zero, such as the widths of layers."""
    if not isinstance(numbers, list | tuple) or not all(type(n) is int and n > 0 for n in numbers):
        raise UnknownModuleError(f"{numbers}: expected whole numbers above zero")
    return list(numbers)


def _activation(name: Any) -> Activation:
    known = str(name or "linear").lower()
    if known not in ACTIVATIONS:
        raise UnknownModuleError(f"activation {name}")
    return ACTIVATIONS[known]

"""Conversion of observations to the network's input, and of its outputs to actions, a batch at a time.

What RLlib's default network reads and writes by itself passes unchanged: float vectors and images, Discrete,
one-dimensional MultiDiscrete and float Box actions, also inside Dict and Tuple. Every other space goes
through the encoders of :mod:`envs.spaces`. A trained policy is used without torch, so this module does
without it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.spaces import ActionDecoder, Limits, ObservationEncoder

Array = NDArray[Any]

SMALLEST_IMAGE = 8
"""Pixels of an image's shorter side, below which it is read as a vector: too small for convolutions."""

NORMALISED_LIMIT = 10.0
"""Normalised numbers are clipped to [-10, 10], as in Stable-Baselines3 and RLlib."""


@dataclass(frozen=True)
class NetworkInput:
    """Conversion of a batch of environment observations to one array."""

    module_space: spaces.Box
    """the space that the network is built for."""
    scale: float
    """factor from the stored array to the network's input: images stay uint8 in memory (a quarter of the
    size) and are brought to [0, 1] when the network reads them."""
    encode: Callable[[Any], Array]
    """batch of observations in the environment's space to array [N, ...]."""


def is_image(space: gym.Space[Any]) -> bool:
    """Returns whether observations are images, which are trained on as they are."""
    return (
        isinstance(space, spaces.Box)
        and space.dtype == np.uint8
        and len(space.shape) == 3
        and min(space.shape[:2]) >= SMALLEST_IMAGE
    )


def observation_encoder(space: gym.Space[Any]) -> NetworkInput:
    """Chooses the encoding of one observation space.

    Raises:
        UnsupportedSpaceError: if no float vector can stand for the space; the message says what to do.
    """
    if isinstance(space, spaces.Box):
        if is_image(space):
            image = spaces.Box(0.0, 1.0, space.shape, np.float32)
            return NetworkInput(image, 1.0 / 255.0, np.asarray)
        if len(space.shape) in (1, 3) and np.issubdtype(space.low.dtype, np.floating):
            low, high = space.low.astype(np.float32), space.high.astype(np.float32)
            return NetworkInput(spaces.Box(low, high, dtype=np.float32), 1.0, _as_float32)
    encoder = ObservationEncoder(space, Limits())
    return NetworkInput(encoder.space, 1.0, lambda batch: encoder.encode_batch(batch, _lanes(space, batch)))


def _as_float32(observations: Any) -> Array:
    return np.asarray(observations, dtype=np.float32)


def _lanes(space: gym.Space[Any], batch: Any) -> int:
    """Counts the members that a batch of the space holds."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        keys, parts = _children(space)
        return _lanes(parts[0], batch[keys[0]])
    return len(batch)


def _children(space: spaces.Dict | spaces.Tuple) -> tuple[list[Any], list[gym.Space[Any]]]:
    """Returns keys and subspaces, a Dict's in sorted order (the order in which RLlib flattens them)."""
    if isinstance(space, spaces.Dict):
        keys = sorted(space.spaces)
        return list(keys), [space.spaces[key] for key in keys]
    return list(range(len(space.spaces))), list(space.spaces)


@dataclass(frozen=True)
class ActionPart:
    """Leaf of an action space, as columns of the network's output and of the stored action array."""

    kind: str
    """"categorical" (one column per component in the action array, `sizes` logits each) or "gaussian" (one
    column per dimension; the logits are the means, then the log standard deviations)."""
    sizes: tuple[int, ...]
    """categories of each component, or a single number of dimensions."""

    @property
    def logits(self) -> int:
        """Number of the network's outputs that belong to this part."""
        return sum(self.sizes) if self.kind == "categorical" else 2 * self.sizes[0]

    @property
    def columns(self) -> int:
        """Number of columns of the action array that belong to this part."""
        return len(self.sizes) if self.kind == "categorical" else self.sizes[0]


class Leaf(NamedTuple):
    """Independent distribution: a single categorical component, or all dimensions of a Gaussian."""

    kind: str
    """"categorical" or "gaussian"."""
    logits: slice
    """Its outputs of the network."""
    columns: slice
    """Its columns of the action array."""


def leaves(parts: tuple[ActionPart, ...]) -> tuple[Leaf, ...]:
    """Returns where each independent distribution has its logits and its columns of the action array."""
    found, logit, column = [], 0, 0
    for part in parts:
        discrete = part.kind == "categorical"
        for size in part.sizes:
            logits, columns = (size, 1) if discrete else (2 * size, size)
            found.append(Leaf(part.kind, slice(logit, logit + logits), slice(column, column + columns)))
            logit, column = logit + logits, column + columns
    return tuple(found)


def most_probable(parts: tuple[ActionPart, ...], logits: Array) -> Array:
    """Returns the most probable actions [B, A] under logits [B, L]: the best category, a Gaussian's mean."""
    columns = [
        logits[:, leaf.logits].argmax(axis=1, keepdims=True)
        if leaf.kind == "categorical"
        else np.split(logits[:, leaf.logits], 2, axis=1)[0]
        for leaf in leaves(parts)
    ]
    if len(columns) == 1:
        return columns[0]
    whole = all(part.kind == "categorical" for part in parts)
    return np.concatenate(columns, axis=1, dtype=np.int64 if whole else np.float32)


@dataclass(frozen=True)
class NetworkOutput:
    """Conversion of stored actions [N, columns] to a batch of environment actions."""

    module_space: gym.Space[Any]
    """the space that RLlib builds the network and its distribution for."""
    parts: tuple[ActionPart, ...]
    """the leaves, in the order of the logits."""
    decode: Callable[[Array], Any]
    """array [N, columns] to a batch in the environment's action space."""


def action_decoder(space: gym.Space[Any], *, normalize: bool = True, clip: bool = False) -> NetworkOutput:
    """Chooses the decoding of one action space.

    Args:
        space: the environment's (single) action space.
        normalize: RLlib's `normalize_actions`: [-1, 1] is stretched to a bounded Box and clipped.
        clip: RLlib's `clip_actions`, looked at when `normalize` is off.

    Raises:
        UnsupportedSpaceError: if PPO cannot act in the space; the message says what to use instead.
    """
    if isinstance(space, spaces.Dict | spaces.Tuple) and _is_native(space):
        return _composite_decoder(space, normalize=normalize, clip=clip)
    if isinstance(space, spaces.Discrete):
        n, start = int(space.n), int(space.start)
        part = ActionPart("categorical", (n,))
        return NetworkOutput(spaces.Discrete(n), (part,), lambda a: a[:, 0].astype(np.int64) + start)
    if isinstance(space, spaces.MultiDiscrete) and _is_native(space):
        sizes, first = tuple(int(n) for n in space.nvec), space.start
        part = ActionPart("categorical", sizes)
        return NetworkOutput(
            spaces.MultiDiscrete(list(sizes)), (part,), lambda a: (a + first).astype(space.dtype)
        )
    if isinstance(space, spaces.Box) and _is_native(space):
        part = ActionPart("gaussian", (space.shape[0],))
        return NetworkOutput(space, (part,), _box_decoding(space, normalize=normalize, clip=clip))
    offered = ActionDecoder(space)
    inner = action_decoder(offered.space, normalize=normalize, clip=clip)
    return NetworkOutput(
        inner.module_space, inner.parts, lambda actions: offered.decode_batch(inner.decode(actions))
    )


def _is_native(space: gym.Space[Any]) -> bool:
    """Returns whether RLlib's distributions can act in the space as it is."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        return len(space.spaces) > 0 and all(_is_native(child) for child in _children(space)[1])
    if isinstance(space, spaces.Box):
        return len(space.shape) == 1 and np.issubdtype(space.low.dtype, np.floating)
    return isinstance(space, spaces.Discrete) or (
        isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1
    )


def _box_decoding(space: spaces.Box, *, normalize: bool, clip: bool) -> Callable[[Array], Array]:
    low, high, dtype = space.low, space.high, space.dtype
    bounded = bool(np.all(space.bounded_below) and np.all(space.bounded_above))

    def decode(actions: Array) -> Array:
        if normalize and bounded:
            actions = np.clip(low + (actions + 1.0) * (high - low) / 2.0, low, high)
        elif clip and not normalize:
            actions = np.clip(actions, low, high)
        return actions.astype(dtype, copy=False)

    return decode


def _composite_decoder(space: spaces.Dict | spaces.Tuple, *, normalize: bool, clip: bool) -> NetworkOutput:
    keys, subspaces = _children(space)
    children = [action_decoder(child, normalize=normalize, clip=clip) for child in subspaces]
    ends = np.cumsum([sum(part.columns for part in child.parts) for child in children])
    columns = [
        slice(int(end - size), int(end)) for end, size in zip(ends, np.diff(ends, prepend=0), strict=True)
    ]
    is_dict = isinstance(space, spaces.Dict)

    def decode(actions: Array) -> Any:
        leaves = [child.decode(actions[:, part]) for child, part in zip(children, columns, strict=True)]
        return dict(zip(keys, leaves, strict=True)) if is_dict else tuple(leaves)

    module_space: gym.Space[Any] = (
        spaces.Dict({key: child.module_space for key, child in zip(keys, children, strict=True)})
        if is_dict
        else spaces.Tuple([child.module_space for child in children])
    )
    parts = tuple(part for child in children for part in child.parts)
    return NetworkOutput(module_space, parts, decode)

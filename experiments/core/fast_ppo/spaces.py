"""How any Gymnasium space becomes one float vector or image for the network, and its output an action again.

RLlib's default network reads float vectors and images and writes Discrete, MultiDiscrete and one-dimensional
Box actions, also inside Dict and Tuple. Everything else is mapped onto these here, in batch: no lane is ever
treated on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Array = NDArray[Any]


class UnsupportedSpaceError(ValueError):
    """A space that no fixed-size network can read or write."""


# --- observations ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObservationEncoder:
    """Turns a batch of environment observations into one array.

    Attributes:
        module_space: the space that the network is built for.
        dtype: of the encoded array: uint8 for images, which are scaled by `scale` only when the network
            reads them (a quarter of the memory), float32 otherwise.
        scale: factor from the stored array to the network's input.
        encode: batch of observations [N, ...] in the environment's space to array [N, ...].
    """

    module_space: spaces.Box
    dtype: type[np.generic]
    scale: float
    encode: Callable[[Any], Array]


def observation_encoder(space: gym.Space[Any]) -> ObservationEncoder:
    """Chooses the encoding of one observation space.

    Float vectors pass as they are, images of rank 3 keep their shape (uint8 ones are scaled to [0, 1]),
    Discrete and MultiDiscrete become one-hot vectors, everything else is flattened and concatenated.

    Raises:
        UnsupportedSpaceError: for spaces without a fixed size (Text, Sequence, Graph, OneOf).
    """
    if isinstance(space, spaces.Box) and len(space.shape) == 3:
        if space.dtype == np.uint8:
            image = spaces.Box(0.0, 1.0, space.shape, np.float32)
            return ObservationEncoder(image, np.uint8, 1.0 / 255.0, np.asarray)
        floats = spaces.Box(-np.inf, np.inf, space.shape, np.float32)
        return ObservationEncoder(floats, np.float32, 1.0, _as_float32)
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        vector = spaces.Box(
            space.low.astype(np.float32), space.high.astype(np.float32), space.shape, np.float32
        )
        return ObservationEncoder(vector, np.float32, 1.0, _as_float32)
    size, encode = _flattener(space)
    flat = spaces.Box(-np.inf, np.inf, (size,), np.float32)
    return ObservationEncoder(flat, np.float32, 1.0, encode)


def _as_float32(observations: Any) -> Array:
    return np.asarray(observations, dtype=np.float32)


def _flattener(space: gym.Space[Any]) -> tuple[int, Callable[[Any], Array]]:
    """Size of the flat vector, and the function that flattens a batch into [N, size]."""
    if isinstance(space, spaces.Box | spaces.MultiBinary):
        size = int(np.prod(space.shape))
        return size, lambda batch: np.asarray(batch, dtype=np.float32).reshape(-1, size)
    if isinstance(space, spaces.Discrete):
        return int(space.n), _one_hot(np.array([space.n]), np.array([space.start]))
    if isinstance(space, spaces.MultiDiscrete):
        nvec, start = np.asarray(space.nvec).ravel(), np.asarray(space.start).ravel()
        return int(nvec.sum()), _one_hot(nvec, start)
    if isinstance(space, spaces.Dict | spaces.Tuple):
        keys, parts = _children(space)
        flatteners = [_flattener(part) for part in parts]
        total = sum(size for size, _ in flatteners)

        def concatenate(batch: Any) -> Array:
            rows = [flatten(batch[key]) for key, (_, flatten) in zip(keys, flatteners, strict=True)]
            return np.concatenate(rows, axis=1)

        return total, concatenate
    raise UnsupportedSpaceError(
        f"observation space {space}: expected Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple; "
        "wrap the environment so that its observation has a fixed size"
    )


def _one_hot(nvec: Array, start: Array) -> Callable[[Any], Array]:
    """One-hot rows of integers, one block of columns per component."""
    offsets = np.concatenate([[0], np.cumsum(nvec)[:-1]]) - start
    size = int(nvec.sum())

    def encode(batch: Any) -> Array:
        values = np.asarray(batch).reshape(-1, nvec.size)
        rows = np.zeros((values.shape[0], size), np.float32)
        np.put_along_axis(rows, values + offsets, 1.0, axis=1)
        return rows

    return encode


def _children(space: spaces.Dict | spaces.Tuple) -> tuple[list[Any], list[gym.Space[Any]]]:
    """Keys and subspaces, a Dict's in sorted order (the order in which RLlib flattens them)."""
    if isinstance(space, spaces.Dict):
        keys = sorted(space.spaces)
        return list(keys), [space.spaces[key] for key in keys]
    return list(range(len(space.spaces))), list(space.spaces)


# --- actions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ActionPart:
    """One leaf of an action space, as columns of the network's output and of the stored action array.

    Attributes:
        kind: "categorical" (one column per component in the action array, `sizes` logits each) or
            "gaussian" (one column per dimension; the logits are the means, then the log standard deviations).
        sizes: categories of each component, or a single number of dimensions.
    """

    kind: str
    sizes: tuple[int, ...]

    @property
    def logits(self) -> int:
        """Number of the network's outputs that belong to this part."""
        return sum(self.sizes) if self.kind == "categorical" else 2 * self.sizes[0]

    @property
    def columns(self) -> int:
        """Number of columns of the action array that belong to this part."""
        return len(self.sizes) if self.kind == "categorical" else self.sizes[0]


@dataclass(frozen=True)
class ActionDecoder:
    """Turns stored actions [N, columns] into a batch of environment actions.

    Attributes:
        module_space: the space that RLlib builds the network and its distribution for.
        parts: the leaves, in the order of the logits.
        decode: array [N, columns] to a batch in the environment's action space.
    """

    module_space: gym.Space[Any]
    parts: tuple[ActionPart, ...]
    decode: Callable[[Array], Any]


def action_decoder(space: gym.Space[Any], *, normalize: bool = True, clip: bool = False) -> ActionDecoder:
    """Chooses the decoding of one action space.

    Args:
        space: the environment's (single) action space.
        normalize: RLlib's `normalize_actions`: the network's [-1, 1] is stretched to a bounded Box and clipped.
        clip: RLlib's `clip_actions`, looked at when `normalize` is off.

    Raises:
        UnsupportedSpaceError: for spaces without a fixed number of actions (Text, Sequence, Graph, OneOf).
    """
    if isinstance(space, spaces.Dict | spaces.Tuple):
        return _composite_decoder(space, normalize=normalize, clip=clip)
    if isinstance(space, spaces.Discrete):
        n, start = int(space.n), int(space.start)
        part = ActionPart("categorical", (n,))
        return ActionDecoder(spaces.Discrete(n), (part,), lambda a: _integers(a)[:, 0] + start)
    if isinstance(space, spaces.MultiDiscrete):
        return _integer_decoder(np.asarray(space.nvec), np.asarray(space.start), space)
    if isinstance(space, spaces.MultiBinary):
        return _integer_decoder(np.full(space.shape, 2), np.zeros(space.shape, np.int64), space)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype or np.float32, np.integer):
        if not space.is_bounded("both"):
            raise UnsupportedSpaceError(f"action space {space}: an integer Box needs bounds on both sides")
        low = space.low.astype(np.int64)
        return _integer_decoder(space.high.astype(np.int64) - low + 1, low, space)
    if isinstance(space, spaces.Box):
        return _box_decoder(space, normalize=normalize, clip=clip)
    raise UnsupportedSpaceError(
        f"action space {space}: expected Discrete, MultiDiscrete, MultiBinary, Box, Dict or Tuple; "
        "wrap the environment so that its action has a fixed size"
    )


def _integers(actions: Array) -> Array:
    return actions if actions.dtype == np.int64 else actions.astype(np.int64)


def _integer_decoder(nvec: Array, start: Array, space: gym.Space[Any]) -> ActionDecoder:
    sizes = tuple(int(n) for n in nvec.ravel())
    shape, offset, dtype = space.shape or (), start.ravel().astype(np.int64), space.dtype

    def decode(actions: Array) -> Array:
        return (_integers(actions) + offset).reshape(-1, *shape).astype(dtype, copy=False)

    return ActionDecoder(spaces.MultiDiscrete(list(sizes)), (ActionPart("categorical", sizes),), decode)


def _box_decoder(space: spaces.Box, *, normalize: bool, clip: bool) -> ActionDecoder:
    low, high, dtype = space.low.ravel(), space.high.ravel(), space.dtype
    bounded = bool(np.all(space.bounded_below) and np.all(space.bounded_above))

    def decode(actions: Array) -> Array:
        if normalize and bounded:
            actions = np.clip(low + (actions + 1.0) * (high - low) / 2.0, low, high)
        elif clip and not normalize:
            actions = np.clip(actions, low, high)
        return actions.astype(dtype, copy=False).reshape(-1, *space.shape)

    flat = spaces.Box(low, high, low.shape, dtype)  # type: ignore[arg-type]  # Gymnasium's stub is narrower
    return ActionDecoder(flat, (ActionPart("gaussian", (low.size,)),), decode)


def _composite_decoder(space: spaces.Dict | spaces.Tuple, *, normalize: bool, clip: bool) -> ActionDecoder:
    keys, subspaces = _children(space)
    children = [action_decoder(child, normalize=normalize, clip=clip) for child in subspaces]
    ends = np.cumsum([sum(part.columns for part in child.parts) for child in children])
    columns = [slice(int(end - size), int(end)) for end, size in zip(ends, np.diff(ends, prepend=0), strict=True)]
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
    return ActionDecoder(module_space, parts, decode)

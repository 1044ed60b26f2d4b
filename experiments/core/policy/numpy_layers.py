"""Layers of a trained policy in NumPy: forward passes only, of what a layout's name can mean.

Array names: B rows, H and W an image's height and width, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from experiments.core.environments import NORMALISED_LIMIT

Array = NDArray[Any]
Layer = Callable[[Array], Array]
"""Outputs [B, ...] of inputs [B, ...], which stay as they are."""
Activation = Callable[[Array], Array]
"""Returns the values for an array, which it may change in place."""

WINDOW_NUMBERS = 2**19
"""Numbers that all windows of a convolution may have at once: 2 MiB, about what a core's cache holds. All at
once, 256 images of 64x64 pixels take twice as long."""


def _silu(x: Array) -> Array:
    # The sigmoid as a tangent, which cannot overflow.
    return np.multiply(x, 0.5 * (1.0 + np.tanh(0.5 * x)), out=x)


def _elu(x: Array) -> Array:
    return np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))


def _linear(x: Array) -> Array:
    return x


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "tanh": lambda x: np.tanh(x, out=x),
        "relu": lambda x: np.maximum(x, 0.0, out=x),
        "silu": _silu,
        "swish": _silu,
        "elu": _elu,
        "linear": _linear,
    }
)
"""Activations by RLlib's names in lower case."""


@dataclass(frozen=True)
class Normalisation:
    """Normalisation as in `NormalisingPPOModule.normalised`: zero mean, unit deviation, clipped."""

    mean: Array
    """Running mean of the observations."""
    factor: Array
    """One over their running deviation."""

    def __call__(self, x: Array) -> Array:
        """Observations as the network was trained on them."""
        normalised = (x - self.mean) * self.factor
        return np.clip(normalised, -NORMALISED_LIMIT, NORMALISED_LIMIT, out=normalised)


@dataclass(frozen=True)
class NumpyDense:
    """Affine map of vectors and its activation."""

    weight: Array
    """[in, out]."""
    bias: Array
    """[out]."""
    activate: Activation
    """one of `ACTIVATIONS`."""

    def __call__(self, x: Array) -> Array:
        """Outputs [B, out] of inputs [B, in]."""
        y = x @ self.weight
        y += self.bias
        return self.activate(y)


@dataclass(frozen=True)
class NumpyConvolution:
    """Convolution of images with zero padding, and its activation."""

    weight: Array
    """[kernel kernel C, C'], of the windows' rows, columns and channels, in this order."""
    bias: Array
    """[C']."""
    kernel: int
    """height and width of a window."""
    stride: int
    """pixels from one window to the next."""
    padding: tuple[tuple[int, int], tuple[int, int]]
    """before and after the rows, before and after the columns."""
    size: tuple[int, int]
    """H' and W' of its outputs."""
    activate: Activation
    """one of `ACTIVATIONS`."""

    @property
    def window_numbers(self) -> int:
        """Numbers in all windows of one image."""
        height, width = self.size
        return height * width * len(self.weight)

    def __call__(self, x: Array) -> Array:
        """Outputs [B, H', W', C'] of inputs [B, H, W, C]."""
        windows = sliding_window_view(self._padded(x), (self.kernel, self.kernel), axis=(1, 2))
        windows = windows[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)
        y = windows.reshape(-1, len(self.weight)) @ self.weight
        y += self.bias
        return self.activate(y).reshape(len(x), *self.size, -1)

    def _padded(self, x: Array) -> Array:
        (top, bottom), (left, right) = self.padding
        if not (top or bottom or left or right):
            return x
        rows, height, width, channels = x.shape
        padded = np.zeros((rows, top + height + bottom, left + width + right, channels), x.dtype)
        padded[:, top : top + height, left : left + width] = x
        return padded


@dataclass(frozen=True)
class Convolutions:
    """Convolutions one after the other, a few images at a time; then the images as vectors."""

    layers: tuple[NumpyConvolution, ...]
    """First to last."""

    def __call__(self, x: Array) -> Array:
        """Outputs [B, H' W' C'] of inputs [B, H, W, C]."""
        step = max(1, WINDOW_NUMBERS // max(layer.window_numbers for layer in self.layers))
        blocks = [self._block(x[first : first + step]) for first in range(0, len(x), step)]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def _block(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer(x)
        return x.reshape(len(x), -1)


@dataclass(frozen=True)
class LogDeviations:
    """Log standard deviations of a Gaussian head, after its last layer."""

    free: Array | None
    """[D] log standard deviations that do not depend on the observation, or None."""
    limit: float
    """log standard deviations are clipped to [-limit, limit]."""

    def __call__(self, x: Array) -> Array:
        """Logits [B, 2 D] of the last layer's outputs ([B, D] with free deviations, else [B, 2 D])."""
        if self.free is None:
            mean, log_std = np.split(x, 2, axis=1)
        else:
            mean, log_std = x, np.broadcast_to(self.free, x.shape)
        return np.concatenate([mean, np.clip(log_std, -self.limit, self.limit)], axis=1)

"""Dense networks as native functions: forward and backward passes through stacks of layers.

A layer is a row of whole numbers (`SOURCE` to `START`); its weights [out, in] and its bias [out] are pieces
of one vector of parameters. Array names: B rows, L logits, P parameters, W units of all layers together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.core.fast_ppo.native import native

Array = NDArray[Any]

SOURCE, INPUTS, OUTPUTS, WEIGHT, BIAS, ACTIVATION, START = range(7)
"""Which layer a layer reads (-1: the observation), its widths, where its parameters begin, its activation,
and how many units the layers before it have."""
LINEAR, TANH, RELU, SILU, ELU = range(5)

_ZERO, _HALF, _ONE, _TWO, _LIMIT = (np.float32(number) for number in (0, 0.5, 1, 2, 8))


@native
def _tanh(z: Any) -> Any:
    # Least squares over [-8, 8], reweighted towards the largest relative error: 3.4e-7 in float32. A
    # library's function is called number by number; this is computed for whole vector registers.
    x = _LIMIT if z > _LIMIT else z
    x = -_LIMIT if x < -_LIMIT else x
    s = x * x
    odd = np.float32(1.523047e-08) * s + np.float32(2.1894699e-05)
    odd = (odd * s + np.float32(3.5716002e-03)) * s + np.float32(0.134445)
    even = np.float32(8.522468e-07) * s + np.float32(3.4112958e-04)
    even = (even * s + np.float32(2.6164452e-02)) * s + np.float32(0.46777827)
    return x * (odd * s + _ONE) / (even * s + _ONE)


@native
def _activated(z: Any, activation: int) -> tuple[Any, Any]:
    """An activation's value and slope."""
    if activation == TANH:
        y = _tanh(z)
        return y, _ONE - y * y
    if activation == RELU:
        return (z, _ONE) if z > _ZERO else (_ZERO * z, _ZERO)
    if activation == LINEAR:
        return z, _ONE
    t = _tanh(_HALF * z)
    if activation == SILU:
        sigmoid = _HALF * (_ONE + t)
        return z * sigmoid, sigmoid * (_ONE + z * (_ONE - sigmoid))
    if z > _ZERO:
        return z, _ONE
    y = _TWO * t / (_ONE - t)  # exp(z) - 1
    return y, y + _ONE


@native
def _activate(z: Array, bias: Array, slopes: Array, activation: int) -> None:
    """Adds the bias to z [B, out] and applies an activation, in place; writes its slopes [B, out]."""
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            z[row, unit], slopes[row, unit] = _activated(z[row, unit] + bias[unit], activation)


@native
def units(of_all: Array, layer: Array, rows: int) -> Array:
    """One layer's piece [B, out] of an array [>= B W] that holds all layers'."""
    start, width = layer[START], layer[OUTPUTS]
    return of_all[start * rows : (start + width) * rows].reshape(rows, width)


@native
def _weights(of_all: Array, layer: Array) -> Array:
    """One layer's piece [out, in] of the parameters, or of their gradients, [P]."""
    size, width, start = layer[INPUTS], layer[OUTPUTS], layer[WEIGHT]
    return of_all[start : start + size * width].reshape(width, size)


@native
def forward(
    x: Array, first: int, last: int, values: Array, layers: Array, outputs: Array, slopes: Array
) -> None:
    """Computes the outputs of the layers from `first` to the one before `last`.

    Args:
        x: Observations, [B, D].
        first: Number of a layer; those that it reads have been computed.
        last: Number of another one.
        values: Parameters, [P].
        layers: [layers, 7].
        outputs: Of all layers, [>= B W].
        slopes: Of their activations, [>= B W].
    """
    rows = len(x)
    for index in range(first, last):
        layer = layers[index]
        source, activation, bias = layer[SOURCE], layer[ACTIVATION], values[layer[BIAS] :][: layer[OUTPUTS]]
        h = units(outputs, layers[source], rows) if source >= 0 else x
        y, slope = units(outputs, layer, rows), units(slopes, layer, rows)
        np.dot(h, _weights(values, layer).T, y)
        _activate(y, bias, slope, activation)


@native
def backward(
    x: Array, values: Array, layers: Array, outputs: Array, slopes: Array, deltas: Array, gradients: Array
) -> None:
    """Writes the gradients of all layers' parameters.

    Args:
        x: Observations, [B, D].
        values: Parameters, [P].
        layers: [layers, 7].
        outputs: As `forward` left them, [>= B W].
        slopes: Likewise.
        deltas: Gradients of all layers' outputs, [>= B W]; those that no other layer reads are there.
        gradients: [P].
    """
    rows, reached = len(x), np.zeros(len(layers), np.bool_)
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        source, d_bias = layer[SOURCE], gradients[layer[BIAS] :][: layer[OUTPUTS]]
        d_y, slope = units(deltas, layer, rows), units(slopes, layer, rows)
        d_bias[:] = 0
        for row in range(rows):
            for unit in range(len(d_bias)):
                d_y[row, unit] *= slope[row, unit]
                d_bias[unit] += d_y[row, unit]
        h = units(outputs, layers[source], rows) if source >= 0 else x
        np.dot(d_y.T, h, _weights(gradients, layer))
        if source < 0:
            continue
        d_h = units(deltas, layers[source], rows)
        if reached[source]:
            d_h += np.dot(d_y, _weights(values, layer))
        else:
            np.dot(d_y, _weights(values, layer), d_h)
        reached[source] = True

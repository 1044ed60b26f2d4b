"""Forward and backward passes of dense and convolutional layers, by hand.

Automatic differentiation spends several microseconds of bookkeeping per operation, which at minibatches of
around a hundred rows is most of an update. The passes here are the same operations in the same order; the
tests compare every gradient with torch's.

The tensors of a layer share the parameters' memory but carry no history, so nothing done here is recorded.
Gradients are written to where the parameters' `grad` pointed when the layer was made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from experiments.core.torch_internals import HAS_ONEDNN, onednn_linear

ACTIVATIONS: dict[type[nn.Module], str] = {nn.Tanh: "tanh", nn.ReLU: "relu"}
"""The activations that are known here: both can be undone from their output alone."""


ONEDNN_PRODUCTS = 2**22
"""Multiplications from which oneDNN's matrix product is taken instead of the BLAS that torch was built with.

On AMD processors MKL leaves half of their vector units idle: 256x2048 by 2048x64 takes it 0.8 ms, oneDNN 0.3.
Of smaller products oneDNN's cost per call is the larger part."""


def is_large(products: int) -> bool:
    """Whether a matrix product is one for oneDNN; a step that is being compiled knows no number of rows."""
    return not torch.compiler.is_exporting() and products >= ONEDNN_PRODUCTS


def times_transposed(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias` of x [B, in], weight [out, in] and bias [out]."""
    product: Tensor
    if HAS_ONEDNN and is_large(x.shape[0] * weight.numel()) and x.device.type == "cpu":
        product = onednn_linear(x, weight, bias)
    else:
        product = x.mm(weight.t()) if bias is None else torch.addmm(bias, x, weight.t())
    return product


Place = Callable[[Tensor], Tensor]
"""Gives what stands in a parameter's place."""


class Layer(Protocol):
    """One step of a stack."""

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, ...] of inputs [B, ...]."""

    def backward(self, x: Tensor, y: Tensor, d_y: Tensor, *, needs_input: bool) -> Tensor:
        """Writes the parameters' gradients.

        Args:
            x: the layer's inputs.
            y: its outputs.
            d_y: gradient of the outputs.
            needs_input: whether the gradient of the inputs is wanted.

        Returns:
            The gradient of the inputs; `x` itself where it is not wanted.
        """

    def placed(self, value: Place, gradient: Place) -> Layer:
        """The same layer with other tensors for each parameter and for its gradient."""


Stack = tuple[Layer, ...]


def run(stack: Stack, x: Tensor) -> list[Tensor]:
    """The input and every layer's output."""
    outputs = [x]
    for layer in stack:
        outputs.append(layer.forward(outputs[-1]))
    return outputs


def run_back(stack: Stack, outputs: list[Tensor], d_last: Tensor, *, needs_input: bool) -> Tensor:
    """Back through `run`: gradients of the parameters, and of the input where it is wanted."""
    gradient = d_last
    for index in range(len(stack) - 1, -1, -1):
        gradient = stack[index].backward(
            outputs[index], outputs[index + 1], gradient, needs_input=needs_input or index > 0
        )
    return gradient


def _activate(y: Tensor, activation: str) -> Tensor:
    """Applies "tanh", "relu" or "" (nothing) in place."""
    if activation == "tanh":
        if y.is_cpu and not torch.compiler.is_exporting():
            # NumPy's kernel, in the tensor's own memory: its error is 6e-8 at most (torch's 3e-8), and
            # torch's takes eight times as long or more, which is a seventh of training at 2x64.
            np.tanh(y.numpy(), out=y.numpy())
            return y
        return y.tanh_()
    return y.relu_() if activation == "relu" else y


def _before_activation(y: Tensor, d_y: Tensor, activation: str) -> Tensor:
    """The gradient before an activation from the one after it."""
    before: Tensor = d_y
    if activation == "tanh":
        before = torch.ops.aten.tanh_backward(d_y, y)
    elif activation == "relu":
        before = torch.ops.aten.threshold_backward(d_y, y, 0)
    return before


@dataclass(frozen=True)
class Dense:
    """An affine map of vectors and its activation."""

    weight: Tensor
    weight_t: Tensor
    bias: Tensor | None
    d_weight: Tensor | None
    d_bias: Tensor | None
    activation: str

    @staticmethod
    def of(linear: nn.Linear, activation: str) -> Dense:
        """The layer of a torch module."""
        weight, bias = linear.weight.detach(), None if linear.bias is None else linear.bias.detach()
        d_bias = None if linear.bias is None else linear.bias.grad
        return Dense(weight, weight.t(), bias, linear.weight.grad, d_bias, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, out] of inputs [B, in]."""
        return _activate(times_transposed(x, self.weight, self.bias), self.activation)

    def backward(self, x: Tensor, y: Tensor, d_y: Tensor, *, needs_input: bool) -> Tensor:
        """See `Layer.backward`."""
        d_y = _before_activation(y, d_y, self.activation)
        assert self.d_weight is not None, "a layer without a place for its gradient cannot be trained"
        if is_large(d_y.numel() * x.shape[1]):
            self.d_weight.copy_(times_transposed(d_y.t(), x.t()))
        else:
            torch.mm(d_y.t(), x, out=self.d_weight)
        if self.d_bias is not None:
            torch.sum(d_y, 0, out=self.d_bias)
        return times_transposed(d_y, self.weight_t) if needs_input else x

    def placed(self, value: Place, gradient: Place) -> Dense:
        """See `Layer.placed`."""
        weight = value(self.weight)
        bias, d_bias = (None, None) if self.bias is None else (value(self.bias), gradient(self.bias))
        return Dense(weight, weight.t(), bias, gradient(self.weight), d_bias, self.activation)


@dataclass(frozen=True)
class Convolution:
    """A convolution of images [B, C, H, W] with symmetric zero padding, and its activation."""

    weight: Tensor
    bias: Tensor | None
    d_weight: Tensor | None
    d_bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    activation: str

    @staticmethod
    def of(conv: nn.Conv2d, padding: tuple[int, int], activation: str) -> Convolution:
        """The layer of a torch module."""
        bias, d_bias = (None, None) if conv.bias is None else (conv.bias.detach(), conv.bias.grad)
        stride = (conv.stride[0], conv.stride[1])
        return Convolution(conv.weight.detach(), bias, conv.weight.grad, d_bias, stride, padding, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, C', H', W'] of inputs [B, C, H, W]."""
        y = torch.conv2d(x, self.weight, self.bias, self.stride, self.padding)
        return _activate(y, self.activation)

    def backward(self, x: Tensor, y: Tensor, d_y: Tensor, *, needs_input: bool) -> Tensor:
        """See `Layer.backward`."""
        # In another memory format than the input's this takes ten times as long.
        d_y = d_y.contiguous(memory_format=torch.channels_last)
        d_x, d_weight, d_bias = torch.ops.aten.convolution_backward(
            _before_activation(y, d_y, self.activation),
            x,
            self.weight,
            [self.weight.shape[0]],
            self.stride,
            self.padding,
            (1, 1),
            False,
            (0, 0),
            1,
            (needs_input, True, self.bias is not None),
        )
        assert self.d_weight is not None, "a layer without a place for its gradient cannot be trained"
        self.d_weight.copy_(d_weight)
        if self.d_bias is not None:
            self.d_bias.copy_(d_bias)
        return d_x if needs_input else x

    def placed(self, value: Place, gradient: Place) -> Convolution:
        """See `Layer.placed`."""
        bias, d_bias = (None, None) if self.bias is None else (value(self.bias), gradient(self.bias))
        return replace(
            self, weight=value(self.weight), bias=bias, d_weight=gradient(self.weight), d_bias=d_bias
        )


@dataclass(frozen=True)
class Silu:
    """The activation x sigmoid(x): a layer of its own, since its gradient needs the input."""

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the same shape."""
        return nn.functional.silu(x)

    def backward(self, x: Tensor, y: Tensor, d_y: Tensor, *, needs_input: bool) -> Tensor:
        """See `Layer.backward`."""
        del y, needs_input
        d_x: Tensor = torch.ops.aten.silu_backward(d_y, x)
        return d_x

    def placed(self, value: Place, gradient: Place) -> Silu:
        """See `Layer.placed`: there is no parameter."""
        del value, gradient
        return self


@dataclass(frozen=True)
class Flatten:
    """Images [B, C, H, W] as vectors [B, H W C], channels last as RLlib orders them."""

    def forward(self, x: Tensor) -> Tensor:
        """The vectors."""
        return x.permute(0, 2, 3, 1).flatten(1)

    def backward(self, x: Tensor, y: Tensor, d_y: Tensor, *, needs_input: bool) -> Tensor:
        """See `Layer.backward`."""
        del y, needs_input
        rows, channels, height, width = x.shape
        return d_y.view(rows, height, width, channels).permute(0, 3, 1, 2)

    def placed(self, value: Place, gradient: Place) -> Flatten:
        """See `Layer.placed`: there is no parameter."""
        del value, gradient
        return self

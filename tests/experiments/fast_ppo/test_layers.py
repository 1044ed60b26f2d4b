"""Layers differentiated by hand agree with torch, also where products are large enough for oneDNN."""

import pytest
import torch
from torch import nn

from experiments.core.fast_ppo.layers import ONEDNN_PRODUCTS, Dense, times_transposed


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("rows", [8, 256], ids=["small", "large"])
def test_a_dense_layer_agrees_with_torch_on_both_sides_of_the_threshold(rows, bias):
    linear = nn.Linear(1024, 64, bias=bias)
    assert (rows * linear.weight.numel() >= ONEDNN_PRODUCTS) == (rows == 256)
    x = torch.randn(rows, 1024, requires_grad=True)
    d_y = torch.randn(rows, 64)
    expected = torch.tanh(linear(x))
    expected.backward(d_y)
    gradients = [p.grad.clone() for p in linear.parameters()]
    for p in linear.parameters():
        p.grad.zero_()

    with torch.no_grad():
        layer = Dense.of(linear, "tanh")
        y = layer.forward(x)
        d_x = layer.backward(x, y, d_y, needs_input=True)
    torch.testing.assert_close(y, expected.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(d_x, x.grad, rtol=1e-4, atol=1e-5)
    for p, gradient in zip(linear.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, gradient, rtol=1e-4, atol=1e-4)


def test_large_products_take_transposed_views_as_they_are():
    a, b = torch.randn(128, 256), torch.randn(128, 256)
    torch.testing.assert_close(times_transposed(a.t(), b.t()), a.t() @ b, rtol=1e-4, atol=1e-4)

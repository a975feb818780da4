from __future__ import annotations

import pytest
import torch
from torch.nn import functional

import opparity
from opparity.nn import (
    BlockFP8Linear,
    Int8Linear,
    MXFP8Linear,
    QuantizedLinear,
    SwiGLU,
    TrainedLinear,
    ask_for_product,
)
from opparity.nn.products.dequantised import spread

KINDS: list[type[QuantizedLinear]] = [BlockFP8Linear, MXFP8Linear, Int8Linear]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [False, True])
def test_it_computes_the_bytes_of_what_serves_it(kind: type[QuantizedLinear], bias: bool) -> None:
    linear = TrainedLinear(256, 64, kind, bias=bias, dtype=torch.bfloat16)
    input = torch.randn(3, 5, 256).bfloat16()
    served = linear.quantized()
    assert torch.equal(linear(input), served(input))
    with torch.no_grad():
        assert torch.equal(linear(input), served(input))
        linear.weight += 1
    assert not torch.equal(linear(input), served(input))
    assert torch.equal(linear(input), linear.quantized()(input))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_what_was_quantised(kind: type[QuantizedLinear]) -> None:
    linear = TrainedLinear(256, 64, kind, bias=True)
    input = torch.randn(5, 256, requires_grad=True)
    gradient = torch.randn(5, 64)
    linear(input).backward(gradient)
    values, scales = opparity.quantize(input.detach(), kind.recipe)
    activations = spread(values, scales)
    assert input.grad is not None
    assert linear.weight.grad is not None
    assert linear.bias is not None
    assert linear.bias.grad is not None
    assert torch.allclose(input.grad, gradient @ linear.quantized().dequantized(), atol=1e-5)
    assert torch.allclose(linear.weight.grad, gradient.t() @ activations, rtol=1e-5, atol=1e-5)
    assert torch.allclose(linear.bias.grad, gradient.sum(0), atol=1e-5)


def test_it_takes_the_product_that_its_quantised_layer_takes() -> None:
    linear = TrainedLinear(256, 64)
    input = torch.randn(5, 256)
    ask_for_product(linear, "exact")
    assert linear.quantized().product.name == "exact"
    assert torch.equal(linear(input), linear.quantized()(input))


def test_a_weight_learns_where_its_input_has_no_gradient() -> None:
    linear = TrainedLinear(128, 64, Int8Linear)
    linear(torch.randn(5, 128)).sum().backward()
    assert linear.weight.grad is not None
    assert linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_mlp_learns_a_function(kind: type[QuantizedLinear]) -> None:
    mlp = SwiGLU(TrainedLinear(128, 256, kind), TrainedLinear(128, 128, kind))
    input = torch.randn(64, 128)
    wanted = functional.silu(input.roll(1, 1)) * 0.3
    optimiser = torch.optim.Adam(mlp.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = functional.mse_loss(mlp(input), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_it_compiles_to_the_same_bytes_and_gradients(kind: type[QuantizedLinear]) -> None:
    mlp = SwiGLU(TrainedLinear(128, 256, kind), TrainedLinear(128, 128, kind)).bfloat16()
    compiled = torch.compile(mlp, fullgraph=True)
    input = torch.randn(16, 128).bfloat16()
    found = []
    for step in (mlp, compiled):
        mlp.zero_grad()
        result = step(input)
        result.sum().backward()
        gradients = [weight.grad.clone() for weight in mlp.parameters() if weight.grad is not None]
        found.append((result, *gradients))
    for eager, other in zip(*found, strict=True):
        assert torch.equal(eager, other)
    assert len(found[0]) == 3

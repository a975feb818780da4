"""Gradients: exact for the activation, straight through the quantisation, never lost in silence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import providers
from opparity.benchmark import eager
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES
from opparity.operators import ELEMENTWISE, general_name
from opparity.operators.case import given_scale
from opparity.operators.fillings import Filling, make_input

BOTH = ("native", "reference")
ACTIVATIONS = [producer for producer in ELEMENTWISE if producer.name != "identity"]
every_activation = pytest.mark.parametrize("producer", ACTIVATIONS, ids=lambda p: p.name)
QUANTISING = {text: recipe for text, recipe in RECIPES.items() if recipe.format is not None}


def numbers_of(producer: Any) -> dict[str, float]:  # noqa: ANN401
    return {p.name: 7.0 if p.default is None else p.default for p in producer.parameters}


def function_of(producer: Any) -> Any:  # noqa: ANN401
    return getattr(opparity, general_name(producer))


def leaf_for(producer: Any, dtype: str = "float32", seed: int = 1) -> Tensor:  # noqa: ANN401
    input = make_input(Filling.ACTIVATIONS, 6, 128, dtype, seed)
    return (input if producer.gated else input[:, :128].contiguous()).requires_grad_()


def plain(producer: Any, input: Tensor) -> Tensor:  # noqa: ANN401
    """Compute a producer by torch's own functions, in the input's precision."""
    gate, up = input.chunk(2, dim=-1) if producer.gated else (input, input)
    return eager.PRODUCERS[producer.name](gate, up, tuple(numbers_of(producer).values()))


@pytest.mark.parametrize("provider", BOTH)
@every_activation
def test_the_gradient_is_that_of_torchs_own_functions(
    provider: str,
    producer: Any,  # noqa: ANN401
) -> None:
    leaf = leaf_for(producer)
    weights = torch.randn(6, 128)
    with providers(force=provider):
        (function_of(producer)(leaf, **numbers_of(producer)) * weights).sum().backward()
    exact = leaf.detach().double().requires_grad_()
    (plain(producer, exact) * weights.double()).sum().backward()
    assert leaf.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(leaf.grad.double(), exact.grad, rtol=2e-6, atol=2e-6)
    assert leaf.grad.abs().max() > 0.1


@pytest.mark.parametrize("text", QUANTISING)
@every_activation
def test_quantisation_is_straight_through(producer: Any, text: str) -> None:  # noqa: ANN401
    function, numbers = function_of(producer), numbers_of(producer)
    scale = given_scale(RECIPES[text])
    quantised, product = leaf_for(producer), leaf_for(producer)
    weights = torch.randn(6, 128)
    found = function(quantised, text, scale=scale, **numbers)
    (found.dequantize() * weights).sum().backward()
    (function(product, **numbers) * weights).sum().backward()
    assert quantised.grad is not None
    assert product.grad is not None
    assert_same_bytes(quantised.grad, product.grad)


def test_the_gradient_of_quantised_numbers_is_the_gradient() -> None:
    leaf = torch.randn(6, 128, requires_grad=True)
    weights = torch.randn(6, 128)
    (opparity.quantize(leaf, "mxfp4").dequantize() * weights).sum().backward()
    assert leaf.grad is not None
    assert_same_bytes(leaf.grad, weights)


@pytest.mark.parametrize("text", QUANTISING)
@pytest.mark.parametrize("part", ["values", "scales", "both"])
def test_a_backward_pass_to_values_or_scales_is_refused_in_words(text: str, part: str) -> None:
    scale = given_scale(RECIPES[text])
    leaf = torch.randn(6, 128, requires_grad=True)
    values, scales = opparity.quantize(leaf, text, scale=scale)
    tensors = {"values": [values], "scales": [scales], "both": [values, scales]}[part]
    total = sum(tensor.float().sum() for tensor in tensors)
    assert isinstance(total, Tensor)
    if part != "both" and not tensors[0].requires_grad:
        # Integers carry no gradient in torch, and a scale that was given has none; the other one
        # of the two, without which nothing is dequantised, carries the refusal.
        assert not tensors[0].is_floating_point() or RECIPES[text].group_size is None
        return
    with pytest.raises(ArgumentRefused, match=r"allowed: that of Quantized.dequantize\(\)"):
        total.backward()


def test_inference_makes_nothing_that_requires_grad() -> None:
    values, scales = opparity.quantize(torch.randn(6, 128), "fp8_block")
    assert not values.requires_grad
    assert not scales.requires_grad
    with torch.no_grad():
        values, scales = opparity.quantize(torch.randn(6, 128, requires_grad=True), "fp8_block")
    assert not values.requires_grad
    with torch.inference_mode():
        assert opparity.quantize(torch.randn(6, 128), "fp8_block").dequantize().is_inference()


def test_the_gradient_of_a_gradient_is_refused_in_words() -> None:
    leaf = torch.randn(3, 128, requires_grad=True)
    total = opparity.silu_and_mul(leaf).sum()
    (gradient,) = torch.autograd.grad(total, leaf, create_graph=True)
    with pytest.raises(ArgumentRefused, match="the gradient of a gradient is asked for"):
        gradient.sum().backward()


def test_a_scale_that_requires_grad_is_refused_in_words() -> None:
    leaf = torch.randn(3, 128, requires_grad=True)
    scale = torch.ones((), requires_grad=True)
    with pytest.raises(ArgumentRefused, match="scale requires grad; allowed: a number without"):
        opparity.silu_and_mul(leaf, "fp8_tensor", scale=scale)


@pytest.mark.parametrize("provider", ["native", "reference"])
def test_without_tokens_results_lie_as_new_tensors_do(provider: str) -> None:
    # torch calls whatever has no elements contiguous.
    gradient, input = torch.empty(4, 8)[:0, :1], torch.empty(4, 3)[:0, :1]
    assert gradient.stride() == (8, 1)
    with providers(force=provider):
        of_input = torch.ops.opparity.relu_squared_backward(gradient, input)
        _, _, total = torch.ops.opparity.add_rms_norm(input, gradient, torch.ones(1), "fp8_token")
    assert of_input.stride() == total.stride() == torch.empty(0, 1).stride()


def test_leading_dimensions_interleaved_halves_and_strided_gradients() -> None:
    halves = torch.randn(2, 3, 256)
    gate, up = halves.chunk(2, dim=-1)
    pairs = torch.stack((gate, up), dim=-1).flatten(-2)
    found = []
    for input, interleaved in ((halves, False), (pairs, True)):
        leaf = input.clone().requires_grad_()
        quantised = opparity.silu_and_mul(leaf, "mxfp8", interleaved=interleaved)
        # The gradient of a sum is one number, expanded.
        quantised.dequantize().sum().backward()
        assert leaf.grad is not None
        found.append(leaf.grad)
    expected = torch.stack(found[0].chunk(2, dim=-1), dim=-1).flatten(-2)
    assert_same_bytes(found[1], expected)


# torch's compiler makes an instance of every autograd.Function, and torch warns of that.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("what", ["product", "dequantised", "quantised"])
def test_compiled_the_gradient_is_the_same(what: str) -> None:
    def block(input: Tensor) -> Any:  # noqa: ANN401
        if what == "product":
            return opparity.silu_and_mul(input)
        quantised = opparity.silu_and_mul(input, "mxfp8")
        return quantised.dequantize() if what == "dequantised" else quantised

    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    eager_leaf, compiled_leaf = (torch.linspace(-4, 4, 768).view(3, 256) for _ in range(2))
    for function, leaf in ((block, eager_leaf), (compiled, compiled_leaf)):
        found = function(leaf.requires_grad_())
        (found.dequantize() if what == "quantised" else found).sum().backward()
    assert eager_leaf.grad is not None
    assert compiled_leaf.grad is not None
    assert_same_bytes(compiled_leaf.grad, eager_leaf.grad)


def test_compiled_a_backward_pass_to_values_is_refused_when_it_runs() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x: opparity.silu_and_mul(x, "mxfp8").values, fullgraph=True, backend="aot_eager"
    )
    values = compiled(torch.randn(3, 256, requires_grad=True))
    with pytest.raises(ArgumentRefused, match=r"allowed: that of Quantized.dequantize\(\)"):
        values.float().sum().backward()

"""Gradients of norms: what autograd gives, and that nothing but rows and their order counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import providers
from opparity.errors import ArgumentRefused

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])
every_norm = pytest.mark.parametrize("name", ["rms_norm", "add_rms_norm", "gated_rms_norm"])
NUMBERS = {"epsilon": 1e-6, "offset": 1.0}


def tensors_for(name: str, num_tokens: int, width: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(11)
    count = 1 if name == "rms_norm" else 2
    rows = [torch.randn(num_tokens, width, generator=generator) for _ in range(count)]
    return [*(row.to(dtype) for row in rows), torch.randn(width, generator=generator).to(dtype)]


def exact(name: str, tensors: list[Tensor], gradient: Tensor, of_sum: Tensor) -> list[Tensor]:
    """Return the gradients by float64, of sums as a residual has them."""
    *rows, weight = (tensor.detach().double().requires_grad_() for tensor in tensors)
    x = rows[0]
    if name == "add_rms_norm":
        # The norm reads the rounded sum, whose rounding counts as the identity.
        rounded = (tensors[0].float() + tensors[1].float()).to(tensors[0].dtype).double()
        x = rows[0] + rows[1]
        x = x + (rounded - x).detach()
    product = x / (x.square().mean(1, keepdim=True) + 1e-6).sqrt() * (weight + 1.0)
    if name == "gated_rms_norm":
        product = product * torch.nn.functional.silu(rows[1])
    loss = (product * gradient.double()).sum() + (x * of_sum.double()).sum()
    return list(torch.autograd.grad(loss, [*rows, weight]))


@both
@every_norm
@pytest.mark.parametrize("text", [None, "fp8_token", "int8_block"])
@pytest.mark.parametrize("shape", [(7, 96), (300, 72), (3, 5000)])
def test_gradients_are_those_of_float64(
    provider: str, name: str, text: str | None, shape: tuple[int, int]
) -> None:
    tensors = [t.requires_grad_() for t in tensors_for(name, *shape, torch.float32)]
    gradient, of_sum = torch.randn(*shape), torch.randn(*shape)
    with providers(force=provider):
        found: Any = getattr(opparity, name)(*tensors, text, **NUMBERS)
        product, total = found if name == "add_rms_norm" else (found, None)
        loss = ((product if text is None else product.dequantize()) * gradient).sum()
        if total is None:
            of_sum = torch.zeros_like(of_sum)
        else:
            loss = loss + (total * of_sum).sum()
        got = torch.autograd.grad(loss, tensors)
    for one, other in zip(got, exact(name, tensors, gradient, of_sum), strict=True):
        # Of 300 rows a column's sum has a rounding for each; a row has 5,000.
        torch.testing.assert_close(one.double(), other, rtol=3e-6, atol=3e-5)


@both
@every_norm
def test_a_row_is_the_same_among_others_and_with_other_threads(provider: str, name: str) -> None:
    *rows, weight = tensors_for(name, 40, 2056, torch.bfloat16)
    gradient = torch.randn(40, 2056).bfloat16()
    gate = rows[1:] if name == "gated_rms_norm" else []
    operator = getattr(OPS, "rms_norm_backward" if not gate else "gated_rms_norm_backward")
    threads = torch.get_num_threads()
    with providers(force=provider):
        whole = operator(gradient, rows[0], *gate, weight)
        part = operator(gradient[7:9], rows[0][7:9], *(g[7:9] for g in gate), weight)
        try:
            torch.set_num_threads(3 - min(threads, 2))
            again = operator(gradient, rows[0], *gate, weight)
        finally:
            torch.set_num_threads(threads)
    for one, other in zip(whole, again, strict=True):
        assert_same_bytes(one, other)
    for one, other in zip(whole[:-1], part[:-1], strict=True):
        assert_same_bytes(one[7:9], other)


@both
def test_the_weights_sum_has_256_accumulators_added_by_neighbours(provider: str) -> None:
    # One element a row and an epsilon that hides it: the factor is 1 for all of them.
    num_tokens = 700
    input = torch.randn(num_tokens, 1) * 2.0**-40
    gradient = torch.randn(num_tokens, 1) * 2.0 ** torch.randint(0, 24, (num_tokens, 1))
    with providers(force=provider):
        _, found = OPS.rms_norm_backward(gradient, input, torch.ones(1), 1.0)
    sums = torch.zeros(256, dtype=torch.float64)
    for row in range(num_tokens):
        # float64 holds the product and, rounded once, the sum.
        product = gradient[row, 0].double() * input[row, 0].double()
        sums[row % 256] = (product + sums[row % 256]).float().double()
    while len(sums) > 1:
        sums = (sums[::2] + sums[1::2]).float().double()
    assert float(found[0]) == float(sums[0])
    plain = (gradient * input).sum()
    assert float(found[0]) == pytest.approx(float(plain), rel=1e-4)


@both
@every_norm
def test_no_rows_give_the_weight_a_gradient_of_zero(provider: str, name: str) -> None:
    tensors = [t.requires_grad_() for t in tensors_for(name, 0, 64, torch.bfloat16)]
    with providers(force=provider):
        found = getattr(opparity, name)(*tensors)
        product = found[0] if name == "add_rms_norm" else found
        got = torch.autograd.grad(product.sum(), tensors)
    assert got[0].shape == (0, 64)
    assert_same_bytes(got[-1], torch.zeros(64, dtype=torch.bfloat16))


@both
def test_without_a_weight_there_is_none_for_it(provider: str) -> None:
    input = torch.randn(5, 64).requires_grad_()
    ones = torch.ones(64)
    gradient = torch.randn(5, 64)
    with providers(force=provider):
        (bare,) = torch.autograd.grad((opparity.rms_norm(input) * gradient).sum(), input)
        (with_ones,) = torch.autograd.grad((opparity.rms_norm(input, ones) * gradient).sum(), input)
        found = OPS.rms_norm_backward(gradient, input.detach(), None)
    assert_same_bytes(bare, with_ones)
    assert found[1].shape == (0,)


def test_a_sums_gradient_alone_goes_through() -> None:
    tensors = [t.requires_grad_() for t in tensors_for("add_rms_norm", 4, 64, torch.bfloat16)]
    gradient = torch.randn(4, 64).bfloat16()
    input, residual, weight = tensors
    _, total = opparity.add_rms_norm(input, residual, weight, "fp8_token")
    got = torch.autograd.grad(total, tensors[:2], gradient)
    for one in got:
        assert_same_bytes(one, gradient)


@every_norm
def test_gradients_of_values_and_of_gradients_are_refused(name: str) -> None:
    tensors = [t.requires_grad_() for t in tensors_for(name, 3, 64, torch.float32)]
    found = getattr(opparity, name)(*tensors, "fp8_token")
    product = found[0] if name == "add_rms_norm" else found
    with pytest.raises(ArgumentRefused, match="the gradient of values or scales is asked for"):
        product.values.float().sum().backward()
    found = getattr(opparity, name)(*tensors)
    product = found[0] if name == "add_rms_norm" else found
    (first,) = torch.autograd.grad(product.square().sum(), tensors[:1], create_graph=True)
    with pytest.raises(ArgumentRefused, match="the gradient of a gradient is asked for"):
        first.sum().backward()


@every_norm
def test_transforms_and_the_compiler_give_the_same_gradients(name: str) -> None:
    tensors = tensors_for(name, 6, 96, torch.float32)

    def loss(*given: Tensor) -> Tensor:
        found: Any = getattr(opparity, name)(*given)
        product = found[0] if name == "add_rms_norm" else found
        summed: Tensor = product.square().sum()
        return summed

    places = tuple(range(len(tensors)))
    expected = torch.func.grad(loss, places)(*tensors)
    compiled = torch.compile(torch.func.grad(loss, places), fullgraph=True, backend="aot_eager")
    for one, other in zip(compiled(*tensors), expected, strict=True):
        assert_same_bytes(one, other)
    # A weight's gradient for each of a batch.
    batched = [tensor.view(3, 2, 96) for tensor in tensors[:-1]]
    found = torch.vmap(torch.func.grad(loss, places), (*(0 for _ in batched), None))(
        *batched, tensors[-1]
    )
    for index in range(3):
        own = torch.func.grad(loss, places)(*(b[index] for b in batched), tensors[-1])
        for one, other in zip(found, own, strict=True):
            assert_same_bytes(one[index], other)

"""Quantized.to: another device, with the strides that a product asks for; no other dtype."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import opparity
from operator_calls import assert_same_bytes
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, ScaleLayout

RECIPE_TEXTS = [
    "fp8_block",
    "deepgemm",
    "fp8_token",
    *(
        RECIPES["fp8_block"].with_layout(layout).text
        for layout in (ScaleLayout.COLUMN_MAJOR, ScaleLayout.COLUMN_MAJOR_PADDED)
    ),
    RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4).text,
]


def test_where_it_is_already_it_is_itself() -> None:
    quantized = opparity.silu_and_mul(torch.randn(5, 768), "fp8_block")
    assert quantized.to("cpu") is quantized
    assert quantized.to(torch.device("cpu"), non_blocking=True) is quantized


@pytest.mark.parametrize("recipe", RECIPE_TEXTS)
def test_on_another_device_strides_are_the_same(recipe: str) -> None:
    quantized = opparity.silu_and_mul(torch.randn(5, 768), recipe)
    moved = quantized.to("meta")
    assert moved.device.type == "meta"
    assert str(moved.recipe) == str(quantized.recipe)
    for one, other in zip(moved, quantized, strict=True):
        assert one.device.type == "meta"
        assert (one.shape, one.stride(), one.dtype) == (other.shape, other.stride(), other.dtype)


def test_a_global_scale_goes_with_it() -> None:
    quantized = opparity.silu_and_mul(torch.randn(5, 256), "nvfp4", scale=2.0)
    moved = quantized.to("meta")
    assert moved.scale is not None
    assert moved.scale.device.type == "meta"


@pytest.mark.gpu
@pytest.mark.parametrize("recipe", RECIPE_TEXTS)
def test_there_and_back_no_byte_changes(recipe: str) -> None:
    quantized = opparity.silu_and_mul(torch.randn(5, 768), recipe)
    back = quantized.to("cuda").to("cpu")
    for one, other in zip(back, quantized, strict=True):
        assert one.stride() == other.stride()
        assert_same_bytes(one.contiguous(), other.contiguous())
    assert_same_bytes(quantized.to("cuda").dequantize().cpu(), quantized.dequantize())


@pytest.mark.gpu
@pytest.mark.parametrize("norm", [False, True])
def test_a_gradient_comes_back_to_where_the_input_is(norm: bool) -> None:
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        input = torch.randn(5, 512, requires_grad=True)
        weight = torch.ones(512, requires_grad=True)
        made = opparity.rms_norm(input, weight, "fp8_block") if norm else (
            opparity.silu_and_mul(input, "fp8_block")
        )  # fmt: skip
        made.to(device).dequantize().square().sum().backward()
        found.append([t.grad for t in (input, weight) if t.grad is not None])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.bfloat16,), "dtype is torch.bfloat16; allowed: a device alone, since the recipe"),
        (("cpu", torch.float16), "dtype is torch.float16; allowed: a device alone"),
        ((None,), "device is None; allowed: a torch.device or its name"),
        ((torch.ones(1),), "device is of type Tensor; allowed: a torch.device or its name"),
    ],
)
def test_another_dtype_is_refused_with_what_to_call(arguments: Any, words: str) -> None:  # noqa: ANN401
    quantized = opparity.silu_and_mul(torch.randn(5, 256), "fp8_block")
    with pytest.raises(ArgumentRefused, match=f"Quantized.to: {words}"):
        quantized.to(*arguments)

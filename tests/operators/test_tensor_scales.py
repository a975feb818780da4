from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import opparity
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, VALUE_FORMATS, ScaleRule

GIVEN = [name for name, recipe in RECIPES.items() if recipe.rule is ScaleRule.GIVEN]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", GIVEN)
def test_it_is_one_division(name: str, dtype: torch.dtype) -> None:
    tensor = (torch.randn(37, 129) * 30).to(dtype)
    largest = np.float32(tensor.float().abs().max().item())
    maximum = VALUE_FORMATS[RECIPES[name].value].maximum
    found = opparity.tensor_scale(tensor, name)
    assert found.item() == (largest / np.float32(maximum)).item()
    values, _ = opparity.quantize(tensor, name, scale=found)
    assert values.float().abs().max().item() == maximum


def test_nvfp4_fills_the_range_of_its_scales() -> None:
    tensor = torch.randn(64, 256)
    scale = opparity.tensor_scale(tensor, "nvfp4")
    largest = np.float32(tensor.abs().max().item())
    assert scale.item() == (np.float32(2688) / largest).item()
    quantized = opparity.quantize(tensor, "nvfp4", scale=scale)
    assert quantized.scales.view(torch.float8_e4m3fn).float().max().item() == 448
    error = (quantized.dequantize() - tensor).abs().max() / tensor.abs().max()
    # Half of the step from 4 to 6, and half a step of the scale.
    assert error < 1 / 6 + 1 / 16


def test_nothing_and_zeros_have_a_scale_that_can_be_given() -> None:
    for tensor in (torch.zeros(2, 32), torch.zeros(0, 32)):
        for name in (*GIVEN, "nvfp4"):
            scale = opparity.tensor_scale(tensor, name)
            assert scale.shape == ()
            assert 0 < scale.item() < math.inf
            opparity.quantize(tensor, name, scale=scale)


def test_what_is_not_finite_shows() -> None:
    tensor = torch.tensor([[1.0, float("nan")]])
    assert math.isnan(opparity.tensor_scale(tensor, GIVEN[0]).item())
    tiny = torch.full((2, 32), 1e-40)
    assert opparity.tensor_scale(tiny, "nvfp4").item() == torch.finfo(torch.float32).max


def test_it_compiles_to_the_same_bits() -> None:
    tensor = torch.randn(33, 100)
    compiled = torch.compile(lambda x: opparity.tensor_scale(x, "nvfp4"), fullgraph=True)
    assert compiled(tensor).item() == opparity.tensor_scale(tensor, "nvfp4").item()


def test_a_mistake_is_refused_in_words() -> None:
    with pytest.raises(ArgumentRefused, match="scales of 'fp8_block' are computed; allowed"):
        opparity.tensor_scale(torch.ones(2, 2), "fp8_block")
    with pytest.raises(ArgumentRefused, match=r"dtype torch\.int8; allowed: float16"):
        opparity.tensor_scale(torch.ones(2, 2, dtype=torch.int8), "nvfp4")

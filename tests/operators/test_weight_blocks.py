"""opparity.quantize_weight: each block of 128 x 128 by itself, in plain torch and numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import opparity
from opparity import nn
from opparity.errors import ArgumentRefused

DTYPES = {
    torch.float8_e4m3fn: (448.0, 448.0 * 512),
    torch.float8_e4m3fnuz: (224.0, 224.0 * 512),
    torch.int8: (127.0, 127.0 * 512),
}


def by_blocks(weight: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return values and scales, block after block, by section 4 of the contract."""
    maximum, least = DTYPES[dtype]
    rows, columns = weight.shape
    values = torch.empty(rows, columns, dtype=dtype)
    scales = torch.empty(-(-rows // 128), -(-columns // 128))
    for down in range(scales.shape[0]):
        for across in range(scales.shape[1]):
            own = slice(128 * down, 128 * down + 128), slice(128 * across, 128 * across + 128)
            block = weight[own].float()
            quotient = np.float32(block.abs().max().item()) / np.float32(maximum)
            scale = torch.tensor(max(quotient, np.float32(1) / np.float32(least)))
            codes = (block * (1 / scale)).clamp(-maximum, maximum)
            values[own] = (codes.round() if dtype is torch.int8 else codes).to(dtype)
            scales[down, across] = scale
    return values, scales


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(256, 384), (130, 300), (1, 5), (128, 1)], ids=str)
@pytest.mark.parametrize("given", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_each_block_has_the_scale_of_its_numbers(
    given: torch.dtype, shape: tuple[int, int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    # Blocks that differ in size, so that a scale in the wrong place shows.
    weight = (torch.randn(shape) * (1 + torch.arange(shape[1])) * 0.01).to(given)
    values, scales = opparity.quantize_weight(weight, dtype)
    expected_values, expected_scales = by_blocks(weight, dtype)
    assert values.dtype is dtype
    assert torch.equal(scales, expected_scales)
    assert torch.equal(values.view(torch.uint8), expected_values.view(torch.uint8))


def test_experts_have_their_matrices_one_after_another() -> None:
    weight = torch.randn(3, 2, 200, 130)
    values, scales = opparity.quantize_weight(weight)
    assert (values.shape, scales.shape) == (weight.shape, (3, 2, 2, 2))
    for place in np.ndindex(3, 2):
        alone, of_it = opparity.quantize_weight(weight[place])
        assert torch.equal(values[place].view(torch.uint8), alone.view(torch.uint8))
        assert torch.equal(scales[place], of_it)


def test_a_layer_and_its_checkpoint_have_them() -> None:
    weight = torch.randn(200, 384, dtype=torch.bfloat16)
    values, scales = opparity.quantize_weight(weight)
    layer = nn.BlockFP8Linear.from_weight(weight)
    assert torch.equal(layer.weight.view(torch.uint8), values.view(torch.uint8))
    assert torch.equal(layer.weight_scales, scales)
    restored = nn.BlockFP8Linear(values, scales).dequantized()
    assert functional.cosine_similarity(restored.flatten(), weight.float().flatten(), 0) > 0.999


def test_every_provider_has_the_same_bits() -> None:
    weight = torch.randn(300, 520) * torch.logspace(-20, 20, 520)
    found = []
    for provider in ("reference", "native"):
        with opparity.providers(force=provider):
            found.append(opparity.quantize_weight(weight))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one.view(torch.uint8), other.view(torch.uint8))


def test_a_parameter_and_any_strides_will_do() -> None:
    weight = torch.nn.Parameter(torch.randn(130, 260))
    values, scales = opparity.quantize_weight(weight.t())
    expected = opparity.quantize_weight(weight.detach().t().contiguous())
    assert not values.requires_grad
    assert torch.equal(values.view(torch.uint8), expected[0].view(torch.uint8))
    assert torch.equal(scales, expected[1])


def test_a_number_that_is_not_finite_spoils_its_block_alone() -> None:
    weight = torch.randn(256, 128)
    weight[5, 7] = float("nan")
    values, scales = opparity.quantize_weight(weight)
    assert scales.isnan().flatten().tolist() == [True, False]
    assert values[:128].float().isnan().all()
    assert not values[128:].float().isnan().any()


@pytest.mark.parametrize("shape", [(0, 256), (4, 0), (2, 0, 128)], ids=str)
def test_nothing_has_no_blocks(shape: tuple[int, ...]) -> None:
    values, scales = opparity.quantize_weight(torch.empty(shape))
    *leading, rows, columns = shape
    assert values.shape == shape
    assert scales.shape == (*leading, -(-rows // 128), -(-columns // 128))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None,), "weight is None; allowed: a tensor; pass one"),
        ((torch.ones(3),), r"weight has shape \[3\]; allowed: \[..., out_features, in_features\]"),
        ((torch.ones(3, 4), torch.float8_e5m2), "dtype is float8_e5m2; allowed: float8_e4m3fn, "),
    ],
)
def test_refused_in_words(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(ArgumentRefused, match=f"quantize_weight: {words}"):
        opparity.quantize_weight(*arguments)  # type: ignore[arg-type]


def test_a_dtype_that_no_operator_reads_is_refused_in_its_name() -> None:
    with pytest.raises(RuntimeError, match="quantize_weight: input has dtype float64; allowed: "):
        opparity.quantize_weight(torch.ones(3, 4, dtype=torch.float64))


def test_it_compiles_to_the_same_bits() -> None:
    weight = torch.randn(130, 260)
    compiled = torch.compile(opparity.quantize_weight, fullgraph=True)
    for one, other in zip(compiled(weight), opparity.quantize_weight(weight), strict=True):
        assert torch.equal(one.view(torch.uint8), other.view(torch.uint8))

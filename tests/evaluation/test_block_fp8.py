from __future__ import annotations

import pytest
import torch

from opparity.evaluation.block_fp8 import (
    BLOCK,
    FORMAT_MAX,
    MINIMUM_SCALE,
    VALUE_DTYPE,
    BlockFp8Weight,
    dequantise_activations,
    quantise_activations,
    quantise_weight,
    stack,
)


def random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_dequantising_is_a_product_with_the_scale_of_the_elements_own_block() -> None:
    values = random(256, 384).to(VALUE_DTYPE)
    scales = random(2, 3, seed=2).abs()
    dequantised = BlockFp8Weight(values, scales).dequantised()
    plain = values.float()
    for row in range(0, 256, 17):
        for column in range(384):
            expected = plain[row, column] * scales[row // BLOCK, column // BLOCK]
            assert dequantised[row, column] == expected


def test_a_block_of_a_weight_is_scaled_by_its_own_largest_magnitude() -> None:
    weight = random(256, 256)
    weight[200, 3] = -80.0
    weight[:128, 128:] = 0.0
    quantised = quantise_weight(weight)
    assert quantised.scales[1, 0] == torch.tensor(80.0) / FORMAT_MAX
    assert quantised.values[200, 3].float() == -FORMAT_MAX
    assert quantised.scales[0, 1] == torch.tensor(MINIMUM_SCALE)
    assert not quantised.values[:128, 128:].float().any()
    # Half a unit in the last of E4M3's three places, or half of its least subnormal.
    error = (quantised.dequantised() - weight).abs()
    bound = quantised.scales.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
    assert bool((error <= (weight.abs() * 2**-4).clamp_min(2**-10 * bound) * 1.0001).all())


def test_stacking_weights_changes_no_number() -> None:
    gate, up = quantise_weight(random(128, 256)), quantise_weight(random(256, 256, seed=4))
    expected = torch.cat((gate.dequantised(), up.dequantised()))
    assert torch.equal(stack((gate, up)).dequantised(), expected)


@pytest.mark.parametrize("shape", [(128, 100), (64, 128)])
def test_a_weight_of_part_blocks_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="both sides must be multiples of 128"):
        quantise_weight(torch.zeros(shape))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_refused(number: float) -> None:
    weight = torch.zeros(128, 128)
    weight[5, 6] = number
    with pytest.raises(ValueError, match="only finite ones have a scale"):
        quantise_weight(weight)


def test_activations_are_quantised_as_a_loop_over_groups_does() -> None:
    activations = random(3, 5, 256).bfloat16()
    activations[1, 2, :128] = 0
    values, scales = quantise_activations(activations)
    assert values.dtype is VALUE_DTYPE
    for token in range(15):
        row = activations.reshape(15, 256)[token].float()
        for group in range(2):
            part = row[group * 128 : group * 128 + 128]
            scale = torch.maximum(part.abs().max() / FORMAT_MAX, torch.tensor(MINIMUM_SCALE))
            assert scales.reshape(15, 2)[token, group] == scale
            expected = (part / scale).clamp(-FORMAT_MAX, FORMAT_MAX).to(VALUE_DTYPE).float()
            found = values.reshape(15, 256)[token, group * 128 : group * 128 + 128].float()
            assert torch.equal(found, expected)
            back = dequantise_activations(values, scales).reshape(15, 256)[token]
            assert torch.equal(back[group * 128 : group * 128 + 128], expected * scale)

"""Compile torchao's own quantisers behind SiLU with the pass; print what it found in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional
from torchao.float8.config import ScalingGranularity
from torchao.float8.float8_utils import tensor_to_scale, to_fp8_saturated
from torchao.prototype.blockwise_fp8_training.kernels import torch_blockwise_scale_act_quant_lhs
from torchao.quantization import Float8Tensor, Int8Tensor, PerRow
from torchao.quantization.quant_primitives import _choose_scale_float8, _quantize_affine_float8

from real_packages.spelled import print_results

if TYPE_CHECKING:
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]


def silu(input: Tensor) -> Tensor:
    """Return SiLU of the first half times the second."""
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate) * up


def float8_rows(input: Tensor) -> Pair:
    """Return what Float8Tensor makes by row."""
    quantised = Float8Tensor.from_hp(silu(input), granularity=PerRow())
    return quantised.qdata, quantised.scale


def float8_blocks(input: Tensor) -> Pair:
    """Return what Float8Tensor is made of, by blocks."""
    product = silu(input)
    scales = _choose_scale_float8(product, [1, 128])
    return _quantize_affine_float8(product, scales), scales


def float8_axiswise(input: Tensor) -> Pair:
    """Return what torchao.float8 makes by row for training."""
    product = silu(input)
    inverse = tensor_to_scale(
        product,
        torch.float8_e4m3fn,
        scaling_granularity=ScalingGranularity.AXISWISE,
        axiswise_dim=-1,
    )
    return to_fp8_saturated(product.float() * inverse, torch.float8_e4m3fn), 1.0 / inverse


def float8_training_blocks(input: Tensor) -> Pair:
    """Return what block FP8 training makes of activations."""
    found: Pair = torch_blockwise_scale_act_quant_lhs(silu(input))
    return found


def int8_rows(input: Tensor) -> Pair:
    """Return what Int8Tensor makes by row."""
    quantised = Int8Tensor.from_hp(silu(input), granularity=PerRow())
    return quantised.qdata, quantised.scale


torch.manual_seed(0)
input = torch.randn(48, 1024).bfloat16()
spellings = {
    function.__name__: function
    for function in (float8_rows, float8_blocks, float8_axiswise, float8_training_blocks, int8_rows)
}
print_results(spellings, input)
print_results(spellings, input.float(), word="FLOAT32")

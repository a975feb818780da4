"""BlockFP8Linear: the FP8 of DeepSeek's and Qwen's checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.nn.linear import QuantizedLinear
from opparity.operators.refusal import refuse
from opparity.operators.weight_blocks import BLOCK, quantize_weight

if TYPE_CHECKING:
    from torch import Tensor


class BlockFP8Linear(QuantizedLinear):
    """A linear layer in FP8: activations by 1 x 128, the weight by blocks of 128 x 128.

    `weight` is float8_e4m3fn, and `weight_scales` float32
    [ceil(out_features / 128), ceil(in_features / 128)], what to multiply codes with: the
    `weight_scale_inv` of DeepSeek's and Qwen's checkpoints. The codes of weight and activations
    are the same on every machine; their product is as exact as the product that `product` names.
    """

    recipe = "fp8_block"
    scale_rows = BLOCK
    scale_columns = BLOCK

    @classmethod
    def quantise(cls, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return what opparity.quantize_weight returns."""
        return quantize_weight(weight)

    def _check_weight(self, weight: Tensor, weight_scales: Tensor) -> None:
        rows, columns = weight.shape
        expected = (-(-rows // BLOCK), -(-columns // BLOCK))
        if weight.dtype != torch.float8_e4m3fn or weight_scales.dtype != torch.float32:
            refuse(
                type(self).__name__,
                f"weight is {weight.dtype} and its scales are {weight_scales.dtype}; allowed: "
                "torch.float8_e4m3fn and torch.float32; convert them, or call from_weight",
            )
        if tuple(weight_scales.shape) != expected:
            refuse(
                type(self).__name__,
                f"weight_scales has shape {tuple(weight_scales.shape)}; allowed: {expected}, one "
                f"for each block of {BLOCK} x {BLOCK}; pass scales of that shape",
            )

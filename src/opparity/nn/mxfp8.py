"""MXFP8Linear: OCP's microscaling FP8, whose scales are powers of two for 32 values each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.nn.linear import QuantizedLinear
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from torch import Tensor

GROUP = 32


class MXFP8Linear(QuantizedLinear):
    """A linear layer in MXFP8: activations and weight by 1 x 32.

    `weight` is float8_e4m3fn, and `weight_scales` float8_e8m0fnu
    [out_features, ceil(in_features / 32)]. Codes and scales are the same on every machine; their
    product is as exact as the product that `product` names.
    """

    recipe = "mxfp8"
    scale_columns = GROUP

    @classmethod
    def scales_from_checkpoint(cls, scales: Tensor) -> Tensor:
        """Return exponents as the powers of two that they are, whether plain bytes or not."""
        return scales.view(torch.float8_e8m0fnu) if scales.dtype == torch.uint8 else scales

    def _check_weight(self, weight: Tensor, weight_scales: Tensor) -> None:
        if weight.dtype != torch.float8_e4m3fn or weight_scales.dtype != torch.float8_e8m0fnu:
            refuse(
                type(self).__name__,
                f"weight is {weight.dtype} and its scales are {weight_scales.dtype}; allowed: "
                "torch.float8_e4m3fn and torch.float8_e8m0fnu; convert them, or call from_weight",
            )
        expected = (weight.shape[0], -(-weight.shape[1] // GROUP))
        if tuple(weight_scales.shape) != expected:
            refuse(
                type(self).__name__,
                f"weight_scales has shape {tuple(weight_scales.shape)}; allowed: {expected}, one "
                f"for each {GROUP} numbers of a row; pass scales of that shape",
            )

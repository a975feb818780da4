"""Int8Linear: int8 by token and by row of the weight, with the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.nn.linear import QuantizedLinear
from opparity.nn.products import int8
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from torch import Tensor


class Int8Linear(QuantizedLinear):
    """A linear layer in int8; `weight_scales` is float32 [out_features, 1].

    The sum of products is exact, and its order therefore free: a CPU and a GPU give the same
    bytes, whatever the number of tokens beside one (docs/numerics.md, section 14).
    """

    recipe = "int8_token"

    @classmethod
    def scales_from_checkpoint(cls, scales: Tensor) -> Tensor:
        """Return one scale for each row, whether a file holds them as a list or as a column.

        Another shape stays as it is, and is refused: blocks may be as many as rows.
        """
        return scales.float().reshape(-1, 1) if scales.dim() == 1 else scales.float()

    def _check_weight(self, weight: Tensor, weight_scales: Tensor) -> None:
        objection = int8.objection(weight.device, *weight.shape[::-1])
        if objection is not None:
            refuse(type(self).__name__, objection)
        expected = (weight.shape[0], 1)
        if weight.dtype != torch.int8 or weight_scales.dtype != torch.float32:
            refuse(
                type(self).__name__,
                f"weight is {weight.dtype} and its scales are {weight_scales.dtype}; allowed: "
                "torch.int8 and torch.float32; convert them, or call from_weight",
            )
        if tuple(weight_scales.shape) != expected:
            refuse(
                type(self).__name__,
                f"weight_scales has shape {tuple(weight_scales.shape)}; allowed: {expected}, "
                "one for each row of the weight; pass those",
            )

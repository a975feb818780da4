"""Int8Linear: int8 by token and by row of the weight, with the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.modules import module

from opparity.nn.linear import QuantizedLinear
from opparity.nn.multiplication import exact_sums
from opparity.nn.products import int8
from opparity.operators.gradients import is_transformed
from opparity.operators.refusal import refuse
from opparity.operators.sums import Sums

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.quantized import Quantized


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

    @property
    def gives_sums(self) -> bool:
        """Whether `sums_of` is all that a call without a gradient computes.

        It is not with a bias, under torch.func's transforms, where a hook sees the call, and where
        `forward` was replaced.
        """
        is_own = getattr(self.forward, "__func__", None) is QuantizedLinear.forward
        hooked = self._forward_hooks or self._forward_pre_hooks
        hooked = hooked or module._has_any_global_hook()  # noqa: SLF001 -- torch has no public name
        return is_own and self.bias is None and not (hooked or is_transformed())

    def sums_of(self, input: Quantized) -> tuple[Tensor, Sums]:
        """Return the int32 sums [..., out_features], and what they stand for.

        An operator that takes them reads them once, where it would read the layer's result after
        that was written.
        """
        leading = input.values.shape[:-1]
        values, scales = self.matrices(input)
        found = exact_sums(values, self.weight)
        if len(leading) != 1:
            found, scales = found.reshape(*leading, self.out_features), scales.reshape(*leading, 1)
        return found, Sums(scales.contiguous(), self.weight_scales.contiguous(), self.dtype)

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
                "one for each row of the weight; pass scales of that shape",
            )

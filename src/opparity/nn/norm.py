"""RMSNorm, with a gate or without, whose product is quantised as the next layer reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from opparity import add_rms_norm, gated_rms_norm, quantize, rms_norm
from opparity.formats import Intermediate
from opparity.nn.strides import adjacent
from opparity.operators.refusal import kind_of, refuse

if TYPE_CHECKING:
    from opparity.formats import Recipe
    from opparity.operators.quantized import Quantized

_FLOATS = (torch.bfloat16, torch.float16, torch.float32)


class _Norm(nn.Module):
    """What both norms share."""

    def __init__(
        self,
        weight: Tensor,
        epsilon: float = 1e-6,
        *,
        offset: float = 0.0,
        recipe: Recipe | str | None = None,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
    ) -> None:
        super().__init__()
        if not isinstance(weight, Tensor):
            refuse(
                type(self).__name__,
                f"weight is {kind_of(weight)}; allowed: a tensor [hidden_size]; pass the model's, "
                "or torch.ones(hidden_size)",
            )
        kept = isinstance(weight, nn.Parameter)
        self.weight = weight if kept else nn.Parameter(weight, requires_grad=False)
        self.epsilon, self.offset = epsilon, offset
        self.recipe, self.intermediate = recipe, Intermediate(intermediate)

    def _autocast_mixes(self, *tensors: object) -> bool:
        """Return whether autocast has changed the dtype of some tensors and not the weight's.

        Where it has not, the operator refuses other dtypes than the input's.
        """
        dtypes = {tensor.dtype for tensor in (self.weight, *tensors) if isinstance(tensor, Tensor)}
        if len(dtypes) == 1 or not dtypes.issubset(_FLOATS):
            return False
        device = self.weight.device.type
        # The meta device has no autocast, and asking whether it has stops torch 2.11's compiler.
        return device != "meta" and torch.is_autocast_enabled(device)

    def extra_repr(self) -> str:
        """Return what torch prints of the module."""
        numbers = f"epsilon={self.epsilon:g}, offset={self.offset:g}"
        return f"{self.weight.shape[0]}, {numbers}, recipe={self.recipe}"


class RMSNorm(_Norm):
    """RMSNorm, optionally behind a residual sum.

    Attributes:
        weight: [hidden_size].
        epsilon: what is added to the mean of the squares.
        offset: what is added to the weight: 1 in Gemma.
        recipe: of the product; None for the input's dtype.
        intermediate: where the factors and their product are rounded to the input's dtype.
    """

    def forward(
        self, input: Tensor, residual: Tensor | None = None
    ) -> Tensor | Quantized | tuple[Tensor | Quantized, Tensor]:
        """Return the norm of an input; with a residual that of their sum, and the sum."""
        input = adjacent(input)
        residual = None if residual is None else adjacent(residual)
        if self._autocast_mixes(input, residual):
            if residual is None:
                return self._mixed(input)
            added = input + residual
            return self._mixed(added), added
        recipe = self.recipe or "none"
        numbers = {"epsilon": self.epsilon, "offset": self.offset}
        rounded = self.intermediate
        if residual is None:
            return rms_norm(input, self.weight, recipe, intermediate=rounded, **numbers)
        return add_rms_norm(input, residual, self.weight, recipe, intermediate=rounded, **numbers)

    def _mixed(self, input: Tensor) -> Tensor | Quantized:
        """Return the norm of an input of another dtype, as models of transformers compute it.

        Those that round before the product with the weight leave that in float32; others round it
        to the input's dtype.
        """
        wide, weight = input.float(), self.weight.float()
        epsilon, offset = self.epsilon, self.offset
        if self.intermediate is Intermediate.INPUT_DTYPE:
            normed = rms_norm(input, epsilon=epsilon, intermediate=self.intermediate)
            product = normed * (weight + offset)
        elif self.intermediate is Intermediate.FLOAT32 and self.recipe is not None:
            return rms_norm(wide, weight, self.recipe, epsilon=epsilon, offset=offset)
        else:
            product = rms_norm(wide, weight, epsilon=epsilon, offset=offset).to(input.dtype)
        return product if self.recipe is None else quantize(product, self.recipe)


class GatedRMSNorm(_Norm):
    """RMSNorm times SiLU of a gate, as Qwen3-Next has it; its attributes are RMSNorm's."""

    def forward(self, input: Tensor, gate: Tensor) -> Tensor | Quantized:
        """Return the norm of an input times silu(gate), a tensor of the input's shape and dtype."""
        input, gate = adjacent(input), adjacent(gate)
        numbers = {"epsilon": self.epsilon, "offset": self.offset}
        recipe, rounded = self.recipe or "none", self.intermediate
        if not self._autocast_mixes(input, gate):
            return gated_rms_norm(input, gate, self.weight, recipe, intermediate=rounded, **numbers)
        wide, wide_gate, weight = input.float(), gate.float(), self.weight.float()
        if self.recipe is not None:
            return gated_rms_norm(
                wide, wide_gate, weight, self.recipe, intermediate=rounded, **numbers
            )
        product = gated_rms_norm(wide, wide_gate, weight, None, intermediate=rounded, **numbers)
        return product.to(input.dtype)

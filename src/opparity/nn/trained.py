"""TrainedLinear: computes as the quantised layer that will serve it, and learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from opparity.nn.block_fp8 import BlockFP8Linear
from opparity.nn.products import product_for

if TYPE_CHECKING:
    from opparity.formats import Recipe
    from opparity.nn.linear import QuantizedLinear
    from opparity.operators.quantized import Quantized


class TrainedLinear(nn.Module):
    """A linear layer with a weight that is quantised anew in each forward pass.

    What it computes is, bit for bit, what the layer of `quantized()` computes, so that a model
    samples as it was trained. Gradients are those of the product of what was quantised, as if
    neither activations nor weight had been: straight through.

    Attributes:
        kind: the class of the quantised layer.
        weight: [out_features, in_features], to be trained.
        bias: [out_features] or None.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kind: type[QuantizedLinear] = BlockFP8Linear,
        *,
        bias: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        drawn = nn.Linear(in_features, out_features, bias=bias, dtype=dtype)
        self.in_features, self.out_features, self.kind = in_features, out_features, kind
        self.weight, self.bias = drawn.weight, drawn.bias

    def quantized(self) -> QuantizedLinear:
        """Return the layer that serves the present weight."""
        bias = None if self.bias is None else self.bias.detach()
        return self._layer(bias)

    @property
    def activations(self) -> Recipe:
        """The recipe to hand to what comes before."""
        sizes = self.in_features, self.out_features
        return product_for(self.kind.recipe, self.weight.device, *sizes, None).activations

    def forward(self, input: Tensor | Quantized) -> Tensor:
        """Return [..., out_features] from [..., in_features], quantised already or not."""
        trained = self.weight if torch.is_grad_enabled() else None
        found = self._layer(None).multiply(input, trained)
        return found if self.bias is None else found + self.bias

    @torch.no_grad()
    def _layer(self, bias: Tensor | None) -> QuantizedLinear:
        values, scales = self.kind.quantise(self.weight.detach())
        return self.kind(values, scales, bias, dtype=self.weight.dtype)

    def extra_repr(self) -> str:
        """Return what torch prints of the module."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, kind={self.kind.__name__}"
        )

"""TrainedLinear: computes as the quantised layer that will serve it, and learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from opparity.nn.block_fp8 import BlockFP8Linear
from opparity.nn.linear import QuantizedLinear
from opparity.nn.products import product_for

if TYPE_CHECKING:
    from opparity.formats import Recipe
    from opparity.nn.products import Product
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
        asked_product: the name of the product to take; None for the first that can serve.
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
        self.asked_product: str | None = None

    def quantized(self) -> QuantizedLinear:
        """Return the layer that serves the present weight."""
        bias = None if self.bias is None else self.bias.detach()
        return self._layer(bias)

    @property
    def activations(self) -> Recipe:
        """The recipe to hand to what comes before."""
        return self.product.activations

    @property
    def product(self) -> Product:
        """How the matrices are multiplied where the weight is."""
        sizes = self.in_features, self.out_features
        return product_for(self.kind.recipe, self.weight.device, *sizes, self.asked_product)

    def forward(self, input: Tensor | Quantized) -> Tensor:
        """Return [..., out_features] from [..., in_features], quantised already or not."""
        trained = self.weight if torch.is_grad_enabled() else None
        found = self._layer(None).multiply(input, trained)
        return found if self.bias is None else found + self.bias

    @torch.no_grad()
    def _layer(self, bias: Tensor | None) -> QuantizedLinear:
        values, scales = self.kind.quantise(self.weight.detach())
        layer = self.kind(values, scales, bias, dtype=self.weight.dtype)
        layer.asked_product = self.asked_product
        return layer

    def extra_repr(self) -> str:
        """Return what torch prints of the module."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, kind={self.kind.__name__}"
        )


def ask_for_product(module: nn.Module, name: str | None) -> None:
    """Have every layer of a module multiply by one product, or by the first that can serve.

    Args:
        module: with layers of opparity.nn, quantised or to be trained.
        name: of a product in docs/modules.md, or None.

    Raises:
        ArgumentRefused: a layer has no such product where it is; no layer is changed then.
    """
    kinds = (QuantizedLinear, TrainedLinear)
    layers = [layer for layer in module.modules() if isinstance(layer, kinds)]
    for layer in layers:
        recipe = layer.kind.recipe if isinstance(layer, TrainedLinear) else layer.recipe
        sizes = layer.in_features, layer.out_features
        product_for(recipe, layer.weight.device, *sizes, name, "ask_for_product")
    for layer in layers:
        layer.asked_product = name

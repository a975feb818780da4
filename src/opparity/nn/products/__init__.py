"""THE table of products of quantised matrices: one line and one small file each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from opparity.formats import RECIPES, Recipe, ScaleLayout
from opparity.nn.products import deep_gemm, dequantised, exact, int8, microscaled_mm, scaled_mm
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Multiply(Protocol):
    """Multiplies values [num_tokens, in_features] by a weight [out_features, in_features]."""

    def __call__(
        self,
        values: Tensor,
        scales: Tensor,
        weight: Tensor,
        weight_scales: Tensor,
        dtype: torch.dtype,
    ) -> Tensor:
        """Return [num_tokens, out_features] of `dtype`."""


class Objection(Protocol):
    """Says why a product cannot serve matrices on a device, or None if it can."""

    def __call__(self, device: torch.device, in_features: int, out_features: int) -> str | None:
        """Return the reason, or None."""


@dataclass(frozen=True, slots=True)
class Product:
    """One way to multiply quantised matrices.

    Attributes:
        name: of the product.
        recipe: of the activations that it takes.
        multiply: returns [num_tokens, out_features] of a dtype, without the bias.
        objection: why it cannot serve.
        activations: that recipe with the layout of scales that costs no copy.
        same_everywhere: whether every machine gives the same bytes.
        asked: whether it serves only where a module names it.
    """

    name: str
    recipe: str
    multiply: Multiply
    objection: Objection
    activations: Recipe
    same_everywhere: bool = False
    asked: bool = False


_BLOCKS, _MICROSCALED = RECIPES["fp8_block"], RECIPES["mxfp8"]
# The first one of a recipe that can serve does. Rows of one name have one function.
PRODUCTS: tuple[Product, ...] = (
    Product(
        "int8",
        "int8_token",
        int8.multiply,
        int8.objection,
        RECIPES["int8_token"],
        same_everywhere=True,
    ),
    Product(
        "scaled_mm",
        "fp8_block",
        scaled_mm.multiply,
        scaled_mm.objection,
        _BLOCKS.with_layout(ScaleLayout.COLUMN_MAJOR),
    ),
    Product("dequantised", "fp8_block", dequantised.multiply, dequantised.objection, _BLOCKS),
    Product(
        "deep_gemm",
        "fp8_block",
        deep_gemm.multiply,
        deep_gemm.objection,
        _BLOCKS.with_layout(ScaleLayout.COLUMN_MAJOR),
        asked=True,
    ),
    Product(
        "exact",
        "fp8_block",
        exact.multiply,
        exact.objection,
        _BLOCKS,
        same_everywhere=True,
        asked=True,
    ),
    Product("dequantised", "mxfp8", dequantised.multiply, dequantised.objection, _MICROSCALED),
    Product(
        "microscaled_mm",
        "mxfp8",
        microscaled_mm.multiply,
        microscaled_mm.objection,
        _MICROSCALED,
        asked=True,
    ),
    Product(
        "exact",
        "mxfp8",
        exact.multiply,
        exact.objection,
        _MICROSCALED,
        same_everywhere=True,
        asked=True,
    ),
)


def product_named(name: str) -> Product:
    """Return a row of the table by its name."""
    return next(product for product in PRODUCTS if product.name == name)


def product_for(
    recipe: str,
    device: torch.device,
    in_features: int,
    out_features: int,
    asked: str | None,
    function: str = "quantized_linear",
) -> Product:
    """Return the product that a module asks for, or the first that can serve on its device.

    Args:
        recipe: of the activations.
        device: of the matrices.
        in_features: their width.
        out_features: rows of the weight.
        asked: the product's name, or None.
        function: what a refusal names.

    Raises:
        ArgumentRefused: there is none, with the reasons.
    """
    reasons = []
    for product in PRODUCTS:
        if product.recipe != recipe or (product.name != asked if asked else product.asked):
            continue
        reason = product.objection(device, in_features, out_features)
        if reason is None:
            return product
        reasons.append(f"{product.name}: {reason}")
    names = ", ".join(product.name for product in PRODUCTS if product.recipe == recipe)
    return refuse(
        function,
        f"the product is {asked or 'not named'}; allowed for {recipe}: {names}; "
        f"{'; '.join(reasons) or 'choose one of them'}",
    )

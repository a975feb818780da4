"""Quantized: what every quantising function returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from opparity.formats import Recipe
from opparity.operators.dequantisation import dequantize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Origin:
    """What values were computed from, where that has a gradient.

    Attributes:
        input: of the function, in its own shape.
        operator: the general operator's name.
        numbers: the producer's.
        interleaved: whether gate and up alternate.
    """

    input: Tensor
    operator: str
    numbers: tuple[float, ...]
    interleaved: bool


@dataclass(frozen=True, slots=True)
class NormOrigin:
    """What a norm's values were computed from, where that has a gradient.

    Attributes:
        input: what the norm read, in the shape of the function's input: with a residual their sum.
        gate: in the same shape; None where the norm takes none.
        weight: or None.
        operator: the general operator's name.
        numbers: the producer's.
    """

    input: Tensor
    gate: Tensor | None
    weight: Tensor | None
    operator: str
    numbers: tuple[float, ...]


class Quantized:
    """Values, their scales and the recipe of both; `values, scales = quantized` unpacks it.

    Attributes:
        values: [..., hidden_size] of the recipe's dtype, or uint8 [..., hidden_size / 2] where two
            codes share a byte.
        scales: as the recipe's layout has them; the given scale where the recipe computes none.
        scale: NVFP4's global scale, otherwise None.
    """

    # A frozen dataclass would cost a microsecond more for each call of a function.
    __slots__ = ("_origin", "_recipe", "scale", "scales", "values")

    def __init__(
        self,
        values: Tensor,
        scales: Tensor,
        recipe: Recipe | str,
        scale: Tensor | None = None,
        origin: Origin | NormOrigin | None = None,
    ) -> None:
        self.values = values
        self.scales = scales
        self.scale = scale
        self._recipe = recipe
        self._origin = origin

    @property
    def recipe(self) -> Recipe:
        """How the values were quantised."""
        return self._recipe if isinstance(self._recipe, Recipe) else Recipe.parse(self._recipe)

    @property
    def shape(self) -> torch.Size:
        """The shape of what the values stand for."""
        packed = self.recipe.format is not None and self.recipe.format.bits == 4  # noqa: PLR2004
        *leading, width = self.values.shape
        return torch.Size((*leading, 2 * width if packed else width))

    @property
    def device(self) -> torch.device:
        """The device of values and scales."""
        return self.values.device

    @property
    def has_gradient(self) -> bool:
        """Whether what was quantised has a gradient, which `dequantize` passes on."""
        return self._origin is not None

    def dequantize(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return values times scales, [..., hidden_size].

        Its gradient is that of the activation, as if nothing had been quantised.
        """
        if self._origin is None:
            return dequantize(self.values, self.scales, self._recipe, scale=self.scale, dtype=dtype)
        values, scales = self.values.detach(), self.scales.detach()
        found = dequantize(values, scales, self._recipe, scale=self.scale, dtype=dtype)
        origin = self._origin
        if isinstance(origin, NormOrigin):
            restored: Tensor = torch.ops.opparity.straight_through_norm(
                origin.input, found, origin.gate, origin.weight, origin.operator, origin.numbers
            )
            return restored
        through: Tensor = torch.ops.opparity.straight_through(
            origin.input, found, origin.operator, origin.numbers, origin.interleaved
        )
        return through

    def __iter__(self) -> Iterator[Tensor]:
        yield self.values
        yield self.scales

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Tensor:
        return (self.values, self.scales)[index]

    def __repr__(self) -> str:
        return f"Quantized(values={self.values}, scales={self.scales}, recipe='{self._recipe}')"

    def __reduce__(self) -> tuple[type[Quantized], tuple[Any, ...]]:
        """Be saved without what the values were computed from."""
        return Quantized, (self.values, self.scales, str(self._recipe), self.scale)


# The first name of the type, from when it had one operator.
QuantisedGroups = Quantized


def _flatten(quantized: Quantized) -> tuple[list[Tensor], str]:
    # Tensors alone: torch.vmap takes no other leaves.
    scale = [] if quantized.scale is None else [quantized.scale]
    return [quantized.values, quantized.scales, *scale], str(quantized._recipe)  # noqa: SLF001


def _flatten_with_keys(quantized: Quantized) -> tuple[list[tuple[Any, Tensor]], str]:
    children, context = _flatten(quantized)
    names = ("values", "scales", "scale")
    return [(pytree.GetAttrKey(n), c) for n, c in zip(names, children, strict=False)], context


def _unflatten(children: Any, recipe: str) -> Quantized:  # noqa: ANN401 -- pytree's leaves are Any
    values, scales, *scale = children
    return Quantized(values, scales, recipe, *scale)


pytree.register_pytree_node(
    Quantized,
    _flatten,
    _unflatten,
    serialized_type_name="opparity.Quantized",
    to_dumpable_context=lambda recipe: recipe,
    from_dumpable_context=lambda recipe: recipe,
    flatten_with_keys_fn=_flatten_with_keys,
)
torch.serialization.add_safe_globals([Quantized])

"""Quantized: what every quantising function returns."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from opparity.formats import Recipe
from opparity.operators.dequantisation import dequantize
from opparity.operators.refusal import kind_of, refuse

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

    def to(
        self,
        device: torch.device | str | int,
        dtype: None = None,
        non_blocking: bool = False,
    ) -> Quantized:
        """Return the same on another device, or itself where it is there already.

        Scales keep their strides, which a product may ask for. What `dequantize` passes a gradient
        on to stays where it was.

        Args:
            device: as a tensor's `to` takes it.
            dtype: refused, since the recipe says which dtypes values and scales have.
            non_blocking: as a tensor's.

        Raises:
            ArgumentRefused: for a dtype, or for what is no device.
        """
        if dtype is not None or isinstance(device, torch.dtype):
            given = device if dtype is None else dtype
            refuse(
                "Quantized.to",
                f"dtype is {given}; allowed: a device alone, since the recipe '{self.recipe}' says "
                "which dtypes values and scales have; call dequantize(dtype) for numbers",
            )
        if not isinstance(device, (torch.device, str, int)):
            refuse(
                "Quantized.to",
                f"device is {kind_of(device)}; allowed: a torch.device or its name; pass one",
            )
        values = self.values.to(device, non_blocking=non_blocking)
        scales = _moved(self.scales, values.device, non_blocking)
        if values is self.values and scales is self.scales:
            return self
        scale = None if self.scale is None else self.scale.to(values.device)
        origin = None if self._origin is None else _origin_moved(self._origin, values.device)
        return Quantized(values, scales, self._recipe, scale, origin)

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
        scale = None if self.scale is None else self.scale.detach()
        return Quantized, (self.values.detach(), self.scales.detach(), str(self._recipe), scale)


def _moved(tensor: Tensor, device: torch.device, non_blocking: bool) -> Tensor:
    """Return a tensor on a device with its strides, which torch gives up where there are gaps."""
    if tensor.device == device or tensor.numel() == 0 or tensor.is_contiguous():
        return tensor.to(device, non_blocking=non_blocking)
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    memory = tensor.as_strided((last + 1,), (1,)).to(device, non_blocking=non_blocking)
    return memory.as_strided(tensor.shape, tensor.stride())


def _origin_moved(origin: Origin | NormOrigin, device: torch.device) -> Origin | NormOrigin:
    """Return the same on a device, from where gradients come back to the tensors that it has."""
    moved = {
        each.name: getattr(origin, each.name).to(device)
        for each in fields(origin)
        if isinstance(getattr(origin, each.name), torch.Tensor)
    }
    return replace(origin, **moved)


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

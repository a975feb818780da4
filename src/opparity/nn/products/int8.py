"""int8 by int8 with exact sums: the same bits on every machine (docs/numerics.md, section 14)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from opparity import torch_names
from opparity.operators import producer_named, sums_name
from opparity.operators.sizes import name_of

if TYPE_CHECKING:
    from torch import Tensor

# The operator that scales sums and quantises nothing, by the table as all others.
_OF_SUMS = sums_name(producer_named("identity"))
_MISSING = torch_names.missing(torch_names.INT8_PRODUCT)
# 131,071 products of -128 by -128 are below 2**31, and 131,072 are not.
LARGEST_WIDTH = 131_071
# Products of -128 by -128 whose sum is 2**24, up to which float32 holds every whole number.
_WIDTH_IN_FLOAT32 = 1024
# What torch._int_mm asks for on a GPU: more than 16 rows, widths of whole eights.
_FEWEST_ROWS = 17
_MULTIPLE = 8


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return why there would be no sums, or none that are exact."""
    del device, out_features
    if _MISSING is not None:
        return str(_MISSING)
    if in_features > LARGEST_WIDTH:
        return (
            f"in_features is {in_features}; allowed: up to {LARGEST_WIDTH:,}, beyond which an "
            "int32 sum of products may overflow; split the weight by columns"
        )
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the exact int32 sum, as float32 times the token's scale, then times the row's."""
    return scaled(exact_product(values, weight), scales, weight_scales, dtype)


def scaled(sums: Tensor, scales: Tensor, weight_scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Return int32 sums times both scales, each product rounded to float32, in one pass."""
    found, _ = getattr(torch.ops.opparity, _OF_SUMS).default(
        sums,
        scales.contiguous(),
        weight_scales.contiguous(),
        "none",
        dtype=name_of(dtype),
    )
    return found  # type: ignore[no-any-return]


def exact_product(values: Tensor, weight: Tensor) -> Tensor:
    """Return values @ weight.T, int32, padded with zeros to what the device's kernel takes."""
    rows, columns = values.shape[0], weight.shape[0]
    values, weight = values.contiguous(), weight.contiguous()
    if values.device.type == "cpu":
        if not int_mm_is_exact():
            return sums_by_float32(values, weight)
        if values.shape[1] == 1:
            # torch 2.13 leaves numbers of such a product unwritten.
            values, weight = functional.pad(values, (0, 1)), functional.pad(weight, (0, 1))
        return torch._int_mm(values, weight.t())  # noqa: SLF001 -- torch has no other exact one
    width = -values.shape[1] % _MULTIPLE
    more_rows, more_columns = max(0, _FEWEST_ROWS - rows), columns_behind(values, columns)
    if width or more_rows:
        values = functional.pad(values, (0, width, 0, more_rows))
    if width or more_columns:
        weight = functional.pad(weight, (0, width, 0, more_columns))
    return torch._int_mm(values, weight.t())[:rows, :columns]  # noqa: SLF001


def columns_behind(values: Tensor, columns: int) -> int:
    """Return how many columns of `exact_product` are behind each row of the result in memory."""
    return 0 if values.device.type == "cpu" else -columns % _MULTIPLE


@cache
def int_mm_is_exact() -> bool:
    """Return whether torch._int_mm adds up exactly on this CPU.

    On x86 without VNNI oneDNN adds pairs of products in 16 bits, and what does not fit saturates:
    127 * 127 is enough. So it is tried, with one row and with many.
    """
    most = torch.full((64, 256), 127, dtype=torch.int8, device="cpu")
    found = (torch._int_mm(rows, most.t()) for rows in (most[:1], most))  # noqa: SLF001
    return all(bool((sums == 127 * 127 * 256).all()) for sums in found)


def sums_by_float32(values: Tensor, weight: Tensor) -> Tensor:
    """Return values @ weight.T, int32, of parts so narrow that float32 holds their sums exactly."""
    found = values.new_zeros((values.shape[0], weight.shape[0]), dtype=torch.int32)
    for part, of_weight in zip(
        values.split(_WIDTH_IN_FLOAT32, 1), weight.split(_WIDTH_IN_FLOAT32, 1), strict=True
    ):
        with torch.autocast(values.device.type, enabled=False):
            found += functional.linear(part.float(), of_weight.float()).int()
    return found

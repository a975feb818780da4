"""opparity.silu_and_mul_per_block_quant: SiLU(gate) * up by groups, with its first arguments."""

from __future__ import annotations

import torch
from torch import Tensor

from opparity.formats import (
    GROUP_SIZES,
    VALUE_FORMATS,
    Intermediate,
    ScaleFormat,
    ScaleLayout,
    ScaleRule,
)
from opparity.operators import producer_named
from opparity.operators.calling import Row, run
from opparity.operators.quantized import Quantized
from opparity.operators.recipes import tensor_recipes
from opparity.operators.refusal import call_as, refuse

_NAME = "silu_and_mul_per_block_quant"
_ROW = Row(producer_named("silu_and_mul"))
# The text of each recipe, by the arguments that say it.
_TEXTS = {
    (getattr(torch, recipe.value), group_size, layout): recipe.text
    for group_size in GROUP_SIZES
    for layout in (ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR)
    for recipe in tensor_recipes(group_size, ScaleFormat.FLOAT32, ScaleRule.AMAX, layout)
}


def silu_and_mul_per_block_quant(
    input: Tensor,
    group_size: int = 128,
    *,
    dtype: torch.dtype | None = None,
    scale_ub: float | Tensor | None = None,
    scale_layout: ScaleLayout = ScaleLayout.ROW_MAJOR,
    intermediate: Intermediate = Intermediate.FLOAT32,
) -> Quantized:
    """Return SiLU(gate) * up as codes with one float32 scale for each group of a token.

    The numerics are those of docs/numerics.md, the same bits on every platform.
    `opparity.silu_and_mul` does the same and knows more recipes.

    Args:
        input: [..., 2 * hidden_size], gate then up; float16, bfloat16 or float32.
        group_size: 16, 32, 64, 128 or 256; the last group of a token may be short.
        dtype: of the values; float8_e4m3fn, float8_e4m3fnuz, float8_e5m2 or int8. By default the
            FP8 format that the platform's matrix units take: float8_e4m3fnuz on gfx94x, else
            float8_e4m3fn.
        scale_ub: upper bound of the scales, above zero; a tensor holds one float32 number.
        scale_layout: where the scales lie; with COLUMN_MAJOR the scales of leading batch
            dimensions lie together as those of one list of tokens.
        intermediate: the precision of SiLU(gate) and of the product.

    Raises:
        RuntimeError: for a shape, dtype or value outside of these; it is ArgumentRefused, which is
            a ValueError too, where Python finds the mistake and not the native library.
    """
    if dtype is None:
        dtype = default_dtype(input.device) if isinstance(input, Tensor) else torch.float8_e4m3fn
    text = None
    if isinstance(dtype, torch.dtype):
        text = _TEXTS.get((dtype, group_size, scale_layout))
    if text is None:
        _refuse(group_size, dtype, scale_layout)
    named: dict[str, object] = {}
    if intermediate != "float32":
        named["intermediate"] = str(intermediate)
    found = call_as(_NAME, _ROW.name, run, _ROW, input, text, (), None, scale_ub, named)
    assert isinstance(found, Quantized)
    return found


def _refuse(group_size: int, dtype: torch.dtype, scale_layout: ScaleLayout) -> None:
    if group_size not in GROUP_SIZES:
        sizes = ", ".join(map(str, GROUP_SIZES))
        refuse(_NAME, f"group_size is {group_size}; allowed: {sizes}; choose one")
    # Compared, not constructed: torch.compile cannot trace the making of an enumeration's member.
    if scale_layout not in (ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR):
        refuse(
            _NAME,
            f"scale_layout is {scale_layout!r}; allowed: row_major, column_major; "
            "choose one of opparity.ScaleLayout",
        )
    dtypes = ", ".join(f.name for f in VALUE_FORMATS.values() if f.bits == 8)  # noqa: PLR2004
    refuse(_NAME, f"dtype is {dtype!r}; allowed: {dtypes} of torch; choose one")


def default_dtype(device: torch.device) -> torch.dtype:
    """Return the FP8 dtype that the matrix units of a device take."""
    if device.type == "cuda" and torch.version.hip is not None:
        architecture = torch.cuda.get_device_properties(device).gcnArchName
        if architecture.startswith("gfx94"):
            return torch.float8_e4m3fnuz
    return torch.float8_e4m3fn

"""opparity.silu_and_mul_per_block_quant: the operator as a function that allocates."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from opparity.errors import ArgumentRefused
from opparity.formats import Intermediate, ScaleLayout
from opparity.operators import registration
from opparity.operators.silu_and_mul_per_block_quant.shapes import NAME

registration.load()

# Half the least float32 number: a bound up to here would become zero, and that NaN on a GPU.
_ROUNDS_TO_ZERO = 2.0**-150


class QuantisedGroups(NamedTuple):
    """Codes and the float32 numbers to multiply them with.

    Attributes:
        values: [..., hidden_size].
        scales: [..., hidden_size // group_size].
    """

    values: Tensor
    scales: Tensor


def silu_and_mul_per_block_quant(
    input: Tensor,
    group_size: int = 128,
    *,
    dtype: torch.dtype | None = None,
    scale_ub: float | Tensor | None = None,
    scale_layout: ScaleLayout = ScaleLayout.ROW_MAJOR,
    intermediate: Intermediate = Intermediate.FLOAT32,
) -> QuantisedGroups:
    """Return SiLU(gate) * up as codes with one scale for each group of a token.

    The numerics are those of docs/numerics.md, the same bits on every platform.

    Args:
        input: [..., 2 * hidden_size], gate then up; float16, bfloat16 or float32.
        group_size: 16, 32, 64, 128 or 256; it divides hidden_size.
        dtype: of the values; float8_e4m3fn, float8_e4m3fnuz or int8. By default the FP8 format
            that the platform's matrix units take: float8_e4m3fnuz on gfx94x, else float8_e4m3fn.
        scale_ub: upper bound of the scales, above zero; a tensor holds one float32 number.
        scale_layout: where the scales lie; with COLUMN_MAJOR the scales of leading batch
            dimensions lie together as those of one list of tokens.
        intermediate: the precision of SiLU(gate) and of the product.

    Raises:
        RuntimeError: for a shape, dtype or value outside of these; it is ArgumentRefused, which is
            a ValueError too, where Python finds the mistake and not the native library.
    """
    if input.dim() == 0:
        raise ArgumentRefused(
            operator=NAME,
            detail="input has 0 dimensions; allowed: at least 1, [..., 2 * hidden_size]; "
            "concatenate gate and up in the last one",
        )
    # The number of tokens is computed, since torch cannot infer it for an input without elements.
    tokens = input
    if input.dim() != 2:  # noqa: PLR2004
        tokens = input.reshape(math.prod(input.shape[:-1]), input.shape[-1])
    if group_size <= 0:
        raise ArgumentRefused(
            operator=NAME, detail=f"group_size is {group_size}; allowed: above 0; choose one"
        )
    # Compared, not constructed: torch.compile cannot trace the making of an enumeration's member.
    if scale_layout not in (ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR):
        raise ArgumentRefused(
            operator=NAME,
            detail=f"scale_layout is {scale_layout!r}; allowed: row_major, column_major; "
            "choose one of opparity.ScaleLayout",
        )
    if dtype is None:
        dtype = default_dtype(input.device)
    num_tokens, hidden_size = tokens.shape[0], tokens.shape[1] // 2
    num_groups = hidden_size // group_size
    bound = _bound(scale_ub, input.device)
    out = torch.empty((num_tokens, hidden_size), dtype=dtype, device=input.device)
    transposed = scale_layout == ScaleLayout.COLUMN_MAJOR
    shape = (num_groups, num_tokens) if transposed else (num_tokens, num_groups)
    scales = torch.empty(shape, dtype=torch.float32, device=input.device)
    operator = torch.ops.opparity.silu_and_mul_per_block_quant
    if intermediate == Intermediate.FLOAT32:
        operator.default(out, tokens, scales, group_size, bound, transposed)
    else:
        operator.intermediate(out, tokens, scales, group_size, bound, transposed, str(intermediate))
    if transposed:
        scales = scales.t()
    leading = input.shape[:-1]
    if len(leading) == 1:
        return QuantisedGroups(out, scales)
    if len(leading) == 0:
        return QuantisedGroups(out.squeeze(0), scales.squeeze(0))
    return QuantisedGroups(out.view(*leading, hidden_size), scales.unflatten(0, leading))


def default_dtype(device: torch.device) -> torch.dtype:
    """Return the FP8 dtype that the matrix units of a device take."""
    if device.type == "cuda" and torch.version.hip is not None:
        architecture = torch.cuda.get_device_properties(device).gcnArchName
        if architecture.startswith("gfx94"):
            return torch.float8_e4m3fnuz
    return torch.float8_e4m3fn


def _bound(scale_ub: float | Tensor | None, device: torch.device) -> Tensor | None:
    if scale_ub is None or isinstance(scale_ub, Tensor):
        return scale_ub
    if not scale_ub > _ROUNDS_TO_ZERO:
        raise ArgumentRefused(
            operator=NAME,
            detail=f"scale_ub is {scale_ub:g}; allowed: a number above 0 in float32; "
            "leave it out for none",
        )
    # Filled where it is needed: copying it there would wait for the GPU and end a graph capture.
    return torch.full((), scale_ub, dtype=torch.float32, device=device)

"""The specification of silu_and_mul_per_block_quant, readable aloud, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.formats import VALUE_FORMATS, Intermediate
from opparity.operators import memory, reference_numerics
from opparity.operators.silu_and_mul_per_block_quant import shapes

if TYPE_CHECKING:
    from torch import Tensor

# Rows are taken in slices of this many elements: each costs about 100 bytes of temporaries.
_SLICE_ELEMENTS = 1 << 21


def silu_and_mul_per_block_quant(
    input: Tensor,
    group_size: int,
    *,
    dtype: torch.dtype,
    scale_ub: Tensor | None = None,
    intermediate: Intermediate = Intermediate.FLOAT32,
) -> tuple[Tensor, Tensor]:
    """Return values [num_tokens, hidden_size] and scales [num_tokens, num_groups].

    Args:
        input: [num_tokens, 2 * hidden_size], gate then up; float16, bfloat16 or float32.
        group_size: elements that share a scale.
        dtype: of the values.
        scale_ub: one float32 number, the scales' upper bound.
        intermediate: the precision of SiLU(gate) and of the product.
    """
    value_format = VALUE_FORMATS[str(dtype).removeprefix("torch.")]
    gate, up = input.float().chunk(2, dim=-1)
    activated = reference_numerics.silu(gate)
    if intermediate is Intermediate.INPUT_DTYPE:
        activated = activated.to(input.dtype).float()
    product = activated * up
    if intermediate is Intermediate.INPUT_DTYPE:
        product = product.to(input.dtype).float()
    groups = product.unflatten(-1, (-1, group_size))
    amax = reference_numerics.magnitude_maximum(groups)
    scales = reference_numerics.group_scales(amax, value_format, scale_ub)
    return reference_numerics.quantise(groups, scales, value_format).flatten(-2), scales


def write(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None = None,
    is_scale_transposed: bool = False,
) -> None:
    """Serve the operator's default overload."""
    write_intermediate(
        out, input, scales, group_size, scale_ub, is_scale_transposed, Intermediate.FLOAT32
    )


def write_intermediate(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None,
    is_scale_transposed: bool,
    intermediate: str,
) -> None:
    """Serve the overload that names the intermediate precision."""
    by_token = shapes.check(
        out, input, scales, group_size, scale_ub, is_scale_transposed, intermediate
    )
    memory.check(shapes.NAME, out=out, scales=scales, input=input, scale_ub=scale_ub)
    rows = max(1, _SLICE_ELEMENTS // max(1, out.shape[1]))
    for start in range(0, input.shape[0], rows):
        part = slice(start, start + rows)
        values, part_scales = silu_and_mul_per_block_quant(
            input[part],
            group_size,
            dtype=out.dtype,
            scale_ub=scale_ub,
            intermediate=Intermediate(intermediate),
        )
        # FP8 tensors cannot be copied on every device; their bytes can.
        out[part].view(torch.uint8).copy_(values.view(torch.uint8))
        by_token[part].copy_(part_scales)

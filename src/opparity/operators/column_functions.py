"""opparity.rows_and_columns: an activation's values for both GEMMs of a layer's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.formats import Intermediate
from opparity.operators import ELEMENTWISE, columns_name, general_name
from opparity.operators.calling import Row, _number, _text, _tokens, numbers_of, prepare
from opparity.operators.quantized import Quantized
from opparity.operators.refusal import call_as, kind_of, refuse

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.formats import Recipe

_NAME = "rows_and_columns"
_ROWS = {general_name(producer): producer for producer in ELEMENTWISE}


def rows_and_columns(
    input: Tensor,
    recipe: Recipe | str,
    *,
    producer: str = "quantize",
    intermediate: Intermediate | str = Intermediate.FLOAT32,
    interleaved: bool = False,
    scale_ub: float | Tensor | None = None,
    **numbers: float,
) -> tuple[Quantized, Quantized]:
    """Return an input's products quantised by rows, and transposed and quantised by columns.

    The columns are what the recipe makes of the transposed products, whose groups are of tokens: a
    GEMM over the tokens takes them, as that of a weight's gradient does. The input is read once.

    Args:
        input: [..., hidden_size], twice as wide where the producer is gated, the last dimension
            contiguous; float16, bfloat16 or float32. Leading dimensions are flattened to tokens.
        recipe: an opparity.Recipe, its name or its text, of values of eight bits in groups of 32,
            64 or 128.
        producer: the name of a function of the activation, such as "silu_and_mul", or "quantize".
        intermediate: where the activation is rounded to the input's dtype.
        interleaved: whether gate and up alternate, of a producer that is gated.
        scale_ub: an upper bound of float32 scales, above 0.
        **numbers: the producer's.

    Returns:
        The rows, [num_tokens, hidden_size], and the columns, [hidden_size, num_tokens].

    Raises:
        RuntimeError: for what no kernel takes, in words; it is an ArgumentRefused, a ValueError
            too, where Python finds the mistake and not the native library.
    """
    found = _ROWS.get(producer)
    if found is None:
        refuse(_NAME, f"producer is '{producer}'; allowed: {', '.join(_ROWS)}; choose one")
    if not isinstance(input, torch.Tensor):
        refuse(_NAME, f"input is {kind_of(input)}; allowed: a tensor; pass one")
    prepare(input)
    text = recipe if isinstance(recipe, str) else _text(producer, recipe)
    row = Row(found, columns_name(found))
    bound = None if scale_ub is None else _number(_NAME, "scale_ub", scale_ub, input)
    named: dict[str, object] = {"intermediate": str(intermediate)}
    if found.gated:
        named["interleaved"] = interleaved
    elif interleaved:
        detail = f"interleaved is True; allowed: False with {producer}, which is not gated"
        refuse(_NAME, f"{detail}; leave it out")
    values, scales, column_values, column_scales = call_as(
        _NAME,
        row.name,
        row.operator,
        _tokens(input),
        text,
        *numbers_of(row, numbers, _NAME),
        bound,
        **named,
    )
    return Quantized(values, scales, recipe), Quantized(column_values, column_scales, recipe)

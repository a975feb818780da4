"""Gradients of activations, quantised in the kernel that computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.formats import Intermediate
from opparity.operators import ELEMENTWISE, general_name, has_gradient, quantised_gradient_name
from opparity.operators.calling import (
    _MATRIX,
    Row,
    _made,
    _shaped,
    _text,
    _tokens,
    numbers_of,
    prepare,
    scale_numbers,
)
from opparity.operators.quantized import Quantized
from opparity.operators.refusal import call_as, kind_of, refuse

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.formats import Recipe

_PRODUCERS = {
    general_name(producer): producer for producer in ELEMENTWISE if has_gradient(producer)
}


def quantize_gradient(
    gradient: Tensor,
    input: Tensor,
    recipe: Recipe | str,
    *,
    producer: str,
    intermediate: Intermediate | str = Intermediate.FLOAT32,
    interleaved: bool = False,
    scale: float | Tensor | None = None,
    scale_ub: float | Tensor | None = None,
    **numbers: float,
) -> Quantized:
    """Return the gradient of an activation's input, quantised by a recipe.

    The gradient itself is not written. Rounded to the input's dtype, which is the intermediate
    "product", the values and scales are those of the activation's backward pass, quantised.

    Args:
        gradient: of the product, [..., hidden_size]; in the input's dtype or float32.
        input: [..., hidden_size], twice as wide where the producer is gated; float16, bfloat16 or
            float32.
        recipe: an opparity.Recipe, its name or its text, of values in groups, or with one scale
            that is given. Where gate and up stand in halves, hidden_size is a multiple of the
            group size, of 32 where there are no groups.
        producer: the name of a function of the activation, such as "silu_and_mul".
        intermediate: what is quantised: the gradient in "float32", or rounded to the input's dtype
            ("product").
        interleaved: whether gate and up alternate, of a producer that is gated.
        scale: the scale that the recipe takes as given: the tensor's, or NVFP4's global one, which
            is above 0.
        scale_ub: an upper bound of float32 scales, above 0.
        **numbers: the producer's.

    Returns:
        opparity.Quantized of the gradient's shape, which is the input's.

    Raises:
        RuntimeError: for what no kernel takes, in words; it is an ArgumentRefused, a ValueError
            too, where Python finds the mistake and not the native library.
    """
    name = "quantize_gradient"
    row = _row(name, producer, columns=False)
    _check(name, gradient, input)
    text = recipe if isinstance(recipe, str) else _text(name, recipe)
    given, bound = scale_numbers(name, text, scale, scale_ub, input)
    named = _named(name, row, intermediate, interleaved=interleaved)
    values, scales = _call(name, row, (gradient, input), text, numbers, (given, bound), named)
    if input.dim() != _MATRIX:
        values, scales = _shaped(values, input), _shaped(scales, input)
    found = _made(values, scales, recipe, text, given)
    assert isinstance(found, Quantized)
    return found


def gradient_rows_and_columns(
    gradient: Tensor,
    input: Tensor,
    recipe: Recipe | str,
    *,
    producer: str,
    intermediate: Intermediate | str = Intermediate.FLOAT32,
    interleaved: bool = False,
    scale_ub: float | Tensor | None = None,
    **numbers: float,
) -> tuple[Quantized, Quantized]:
    """Return the gradient of an activation's input quantised by rows, and transposed by columns.

    The two GEMMs behind an activation's backward pass take them: rows that for the gradient of the
    layer's input, columns that for the gradient of its weight.

    Args:
        gradient: as quantize_gradient takes it; and input, producer, intermediate, interleaved and
            the producer's numbers.
        input: see there.
        recipe: an opparity.Recipe, its name or its text, of values of eight bits in groups of 32,
            64 or 128.
        producer: see there.
        intermediate: see there.
        interleaved: see there.
        scale_ub: an upper bound of float32 scales, above 0.
        **numbers: the producer's.

    Returns:
        The rows, [num_tokens, width], and the columns, [width, num_tokens], of the input's width.

    Raises:
        RuntimeError: for what no kernel takes, in words; it is an ArgumentRefused, a ValueError
            too, where Python finds the mistake and not the native library.
    """
    name = "gradient_rows_and_columns"
    row = _row(name, producer, columns=True)
    _check(name, gradient, input)
    text = recipe if isinstance(recipe, str) else _text(name, recipe)
    _, bound = scale_numbers(name, text, None, scale_ub, input)
    named = _named(name, row, intermediate, interleaved=interleaved)
    values, scales, column_values, column_scales = _call(
        name, row, (gradient, input), text, numbers, (bound,), named
    )
    return Quantized(values, scales, recipe), Quantized(column_values, column_scales, recipe)


def _call(
    name: str,
    row: Row,
    tensors: tuple[Tensor, Tensor],
    text: str,
    numbers: dict[str, float],
    scales: tuple[Tensor | None, ...],
    named: dict[str, object],
) -> tuple[Tensor, ...]:
    """Call a row's operator for a function."""
    found: tuple[Tensor, ...] = call_as(
        name,
        row.name,
        row.operator,
        *map(_tokens, tensors),
        text,
        *numbers_of(row, numbers, name),
        *scales,
        **named,
    )
    return found


def _row(name: str, producer: str, *, columns: bool) -> Row:
    """Return a producer's row, or refuse one that is not there."""
    found = _PRODUCERS.get(producer)
    if found is None:
        refuse(name, f"producer is '{producer}'; allowed: {', '.join(_PRODUCERS)}; choose one")
    return Row(found, quantised_gradient_name(found, columns=columns))


def _check(name: str, gradient: object, input: object) -> None:
    for argument, tensor in (("gradient", gradient), ("input", input)):
        if not isinstance(tensor, torch.Tensor):
            refuse(name, f"{argument} is {kind_of(tensor)}; allowed: a tensor; pass one")
        prepare(tensor)


def _named(
    name: str, row: Row, intermediate: Intermediate | str, *, interleaved: bool
) -> dict[str, object]:
    """Return the arguments that an operator takes by name."""
    named: dict[str, object] = {"intermediate": str(intermediate)}
    if row.producer.gated:
        named["interleaved"] = interleaved
    elif interleaved:
        detail = f"interleaved is True; allowed: False with {row.producer.name}, which is not gated"
        refuse(name, f"{detail}; leave it out")
    return named

"""opparity's functions of producers that reduce a row: norms, with a residual added or gated."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Protocol, cast, overload

import torch
from torch import Tensor

from opparity.formats import Intermediate, Recipe
from opparity.operators import PRODUCERS, added_name, general_name
from opparity.operators.calling import (
    _GIVEN,
    _NONE,
    Row,
    _shaped,
    _text,
    _tokens,
    _without_autograd,
    numbers_of,
    prepare,
    scale_numbers,
)
from opparity.operators.quantized import NormOrigin, Quantized
from opparity.operators.refusal import kind_of, refuse

if TYPE_CHECKING:
    from types import FunctionType

    from opparity.operators.declaration import Producer


class NormFunction(Protocol):
    """A function of a norm."""

    @overload
    def __call__(
        self,
        input: Tensor,
        weight: Tensor | None = None,
        recipe: None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        **numbers: float,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        weight: Tensor | None,
        recipe: Recipe | str,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        **numbers: float,
    ) -> Quantized: ...


class GatedNormFunction(Protocol):
    """A function of a norm with a gate beside its input."""

    @overload
    def __call__(
        self,
        input: Tensor,
        gate: Tensor,
        weight: Tensor | None = None,
        recipe: None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        **numbers: float,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        gate: Tensor,
        weight: Tensor | None,
        recipe: Recipe | str,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        **numbers: float,
    ) -> Quantized: ...


class AddedNormFunction(Protocol):
    """A function of a norm that adds a residual first; it returns their sum, too."""

    @overload
    def __call__(
        self,
        input: Tensor,
        residual: Tensor,
        weight: Tensor | None = None,
        recipe: None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        **numbers: float,
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        residual: Tensor,
        weight: Tensor | None,
        recipe: Recipe | str,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        **numbers: float,
    ) -> tuple[Quantized, Tensor]: ...


_DOCUMENTATION = """Return {formula}, quantised by a recipe{returned}.

The numerics are those of docs/numerics.md, the same bits on every platform. The gradients are those
of the norm as if nothing had been quantised, of the weight too.

Args:
    input: [..., hidden_size], the last dimension contiguous; float16, bfloat16 or float32.{beside}
    weight: [hidden_size] of the input's dtype; None for a factor of 1.
    recipe: an opparity.Recipe, its name or its text; None for the product in the input's dtype.
    intermediate: where the product and its factors are rounded to the input's dtype.
    scale: the scale that the recipe takes as given: the tensor's, or NVFP4's global one, which is
        above 0.
    scale_ub: an upper bound of float32 scales, above 0.{numbers}

Returns:
    opparity.Quantized; a tensor [..., hidden_size] without a recipe.{sum}

Raises:
    RuntimeError: for what no kernel takes, in words; it is an ArgumentRefused, a ValueError too,
        where Python finds the mistake and not the native library.
"""
_BESIDE = {
    "": "",
    "gate": "\n    gate: as the input.",
    "residual": "\n    residual: as the input; it stays as it is.",
}
_SUM = (
    " With it the sum, [..., hidden_size],\n    rounded to the input's dtype, as the norm reads it."
)


def _run(
    row: Row,
    tensors: tuple[Tensor, ...],
    weight: Tensor | None,
    recipe: Recipe | str | None,
    numbers: tuple[float, ...],
    scale: float | Tensor | None,
    scale_ub: float | Tensor | None,
    intermediate: Intermediate | str,
) -> tuple[Quantized | Tensor, ...]:
    """Call a norm's operator on flattened tokens; return its product and what comes with it."""
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            refuse(row.name, f"an input is {kind_of(tensor)}; allowed: tensors; pass them")
    if weight is not None and not isinstance(weight, Tensor):
        refuse(row.name, f"weight is {kind_of(weight)}; allowed: a tensor or None; pass one")
    input = tensors[0]
    prepare(input)
    text = recipe if type(recipe) is str else _text(row.name, recipe)
    given, bound = scale_numbers(row.name, text, scale, scale_ub, input)
    rows = [tensor if tensor.dim() == 2 else _tokens(tensor) for tensor in tensors]  # noqa: PLR2004
    named = {} if intermediate == "float32" else {"intermediate": str(intermediate)}
    arguments = (*rows, weight, text, *numbers, given, bound)
    source = _source_of_gradients((*tensors, weight))
    if source is not None or torch.compiler.is_compiling():
        results = row.operator(*arguments, **named)
    else:
        with _without_autograd():
            results = row.operator(*arguments, **named)
    values, scales, *sums = (_shaped(result, input) for result in results)
    if text in _NONE:
        return values, *sums
    origin = None
    if source is not None:
        name, read = general_name(row.producer), sums[0] if sums else input
        gate = tensors[1] if row.producer.takes_gate else None
        origin = NormOrigin(read, gate, weight, name, numbers)
    kind = recipe if recipe is not None else text
    if given is None or text not in _GIVEN:
        return Quantized(values, scales, kind, given, origin), *sums
    if source is not None and not values.is_floating_point():
        # Integers carry no gradient that could be refused.
        given = torch.ops.opparity.without_gradient(source, given, row.name)
    return Quantized(values, given, kind, None, origin), *sums


def _source_of_gradients(tensors: tuple[Tensor | None, ...]) -> Tensor | None:
    """Return a tensor whose gradient a backward pass would ask for."""
    if not torch.is_grad_enabled():
        return None
    return next((t for t in tensors if t is not None and t.requires_grad), None)


def _function(producer: Producer, name: str, beside: str) -> FunctionType:
    row = Row(producer, name)

    def norm(
        input: Tensor,
        weight: Tensor | None = None,
        recipe: Recipe | str | None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        **numbers: float,
    ) -> Quantized | Tensor:
        found = numbers_of(row, numbers)
        return _run(row, (input,), weight, recipe, found, scale, scale_ub, intermediate)[0]

    def gated(
        input: Tensor,
        gate: Tensor,
        weight: Tensor | None = None,
        recipe: Recipe | str | None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        **numbers: float,
    ) -> Quantized | Tensor:
        found = numbers_of(row, numbers)
        return _run(row, (input, gate), weight, recipe, found, scale, scale_ub, intermediate)[0]

    def added(
        input: Tensor,
        residual: Tensor,
        weight: Tensor | None = None,
        recipe: Recipe | str | None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        **numbers: float,
    ) -> tuple[Quantized | Tensor, ...]:
        found = numbers_of(row, numbers)
        return _run(row, (input, residual), weight, recipe, found, scale, scale_ub, intermediate)

    function = cast("FunctionType", {"": norm, "gate": gated, "residual": added}[beside])
    function.__name__ = function.__qualname__ = name
    function.__doc__ = _documentation(producer, beside)
    function.__signature__ = _signature(function, producer)  # type: ignore[attr-defined]
    return function


def _signature(function: FunctionType, producer: Producer) -> inspect.Signature:
    """Return a function's signature with the producer's numbers by name."""
    signature = inspect.signature(function)
    shown = [p for p in signature.parameters.values() if p.name != "numbers"]
    shown += [
        inspect.Parameter(
            number.name, inspect.Parameter.KEYWORD_ONLY, annotation="float", default=number.default
        )
        for number in producer.parameters
    ]
    return signature.replace(parameters=shown)


def _documentation(producer: Producer, beside: str) -> str:
    numbers = "".join(
        f"\n    {p.name}: {p.meaning}, {'' if p.positive else '0 or a magnitude of '}1e-30 to 1e30."
        for p in producer.parameters
    )
    adds = beside == "residual"
    return _DOCUMENTATION.format(
        formula=producer.formula + (" with x = input + residual" if adds else ""),
        returned=", and that sum" if adds else "",
        beside=_BESIDE[beside],
        numbers=numbers,
        sum=_SUM if adds else "",
    )


def _functions() -> dict[str, FunctionType]:
    made = {}
    for producer in PRODUCERS:
        if not producer.reduces:
            continue
        beside = "gate" if producer.takes_gate else ""
        made[producer.name] = _function(producer, producer.name, beside)
        added = added_name(producer)
        if added is not None:
            made[added] = _function(producer, added, "residual")
    return made


_FUNCTIONS = _functions()


def __getattr__(name: str) -> FunctionType:
    """Return the function of a norm."""
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _FUNCTIONS[name]

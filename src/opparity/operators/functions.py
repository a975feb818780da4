"""opparity's functions, one for each producer: they allocate, and return a Quantized."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Protocol, cast, overload

from opparity.formats import Intermediate, Recipe
from opparity.operators import ELEMENTWISE, general_name, producer_named
from opparity.operators.calling import Row, numbers_of, run, run_experts, run_plainly, run_sums
from opparity.operators.quantized import Quantized
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from types import FunctionType

    from torch import Tensor

    from opparity.operators.declaration import Producer
    from opparity.operators.experts import Experts
    from opparity.operators.sums import Sums


_FLOAT32 = Intermediate.FLOAT32


class GatedFunction(Protocol):
    """A function of a gated producer; its input holds gate and up."""

    @overload
    def __call__(
        self,
        input: Tensor,
        recipe: None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        interleaved: bool = False,
        experts: Experts | None = None,
        sums: Sums | None = None,
        **numbers: float,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        recipe: Recipe | str,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        interleaved: bool = False,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        experts: Experts | None = None,
        sums: Sums | None = None,
        **numbers: float,
    ) -> Quantized: ...


class PlainFunction(Protocol):
    """A function of a producer that is not gated."""

    @overload
    def __call__(
        self,
        input: Tensor,
        recipe: None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        experts: Experts | None = None,
        sums: Sums | None = None,
        **numbers: float,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Tensor,
        recipe: Recipe | str,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        experts: Experts | None = None,
        sums: Sums | None = None,
        **numbers: float,
    ) -> Quantized: ...


_DOCUMENTATION = """Return {formula}, quantised by a recipe.

The numerics are those of docs/numerics.md, the same bits on every platform.

Args:
    input: [..., {width}], the last dimension contiguous; float16, bfloat16 or float32; int32 with
        `sums`.
    recipe: an opparity.Recipe, its name or its text; None for the product in the input's dtype.
    intermediate: where the activation is rounded to the input's dtype.{interleaved}
    scale: the scale that the recipe takes as given: the tensor's, or NVFP4's global one, which is
        above 0.
    scale_ub: an upper bound of float32 scales, above 0.
    experts: which rows are experts', of an input [num_experts, num_tokens, {width}] where they are
        masked, otherwise [num_tokens, {width}]; None for every row.
    sums: what an input of int32 sums of an int8 product stands for: an opparity.Sums, whose dtype
        then counts as the input's. Not together with experts, and without a gradient.{numbers}

Returns:
    opparity.Quantized; a tensor [..., hidden_size] without a recipe. Of experts with scale offsets
    the values and the scales, since no more than the router's numbers say what they stand for.

Raises:
    RuntimeError: for what no kernel takes, in words; it is an ArgumentRefused, a ValueError too,
        where Python finds the mistake and not the native library.
"""


def _function(producer: Producer) -> GatedFunction | PlainFunction:
    row = Row(producer)

    def gated(
        input: Tensor,
        recipe: Recipe | str | None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        interleaved: bool = False,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        experts: Experts | None = None,
        sums: Sums | None = None,
        **numbers: float,
    ) -> Quantized | Tensor:
        is_plain = experts is None and sums is None and scale is scale_ub is None
        if is_plain and intermediate is _FLOAT32 and not interleaved:
            return run_plainly(row, input, recipe, numbers)
        named: dict[str, object] = {}
        if intermediate is not _FLOAT32:
            named["intermediate"] = str(intermediate)
        if interleaved:
            named["interleaved"] = True
        found = numbers_of(row, numbers)
        return _run(row, input, recipe, found, scale, scale_ub, named, experts, sums)

    def plain(
        input: Tensor,
        recipe: Recipe | str | None = None,
        *,
        intermediate: Intermediate | str = Intermediate.FLOAT32,
        scale: float | Tensor | None = None,
        scale_ub: float | Tensor | None = None,
        experts: Experts | None = None,
        sums: Sums | None = None,
        **numbers: float,
    ) -> Quantized | Tensor:
        is_plain = experts is None and sums is None and scale is scale_ub is None
        if is_plain and intermediate is _FLOAT32:
            return run_plainly(row, input, recipe, numbers)
        named: dict[str, object] = {}
        if intermediate is not _FLOAT32:
            named["intermediate"] = str(intermediate)
        found = numbers_of(row, numbers)
        return _run(row, input, recipe, found, scale, scale_ub, named, experts, sums)

    function = cast("FunctionType", gated if producer.gated else plain)
    function.__name__ = function.__qualname__ = row.name
    function.__doc__ = _documentation(producer)
    function.__signature__ = _signature(function, producer)  # type: ignore[attr-defined]
    return cast("GatedFunction | PlainFunction", function)


def _run(
    row: Row,
    input: Tensor,
    recipe: Recipe | str | None,
    numbers: tuple[float, ...],
    scale: float | Tensor | None,
    scale_ub: float | Tensor | None,
    named: dict[str, object],
    experts: Experts | None,
    sums: Sums | None,
) -> Quantized | Tensor:
    """Call the operator of experts' rows, of sums, or of every row."""
    if experts is not None and sums is not None:
        refuse(row.name, "experts and sums are given; allowed: one of them; leave one out")
    given = (row, input, recipe, numbers, scale, scale_ub, named)
    if experts is not None:
        return run_experts(*given, experts)
    return run(*given) if sums is None else run_sums(*given, sums)


def _signature(function: FunctionType, producer: Producer) -> inspect.Signature:
    """Return a function's signature with the producer's numbers by name."""
    signature = inspect.signature(function)
    shown = [p for p in signature.parameters.values() if p.name != "numbers"]
    shown += [
        inspect.Parameter(
            number.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation="float",
            default=inspect.Parameter.empty if number.default is None else number.default,
        )
        for number in producer.parameters
    ]
    return signature.replace(parameters=shown)


def _documentation(producer: Producer) -> str:
    numbers = "".join(
        f"\n    {p.name}: {p.meaning}, {'' if p.positive else '0 or a magnitude of '}1e-30 to 1e30."
        for p in producer.parameters
    )
    interleaved = (
        "\n    interleaved: whether gate and up alternate, gate first; else gate, then up."
    )
    return _DOCUMENTATION.format(
        formula=producer.formula,
        width="2 * hidden_size" if producer.gated else "hidden_size",
        interleaved=interleaved if producer.gated else "",
        numbers=numbers,
    )


_QUANTIZE = Row(producer_named("identity"))


def quantize(
    input: Tensor,
    recipe: Recipe | str,
    *,
    scale: float | Tensor | None = None,
    scale_ub: float | Tensor | None = None,
    experts: Experts | None = None,
    sums: Sums | None = None,
) -> Quantized:
    """Return an input's numbers, quantised by a recipe.

    Args:
        input: [..., hidden_size], the last dimension contiguous; float16, bfloat16 or float32;
            int32 with `sums`.
        recipe: an opparity.Recipe, its name or its text.
        scale: the scale that the recipe takes as given: the tensor's, or NVFP4's global one, which
            is above 0.
        scale_ub: an upper bound of float32 scales, above 0.
        experts: which rows are experts'; None for every row. With scale offsets the values and the
            scales are returned.
        sums: what an input of int32 sums of an int8 product stands for: an opparity.Sums. Not
            together with experts.

    Raises:
        RuntimeError: for what no kernel takes, in words; it is an ArgumentRefused, a ValueError
            too, where Python finds the mistake and not the native library.
    """
    if experts is None and sums is None and scale is scale_ub is None:
        found = run_plainly(_QUANTIZE, input, recipe, {})
    else:
        found = _run(_QUANTIZE, input, recipe, (), scale, scale_ub, {}, experts, sums)
        if experts is not None and experts.scale_offsets is not None:
            return found  # type: ignore[return-value] # as its documentation says
    if not isinstance(found, Quantized):
        refuse("quantize", "recipe is none; allowed: a recipe with values; choose one")
    return found


_FUNCTIONS = {
    general_name(producer): _function(producer)
    for producer in ELEMENTWISE
    if producer.name != "identity"
}


def __getattr__(name: str) -> GatedFunction | PlainFunction:
    """Return the function of a producer."""
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _FUNCTIONS[name]

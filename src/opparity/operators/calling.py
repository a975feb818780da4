"""How opparity's functions call operators and make a Quantized of what they return.

No more is checked than what an operator cannot be asked: the operator checks everything, and its
words survive torch.compile.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity.formats import Recipe, ScaleRule, accepted_recipes
from opparity.operators import general_name, registration
from opparity.operators.experts import Experts
from opparity.operators.gradients import is_transformed
from opparity.operators.quantized import Origin, Quantized
from opparity.operators.refusal import call_as, kind_of, refuse
from opparity.operators.sizes import name_of
from opparity.operators.sums import Sums

if TYPE_CHECKING:
    from opparity.operators.declaration import Producer

registration.load()

# Half the least float32 number: a number up to here would become zero, and that NaN on a GPU.
_ROUNDS_TO_ZERO = 2.0**-150
# From here on a number is infinity in float32.
_ROUNDS_TO_INFINITY = float.fromhex("0x1.ffffffp+127")
# Texts of recipes without values, and without computed scales.
_NONE = frozenset(t for t, r in accepted_recipes().items() if r.format is None)
_GIVEN = frozenset(t for t, r in accepted_recipes().items() if r.rule is ScaleRule.GIVEN)
_MATRIX = 2
# Without this an operator's call comes back to Python, which costs 5 of 11 microseconds.
_without_autograd = torch._C._AutoDispatchBelowAutograd  # noqa: SLF001 -- torch.library's own
# Looked up once: each step of the way to an operator is seen in a call's time.
_is_compiling = torch.compiler.is_compiling
_is_grad_enabled = torch.is_grad_enabled
_is_inference = torch.is_inference_mode_enabled


class Row:
    """A producer as functions need it."""

    def __init__(self, producer: Producer, name: str = "") -> None:
        self.name = name or general_name(producer)
        self.producer = producer
        self.parameters = producer.parameters
        self.defaults = {p.name: p.default for p in producer.parameters}
        self.operator = getattr(torch.ops.opparity, self.name).default
        # What the operator's __call__ calls, and torch.compile cannot trace.
        self.direct = self.operator._op  # noqa: SLF001 -- a call less


def run_plainly(
    row: Row, input: Tensor, recipe: Recipe | str | None, given: dict[str, float]
) -> Quantized | Tensor:
    """Do what `run` does where only numbers are given, in a third of its time."""
    numbers = numbers_of(row, given) if given or row.parameters else ()
    if type(input) is not Tensor or input.ndim != _MATRIX or _is_compiling():
        return run(row, input, recipe, numbers, None, None, {})
    text = recipe if type(recipe) is str else _text(row.name, recipe)
    if _is_inference():
        # Autograd is out already. Without an asterisk a call takes 0.2 microseconds less.
        direct = row.direct
        values, scales = direct(input, text, *numbers) if numbers else direct(input, text)
    elif _has_gradient(input):
        return run(row, input, recipe, numbers, None, None, {})
    else:
        with _without_autograd():
            values, scales = row.direct(input, text, *numbers)
    return values if text in _NONE else Quantized(values, scales, recipe or text)


def run(
    row: Row,
    input: Tensor,
    recipe: Recipe | str | None,
    numbers: tuple[float, ...],
    scale: float | Tensor | None,
    scale_ub: float | Tensor | None,
    named: dict[str, object],
) -> Quantized | Tensor:
    """Call a general operator on the flattened tokens of an input."""
    if not isinstance(input, Tensor):
        refuse(row.name, f"input is {kind_of(input)}; allowed: a tensor; pass one")
    prepare(input)
    text = recipe if type(recipe) is str else _text(row.name, recipe)
    tokens = input if input.dim() == _MATRIX else _tokens(input)
    given, bound = scale_numbers(row.name, text, scale, scale_ub, input)
    origin = None
    if _has_gradient(input):
        origin = Origin(input, row.name, numbers, bool(named.get("interleaved", False)))
    if origin is not None or _is_compiling():
        values, scales = row.operator(tokens, text, *numbers, given, bound, **named)
    else:
        with _without_autograd():
            values, scales = row.operator(tokens, text, *numbers, given, bound, **named)
    if tokens is not input:
        values, scales = _shaped(values, input), _shaped(scales, input)
    if text in _NONE:
        product: Tensor = values
        return product
    kind = recipe if recipe is not None else text
    if given is None or text not in _GIVEN:
        return Quantized(values, scales, kind, given, origin)
    if origin is not None and not values.is_floating_point():
        # Integers carry no gradient that could be refused.
        given = torch.ops.opparity.without_gradient(input, given, row.name)
    return Quantized(values, given, kind, None, origin)


def prepare(input: Tensor) -> None:
    """Tell torch how operators are sharded before the first DTensor comes to one."""
    # By its name: looking for the type would import torch.distributed, which takes 0.4 s.
    if type(input).__name__ == "DTensor":
        from opparity.integrations.dtensor import register  # noqa: PLC0415 -- as just said

        register()


def run_experts(
    row: Row,
    input: Tensor,
    recipe: Recipe | str | None,
    numbers: tuple[float, ...],
    scale: float | Tensor | None,
    scale_ub: float | Tensor | None,
    named: dict[str, object],
    experts: Experts,
) -> Quantized | Tensor:
    """Call the operator of experts' rows; a pair of tensors is returned with scale offsets."""
    if not isinstance(input, Tensor):
        refuse(row.name, f"input is {kind_of(input)}; allowed: a tensor; pass one")
    if not isinstance(experts, Experts):
        refuse(
            row.name,
            f"experts is {kind_of(experts)}; allowed: an opparity.Experts, or None; make one, as "
            "with Experts.masked(counts)",
        )
    prepare(input)
    text = recipe if type(recipe) is str else _text(row.name, recipe)
    given, bound = scale_numbers(row.name, text, scale, scale_ub, input)
    name = f"{row.name}_experts"
    operator = getattr(torch.ops.opparity, name).default
    layout = str(experts.layout)
    values, scales = call_as(
        row.name,
        name,
        operator,
        input,
        experts.rows,
        text,
        *numbers,
        given,
        bound,
        experts.scale_offsets,
        experts=layout,
        multiple=experts.multiple,
        row_weights=experts.weights,
        **named,
    )
    if experts.scale_offsets is not None and text not in _NONE:
        return values, scales  # type: ignore[return-value] # as its documentation says
    return _made(values, scales, recipe, text, given)


def run_sums(
    row: Row,
    input: Tensor,
    recipe: Recipe | str | None,
    numbers: tuple[float, ...],
    scale: float | Tensor | None,
    scale_ub: float | Tensor | None,
    named: dict[str, object],
    sums: Sums,
) -> Quantized | Tensor:
    """Call the operator of int32 sums on their flattened tokens."""
    if not isinstance(input, Tensor):
        refuse(row.name, f"input is {kind_of(input)}; allowed: a tensor; pass one")
    if not isinstance(sums, Sums):
        refuse(
            row.name,
            f"sums is {kind_of(sums)}; allowed: an opparity.Sums, or None; make one of the scales",
        )
    prepare(input)
    text = recipe if type(recipe) is str else _text(row.name, recipe)
    given, bound = scale_numbers(row.name, text, scale, scale_ub, input)
    name = f"{row.name}_of_sums"
    is_list = input.dim() == _MATRIX
    values, scales = call_as(
        row.name,
        name,
        getattr(torch.ops.opparity, name).default,
        input if is_list else _tokens(input),
        sums.token_scales if is_list else _tokens(sums.token_scales),
        sums.weight_scales,
        text,
        *numbers,
        given,
        bound,
        dtype=name_of(sums.dtype),
        **named,
    )
    if not is_list:
        values, scales = _shaped(values, input), _shaped(scales, input)
    return _made(values, scales, recipe, text, given)


def _made(
    values: Tensor, scales: Tensor, recipe: Recipe | str | None, text: str, given: Tensor | None
) -> Quantized | Tensor:
    """Return what an operator without a gradient made: a product, or its codes."""
    if text in _NONE:
        return values
    kind = recipe if recipe is not None else text
    if given is None or text not in _GIVEN:
        return Quantized(values, scales, kind, given)
    return Quantized(values, given, kind)


def _has_gradient(input: Tensor) -> bool:
    """Return whether autograd wants to know of a call, which is then its operator's affair."""
    return (input.requires_grad and _is_grad_enabled()) or is_transformed()


def _text(name: str, recipe: Recipe | str | None) -> str:
    if recipe is None:
        return "none"
    if isinstance(recipe, Recipe):
        return recipe.text
    detail = f"recipe is {kind_of(recipe)}; allowed: an opparity.Recipe, its name or its text"
    return refuse(name, f"{detail}; pass one")


def _tokens(input: Tensor) -> Tensor:
    if input.dim() == 0:
        return input
    # The number of tokens is computed, since torch cannot infer it for an input without elements.
    return input.reshape(math.prod(input.shape[:-1]), input.shape[-1])


def _shaped(result: Tensor, input: Tensor) -> Tensor:
    """Return [num_tokens, ...] with the input's leading dimensions; a flat list stays one."""
    if result.dim() != _MATRIX:
        return result
    return result.squeeze(0) if input.dim() == 1 else result.unflatten(0, input.shape[:-1])


def scale_numbers(
    operator: str,
    text: str,
    scale: float | Tensor | None,
    scale_ub: float | Tensor | None,
    input: Tensor,
) -> tuple[Tensor | None, Tensor | None]:
    """Return the given scale and the scales' bound as tensors on the input's device."""
    given = bound = None
    if scale is not None:
        given = _number(operator, "scale", scale, input, signed=text in _GIVEN)
    if scale_ub is not None:
        bound = _number(operator, "scale_ub", scale_ub, input)
    return given, bound


def _number(
    operator: str, name: str, number: float | Tensor, input: Tensor, *, signed: bool = False
) -> Tensor:
    if isinstance(number, Tensor):
        return number
    if not isinstance(number, (int, float)):
        refuse(operator, f"{name} is {kind_of(number)}; allowed: a number or a tensor; pass one")
    number = _as_float(number)
    size = abs(number) if signed else number
    if not size > _ROUNDS_TO_ZERO:
        allowed = "that is not 0" if signed else "above 0"
        what_to_do = "leave it out for none"
        if name == "scale":
            what_to_do = "opparity.tensor_scale computes one"
        refuse(
            operator,
            f"{name} is {number:g}; allowed: a number {allowed} in float32; {what_to_do}",
        )
    value = math.copysign(math.inf, number) if size >= _ROUNDS_TO_INFINITY else number
    # Filled where it is needed: copying it there would wait for the GPU and end a graph capture.
    return torch.full((), value, dtype=torch.float32, device=input.device)


def _as_float(number: float) -> float:
    """Return a number that may be an integer, of which torch and floats do not take any."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def numbers_of(row: Row, given: dict[str, float], function: str = "") -> tuple[float, ...]:
    """Return the producer's numbers in its order, for a function of the row's or another name."""
    called = function or row.name
    numbers = {**row.defaults, **given}
    if len(numbers) > len(row.parameters):
        name = next(name for name in given if name not in row.defaults)
        raise TypeError(f"{called}() got an unexpected keyword argument '{name}'")
    found = []
    for name, number in numbers.items():
        if number is None:
            raise TypeError(f"{called}() needs the keyword argument '{name}'")
        found.append(number)
    return tuple(found)

"""opparity.warm_up: the first call's costs, paid when it suits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from opparity.errors import ArgumentRefused
from opparity.formats import INPUT_DTYPES, Recipe, ScaleRule, group_recipe
from opparity.operators import (
    PRODUCERS,
    added_name,
    functions,
    general_name,
    has_gradient,
    norm_functions,
    torch_build,
)
from opparity.operators.block_quantisation import default_dtype
from opparity.operators.checks import COLUMN_GROUPS
from opparity.operators.gradient_functions import gradient_rows_and_columns, quantize_gradient
from opparity.operators.recipes import packs_values
from opparity.operators.refusal import refuse
from opparity.operators.selection import select

if TYPE_CHECKING:
    from opparity.operators.declaration import Producer

# One token, and enough for each shape of the launch on a chip of up to 150 multiprocessors: 224
# tokens fill it once, 320 pay for tables, and at 4096 SiLU needs none; 117 MB of input.
_SIZES = ((1, 2048), (224, 7168), (320, 7168), (4096, 7168))
# What a parameter without a default is, and a given scale: no part of what is compiled.
_NUMBER = 1.0
_TAKE_A_SCALE = (ScaleRule.GIVEN, ScaleRule.GLOBAL)


@dataclass(frozen=True, slots=True)
class Warmed:
    """One operator on one device.

    Attributes:
        provider: the implementation that serves it there.
        calls: how many calls were made, each of another kernel or shape.
    """

    operator: str
    device: str
    provider: str
    calls: int


def warm_up(
    operators: Iterable[str] | None = None,
    devices: Iterable[torch.device | str] | None = None,
    *,
    recipes: Iterable[Recipe | str] | None = None,
    input_dtypes: Iterable[torch.dtype] = (torch.bfloat16, torch.float16),
    group_sizes: Iterable[int] = (64, 128),
    gradients: bool = False,
    quantised_gradients: bool = False,
) -> tuple[Warmed, ...]:
    """Compile and load what the first calls would, and wait until that is done.

    Call it before serving, in each process.

    Args:
        operators: names of opparity's functions; silu_and_mul by default.
        devices: every GPU of this process by default, or the CPU where there is none.
        recipes: of the calls to come; by default float32 scales by groups of `group_sizes`, the
            values of the device's FP8 dtype.
        input_dtypes: of the calls to come.
        group_sizes: of the default recipes.
        gradients: whether backward passes will come, too.
        quantised_gradients: whether quantize_gradient will be called for these activations, and
            gradient_rows_and_columns with recipes that it takes.

    Returns:
        What was done, a record for each operator and device.

    Raises:
        ArgumentRefused: for an operator that is not in the table, and for what is no list.
        OperatorMissing: where no implementation can serve.
    """
    _refuse_unless_lists(
        operators=operators,
        devices=devices,
        recipes=recipes,
        input_dtypes=input_dtypes,
        group_sizes=group_sizes,
    )
    known = {general_name(producer): producer for producer in PRODUCERS}
    known |= {added: producer for producer in PRODUCERS if (added := added_name(producer))}
    names = list(("silu_and_mul",) if operators is None else operators)
    if devices is None:
        devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]
    dtypes, sizes = [_dtype(dtype) for dtype in input_dtypes], list(group_sizes)
    chosen = None if recipes is None else [_recipe(recipe) for recipe in recipes]
    done = []
    for device in map(torch.device, devices):
        listed = chosen
        if listed is None:
            value = str(default_dtype(device)).removeprefix("torch.")
            listed = [group_recipe(value, size) for size in sizes]
        for name in names:
            if name not in known:
                detail = f"it is not in the table; allowed: {', '.join(known)}; choose one"
                raise ArgumentRefused(operator=name, detail=detail)
            implementation = select(name, torch_build.platform_of(device.type))
            calls = _call(name, known[name], device, listed, dtypes, gradients=gradients)
            if quantised_gradients:
                calls += _call_gradients(name, known[name], device, listed, dtypes)
            done.append(Warmed(name, str(device), implementation.provider, calls))
        if device.type != "cpu":
            torch.cuda.synchronize(device)
    return tuple(done)


def _refuse_unless_lists(**given: object) -> None:
    for name, value in given.items():
        if value is not None and (isinstance(value, str) or not isinstance(value, Iterable)):
            refuse("warm_up", f"{name} is {value!r}; allowed: a list; write [{value!r}]")


def _dtype(dtype: object) -> torch.dtype:
    allowed = [f"torch.{name}" for name in INPUT_DTYPES]
    if not isinstance(dtype, torch.dtype) or str(dtype) not in allowed:
        detail = f"an input dtype is {dtype!r}; allowed: {', '.join(allowed)}; pass these"
        refuse("warm_up", detail)
    return dtype


def _recipe(recipe: Recipe | str) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)


def _call_gradients(
    name: str,
    producer: Producer,
    device: torch.device,
    recipes: list[Recipe],
    dtypes: list[torch.dtype],
) -> int:
    """Quantise an activation's gradient with each dtype, recipe and size; return how many calls."""
    if producer.reduces or not has_gradient(producer):
        return 0
    numbers: dict[str, Any] = {p.name: _NUMBER for p in producer.parameters if p.default is None}
    calls = 0
    for dtype in dtypes:
        for num_tokens, hidden_size in _SIZES[:1] if device.type == "cpu" else _SIZES:
            gradient = torch.zeros(num_tokens, hidden_size, dtype=dtype, device=device)
            input = torch.cat((gradient, gradient), dim=-1) if producer.gated else gradient
            for recipe in recipes:
                scale = _NUMBER if recipe.rule in _TAKE_A_SCALE else None
                quantize_gradient(gradient, input, recipe, producer=name, scale=scale, **numbers)
                calls += 1
                if recipe.group_size in COLUMN_GROUPS and not packs_values(recipe):
                    gradient_rows_and_columns(gradient, input, recipe, producer=name, **numbers)
                    calls += 1
    return calls


def _call(
    name: str,
    producer: Producer,
    device: torch.device,
    recipes: list[Recipe],
    dtypes: list[torch.dtype],
    *,
    gradients: bool,
) -> int:
    """Call a function of a producer with each dtype, recipe and size; return how many calls."""
    function = getattr(norm_functions if producer.reduces else functions, name)
    numbers = {p.name: _NUMBER for p in producer.parameters if p.default is None}
    calls = 0
    for dtype in dtypes:
        for num_tokens, hidden_size in _SIZES[:1] if device.type == "cpu" else _SIZES:
            width = 2 * hidden_size if producer.gated else hidden_size
            input = torch.zeros(num_tokens, width, dtype=dtype, device=device)
            beside = [input] if producer.takes_gate or name == added_name(producer) else []
            beside += [input[0]] if producer.reduces else []
            for recipe in recipes:
                scale = _NUMBER if recipe.rule in _TAKE_A_SCALE else None
                function(input, *beside, recipe, scale=scale, **numbers)
                calls += 1
            if gradients and has_gradient(producer):
                with torch.enable_grad():
                    found = function(input.requires_grad_(), *beside, **numbers)
                    # With a residual their sum comes, too.
                    product = found[0] if isinstance(found, tuple) else found
                    product.sum().backward()
                calls += 2
    return calls

"""Random arguments of an operator, each by its role: THE table, one line each."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from opparity.formats import INPUT_DTYPES, ScaleFormat, ScaleLayout, ScaleRule
from opparity.operators import producer_named
from opparity.operators.allocation import allocate
from opparity.operators.declaration import Direction, Role
from opparity.operators.gradient_checks import intermediates, multiple_of
from opparity.operators.recipes import packs_values
from opparity.operators.sizes import name_of, rounded_up
from opparity.random_calls.expert_rows import draw_experts, rows_in_all
from opparity.random_calls.memory import laid_out, poisoned, rows_apart
from opparity.random_calls.numbers import draw_numbers, draw_numbers_of_a_router, draw_sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.formats import Recipe
    from opparity.operators.declaration import Argument, Operator
    from opparity.operators.expert_checks import Experts
    from opparity.random_calls.draw import Draw

_POWERS = (ScaleFormat.POWER_OF_TWO, ScaleFormat.E8M0)
_NO_SCALES = (ScaleRule.GIVEN, ScaleRule.NONE)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the arguments of one call have in common.

    Attributes:
        recipe: whether or not the operator takes one, its values and scales are of this.
        dtype: the input's.
        num_tokens: rows of all experts together, where there are any.
        width: of the output; of a gradient's product, where that is quantised.
        experts: where their rows are, of an operator that has them.
    """

    operator: Operator
    recipe: Recipe
    dtype: torch.dtype
    num_tokens: int
    width: int
    experts: Experts | None


def draw_plan(draw: Draw, operator: Operator, recipe: Recipe) -> Plan:
    """Return the sizes of a random call."""
    num_tokens, width = draw.sizes(even=packs_values(recipe))
    gated = producer_named(operator.producer).gated
    if operator.quantises_gradient and gated and draw.happens(0.7):
        # Otherwise gate and up alternate, for which any width does.
        width = rounded_up(width, multiple_of(recipe))
    experts = None
    if operator.has_experts and not (operator.may_have_experts and draw.happens(0.4)):
        experts = draw_experts(draw, operator, recipe, num_tokens)
        num_tokens = rows_in_all(experts)
    dtype: torch.dtype = getattr(torch, draw.choose(INPUT_DTYPES))
    return Plan(operator, recipe, dtype, num_tokens, width, experts)


def draw_arguments(draw: Draw, plan: Plan) -> dict[str, Any]:
    """Return the operator's arguments by name; what it writes to is poisoned."""
    return {
        argument.name: _MAKERS[argument.role](draw, plan, argument)
        for argument in plan.operator.arguments
    }


def _input(draw: Draw, plan: Plan, _: Argument) -> Tensor:
    columns = _columns(plan)
    if plan.operator.reads_sums:
        return laid_out(draw, draw_sums(draw, plan.num_tokens, columns))
    return _rows(draw, plan, plan.dtype, columns)


def _columns(plan: Plan) -> int:
    """Return the width of the input."""
    return plan.width * (2 if producer_named(plan.operator.producer).gated else 1)


def _token_scales(draw: Draw, plan: Plan, _: Argument) -> Tensor:
    return _scales_of_sums(draw, plan.num_tokens)


def _weight_scales(draw: Draw, plan: Plan, _: Argument) -> Tensor:
    return _scales_of_sums(draw, _columns(plan))


def _scales_of_sums(draw: Draw, count: int) -> Tensor:
    """Return float32 [count, 1], at any address; mostly such as quantisers give."""
    if draw.happens(0.3):
        numbers = draw_numbers(draw, torch.float32, 1, count)
    else:
        numbers = 2.0 ** draw.integers(-30, -4, 1, count).float()
        numbers = numbers * (
            1 + torch.rand(numbers.shape, generator=draw.generator, device=draw.device)
        )
    return laid_out(draw, numbers).t()


def _gradient(draw: Draw, plan: Plan, _: Argument) -> Tensor:
    return _rows(draw, plan, draw.choose((plan.dtype, torch.float32)), plan.width)


def _beside(draw: Draw, plan: Plan, argument: Argument) -> Tensor | None:
    """Return rows beside the input of a norm."""
    if argument.type == "Tensor?" and draw.happens(0.4):
        return None
    return _rows(draw, plan, plan.dtype, plan.width)


def _weight(draw: Draw, plan: Plan, argument: Argument) -> Tensor | None:
    if argument.type == "Tensor?" and draw.happens(0.2):
        return None
    return laid_out(draw, draw_numbers(draw, plan.dtype, 1, plan.width))[0]


def _rows(draw: Draw, plan: Plan, dtype: torch.dtype, width: int) -> Tensor:
    rows = laid_out(draw, draw_numbers(draw, dtype, plan.num_tokens, width))
    return _by_expert(plan, rows)


def _by_expert(plan: Plan, rows: Tensor) -> Tensor:
    """Return masked experts' rows as [num_experts, num_tokens, width]."""
    if plan.experts is None or not plan.experts.is_masked:
        return rows
    count, room = plan.experts.count, plan.experts.room
    return rows.as_strided((count, room, rows.shape[1]), (room * rows.stride(0), rows.stride(0), 1))


def _values(draw: Draw, plan: Plan, _: Argument) -> Tensor:
    like = _allocated(plan)[0]
    columns = like.shape[-1]
    sizes, strides = (plan.num_tokens, columns), (rows_apart(draw, columns), 1)
    return _by_expert(plan, poisoned(draw, like.dtype, sizes, strides))


def _scales(draw: Draw, plan: Plan, _: Argument) -> Tensor:
    like = _allocated(plan)[1]
    strides = like.stride()
    lies_apart = plan.recipe.layout is ScaleLayout.ROW_MAJOR and like.dim() == 2  # noqa: PLR2004
    if lies_apart and plan.recipe.rule not in _NO_SCALES:
        strides = (rows_apart(draw, like.shape[1]), 1)
    return poisoned(draw, like.dtype, like.shape, strides)


def _allocated(plan: Plan) -> tuple[Tensor, Tensor]:
    like = torch.empty(0, dtype=plan.dtype, device="meta")
    return allocate(plan.recipe, plan.num_tokens, plan.width, like, plan.experts)


def _scale(draw: Draw, plan: Plan, _: Argument) -> Tensor | None:
    """Return a scale where one is given; experts may have one each."""
    rule = plan.recipe.rule
    if rule not in (ScaleRule.GIVEN, ScaleRule.GLOBAL):
        return None
    count = 1
    if plan.experts is not None and draw.happens(0.5):
        count = plan.experts.count
    is_hostile = draw.happens(0.2)
    ends = (2.0**-120, 2.0**120) if is_hostile else (2.0**-10, 2.0**10)
    numbers = [draw.magnitude(*ends) for _ in range(count)]
    if rule is ScaleRule.GIVEN and is_hostile:
        numbers[0] = -numbers[0]
    shape = () if count == 1 and draw.happens(0.5) else (count,)
    return torch.tensor(numbers, dtype=torch.float32, device=draw.device).reshape(shape)


def _bound(draw: Draw, plan: Plan, _: Argument) -> Tensor | None:
    if plan.recipe.rule is not ScaleRule.AMAX or draw.happens(0.7):
        return None
    bound = float("inf") if draw.happens(0.1) else draw.magnitude(2.0**-24, 2.0**8)
    return torch.tensor(bound, dtype=torch.float32, device=draw.device)


def _number(draw: Draw, plan: Plan, argument: Argument) -> float:
    """Return a number of the formula."""
    producer = producer_named(plan.operator.producer)
    parameter = next(each for each in producer.parameters if each.name == argument.name)
    if argument.default is not None and draw.happens(0.6):
        return float(ast.literal_eval(argument.default))
    if not parameter.positive and draw.happens(0.5):
        return draw.choose((0.0, 1.0, -1.0, -draw.magnitude(1e-30, 1e30)))
    is_hostile = draw.happens(0.2)
    return draw.magnitude(1e-29, 1e29) if is_hostile else draw.magnitude(1e-6, 30.0)


def _interleaved(draw: Draw, plan: Plan, _: Argument) -> bool:
    has_halves = not plan.operator.quantises_gradient or plan.width % multiple_of(plan.recipe) == 0
    return draw.happens(0.3) or not has_halves


def _least_amax(draw: Draw, *_: object) -> float:
    return draw.choose((1e-10, 1e-10, draw.magnitude(1e-29, 1e3)))


def _multiple(_: Draw, plan: Plan, __: Argument) -> int:
    return 1 if plan.experts is None else plan.experts.multiple


def _row_weights(draw: Draw, plan: Plan, _: Argument) -> Tensor | None:
    if draw.happens(0.6):
        return None
    experts = _experts(plan)
    sizes = (experts.count, experts.room) if experts.is_masked else (experts.room,)
    return draw_numbers_of_a_router(draw, *sizes)


def _experts(plan: Plan) -> Experts:
    assert plan.experts is not None
    return plan.experts


def _default(_: Draw, __: Plan, argument: Argument) -> object:
    """Return what an argument that means nothing here has by default."""
    return False if argument.default is None else ast.literal_eval(argument.default)


_MAKERS: dict[Role, Callable[[Draw, Plan, Argument], object]] = {
    Role.INPUT: _input,
    Role.TOKEN_SCALES: _token_scales,
    Role.WEIGHT_SCALES: _weight_scales,
    Role.DTYPE: lambda _, plan, __: name_of(plan.dtype),
    Role.GRADIENT: _gradient,
    Role.WEIGHT: _weight,
    Role.GATE: _beside,
    Role.RESIDUAL: _beside,
    Role.SUM_GRADIENT: _beside,
    Role.VALUES: _values,
    Role.SCALES: _scales,
    Role.SCALE: _scale,
    Role.SCALE_UB: _bound,
    Role.RECIPE: lambda _, plan, __: plan.recipe.text,
    Role.INTERMEDIATE: lambda draw, plan, _: str(draw.choose(intermediates(plan.operator))),
    Role.INTERLEAVED: _interleaved,
    Role.GROUP_SIZE: lambda _, plan, __: plan.recipe.group_size,
    Role.IS_SCALE_TRANSPOSED: lambda _, plan, __: plan.recipe.layout is ScaleLayout.COLUMN_MAJOR,
    Role.SCALE_UE8M0: lambda _, plan, __: plan.recipe.scale in _POWERS,
    Role.LEAST_AMAX: _least_amax,
    Role.CODE_MINIMUM: lambda _, plan, __: plan.recipe.format and plan.recipe.format.lowest,
    Role.CODE_MAXIMUM: lambda _, plan, __: plan.recipe.format and plan.recipe.format.maximum,
    Role.GROUP_SHAPE: lambda draw, *_: draw.choose((None, [-1, -1])),
    Role.EXPERTS: lambda _, plan, __: str(_experts(plan).layout),
    Role.ROWS: lambda _, plan, __: plan.experts and plan.experts.rows,
    Role.MULTIPLE: _multiple,
    Role.SCALE_OFFSETS: lambda _, plan, __: _experts(plan).scale_offsets,
    Role.ROW_WEIGHTS: _row_weights,
    Role.ZERO_POINTS: lambda *_: None,
    Role.PARAMETER: _number,
    Role.UNUSED: _default,
}


def written(operator: Operator) -> tuple[str, ...]:
    """Return the names of the arguments that an operator writes to."""
    if not operator.mutates or operator.direction is Direction.BACKWARD:
        return ()
    roles = {Role.VALUES, Role.SCALES, Role.RESIDUAL}
    if operator.in_place:
        roles.add(Role.INPUT)
    return tuple(argument.name for argument in operator.arguments if argument.role in roles)

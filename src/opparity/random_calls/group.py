"""What a group of random calls is, and a call of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from opparity.formats import RECIPES, accepted_recipes
from opparity.operators.declaration import Direction
from opparity.operators.gradients import overload_of
from opparity.operators.selection import providers
from opparity.random_calls.arguments import draw_arguments, draw_plan, written
from opparity.random_calls.expert_rows import valid_rows
from opparity.random_calls.memory import whole_storage, with_own_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opparity.formats import Recipe
    from opparity.operators.declaration import Operator
    from opparity.random_calls.draw import Draw


@dataclass(frozen=True, slots=True)
class Call:
    """A call that an implementation and the reference are to run.

    Attributes:
        words: what is called with what.
        values: how many numbers it computes.
        run: the tensors that a provider gives, by name; those that it wrote to with all of their
            memory.
    """

    words: str
    values: int
    run: Callable[[str], Mapping[str, Tensor]]


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that are counted together.

    Attributes:
        name: for the option and the table.
        draw: returns a random call.
        turns: after so many calls each operator had its turn.
    """

    name: str
    draw: Callable[[Draw], Call]
    turns: int


def group_of(
    name: str,
    operators: Sequence[Operator],
    recipes: Callable[[Operator], Sequence[Recipe]],
) -> Group:
    """Return a group of operators, which take turns, each with any of its recipes."""

    def draw_call(draw: Draw) -> Call:
        operator = draw.turn(operators)
        return call_of(draw, operator, draw.choose(recipes(operator)))

    return Group(name, draw_call, len(operators))


def every_recipe(keep: Callable[[Recipe], bool]) -> tuple[Recipe, ...]:
    """Return every recipe that is kept; those with a name are as many as all others together."""
    named = [recipe for recipe in RECIPES.values() if keep(recipe)]
    others = {recipe for recipe in accepted_recipes().values() if keep(recipe)} - set(named)
    times = max(1, len(others) // max(1, len(named)))
    return (*named * times, *sorted(others, key=str))


def no_recipe(_: Operator) -> tuple[Recipe, ...]:
    """Return the recipe of operators that quantise nothing."""
    return (RECIPES["none"],)


def call_of(draw: Draw, operator: Operator, recipe: Recipe) -> Call:
    """Return a random call of an operator."""
    plan = draw_plan(draw, operator, recipe)
    arguments = draw_arguments(draw, plan)
    rows = plan.num_tokens if plan.experts is None else valid_rows(plan.experts)
    listed = ", ".join(f"{name}={_words(value)}" for name, value in arguments.items())
    return Call(
        f"{operator.qualified_name}({listed})",
        rows * plan.width,
        lambda provider: run_operator(operator, arguments, provider),
    )


def run_operator(
    operator: Operator, arguments: Mapping[str, Any], provider: str
) -> dict[str, Tensor]:
    """Return what a provider returns, and what it wrote to; the arguments stay as they are."""
    own = dict(arguments)
    names = [name for name in written(operator) if own[name] is not None]
    for name in names:
        own[name] = with_own_storage(own[name])
    with providers(force=provider), torch.no_grad():
        returned = overload_of(operator)(**own)
    found = {name: whole_storage(own[name]) for name in names}
    if returned is None:
        return found
    results = (returned,) if isinstance(returned, Tensor) else returned
    is_backward = operator.direction is Direction.BACKWARD
    kind = "gradient" if is_backward else "result"
    return found | {f"{kind} {place}": tensor for place, tensor in enumerate(results)}


def _words(value: object) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    dtype = str(value.dtype).removeprefix("torch.")
    if value.numel() == 1 and value.dtype in (torch.float32, torch.int32):
        return f"{dtype} {value.item():g}"
    return f"{dtype}{list(value.shape)} with strides {list(value.stride())}"

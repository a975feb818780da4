"""The checks of operators that quantise a gradient, in the words of native/operators/checks.cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.formats import Intermediate
from opparity.operators.declaration import Role
from opparity.operators.sizes import holds, rounded_up

if TYPE_CHECKING:
    from opparity.formats import Recipe
    from opparity.operators.declaration import Operator
    from opparity.operators.request import Request

# What a half's width is a multiple of where gradients have no groups.
_USUAL_MULTIPLE = 32


def multiple_of(recipe: Recipe) -> int:
    """Return what a half's width is a multiple of, so that no group has numbers of both."""
    return recipe.group_size if isinstance(recipe.group_size, int) else _USUAL_MULTIPLE


def intermediates(operator: Operator) -> tuple[Intermediate, ...]:
    """Return where numbers may be rounded: a gradient has no activation whose factors could be."""
    if operator.quantises_gradient:
        return (Intermediate.FLOAT32, Intermediate.PRODUCT)
    return tuple(Intermediate)


def check(request: Request, recipe: Recipe, hidden_size: int) -> None:
    """Check the recipe and width of a gradient that is quantised.

    Args:
        request: any.
        recipe: the request's.
        hidden_size: width of the product.
    """
    if not request.quantises_gradient:
        return
    if recipe.format is None or recipe.by_token:
        request.refuse(
            f"recipe is '{request.arguments[Role.RECIPE]}' of a gradient; allowed: values in "
            "groups, or with one scale that is given; choose one"
        )
    multiple = multiple_of(recipe)
    if request.interleaved or not request.producer.gated or not holds(hidden_size % multiple != 0):
        return
    request.refuse(
        f"hidden_size is {hidden_size}; allowed: a multiple of {multiple} where gate and up stand "
        f"in halves; pad the projection to {rounded_up(hidden_size, multiple)}"
    )

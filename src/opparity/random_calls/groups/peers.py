"""Operators with vLLM's names and schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.formats import GROUP_SIZES, Recipe, ScaleFormat, ScaleLayout
from opparity.operators.cases import recipes_of
from opparity.operators.declaration import Role
from opparity.operators.peers import PEER_OPERATORS
from opparity.random_calls.group import group_of

if TYPE_CHECKING:
    from opparity.operators.declaration import Operator


def _recipes(operator: Operator) -> list[Recipe]:
    """Return recipes in each group size and layout that the schema has room for."""
    found = recipes_of(operator)
    roles = {argument.role for argument in operator.arguments}
    if Role.GROUP_SIZE in roles:
        found = [_with_size(recipe, size) for recipe in found for size in (None, *GROUP_SIZES)]
    # Strides say where float32 scales lie.
    if Role.IS_SCALE_TRANSPOSED in roles or operator.producer == "identity":
        found += [
            recipe.with_layout(ScaleLayout.COLUMN_MAJOR)
            for recipe in found
            if recipe.scale in (ScaleFormat.FLOAT32, ScaleFormat.POWER_OF_TWO)
            and isinstance(recipe.group_size, int)
        ]
    return found


def _with_size(recipe: Recipe, size: int | None) -> Recipe:
    return Recipe(recipe.value, size or recipe.group_size, recipe.scale, recipe.rule, recipe.layout)


GROUP = group_of("peers", PEER_OPERATORS, _recipes)

"""Experts' rows in each layout, with and without weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.formats import ScaleLayout
from opparity.operators import ELEMENTWISE, OPERATORS, experts_name
from opparity.random_calls.group import every_recipe, group_of

if TYPE_CHECKING:
    from opparity.formats import Recipe
    from opparity.operators.declaration import Operator

_NAMES = {experts_name(row) for row in ELEMENTWISE}
_RECIPES = every_recipe(lambda _: True)
# Tiles that are returned have rows that are nobody's, which may hold anything.
_WITHOUT_TILES = every_recipe(lambda recipe: recipe.layout is not ScaleLayout.SWIZZLE_128X4)


def _recipes(operator: Operator) -> tuple[Recipe, ...]:
    return _RECIPES if operator.mutates else _WITHOUT_TILES


GROUP = group_of("experts", [row for row in OPERATORS if row.name in _NAMES], _recipes)

"""Plain quantisation, with every recipe but those by token."""

from __future__ import annotations

from opparity.operators import OPERATORS
from opparity.random_calls.group import every_recipe, group_of

_RECIPES = every_recipe(lambda recipe: not recipe.by_token)
GROUP = group_of(
    "quantisation", [row for row in OPERATORS if row.name == "quantize"], lambda _: _RECIPES
)

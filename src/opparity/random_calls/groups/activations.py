"""Activations in front of a quantisation, with every recipe but those by token."""

from __future__ import annotations

from opparity.operators import ELEMENTWISE, OPERATORS, general_name
from opparity.random_calls.group import every_recipe, group_of

_NAMES = {general_name(row) for row in ELEMENTWISE if row.name != "identity"}
_RECIPES = every_recipe(lambda recipe: not recipe.by_token)
GROUP = group_of(
    "activations",
    [row for row in OPERATORS if row.name in _NAMES and not row.peer],
    lambda _: _RECIPES,
)

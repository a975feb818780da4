"""Gradients of activations that are quantised, by rows and by columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.operators import OPERATORS
from opparity.operators.checks import COLUMN_GROUPS
from opparity.operators.recipes import packs_values
from opparity.random_calls.group import every_recipe, group_of

if TYPE_CHECKING:
    from opparity.formats import Recipe
    from opparity.operators.declaration import Operator

_ROWS = every_recipe(lambda r: r.format is not None and not r.by_token)
_COLUMNS = every_recipe(lambda r: r.group_size in COLUMN_GROUPS and not packs_values(r))


def _recipes(operator: Operator) -> tuple[Recipe, ...]:
    return _COLUMNS if operator.has_columns else _ROWS


GROUP = group_of(
    "quantised_gradients", [row for row in OPERATORS if row.quantises_gradient], _recipes
)

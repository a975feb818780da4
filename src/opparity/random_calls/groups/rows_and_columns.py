"""Values and scales by rows and by columns."""

from __future__ import annotations

from opparity.operators import OPERATORS
from opparity.operators.checks import COLUMN_GROUPS
from opparity.operators.recipes import packs_values
from opparity.random_calls.group import every_recipe, group_of

_RECIPES = every_recipe(lambda r: r.group_size in COLUMN_GROUPS and not packs_values(r))
GROUP = group_of(
    "rows_and_columns",
    [row for row in OPERATORS if row.has_columns and not row.quantises_gradient],
    lambda _: _RECIPES,
)

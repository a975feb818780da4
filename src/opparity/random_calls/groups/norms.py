"""Norms, with a residual and with a gate, with every recipe."""

from __future__ import annotations

from opparity.operators import OPERATORS, PRODUCERS, added_name, general_name
from opparity.random_calls.group import every_recipe, group_of

_NAMES = {name(row) for row in PRODUCERS if row.reduces for name in (general_name, added_name)}
_RECIPES = every_recipe(lambda _: True)
GROUP = group_of(
    "norms",
    [row for row in OPERATORS if row.name in _NAMES and not row.peer],
    lambda _: _RECIPES,
)

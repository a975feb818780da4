"""Activations and plain quantisation of the int32 sums of an int8 product."""

from __future__ import annotations

from opparity.operators import OPERATORS
from opparity.random_calls.group import every_recipe, group_of

_RECIPES = every_recipe(lambda _: True)
GROUP = group_of("sums", [row for row in OPERATORS if row.reads_sums], lambda _: _RECIPES)

"""Gradients of norms, of their gates and of their weights."""

from __future__ import annotations

from opparity.operators import OPERATORS, producer_named
from opparity.operators.declaration import Direction
from opparity.random_calls.group import group_of, no_recipe

GROUP = group_of(
    "norm_gradients",
    [
        row
        for row in OPERATORS
        if row.direction is Direction.BACKWARD and producer_named(row.producer).reduces
    ],
    no_recipe,
)

"""Gradients of activations."""

from __future__ import annotations

from opparity.operators import ELEMENTWISE, OPERATORS
from opparity.operators.declaration import Direction
from opparity.random_calls.group import group_of, no_recipe

_PRODUCERS = {row.name for row in ELEMENTWISE}
GROUP = group_of(
    "gradients",
    [
        row
        for row in OPERATORS
        if row.direction is Direction.BACKWARD and row.producer in _PRODUCERS
    ],
    no_recipe,
)

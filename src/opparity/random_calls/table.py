"""THE table of groups of random calls: one file and one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.random_calls.groups import (
    activations,
    experts,
    gradients,
    norm_gradients,
    norms,
    peers,
    quantisation,
    quantised_gradients,
    rows_and_columns,
    scales_by_token,
    sums,
    tensor_scales,
)

if TYPE_CHECKING:
    from opparity.random_calls.group import Group

GROUPS: tuple[Group, ...] = (
    quantisation.GROUP,
    activations.GROUP,
    scales_by_token.GROUP,
    norms.GROUP,
    experts.GROUP,
    rows_and_columns.GROUP,
    gradients.GROUP,
    norm_gradients.GROUP,
    quantised_gradients.GROUP,
    tensor_scales.GROUP,
    sums.GROUP,
    peers.GROUP,
)

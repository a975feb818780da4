"""Rows so far apart that no 32-bit number counts the elements, nor some the bytes, between them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from operator_calls import BY_NAME, CPU, assert_same_bytes
from opparity.operators.case_calls import outputs
from opparity.operators.cases import cases
from opparity.operators.declaration import Role
from opparity.operators.gradients import overload_of

if TYPE_CHECKING:
    from opparity.operators.case import Case

_OF_ROWS = (
    *(Role.INPUT, Role.GRADIENT, Role.GATE, Role.RESIDUAL, Role.SUM_GRADIENT),
    Role.VALUES,
)
# The smallest case of each operator that has several rows.
SMALLEST = {
    case.operator: case
    for case in sorted(cases(), key=lambda case: -case.num_tokens * case.hidden_size)
    if case.num_tokens > 1
}


def far_apart(tensor: Tensor) -> Tensor:
    """Return a copy whose rows lie far apart; pages that nothing touches cost no memory."""
    rows, width = prod(tensor.shape[:-1]), tensor.shape[-1]
    step = (1 << 31) // (rows - 1) + 64
    strides = [step, 1]
    for size in reversed(tensor.shape[1:-1]):
        strides.insert(0, strides[0] * size)
    memory = torch.empty((rows - 1) * step + width, dtype=tensor.dtype)
    assert memory.numel() > 1 << 31
    spread = memory.as_strided(tensor.shape, strides)
    _bytes(spread).copy_(_bytes(tensor))
    return spread


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.view(torch.uint8) if tensor.element_size() == 1 else tensor


def call(case: Case, *, far: bool) -> list[Tensor]:
    """Return what a call returns and what it writes."""
    operator = BY_NAME[case.operator]
    arguments: dict[str, Any] = case.arguments(operator, CPU) | outputs(case, operator, CPU)
    written = []
    for argument in operator.arguments:
        tensor = arguments[argument.name]
        if argument.role in _OF_ROWS and tensor is not None and far:
            tensor = arguments[argument.name] = far_apart(tensor)
        if argument.role in (*_OF_ROWS, Role.SCALES) and tensor is not None:
            written.append(tensor)
    found = overload_of(operator)(**arguments)
    returned = [found] if isinstance(found, Tensor) else list(found or ())
    return [*returned, *written]


@pytest.mark.parametrize("name", BY_NAME)
def test_rows_beyond_two_to_the_31_elements(name: str) -> None:
    near, far = (call(SMALLEST[name], far=far) for far in (False, True))
    for one, other in zip(near, far, strict=True):
        assert_same_bytes(other, one)

"""Kernels that are wrong, as a provider of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from opparity.operators.declaration import Direction, Role
from opparity.operators.reference import kernel as reference
from opparity.operators.request import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.operators.declaration import Operator


def two_bits(operator: Operator) -> Callable[..., Any]:
    """Return a kernel that is wrong in a bit of one value and of one scale."""
    return _changed(operator, _flip)


def zeros(operator: Operator) -> Callable[..., Any]:
    """Return a kernel that writes zeros, and the right scales."""
    return _changed(operator, lambda values, _: values.view(_bytes(values)).zero_())


def column_scales(operator: Operator) -> Callable[..., Any]:
    """Return a kernel that is wrong in a bit of one scale of the columns, and of nothing else."""
    right = reference.kernel(operator)

    def run(*positional: object, **named: object) -> object:
        returned = right(*positional, **named)
        if operator.has_columns:
            assert isinstance(returned, tuple)
            scales = returned[-1]
            scales.view(_bytes(scales))[(0,) * scales.dim()] ^= 1
        return returned

    return run


def nothing(operator: Operator) -> Callable[..., Any]:
    """Return a kernel that does not write, or returns what it was given."""
    reader = reader_of(operator)

    def run(*positional: object, **named: object) -> object:
        request = reader.read(positional, named)
        if operator.mutates:
            return None
        returned = reference.kernel(operator)(*positional, **named)
        if not isinstance(returned, tuple):
            return request.input.clone()
        values, *others = returned
        poison = torch.empty_like(values).view(_bytes(values)).fill_(0x55).view(values.dtype)
        return poison, *others

    return run


def _changed(
    operator: Operator, change: Callable[[Tensor, Tensor | None], object]
) -> Callable[..., Any]:
    right, reader = reference.kernel(operator), reader_of(operator)

    def run(*positional: object, **named: object) -> object:
        returned = right(*positional, **named)
        if operator.mutates:
            request = reader.read(positional, named)
            scales = request.tensor(Role.SCALES)
            change(request.arguments[Role.VALUES], scales)
        elif isinstance(returned, tuple):
            # Of a norm's gradients the weight's, the last one, is compared as scales are.
            is_backward = operator.direction is Direction.BACKWARD
            change(returned[0], returned[-1 if is_backward else 1])
        else:
            change(returned, None)
        return returned

    return run


def _flip(values: Tensor, scales: Tensor | None) -> None:
    numbers = values.view(_bytes(values))
    numbers[(*[-1] * (numbers.dim() - 1), 3)] ^= 1
    if scales is not None and scales.numel():
        scales.view(_bytes(scales))[(0,) * scales.dim()] ^= 1


def _bytes(tensor: Tensor) -> torch.dtype:
    return {1: torch.uint8, 2: torch.int16, 4: torch.int32}[tensor.element_size()]

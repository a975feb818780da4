"""Kernels that are wrong, as a provider of their own: `flawed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from opparity.operators import IMPLEMENTATIONS, PROVIDERS, selection
from opparity.operators.declaration import Direction, Implementation, Role
from opparity.operators.reference import kernel as reference
from opparity.operators.request import reader_of
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from torch import Tensor

    from opparity.operators.declaration import Operator


def put_into_the_table(patch: pytest.MonkeyPatch, kernel: str) -> None:
    """Have a function of this module make a provider's kernels for the CPU."""
    row = Implementation(
        provider="flawed",
        platforms=frozenset({Platform.CPU}),
        availability="opparity.operators.torch_build:objection",
        kernel=f"flawed_operator:{kernel}",
    )
    patch.setattr(selection, "IMPLEMENTATIONS", (*IMPLEMENTATIONS, row))
    patch.setattr(selection, "PROVIDERS", (*PROVIDERS, "flawed"))


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


def outside(operator: Operator) -> Callable[..., Any]:
    """Return a kernel that is right, and writes to a byte behind its values."""
    return _changed(operator, lambda values, _: _last_byte(values).add_(1))


def failing(_: Operator) -> Callable[..., Any]:
    """Return a kernel that raises an error."""

    def run(*_: object, **__: object) -> object:
        raise RuntimeError("this kernel fails")

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
    if numbers.numel():
        numbers[(*[-1] * (numbers.dim() - 1), min(3, numbers.shape[-1] - 1))] ^= 1
    if scales is not None and scales.numel():
        scales.view(_bytes(scales))[(0,) * scales.dim()] ^= 1


def _last_byte(tensor: Tensor) -> Tensor:
    storage = tensor.untyped_storage()
    every = torch.empty(0, dtype=torch.uint8).set_(storage, 0, (storage.nbytes(),), (1,))
    return every[-1:]


def _bytes(tensor: Tensor) -> torch.dtype:
    return {1: torch.uint8, 2: torch.int16, 4: torch.int32}[tensor.element_size()]

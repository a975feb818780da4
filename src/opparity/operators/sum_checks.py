"""The checks of sums and their scales; native/operators/sums.cpp has the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.operators.declaration import Role
from opparity.operators.sizes import has_shape, holds, name_of, words

if TYPE_CHECKING:
    from opparity.operators.request import Request


def check_dtype(request: Request) -> None:
    """Check that the input is sums.

    Raises:
        ArgumentRefused: for another dtype.
    """
    given = name_of(request.input.dtype)
    if given != "int32":
        general = request.operator.name.removesuffix("_of_sums")
        request.refuse(
            f"input has dtype {given}; allowed: int32, the sums of a product of int8 matrices; "
            f"pass those, or call {general} with numbers"
        )


def check(request: Request) -> None:
    """Check the scales of rows and columns, if the operator takes them.

    Raises:
        ArgumentRefused: for scales in another form.
    """
    if not request.operator.reads_sums:
        return
    num_tokens, width = request.input.shape
    _check_list(request, Role.TOKEN_SCALES, num_tokens, "[num_tokens, 1], one for each row")
    _check_list(request, Role.WEIGHT_SCALES, width, "[width, 1], one for each column of the input")


def _check_list(request: Request, role: Role, count: int, meaning: str) -> None:
    """Check float32 numbers [count, 1] that lie one after another."""
    tensor, name = request.arguments[role], request.names[role]
    if name_of(tensor.dtype) != "float32":
        request.refuse(f"{name} has dtype {name_of(tensor.dtype)}; allowed: float32; cast it")
    if not has_shape(tensor, count, 1):
        request.refuse(
            f"{name} has shape {words(tensor.shape)}; allowed: {words((count, 1))}, {meaning}; "
            "pass those"
        )
    if holds(count > 1) and holds(tensor.stride(0) != 1):
        request.refuse(
            f"{name} has strides {words(tensor.stride())}; allowed: 1 in the first dimension; "
            "call contiguous()"
        )

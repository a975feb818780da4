"""What only real tensors have: their addresses, and the value of a number on the CPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from opparity.formats import ScaleRule
from opparity.operators.checks import TENSORS
from opparity.operators.declaration import Role

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.formats import Recipe
    from opparity.operators.request import Request

_INPUTS = (
    *(Role.INPUT, Role.WEIGHT, Role.GATE, Role.SCALE, Role.SCALE_UB, Role.ROWS),
    *(Role.SCALE_OFFSETS, Role.ROW_WEIGHTS, Role.TOKEN_SCALES, Role.WEIGHT_SCALES),
)


def check_storage(request: Request) -> None:
    """Raise ArgumentRefused where a storage was made smaller than its tensor, or begins oddly.

    This check comes first, since others look at parts of tensors.
    """
    for role in (Role.INPUT, *TENSORS):
        tensor = request.tensor(role)
        if tensor is None or tensor.numel() == 0:
            continue
        last = tensor.storage_offset() + _last(tensor)
        needed, given = (last + 1) * tensor.element_size(), tensor.untyped_storage().nbytes()
        if needed > given:
            request.refuse(
                f"{request.names[role]} needs {needed} bytes of a storage that has {given}; "
                "allowed: a storage that holds the tensor; resize the storage back"
            )
        behind = tensor.data_ptr() % tensor.element_size()
        if behind:
            request.refuse(
                f"{request.names[role]} begins {behind} bytes behind a multiple of "
                f"{tensor.element_size()}; allowed: an address that its dtype divides; clone() it"
            )


def check(request: Request, recipe: Recipe) -> None:
    """Raise ArgumentRefused for a bad number, or an output that shares memory with another tensor.

    A number on a GPU is not read here: that would wait for the GPU and end a graph capture.
    There the kernel writes NaN scales for a bound that is not above zero.
    """
    bound = _on_cpu(request, Role.SCALE_UB)
    for scale in _on_cpu(request, Role.SCALE):
        is_given = recipe.rule is ScaleRule.GIVEN
        if not 0 < (abs(scale) if is_given else scale) < math.inf:
            allowed = "that is not 0" if is_given else "above 0"
            request.refuse(
                f"{request.names[Role.SCALE]} is {scale:g}; allowed: a finite number {allowed}; "
                "pass another"
            )
    for number in bound:
        if not number > 0:
            request.refuse(
                f"{request.names[Role.SCALE_UB]} is {number:g}; allowed: a number above 0; leave "
                "it out for none"
            )
    roles = (*request.outputs, *_INPUTS)
    for place, role in enumerate(request.outputs):
        for other in roles[place + 1 :]:
            if request.operator.in_place and (role, other) == (Role.VALUES, Role.INPUT):
                continue
            first, second = request.tensor(role), request.tensor(other)
            if first is not None and second is not None and _overlap(_span(first), _span(second)):
                name = request.names[role]
                request.refuse(
                    f"{name} and {request.names[other]} share memory; allowed: separate memory; "
                    f"allocate {name} anew"
                )


def _on_cpu(request: Request, role: Role) -> list[float]:
    """Return the numbers of a tensor on the CPU, one but for experts' scales."""
    tensor = request.tensor(role)
    if tensor is None or tensor.device.type != "cpu":
        return []
    return [float(number) for number in tensor.flatten()]


def _span(tensor: Tensor) -> tuple[int, int]:
    """Return the first address of a tensor and the one after its last byte."""
    if tensor.numel() == 0:
        return (0, 0)
    start = tensor.data_ptr()
    return (start, start + (_last(tensor) + 1) * tensor.element_size())


def _last(tensor: Tensor) -> int:
    """Return how many elements of its storage lie between its first and its last one."""
    return sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]

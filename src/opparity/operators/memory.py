"""What only real tensors have: their addresses, and the value of a number on the CPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from opparity.operators.declaration import Role

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.request import Request

_OUTPUTS = (Role.VALUES, Role.SCALES)
_INPUTS = (Role.INPUT, Role.SCALE, Role.SCALE_UB)


def check(request: Request) -> None:
    """Raise ArgumentRefused for a bad number, or an output that shares memory with another tensor.

    A number on a GPU is not read here: that would wait for the GPU and end a graph capture.
    There the kernel writes NaN scales for a bound that is not above zero.
    """
    _check_number(request, Role.SCALE, "a finite number above 0", "pass another", math.inf)
    _check_number(request, Role.SCALE_UB, "a number above 0", "leave it out for none", math.nan)
    roles = (*_OUTPUTS, *_INPUTS)
    for place, role in enumerate(_OUTPUTS):
        for other in roles[place + 1 :]:
            first, second = request.tensor(role), request.tensor(other)
            if first is not None and second is not None and _overlap(_span(first), _span(second)):
                name = request.names[role]
                request.refuse(
                    f"{name} and {request.names[other]} share memory; allowed: separate memory; "
                    f"allocate {name} anew"
                )


def _check_number(request: Request, role: Role, allowed: str, advice: str, excluded: float) -> None:
    tensor = request.tensor(role)
    if tensor is None or tensor.device.type != "cpu":
        return
    number = tensor.item()
    if not number > 0 or number == excluded:
        request.refuse(f"{request.names[role]} is {number:g}; allowed: {allowed}; {advice}")


def _span(tensor: Tensor) -> tuple[int, int]:
    """Return the first address of a tensor and the one after its last byte."""
    if tensor.numel() == 0:
        return (0, 0)
    last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    start = tensor.data_ptr()
    return (start, start + (last + 1) * tensor.element_size())


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]

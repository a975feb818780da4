"""What only real tensors have: their addresses, and the value of scale_ub on the CPU."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from opparity.errors import ArgumentRefused

if TYPE_CHECKING:
    from torch import Tensor


def check(
    operator: str, *, out: Tensor, scales: Tensor, input: Tensor, scale_ub: Tensor | None
) -> None:
    """Raise ArgumentRefused where an output shares memory with another tensor, or for a bad bound.

    A scale_ub on a GPU is not read here: that would wait for the GPU and end a graph capture.
    There the kernel writes NaN scales for a bound that is not above zero.
    """
    if scale_ub is not None and scale_ub.device.type == "cpu":
        bound = scale_ub.item()
        if not bound > 0:
            raise ArgumentRefused(
                operator=operator,
                detail=f"scale_ub is {bound:g}; allowed: a number above 0; leave it out for none",
            )
    tensors = {"out": out, "scales": scales, "input": input, "scale_ub": scale_ub}
    for (name, tensor), (other, partner) in combinations(tensors.items(), 2):
        if tensor is None or partner is None or {name, other} == {"input", "scale_ub"}:
            continue
        if _overlap(_span(tensor), _span(partner)):
            raise ArgumentRefused(
                operator=operator,
                detail=f"{name} and {other} share memory; allowed: separate memory; "
                f"allocate {name} anew",
            )


def _span(tensor: Tensor) -> tuple[int, int]:
    """Return the first address of a tensor and the one after its last byte."""
    if tensor.numel() == 0:
        return (0, 0)
    last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    start = tensor.data_ptr()
    return (start, start + (last + 1) * tensor.element_size())


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] < second[1] and second[0] < first[1]

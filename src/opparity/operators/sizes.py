"""Sizes that may be symbols of a trace, and how messages spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import Tensor


def holds(condition: object) -> bool:
    """Return whether a condition on sizes holds; one that a trace cannot decide counts as not."""
    if isinstance(condition, bool):
        return condition
    from torch.fx.experimental.symbolic_shapes import guard_or_false  # noqa: PLC0415 -- 0.3 s

    return guard_or_false(condition)  # type: ignore[arg-type]


def has_shape(tensor: Tensor, *sizes: int) -> bool:
    """Return whether a tensor has just these sizes."""
    return tensor.dim() == len(sizes) and not any(
        holds(given != size) for given, size in zip(tensor.shape, sizes, strict=True)
    )


def words(values: Iterable[object]) -> str:
    """Return "[1, 2]"."""
    return f"[{', '.join(str(value) for value in values)}]"


def name_of(dtype: torch.dtype) -> str:
    """Return a dtype's name without torch's prefix."""
    return str(dtype).removeprefix("torch.")


def rounded_up(size: int, multiple: int) -> int:
    """Return the least multiple that is not below a size."""
    return (size + multiple - 1) // multiple * multiple

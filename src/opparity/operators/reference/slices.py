"""Rows taken in slices, so that temporaries stay small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# Elements of a slice: each costs about 100 bytes of temporaries.
_SLICE_ELEMENTS = 1 << 21


def by_rows(
    function: Callable[..., tuple[Tensor | None, ...]], *tensors: Tensor
) -> tuple[Tensor | None, ...]:
    """Return what a function of rows gives for tensors [num_tokens, any width]."""
    num_tokens, width = tensors[0].shape
    rows = max(1, _SLICE_ELEMENTS // max(1, width))
    parts = [
        function(*(tensor[start : start + rows] for tensor in tensors))
        for start in range(0, max(1, num_tokens), rows)
    ]
    return tuple(_joined(part) for part in zip(*parts, strict=True))


def _joined(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    if len(present) == 1:
        return present[0]
    if present[0].element_size() > 1:
        return torch.cat(present)
    # FP8 tensors cannot be joined on every device; their bytes can.
    return torch.cat([part.view(torch.uint8) for part in present]).view(present[0].dtype)

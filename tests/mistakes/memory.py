"""Tensors whose memory is not there, or not where it should be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from mistakes.mistake import Mistake

if TYPE_CHECKING:
    from torch import Tensor


def at_an_odd_address(*sizes: int) -> Tensor:
    """Return a bfloat16 tensor that begins at an odd address."""
    memory = bytearray(2 * math.prod(sizes) + 64)
    start = torch.frombuffer(memory, dtype=torch.uint8).data_ptr()
    return torch.frombuffer(
        memory, dtype=torch.bfloat16, count=math.prod(sizes), offset=1 + start % 2
    ).view(sizes)


def without_memory(tensor: Tensor) -> Tensor:
    """Return a tensor whose storage was made too small for it."""
    tensor.untyped_storage().resize_(1)
    return tensor


MEMORY = [
    Mistake(
        "an input without its memory",
        "quantize",
        "input needs 1536 bytes of a storage that has 1; allowed: a storage that holds the tensor; "
        "resize the storage back",
        {"input": without_memory(torch.ones(3, 128))},
        needs_data=True,
    ),
    Mistake(
        "an input at an odd address",
        "quantize",
        "input begins 1 bytes behind a multiple of 2; allowed: an address that its dtype divides; "
        "clone() it",
        {"input": at_an_odd_address(3, 128)},
        needs_data=True,
    ),
    Mistake(
        "counts of experts without their memory",
        "quantize_experts",
        "rows needs 16 bytes of a storage that has 1; allowed",
        {"rows": without_memory(torch.zeros(4, dtype=torch.int32))},
        needs_data=True,
    ),
]

"""Calling an implementation directly, and comparing bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from opparity import load, providers

if TYPE_CHECKING:
    from collections.abc import Iterator

load()
OPERATOR = torch.ops.opparity.silu_and_mul_per_block_quant

INPUT_DTYPES = (torch.float16, torch.bfloat16, torch.float32)
VALUE_DTYPES = (torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.int8)
INTERMEDIATES = ("float32", "input_dtype")


def quantise(
    provider: str,
    input: Tensor,
    group_size: int,
    *,
    dtype: torch.dtype = torch.float8_e4m3fn,
    scale_ub: float | None = None,
    intermediate: str = "float32",
    is_scale_transposed: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return values and scales [num_tokens, num_groups] of one provider; outputs start poisoned."""
    num_tokens, hidden_size = input.shape[0], input.shape[1] // 2
    num_groups = hidden_size // group_size
    out = torch.full((num_tokens, hidden_size), 0x55, dtype=torch.uint8, device=input.device)
    shape = (num_groups, num_tokens) if is_scale_transposed else (num_tokens, num_groups)
    scales = torch.full(shape, -1.0, device=input.device)
    bound = None if scale_ub is None else torch.tensor(scale_ub, device=input.device)
    with providers(force=provider):
        OPERATOR.intermediate(
            out.view(dtype), input, scales, group_size, bound, is_scale_transposed, intermediate
        )
    return out.view(dtype), scales.t() if is_scale_transposed else scales


def bytes_of(tensor: Tensor) -> Tensor:
    """Return a tensor's bytes on the CPU; FP8 tensors cannot be compared everywhere."""
    return tensor.cpu().flatten().contiguous().view(torch.uint8)


def assert_same_bytes(got: Tensor, expected: Tensor) -> None:
    """Fail with the first element that differs, in shape, dtype or any bit."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    different = (bytes_of(got) != bytes_of(expected)).view(-1, got.element_size()).any(dim=1)
    places = different.nonzero().flatten()
    for place in _first(places):
        left, right = (bytes_of(x).view(-1, x.element_size())[place] for x in (got, expected))
        raise AssertionError(
            f"{len(places)} of {got.numel()} elements differ; the first is number {place}: "
            f"bytes {left.tolist()}, expected {right.tolist()}"
        )


def _first(places: Tensor) -> Iterator[int]:
    if len(places):
        yield int(places[0])


def every_pattern(dtype: torch.dtype) -> Tensor:
    """Return all 65,536 numbers of a 16-bit dtype."""
    return torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(dtype)

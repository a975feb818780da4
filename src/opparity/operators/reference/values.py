"""Value formats: from numbers to codes and back (docs/numerics.md, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.operators.reference.numerics import MAGNITUDE_BITS

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.formats import ValueFormat

_FOUR_BITS = 4
_NUMBERS_OF_FOUR_BITS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
# Middles of two neighbours; one that goes up is the tie to an even code.
_MIDDLES_OF_FOUR_BITS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)


def encode(numbers: Tensor, value_format: ValueFormat) -> Tensor:
    """Return the code of each number: the nearest, ties to even, saturating.

    Args:
        numbers: [num_tokens, hidden_size], float32.
        value_format: of the codes.

    Returns:
        Of the format's dtype; uint8 [num_tokens, hidden_size / 2] for codes of four bits, the first
        of two in the low half.
    """
    if value_format.bits == _FOUR_BITS:
        return _packed(_encode_four_bits(numbers, value_format.nan_code))
    dtype: torch.dtype = getattr(torch, value_format.name)
    limited = numbers.clamp(value_format.lowest, value_format.maximum)
    if dtype == torch.int8:
        return limited.nan_to_num(0.0).round().to(dtype)
    codes = limited.to(dtype).view(torch.uint8)
    return torch.where(numbers.isnan(), value_format.nan_code, codes).to(torch.uint8).view(dtype)


def decode(values: Tensor, value_format: ValueFormat) -> Tensor:
    """Return the numbers that codes stand for, as float32 [num_tokens, hidden_size]."""
    if value_format.bits != _FOUR_BITS:
        return values.view(getattr(torch, value_format.name)).float()
    codes = values.view(torch.uint8)
    codes = torch.stack((codes & 15, codes >> 4), dim=-1).flatten(-2)
    magnitudes = torch.tensor(_NUMBERS_OF_FOUR_BITS, device=values.device)[(codes & 7).long()]
    return torch.where(codes > 7, -magnitudes, magnitudes)  # noqa: PLR2004 -- the sign's bit is set


def _encode_four_bits(numbers: Tensor, nan_code: int) -> Tensor:
    magnitude = numbers.abs()
    codes = torch.zeros_like(numbers, dtype=torch.uint8)
    for lower, middle in enumerate(_MIDDLES_OF_FOUR_BITS):
        goes_up = magnitude >= middle if lower % 2 else magnitude > middle
        codes += goes_up.to(torch.uint8)
    signs = (numbers.view(torch.int32) & ~MAGNITUDE_BITS != 0).to(torch.uint8) << 3
    return torch.where(numbers.isnan(), nan_code, codes | signs).to(torch.uint8)


def _packed(codes: Tensor) -> Tensor:
    return codes[:, ::2] | (codes[:, 1::2] << 4)

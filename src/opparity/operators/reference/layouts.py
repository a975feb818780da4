"""Where scales lie: from [num_tokens, num_groups] to a layout's memory and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import pad

from opparity.formats import ScaleLayout

if TYPE_CHECKING:
    from opparity.formats import Recipe

_ALIGNMENT = 16
_WORD = 4
_FLOAT32_MANTISSA_BITS = 23
_TILE_TOKENS, _TILE_PARTS, _TILE_GROUPS = 128, 4, 4


def place(by_token: Tensor, recipe: Recipe) -> Tensor:
    """Return scales as a recipe's layout has them; what is padding is zero.

    Args:
        by_token: [num_tokens, num_groups], float32 numbers or uint8 codes.
        recipe: its layout, and its scales' dtype.

    Returns:
        [num_tokens, num_groups] of the scales' dtype, with the layout's strides;
        int32 [num_tokens, ceil(num_groups / 4)] for PACKED, four exponents in each, the first in
        the lowest byte; one dimension for SWIZZLE_128X4.
    """
    if recipe.layout is ScaleLayout.PACKED:
        return _columns(_words(by_token), _ALIGNMENT)
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        stored = _tiles(by_token)
    elif recipe.layout is ScaleLayout.ROW_MAJOR:
        stored = by_token.contiguous()
    else:
        padded = recipe.layout is ScaleLayout.COLUMN_MAJOR_PADDED
        stored = _columns(by_token, _ALIGNMENT if padded else by_token.element_size())
    return stored.view(getattr(torch, recipe.scale)) if recipe.scale_is_byte else stored


def clear_between_columns(scales: Tensor) -> None:
    """Write zeros to the rows that pad the columns of packed exponents, as vLLM's operator does.

    Where the stride is another one than the padded one, what lies between may be anybody's.
    """
    rows, columns = scales.shape
    if columns > 1 and scales.stride(1) == _multiples(rows, _WORD) * _WORD:
        scales.as_strided(((columns - 1) * scales.stride(1) + rows,), (1,)).zero_()


def by_token(stored: Tensor, recipe: Recipe, num_tokens: int, num_groups: int) -> Tensor:
    """Return scales [num_tokens, num_groups], float32 numbers or uint8 codes, from their layout."""
    if recipe.layout is ScaleLayout.PACKED:
        # A copy, since torch calls one column contiguous whatever its stride is.
        words = stored.clone(memory_format=torch.contiguous_format)
        return words.view(torch.uint8)[:, :num_groups]
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        tiles = _bytes(stored.contiguous()).view(
            _multiples(num_tokens, _TILE_TOKENS),
            _multiples(num_groups, _TILE_GROUPS),
            _TILE_TOKENS // _TILE_PARTS,
            _TILE_PARTS,
            _TILE_GROUPS,
        )
        rows = tiles.permute(0, 3, 2, 1, 4).flatten(0, 2).flatten(1)
        return rows[:num_tokens, :num_groups]
    return _bytes(stored) if recipe.scale_is_byte else stored


def _bytes(stored: Tensor) -> Tensor:
    """Return scales of eight bits as uint8."""
    if stored.dtype != torch.float8_e8m0fnu or stored.device.type != "cpu":
        return stored.view(torch.uint8)
    # torch.compile's code for CPUs cannot view such exponents as bytes; a float32 has the same.
    return (stored.float().view(torch.int32) >> _FLOAT32_MANTISSA_BITS).to(torch.uint8)


def _multiples(size: int, multiple: int) -> int:
    return (size + multiple - 1) // multiple


def _columns(rows: Tensor, alignment: int) -> Tensor:
    """Return a tensor whose columns start at multiples of `alignment` bytes, one after another."""
    multiple = alignment // rows.element_size()
    num_tokens = rows.shape[0]
    padding = -num_tokens % multiple
    return pad(rows.t(), (0, padding)).contiguous()[:, :num_tokens].t()


def _words(codes: Tensor) -> Tensor:
    """Return [num_tokens, words] of four codes each."""
    padded: Tensor = pad(codes, (0, -codes.shape[1] % _WORD)).contiguous()
    return padded.view(torch.int32)


def _tiles(codes: Tensor) -> Tensor:
    """Return tiles of 128 x 4 as one list: in a tile, tokens 32 apart are next to each other."""
    num_tokens, num_groups = codes.shape
    padded = pad(codes, (0, -num_groups % _TILE_GROUPS, 0, -num_tokens % _TILE_TOKENS))
    parts = padded.unflatten(1, (-1, _TILE_GROUPS)).unflatten(
        0, (-1, _TILE_PARTS, _TILE_TOKENS // _TILE_PARTS)
    )
    tiles: Tensor = parts.permute(0, 3, 2, 1, 4).flatten()
    return tiles

"""Which rows experts have: numerics.md, section 11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import pad

from opparity.formats import ExpertLayout, ScaleLayout
from opparity.operators.reference import layouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.formats import Recipe
    from opparity.operators.expert_checks import Experts

_TILE = 128


@dataclass(frozen=True, slots=True)
class ExpertRows:
    """The valid rows of an expert.

    Attributes:
        expert: its number.
        first: its first row in the list of all.
        count: how many it has.
        gap: so many rows behind them belong to nobody and have scales of zero.
        first_scale: the first row of its scales; None where they lie as rows do, or where it has a
            tensor of scales of its own.
    """

    expert: int
    first: int
    count: int
    gap: int = 0
    first_scale: int | None = None


def rows_of(experts: Experts, num_tokens: int) -> list[ExpertRows]:
    """Return the valid rows of each expert; whatever the numbers are, they lie within the list.

    Args:
        experts: where they are.
        num_tokens: rows of all experts together.
    """
    given = experts.rows.flatten().tolist()
    if experts.layout is ExpertLayout.MASKED:
        return [
            ExpertRows(expert, expert * experts.room, _limited(number, 0, experts.room))
            for expert, number in enumerate(given)
        ]
    if experts.layout is ExpertLayout.TOKENS:
        return [ExpertRows(0, 0, _limited(given[0] * experts.multiple, 0, num_tokens))]
    if experts.layout is ExpertLayout.PSUM:
        return _by_ends(given, experts.multiple, num_tokens)
    return _by_offsets(given, experts, num_tokens)


def _limited(number: int, least: int, most: int) -> int:
    return max(least, min(number, most))


def _by_ends(ends: Sequence[int], multiple: int, num_tokens: int) -> list[ExpertRows]:
    found, before = [], 0
    for expert, number in enumerate(ends):
        first = min(_rounded_up(before, multiple), num_tokens)
        before = max(before, _limited(number, 0, num_tokens))
        end = max(first, before)
        gap = min(_rounded_up(end, multiple), num_tokens) - end
        found.append(ExpertRows(expert, first, end - first, gap))
    return found


def _rounded_up(number: int, multiple: int) -> int:
    return (number + multiple - 1) // multiple * multiple


def _by_offsets(offsets: Sequence[int], experts: Experts, num_tokens: int) -> list[ExpertRows]:
    found = []
    scales = None if experts.scale_offsets is None else experts.scale_offsets.flatten().tolist()
    first = _limited(offsets[0], 0, num_tokens)
    for expert in range(experts.count):
        end = max(first, _limited(offsets[expert + 1], 0, num_tokens))
        count, first_scale = end - first, None
        if scales is not None:
            # Tiles are whole, or there are none.
            first_scale = scales[expert]
            room = (experts.scale_rows - first_scale) // _TILE * _TILE if first_scale >= 0 else 0
            count = _limited(count, 0, max(0, room))
        found.append(ExpertRows(expert, first, count, first_scale=first_scale))
        first = end
    return found


def write_scales(
    scales: Tensor, by_token: Tensor, recipe: Recipe, rows: ExpertRows, experts: Experts
) -> None:
    """Write the scales of an expert's valid rows, and nothing else but the gap's zeros.

    Where a layout has room behind a row's last group, in a word or a tile, zeros are written there.

    Args:
        scales: of all experts.
        by_token: float32 numbers or uint8 codes, [num_tokens, num_groups].
        recipe: of the scales.
        rows: which the valid rows are.
        experts: where all experts' rows and scales are.
    """
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        if experts.is_masked or rows.first_scale is not None:
            _write_tiles(_tiles_of(scales, rows, experts, by_token.shape[1]), by_token, recipe)
        else:
            _write_rows_of_tiles(scales, by_token, recipe, rows)
        return
    stored = layouts.place(by_token, recipe)
    first = 0 if experts.is_masked else rows.first
    own = scales[rows.expert] if experts.is_masked else scales
    if own.element_size() == 1:
        own, stored = own.view(torch.uint8), stored.view(torch.uint8)
    own[first : first + rows.count].copy_(stored)
    end = first + rows.count
    own[end : end + rows.gap].zero_()


def _write_tiles(region: Tensor, by_token: Tensor, recipe: Recipe) -> None:
    padded = pad(by_token, (0, -by_token.shape[1] % 4))
    tiles = layouts.place(padded, recipe).view(torch.uint8)
    written = layouts.place(torch.ones_like(padded), recipe).view(torch.uint8) != 0
    region.copy_(torch.where(written, tiles, region))


def _write_rows_of_tiles(
    scales: Tensor, by_token: Tensor, recipe: Recipe, rows: ExpertRows
) -> None:
    """Write to tiles of all rows: those of one expert, and of its gap."""
    zeros = by_token.new_zeros((rows.gap, by_token.shape[1]))
    padded = pad(torch.cat((by_token, zeros)), (0, -by_token.shape[1] % 4))
    tile = rows.first // _TILE * _TILE
    before = pad(padded, (0, 0, rows.first - tile, 0))
    mask = pad(torch.ones_like(padded), (0, 0, rows.first - tile, 0))
    tiles = layouts.place(before, recipe).view(torch.uint8)
    written = layouts.place(mask, recipe).view(torch.uint8) != 0
    start = tile * padded.shape[1]
    region = scales.view(torch.uint8).view(-1)[start : start + tiles.numel()]
    region.copy_(torch.where(written, tiles, region))


def _tiles_of(scales: Tensor, rows: ExpertRows, experts: Experts, num_groups: int) -> Tensor:
    """Return the bytes of an expert's tiles in one dimension, as many as its rows need."""
    columns = _rounded_up(num_groups, 4)
    needed = _rounded_up(rows.count, _TILE) * columns
    if experts.is_masked:
        return scales[rows.expert].view(torch.uint8).view(-1)[:needed]
    assert rows.first_scale is not None
    first = rows.first_scale * columns
    return scales.view(torch.uint8).view(-1)[first : first + needed]

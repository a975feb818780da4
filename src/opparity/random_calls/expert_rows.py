"""Random experts: as a router gives them, and numbers that none gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from opparity.formats import ExpertLayout, ScaleLayout
from opparity.operators.expert_checks import Experts
from opparity.operators.reference.experts import rows_of
from opparity.operators.sizes import rounded_up

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.formats import Recipe
    from opparity.operators.declaration import Operator
    from opparity.random_calls.draw import Draw

_COUNTS = (1, 2, 3, 4, 8, 16, 32, 128, 256)
_MOST_EXPERTS = 1024
_MOST = 2**31 - 1
_TILE = 128


def draw_experts(draw: Draw, operator: Operator, recipe: Recipe, num_tokens: int) -> Experts:
    """Return random experts of so many rows, or of fewer where they are masked.

    Of an operator that returns tensors every row is valid, since it says nothing of others.
    """
    layout = operator.experts or draw.choose(tuple(ExpertLayout))
    count = _MOST_EXPERTS if draw.happens(0.02) else draw.choose(_COUNTS)
    if layout is ExpertLayout.TOKENS:
        count = 1
    room = num_tokens
    if layout is ExpertLayout.MASKED:
        count = min(count, max(1, num_tokens))
        room = num_tokens // count
    multiple = 1
    if layout in (ExpertLayout.PSUM, ExpertLayout.TOKENS):
        multiple = draw.choose((1, 2, 8, 100, 128))
    if not operator.mutates:
        rows = _every_row(draw, layout, count, room, multiple)
    elif draw.happens(0.25):
        rows = _hostile(draw, count + (layout is ExpertLayout.OFFSETS), room)
    else:
        rows = _usual(draw, layout, count, room, multiple)
    experts = Experts(layout, rows.to(torch.int32), count, room, multiple, None)
    if layout is not ExpertLayout.OFFSETS or recipe.layout is not ScaleLayout.SWIZZLE_128X4:
        return experts
    is_required = operator.experts is not None
    return _with_scale_offsets(draw, experts) if is_required or draw.happens(0.5) else experts


def rows_in_all(experts: Experts) -> int:
    """Return how many rows there are, valid or not."""
    return experts.room * experts.count if experts.is_masked else experts.room


def valid_rows(experts: Experts) -> int:
    """Return how many rows are some expert's."""
    return sum(rows.count for rows in rows_of(experts, rows_in_all(experts)))


def _every_row(draw: Draw, layout: ExpertLayout, count: int, room: int, multiple: int) -> Tensor:
    device = draw.device
    if layout is ExpertLayout.MASKED:
        return torch.full((count,), room, device=device)
    if layout is ExpertLayout.TOKENS:
        return torch.full((1,), -(-room // multiple), device=device)
    ends = draw.integers(0, room // multiple, count).sort().values * multiple
    ends[-1] = room
    if layout is ExpertLayout.PSUM:
        return ends
    return torch.cat((torch.zeros_like(ends[:1]), ends))


def _usual(draw: Draw, layout: ExpertLayout, count: int, room: int, multiple: int) -> Tensor:
    if layout is ExpertLayout.MASKED:
        return draw.integers(0, room, count)
    if layout is ExpertLayout.TOKENS:
        return draw.integers(0, -(-room // multiple), 1)
    return draw.integers(0, room, count + (layout is ExpertLayout.OFFSETS)).sort().values


def _hostile(draw: Draw, count: int, room: int) -> Tensor:
    """Return numbers in any order, below zero and beyond the rows there are."""
    numbers = draw.integers(-room, 2 * room, count)
    ends = torch.tensor((-_MOST - 1, _MOST, -1, room + 1), device=draw.device)
    chosen = ends[draw.integers(0, len(ends) - 1, count)]
    return torch.where(draw.integers(0, 3, count) == 0, chosen, numbers)


def _with_scale_offsets(draw: Draw, experts: Experts) -> Experts:
    """Return experts whose tiles of scales lie one after the other, in any order."""
    rows = rows_of(experts, experts.room)
    offsets, end = [0] * experts.count, 0
    for place in draw.shuffled(range(experts.count)):
        offsets[place] = end
        end += rounded_up(rows[place].count, _TILE)
    if draw.happens(0.25):
        # No two may share tiles, but any may have none.
        offsets[draw.between(0, experts.count - 1)] = draw.choose((-_TILE, -_MOST - 1, _MOST))
    if draw.happens(0.5):
        offsets.append(end)
    numbers = torch.tensor(offsets, dtype=torch.int32, device=draw.device)
    return replace(experts, scale_offsets=numbers).with_rows_of_tiles()

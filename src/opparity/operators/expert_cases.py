"""Experts' rows in cases: usual ones, and numbers that no router gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from opparity.formats import RECIPES, ExpertLayout, Recipe, ScaleLayout, ScaleRule
from opparity.operators.declaration import Role
from opparity.operators.expert_checks import Experts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from opparity.operators.case import Case
    from opparity.operators.declaration import Operator

_EXPERTS = 4
_MOST = 2**31 - 1
# Rows of the cases, which are as many for each expert.
NUM_TOKENS = 48
_MULTIPLES = {ExpertLayout.PSUM: 8, ExpertLayout.TOKENS: 3}

# By the seed: some rows, and numbers that are none.
_SOME: dict[ExpertLayout, tuple[list[int], ...]] = {
    ExpertLayout.MASKED: ([12, 0, 5, 1], [-3, _MOST, 13, -_MOST - 1]),
    ExpertLayout.OFFSETS: ([2, 9, 9, 40, 47], [-5, 10, 4, _MOST, 7]),
    ExpertLayout.PSUM: ([5, 19, 19, 41], [-1, 50, 20, _MOST]),
    ExpertLayout.TOKENS: ([7], [_MOST]),
}
_ALL: dict[ExpertLayout, list[int]] = {
    ExpertLayout.MASKED: [12, 12, 12, 12],
    ExpertLayout.OFFSETS: [0, 7, 7, 40, 48],
    ExpertLayout.PSUM: [8, 16, 16, 48],
    ExpertLayout.TOKENS: [16],
}
# Of rows, in turn; as many are no number, infinite or zero as a hostile router's would be.
_WEIGHTS = (
    *(0.5, 0.3333, -1.0, 0.0, -0.0, float("nan"), float("inf"), -float("inf")),
    *(1e-42, 3e38, 1.0, 0.0078125, -0.07, 7e-20, 0.9),
)
# In rows of tiles, of which there are 512.
_SCALE_OFFSETS = ([0, 128, 128, 384, 512], [-128, 256, 0, _MOST, 0])


def expert_arguments(
    case: Case, operator: Operator, found: dict[Role, Any], device: torch.device
) -> dict[Role, Any]:
    """Return a case's arguments that say where experts' rows are, and others in their shapes."""
    experts = experts_of(case, device, all_valid=not operator.mutates)
    scale = found[Role.SCALE]
    if scale is not None and case.recipe.rule is ScaleRule.GLOBAL:
        scale = scale * torch.tensor([1.0, 2.0, 0.5, 16.0], device=device)
        scale = scale[: experts.count]
    input = found[Role.INPUT]
    return {
        Role.INPUT: input.unflatten(0, (_EXPERTS, -1)) if experts.is_masked else input,
        Role.ROWS: experts.rows,
        Role.EXPERTS: str(experts.layout),
        Role.MULTIPLE: experts.multiple,
        Role.SCALE_OFFSETS: experts.scale_offsets,
        Role.SCALE: scale,
        Role.ROW_WEIGHTS: _weights(case, experts, device) if case.weighs else None,
    }


def _weights(case: Case, experts: Experts, device: torch.device) -> Tensor:
    """Return a weight for each row."""
    weights = torch.tensor(_WEIGHTS, device=device).repeat(case.num_tokens)[: case.num_tokens]
    return weights.unflatten(0, (_EXPERTS, -1)) if experts.is_masked else weights


def experts_of(case: Case, device: torch.device, *, all_valid: bool) -> Experts:
    """Return where a case's experts' rows are."""
    layout = case.experts
    assert layout is not None
    rows = _ALL[layout] if all_valid else _SOME[layout][case.seed % 2]
    count = {ExpertLayout.TOKENS: 1}.get(layout, _EXPERTS)
    room = case.num_tokens // _EXPERTS if layout is ExpertLayout.MASKED else case.num_tokens
    offsets = None
    if layout is ExpertLayout.OFFSETS and case.recipe.layout is ScaleLayout.SWIZZLE_128X4:
        offsets = _numbers(_SCALE_OFFSETS[case.seed % 2], device)
    multiple = _MULTIPLES.get(layout, 1)
    experts = Experts(layout, _numbers(rows, device), count, room, multiple, offsets)
    return experts.with_rows_of_tiles() if offsets is not None else experts


def _numbers(numbers: list[int], device: torch.device) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int32, device=device)


def recipes_of_experts() -> Iterator[Recipe]:
    """Yield recipes whose scales have each format and layout, and one each by token and by none."""
    for name in ("fp8_block", "mxfp8", "mxfp4", "nvfp4", "fp8_tensor", "fp8_token", "none"):
        yield RECIPES[name]
    yield RECIPES["deepgemm"]
    yield RECIPES["mxfp8"].with_layout(ScaleLayout.COLUMN_MAJOR_PADDED)
    yield RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR)

"""The checks of tensors that scales are written to, layout by layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.formats import Recipe, ScaleLayout, ScaleRule
from opparity.operators.declaration import Role
from opparity.operators.recipes import scale_dtypes
from opparity.operators.sizes import has_shape, holds, name_of, rounded_up, words

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.request import Request

TILE_TOKENS, TILE_GROUPS = 128, 4
GROUPS_OF_A_WORD = 4
# Bytes at whose multiples padded columns start.
ALIGNMENT = 16


def check(request: Request, recipe: Recipe, num_tokens: int, num_groups: int) -> Tensor | None:
    """Return the tensor for scales with the tokens in its first dimension; None for none.

    Raises:
        ArgumentRefused: for a dtype, shape or stride that the recipe's layout has not.
    """
    scales = request.tensor(Role.SCALES)
    if scales is None:
        return None
    name = request.names[Role.SCALES]
    if recipe.rule in (ScaleRule.GIVEN, ScaleRule.NONE):
        if not has_shape(scales, 0):
            request.refuse(
                f"{name} has shape {words(scales.shape)}; allowed: [0], since the recipe computes "
                "no scales; allocate it so"
            )
        return None
    given, dtypes = name_of(scales.dtype), scale_dtypes(recipe)
    if given not in dtypes:
        request.refuse(f"{name} has dtype {given}; allowed: {', '.join(dtypes)}; allocate it so")
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        _check_tiles(request, scales, num_tokens, num_groups)
        return scales
    if Role.IS_SCALE_TRANSPOSED in request.names:
        return _turned(request, scales, num_tokens, num_groups)
    columns, column_name = num_groups, "num_groups"
    if recipe.layout is ScaleLayout.PACKED:
        columns, column_name = rounded_up(num_groups, GROUPS_OF_A_WORD) // GROUPS_OF_A_WORD, "words"
    _check_by_token(request, scales, num_tokens, columns, f"[num_tokens, {column_name}]")
    if Role.RECIPE in request.names or recipe.layout is ScaleLayout.PACKED:
        _check_strides(request, recipe, scales)
    else:
        _check_separate(request, scales, scales)
    return scales


def check_rows(request: Request, role: Role, tensor: Tensor) -> None:
    """Check that rows lie apart and without gaps inside."""
    rows, columns = tensor.shape
    if (holds(columns > 1) and holds(tensor.stride(1) != 1)) or (
        holds(rows > 1) and holds(tensor.stride(0) < columns)
    ):
        request.refuse(
            f"{request.names[role]} has strides {words(tensor.stride())}; allowed: 1 in the last "
            f"dimension and at least {columns} in the first; allocate it so"
        )


def _check_by_token(
    request: Request, scales: Tensor, num_tokens: int, columns: int, meaning: str
) -> None:
    if not has_shape(scales, num_tokens, columns):
        request.refuse(
            f"{request.names[Role.SCALES]} has shape {words(scales.shape)}; allowed: "
            f"{words((num_tokens, columns))}, {meaning}; allocate it so"
        )


def _check_strides(request: Request, recipe: Recipe, scales: Tensor) -> None:
    """Check that scales [num_tokens, columns] lie as a recipe's layout says."""
    if recipe.layout is ScaleLayout.ROW_MAJOR:
        check_rows(request, Role.SCALES, scales)
        return
    rows, columns = scales.shape
    multiple = 1
    if recipe.layout is not ScaleLayout.COLUMN_MAJOR:
        multiple = ALIGNMENT // scales.element_size()
    step = scales.stride(1)
    if (holds(rows > 1) and holds(scales.stride(0) != 1)) or (
        holds(columns > 1) and (holds(step < rows) or holds(step % multiple != 0))
    ):
        aligned = "" if multiple == 1 else f" and a multiple of {multiple}"
        request.refuse(
            f"{request.names[Role.SCALES]} has strides {words(scales.stride())}; allowed: 1 in the "
            f"first dimension and at least {rows}{aligned} in the last; allocate it so"
        )


def _check_tiles(request: Request, scales: Tensor, num_tokens: int, num_groups: int) -> None:
    """Check memory for whole tiles; whatever its shape, the bytes are one list."""
    name = request.names[Role.SCALES]
    needed = rounded_up(num_tokens, TILE_TOKENS) * rounded_up(num_groups, TILE_GROUPS)
    given = scales.numel() * scales.element_size()
    if holds(given != needed):
        request.refuse(
            f"{name} has {given} bytes; allowed: {needed}, tiles of {TILE_TOKENS} tokens and "
            f"{TILE_GROUPS} groups; allocate it so"
        )
    if not scales.is_contiguous():
        request.refuse(
            f"{name} has strides {words(scales.stride())}; allowed: contiguous memory; "
            "allocate it so"
        )


def _turned(request: Request, scales: Tensor, num_tokens: int, num_groups: int) -> Tensor:
    """Return scales as [num_tokens, num_groups], whichever way round they came.

    The strides are asked before the shapes: comparing tokens with groups would tie a trace to
    their being different.
    """
    if not request.arguments[Role.IS_SCALE_TRANSPOSED]:
        _check_by_token(request, scales, num_tokens, num_groups, "[num_tokens, num_groups]")
        _check_separate(request, scales, scales)
        return scales
    two = scales.dim() == 2  # noqa: PLR2004
    by_group = has_shape(scales, num_groups, num_tokens) if two and _rows_first(scales) else False
    if not by_group and not has_shape(scales, num_tokens, num_groups):
        by_group = has_shape(scales, num_groups, num_tokens)
        if not by_group:
            request.refuse(
                f"{request.names[Role.SCALES]} has shape {words(scales.shape)}; allowed: "
                f"{words((num_groups, num_tokens))}, [num_groups, num_tokens], "
                "or the transposed view of such a tensor; allocate it so"
            )
    view = scales.t() if by_group else scales
    if holds(num_tokens > 1) and holds(num_groups > 1) and holds(view.stride(0) > view.stride(1)):
        request.refuse(
            f"{request.names[Role.SCALES]} has strides {words(scales.stride())} and "
            "is_scale_transposed is True; allowed: a group's scales next to each other; "
            "pass the transposed view of a [num_groups, num_tokens] tensor"
        )
    _check_separate(request, scales, view)
    return view


def _rows_first(scales: Tensor) -> bool:
    return holds(scales.stride(0) >= scales.stride(1))


def _check_separate(request: Request, scales: Tensor, view: Tensor) -> None:
    """Check that no two scales share memory: the inner dimension ends before the outer's step."""
    if holds(view.numel() == 0):
        return
    extents = [
        (stride, size)
        for stride, size in zip(view.stride(), view.shape, strict=True)
        if not holds(size <= 1)
    ]
    if len(extents) == 2 and holds(extents[0][0] > extents[1][0]):  # noqa: PLR2004
        extents.reverse()
    reach = 0
    for stride, size in extents:
        if holds(stride <= reach):
            request.refuse(
                f"{request.names[Role.SCALES]} has strides {words(scales.stride())}, so that "
                "elements share memory; allowed: a place for each scale; allocate it so"
            )
        reach += stride * (size - 1)

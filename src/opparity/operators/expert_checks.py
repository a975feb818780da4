"""The checks of experts' rows and scales; native/operators/experts.cpp has the same words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.formats import ExpertLayout, Recipe, ScaleLayout, ScaleRule
from opparity.operators import scale_checks
from opparity.operators.declaration import Role
from opparity.operators.recipes import scale_dtypes
from opparity.operators.scale_checks import TILE_GROUPS, TILE_TOKENS
from opparity.operators.sizes import has_shape, holds, name_of, rounded_up, words

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.request import Request

# A block of a GPU's threads keeps where each begins.
MOST_EXPERTS = 1024
_MOST_MULTIPLE = 2**31 - 1
_THREE = 3


@dataclass(frozen=True, slots=True)
class Experts:
    """Where experts' rows and scales are, as a request says it.

    Attributes:
        rows: int32 numbers on the device, as the layout has them.
        count: how many experts.
        room: how many rows each has where they are masked; otherwise all rows.
        multiple: what a first row is a multiple of (PSUM), or rows of a token (TOKENS).
        scale_offsets: at which row of scales each expert's begin; None where scales lie as rows do.
        scale_rows: how many rows of scales there is room for, with scale_offsets.
    """

    layout: ExpertLayout
    rows: Tensor
    count: int
    room: int
    multiple: int
    scale_offsets: Tensor | None
    scale_rows: int = 0

    @property
    def is_masked(self) -> bool:
        """Whether each expert has a tensor of its own, as long as any other's."""
        return self.layout is ExpertLayout.MASKED

    def with_rows_of_tiles(self) -> Experts:
        """Return the same with as many rows of scales as suffice, however the rows are shared."""
        most = self.room + (TILE_TOKENS - 1) * self.count
        return replace(self, scale_rows=most // TILE_TOKENS * TILE_TOKENS)


def flattened(request: Request) -> tuple[Request, Experts | None]:
    """Return a request with all experts' rows in one list, and where they are.

    Raises:
        ArgumentRefused: for tensors that no expert layout has.
    """
    if request.tensor(Role.ROWS) is None:
        return request, None
    layout = _layout_of(request)
    arguments = dict(request.arguments)
    if layout is ExpertLayout.MASKED:
        for role in (Role.INPUT, Role.VALUES):
            if role in request.arguments:
                arguments[role] = _one_list(request, role)
    rows = _check_numbers(request, Role.ROWS)
    count = _count_of(request, layout, rows)
    multiple = request.arguments.get(Role.MULTIPLE, 1)
    takes_multiple = layout in (ExpertLayout.PSUM, ExpertLayout.TOKENS)
    if not 1 <= multiple <= (_MOST_MULTIPLE if takes_multiple else 1):
        allowed = f"1 to {_MOST_MULTIPLE}" if takes_multiple else f"1 with {layout}"
        request.refuse(
            f"{request.names[Role.MULTIPLE]} is {multiple}; allowed: {allowed}; choose one"
        )
    offsets = None
    if request.arguments.get(Role.SCALE_OFFSETS) is not None:
        offsets = _check_scale_offsets(request, layout, count)
    # What is no list of rows is refused with the other checks of the input.
    tokens = (*request.input.shape, 0, 0)[1 if layout is ExpertLayout.MASKED else 0]
    experts = Experts(layout, rows, count, tokens, multiple, offsets)
    return replace(request, arguments=arguments), experts


def check_scales(
    request: Request, experts: Experts, recipe: Recipe, num_groups: int
) -> tuple[Experts, Tensor | None]:
    """Return where scales are, and the tensor to write them to, if there is one.

    Of masked experts its first dimension is the experts.

    Raises:
        ArgumentRefused: for scales that the layout has not.
    """
    if experts.scale_offsets is not None:
        return _check_rows_of_tiles(request, experts, recipe, num_groups)
    scales = request.tensor(Role.SCALES)
    has_none = recipe.rule in (ScaleRule.GIVEN, ScaleRule.NONE)
    if scales is None or not experts.is_masked or has_none:
        return experts, scale_checks.check(request, recipe, experts.room, num_groups)
    name, is_tiled = request.names[Role.SCALES], recipe.layout is ScaleLayout.SWIZZLE_128X4
    if (scales.dim() != _THREE and not (is_tiled and scales.dim() > 1)) or holds(
        scales.shape[0] != experts.count
    ):
        meaning = "..." if is_tiled else "num_tokens, num_groups or words"
        request.refuse(
            f"{name} has shape {words(scales.shape)}; allowed: [{experts.count}, {meaning}], "
            "an expert's scales after the other's; allocate it so"
        )
    # Not scales[0], which a tensor without elements may not have.
    first = scales.select(0, 0)
    own = replace(request, arguments={**request.arguments, Role.SCALES: first})
    scale_checks.check(own, recipe, experts.room, num_groups)
    reach = 1 + sum((n - 1) * s for n, s in zip(first.shape, first.stride(), strict=True))
    if holds(experts.count > 1) and holds(first.numel() > 0) and holds(scales.stride(0) < reach):
        request.refuse(
            f"{name} has strides {words(scales.stride())}; allowed: at least {reach} in the first "
            "dimension, an expert's scales after the other's; allocate it so"
        )
    return experts, scales


def check_row_weights(request: Request, experts: Experts) -> None:
    """Check that there is a weight for each row, if there are any.

    Raises:
        ArgumentRefused: for weights in another form.
    """
    weights = request.tensor(Role.ROW_WEIGHTS)
    if weights is None:
        return
    name, given = request.names[Role.ROW_WEIGHTS], name_of(weights.dtype)
    if given != "float32":
        request.refuse(f"{name} has dtype {given}; allowed: float32; cast it")
    masked = experts.is_masked
    sizes = (experts.count, experts.room) if masked else (experts.room,)
    meaning = "[num_experts, num_tokens]" if masked else "[num_tokens]"
    if not has_shape(weights, *sizes):
        request.refuse(
            f"{name} has shape {words(weights.shape)}; allowed: {words(sizes)}, {meaning}, a "
            "weight for each row; pass those"
        )
    if not weights.is_contiguous():
        request.refuse(
            f"{name} has strides {words(weights.stride())}; allowed: contiguous memory; call "
            "contiguous()"
        )


def _layout_of(request: Request) -> ExpertLayout:
    given = request.operator.experts or request.arguments[Role.EXPERTS]
    # Compared, not constructed: torch.compile cannot trace the making of an enumeration's member.
    for layout in ExpertLayout:
        if layout == given:
            return layout
    return request.refuse(f"experts is '{given}'; allowed: {', '.join(ExpertLayout)}; choose one")


def _one_list(request: Request, role: Role) -> Tensor:
    """Return [num_experts, num_tokens, width] as [num_experts * num_tokens, width]."""
    tensor: Tensor = request.arguments[role]
    name = request.names[role]
    if tensor.dim() != _THREE:
        request.refuse(
            f"{name} has {tensor.dim()} dimensions; allowed: 3, [num_experts, num_tokens, width], "
            "with masked experts; pass such a tensor"
        )
    count, tokens, _ = tensor.shape
    if role is not Role.INPUT:
        own = request.input.shape
        if holds(count != own[0]) or holds(tokens != own[1]):
            request.refuse(
                f"{name} has shape {words(tensor.shape)}; allowed: [{own[0]}, {own[1]}, ...], as "
                "the input; allocate it so"
            )
    apart = holds(count > 1) and holds(tokens > 1)
    if apart and holds(tensor.stride(0) != tokens * tensor.stride(1)):
        request.refuse(
            f"{name} has strides {words(tensor.stride())}; allowed: an expert's rows right after "
            "the other's; call contiguous()"
        )
    return tensor.flatten(0, 1)


def _check_numbers(request: Request, role: Role) -> Tensor:
    tensor: Tensor = request.arguments[role]
    name = request.names[role]
    if name_of(tensor.dtype) != "int32":
        request.refuse(f"{name} has dtype {name_of(tensor.dtype)}; allowed: int32; cast it")
    if tensor.dim() > 1 or (
        tensor.dim() == 1 and holds(tensor.shape[0] > 1) and holds(tensor.stride(0) != 1)
    ):
        request.refuse(
            f"{name} has shape {words(tensor.shape)} and strides {words(tensor.stride())}; "
            "allowed: one dimension of stride 1; call contiguous()"
        )
    return tensor


def _count_of(request: Request, layout: ExpertLayout, rows: Tensor) -> int:
    name, count = request.names[Role.ROWS], rows.numel()
    if layout is ExpertLayout.OFFSETS:
        count -= 1
    if layout is ExpertLayout.MASKED and holds(count != request.input.shape[0]):
        request.refuse(
            f"{name} has {rows.numel()} elements; allowed: {request.input.shape[0]}, one for each "
            "expert; pass those"
        )
    if layout is ExpertLayout.TOKENS and holds(count != 1):
        request.refuse(
            f"{name} has {rows.numel()} elements; allowed: 1, the number of tokens; pass that"
        )
    if holds(count < 1) or holds(count > MOST_EXPERTS):
        request.refuse(
            f"{name} has {rows.numel()} elements, of {count} experts; allowed: 1 to "
            f"{MOST_EXPERTS} experts; split the call"
        )
    return count


def _check_scale_offsets(request: Request, layout: ExpertLayout, count: int) -> Tensor:
    offsets = _check_numbers(request, Role.SCALE_OFFSETS)
    name = request.names[Role.SCALE_OFFSETS]
    if layout is not ExpertLayout.OFFSETS:
        request.refuse(
            f"{name} is given; allowed: None with {layout}, whose scales lie as its rows; "
            "leave it out"
        )
    given = offsets.numel()
    if holds(given != count) and holds(given != count + 1):
        request.refuse(
            f"{name} has {given} elements; allowed: {count} or {count + 1}, one for each expert; "
            "pass those"
        )
    return offsets


def _check_rows_of_tiles(
    request: Request, experts: Experts, recipe: Recipe, num_groups: int
) -> tuple[Experts, Tensor | None]:
    """Check tiles of 128 x 4 of which each expert's begin at a row that is given."""
    offsets_name = request.names[Role.SCALE_OFFSETS]
    if recipe.layout is not ScaleLayout.SWIZZLE_128X4:
        request.refuse(
            f"{offsets_name} is given; allowed: None with layout '{recipe.layout}', whose scales "
            "lie as its rows; leave it out, or take swizzle_128x4"
        )
    scales = request.tensor(Role.SCALES)
    columns = rounded_up(num_groups, TILE_GROUPS)
    if scales is None:
        return experts.with_rows_of_tiles(), None
    name, dtypes = request.names[Role.SCALES], scale_dtypes(recipe)
    if name_of(scales.dtype) not in dtypes:
        given = name_of(scales.dtype)
        request.refuse(f"{name} has dtype {given}; allowed: {', '.join(dtypes)}; allocate it so")
    given_bytes = scales.numel() * scales.element_size()
    if holds(given_bytes % columns != 0):
        request.refuse(
            f"{name} has {given_bytes} bytes; allowed: a multiple of {columns}, a row of tiles; "
            "allocate it so"
        )
    if not scales.is_contiguous():
        request.refuse(
            f"{name} has strides {words(scales.stride())}; allowed: contiguous memory; "
            "allocate it so"
        )
    return replace(experts, scale_rows=given_bytes // columns), scales

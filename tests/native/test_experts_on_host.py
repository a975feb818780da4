"""The GPU kernel for experts' rows, compiled for the host, between guards: every byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

import opparity
from kernel_calls import hard_rows, numbers_of, place_of, text_of
from kernel_variants import ORDERS, Variant
from opparity import Recipe, providers
from opparity.formats import (
    RECIPES,
    VALUE_FORMATS,
    ExpertLayout,
    Intermediate,
    ScaleLayout,
    ScaleRule,
)
from opparity.operators.allocation import allocate
from opparity.operators.case import given_scale
from opparity.operators.expert_checks import Experts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kernel_launches import Launcher

opparity.load()
OPS = torch.ops.opparity
_GUARD = 512
_POISON = 0xA5
_MOST = 2**31 - 1
NUM_TOKENS = 60
MULTIPLES = {ExpertLayout.PSUM: 8, ExpertLayout.TOKENS: 3}
# Usual numbers, numbers that no router gives, none, and more experts than a warp has lanes.
ROWS: dict[ExpertLayout, tuple[list[int], ...]] = {
    ExpertLayout.MASKED: ([7, 0, 20], [-3, _MOST, -_MOST - 1], [0] * 6, [1, 0] * 30),
    ExpertLayout.OFFSETS: ([2, 9, 9, 50], [-5, 33, 4, _MOST, 7], [8] * 4, [*range(59)]),
    ExpertLayout.PSUM: ([5, 19, 19, 41], [-1, 55, 20, _MOST], [0, 0], [*range(60)]),
    ExpertLayout.TOKENS: ([7], [_MOST], [-1], [20]),
}
TILES = ScaleLayout.SWIZZLE_128X4
RECIPES_TRIED = (
    RECIPES["fp8_block"],
    RECIPES["fp8_block_64"].with_layout(ScaleLayout.COLUMN_MAJOR),
    RECIPES["deepgemm"],
    RECIPES["mxfp8"].with_layout(TILES),
    RECIPES["nvfp4"].with_layout(TILES),
    RECIPES["mxfp4"],
    RECIPES["fp8_tensor"],
    RECIPES["fp8_token"],
    RECIPES["none"],
)
# Aligned, with a short last group and room behind it, and rows that end in between.
WIDTHS = {"kMedium": (1312, 2064), "kUnaligned": (330,)}


def calls() -> Iterator[tuple[ExpertLayout, Recipe, str, int, bool]]:
    turn = 0
    for recipe in RECIPES_TRIED:
        for layout in ExpertLayout:
            shape = ("kMedium", "kUnaligned")[turn % 3 == 1]
            yield layout, recipe, shape, turn, False
            turn += 1
    # Each recipe with weights, and those of rows in either shape.
    layouts = list(ExpertLayout)
    for turn, recipe in enumerate((*RECIPES_TRIED, RECIPES["fp8_token"], RECIPES["none"])):
        shape = ("kMedium", "kUnaligned")[turn % 3 == 1]
        yield layouts[turn % len(layouts)], recipe, shape, turn, True


def weights_of(experts: Experts, draw: torch.Generator) -> Tensor:
    """Return a weight for each row, some of which no router gives."""
    usual = torch.randn(NUM_TOKENS, generator=draw)
    special = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1e-42, 3e38, -0.3])
    chosen = special[torch.randint(0, len(special), (NUM_TOKENS,), generator=draw)]
    weights = torch.where(torch.rand(NUM_TOKENS, generator=draw) < 0.4, chosen, usual)
    return weights.unflatten(0, (experts.count, -1)) if experts.is_masked else weights


def variant_of(recipe: Recipe, dtype: str, shape: str, producer: str, width: int) -> Variant:
    group = None if recipe.by_token else recipe.group_size
    if recipe.by_token:
        shape = {"kUnaligned": "kUnalignedRow"}.get(shape, "kBlockRow")
        shape = "kWarpRow" if shape == "kBlockRow" and width <= 1024 else shape
    return Variant(
        producer,
        interleaved=False,
        input=dtype,
        intermediate=Intermediate.FLOAT32,
        value=recipe.value,
        group_size=group if isinstance(group, int) else None,
        rule=recipe.rule,
        byte=recipe.scale_is_byte,
        order=ORDERS.get(recipe.layout, "kStrided"),
        bound=False,
        tail=isinstance(group, int) and width % group != 0,
        shape=shape,
        by_token=recipe.by_token,
    )


def guarded(tensor: Tensor, offset: int) -> tuple[Tensor, Tensor]:
    """Return bytes full of poison, and a tensor of the same sizes and strides amid them."""
    size = tensor.element_size()
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    reach = reach if tensor.numel() else 0
    memory = torch.full((2 * _GUARD + offset + reach * size,), _POISON, dtype=torch.uint8)
    start = _GUARD + offset
    typed = memory[start : start + reach * size].view(tensor.dtype)
    return memory, typed.as_strided(tensor.shape, tensor.stride())


def experts_of(layout: ExpertLayout, recipe: Recipe, rows: list[int]) -> Experts:
    numbers = torch.tensor(rows, dtype=torch.int32)
    count = len(rows) - (layout is ExpertLayout.OFFSETS)
    room = NUM_TOKENS // count if layout is ExpertLayout.MASKED else NUM_TOKENS
    experts = Experts(layout, numbers, count, room, MULTIPLES.get(layout, 1), None)
    if layout is not ExpertLayout.OFFSETS or recipe.layout is not TILES:
        return experts
    offsets = [128 * (expert * 3 % (count + 1)) for expert in range(count)]
    if min(rows) < 0:
        # Two of them where no scales may go, and one where not all rows have room.
        offsets = [-128, _MOST, 512][:count]
        offsets += [384] * (count - len(offsets))
    return Experts(
        layout, numbers, count, room, 1, torch.tensor(offsets, dtype=torch.int32)
    ).with_rows_of_tiles()


def outputs(
    recipe: Recipe, hidden_size: int, input: Tensor, experts: Experts, offset: int
) -> dict[str, tuple[Tensor, Tensor]]:
    values, scales = allocate(recipe, NUM_TOKENS, hidden_size, input, experts)
    return {"values": guarded(values, offset), "scales": guarded(scales, 0)}


@pytest.mark.parametrize(("layout", "recipe", "shape", "turn", "weighs"), list(calls()))
def test_experts_rows_are_the_references_and_nothing_else_is_written(
    launcher: Launcher, layout: ExpertLayout, recipe: Recipe, shape: str, turn: int, weighs: bool
) -> None:
    producer = ("silu_and_mul", "gelu_and_mul", "identity")[turn % 3]
    dtype = ("bfloat16", "float16", "float32")[turn // 2 % 3]
    width = WIDTHS[shape][turn % len(WIDTHS[shape])]
    if recipe.by_token and turn % 2:
        width = 528
    if recipe.value == "float4_e2m1" and shape == "kMedium":
        # Rows of half as many bytes have to begin at multiples of 16 too.
        width = WIDTHS[shape][0]
    if shape == "kMedium" and dtype == "bfloat16" and producer != "identity":
        # The launches' chip has so few multiprocessors that all these are enough for a table.
        shape = "kTabled"
    variant = variant_of(recipe, dtype, shape, producer, width)
    if weighs:
        # Rounded before the weight, which then leaves no 16-bit number.
        variant = replace(variant, intermediate=list(Intermediate)[(turn + turn // 6) % 3])
    offset = getattr(torch, dtype).itemsize if shape == "kUnaligned" else 0
    kernel = None
    for seed, rows in enumerate(ROWS[layout]):
        experts = experts_of(layout, recipe, rows)
        draw = torch.Generator().manual_seed(seed)
        wide = width * (1 + (producer != "identity"))
        plain = hard_rows(NUM_TOKENS, wide, getattr(torch, dtype), draw)
        _, input = guarded(plain, offset)
        input.copy_(plain)
        scale = given_scale(recipe)
        given = None if scale is None else torch.tensor([scale])
        if given is not None and seed % 2 == 0:
            given = given * 2.0 ** torch.arange(experts.count)
        shaped = input.unflatten(0, (experts.count, -1)) if experts.is_masked else input
        expected = outputs(recipe, width, input, experts, offset)
        written = outputs(recipe, width, input, experts, offset)
        weights = weights_of(experts, draw) if weighs else None
        name = "quantize" if producer == "identity" else producer
        operator = getattr(OPS, f"{name}_experts").out
        with providers(force="reference"):
            operator(
                shaped, experts.rows, recipe.text, given, None, experts.scale_offsets,
                experts=str(layout), multiple=experts.multiple, row_weights=weights,
                intermediate=str(variant.intermediate),
                values=expected["values"][1], scales=expected["scales"][1],
            )  # fmt: skip
        numbers = numbers_of_call(variant, recipe, input, experts, written, given, width)
        numbers["row_weights"] = 0 if weights is None else weights.data_ptr()
        plan = launcher.plan(text_of(numbers))
        assert f"OPPARITY_SHAPE={variant.shape}" in plan.defines
        assert f"OPPARITY_ROW_WEIGHTS={int(weighs)}" in plan.defines
        kernel = kernel or launcher.compile(plan)
        assert len(plan.launches) == 1
        kernel(plan.launches[0])
        for output in ("values", "scales"):
            wrong = (expected[output][0] != written[output][0]).nonzero().flatten()
            assert not len(wrong), f"{output} of {rows}: {len(wrong)} bytes, first {int(wrong[0])}"


def numbers_of_call(
    variant: Variant,
    recipe: Recipe,
    input: Tensor,
    experts: Experts,
    written: dict[str, tuple[Tensor, Tensor]],
    given: Tensor | None,
    width: int,
) -> dict[str, int]:
    values, scales = written["values"][1], written["scales"][1]
    num_groups = recipe.groups_in(width)
    size = scales.element_size()
    steps = tuple(size * stride for stride in scales.stride()[-2:])
    place = place_of(variant.order, steps, experts.room, num_groups) if scales.numel() else {}
    padded = -(-num_groups // 4) * 4
    has_room = variant.order != "kStrided" and padded != num_groups
    place |= {"padded_tokens": 0, "padded_groups": padded if has_room else 0}
    scale_bytes = scales.stride(0) * size if experts.is_masked and scales.numel() else padded
    is_amax = recipe.rule is ScaleRule.AMAX
    least = torch.tensor(VALUE_FORMATS[recipe.value].minimum_scale if is_amax else 0.0)
    return numbers_of(variant, []) | {
        "num_tokens": NUM_TOKENS,
        "hidden_size": width,
        "input": input.data_ptr(),
        "input_row_bytes": input.stride(0) * input.element_size(),
        "values": values.data_ptr(),
        "values_row_bytes": values.stride(-2) * values.element_size(),
        "scales": scales.data_ptr() if scales.numel() else 0,
        "given_scale": 0 if given is None else given.data_ptr(),
        "least": int(least.view(torch.int32)) & 0xFFFFFFFF,
        "shape": -1,
        "experts": list(ExpertLayout).index(experts.layout),
        "rows": experts.rows.data_ptr(),
        "scale_offsets": 0 if experts.scale_offsets is None else experts.scale_offsets.data_ptr(),
        "count": experts.count,
        "room": experts.room,
        "multiple": experts.multiple,
        "scale_bytes": scale_bytes,
        "scale_rows": experts.scale_rows,
        "scale_step": int(given is not None and given.numel() > 1),
        **place,
    }


def test_an_expert_more_than_a_warp_has_lanes_is_found(launcher: Launcher) -> None:
    assert all(max(len(rows) for rows in ROWS[x]) > 32 for x in (
        ExpertLayout.MASKED, ExpertLayout.OFFSETS, ExpertLayout.PSUM
    ))  # fmt: skip
    assert launcher.argument_bytes < 1024

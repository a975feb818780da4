"""The GPU kernel of rows and columns, compiled for the host: every byte as the reference has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from kernel_calls import hard_rows, numbers_of, place_of, text_of
from kernel_memory import Memory, every_byte
from kernel_variants import ORDERS, Variant
from opparity.formats import RECIPES, VALUE_FORMATS, Intermediate, Recipe, ScaleLayout, ScaleRule
from opparity.operators import producer_named
from opparity.operators.reference import layouts, produce, quantise
from opparity.operators.reference.gradient import differentiate

if TYPE_CHECKING:
    from torch import Tensor

    from kernel_launches import Launcher

TRIED = (
    RECIPES["fp8_block"],
    RECIPES["mxfp8"],
    RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4),
    RECIPES["deepgemm"],
    RECIPES["fp8_block_64"].with_layout(ScaleLayout.COLUMN_MAJOR),
    RECIPES["int8_block"],
)
# Whole tiles, some that are not, and one in a corner; rows that end in between.
SIZES = {"kMedium": ((128, 256), (270, 144), (16, 16)), "kUnalignedRow": ((130, 131), (5, 9))}
CALLS = [
    (recipe, shape, number)
    for number, (recipe, shape) in enumerate((r, s) for r in TRIED for s in SIZES)
]


@pytest.mark.parametrize(("recipe", "shape", "number"), CALLS)
def test_rows_and_columns_are_the_references_and_nothing_else_is_written(
    launcher: Launcher, recipe: Recipe, shape: str, number: int
) -> None:
    dtype = ("bfloat16", "float16", "float32")[number % 3]
    producer = ("silu_and_mul", "identity", "gelu_and_mul")[number % 3]
    # Rounded products change hands in pairs.
    rounds = dtype != "float32" and number // 3 % 2 == 0
    intermediate = Intermediate.PRODUCT if rounds else Intermediate.FLOAT32
    group = recipe.group_size
    assert isinstance(group, int)
    kernels = {}
    for num_tokens, width in SIZES[shape]:
        tail = width % group != 0
        traits = Variant(
            producer, False, dtype, intermediate, recipe.value, group, recipe.rule,
            recipe.scale_is_byte, ORDERS.get(recipe.layout, "kStrided"), False, tail, shape,
        )  # fmt: skip
        numbers, memories = prepare(traits, recipe, num_tokens, width, number)
        plan = launcher.plan(text_of(numbers))
        assert f"OPPARITY_SHAPE={shape}" in plan.defines
        if tail not in kernels:
            kernels[tail] = launcher.compile(plan)
        kernels[tail](plan.launches[0])
        wrong = {name: memory.difference() for name, memory in memories.items()}
        assert not any(wrong.values()), (num_tokens, width, wrong)


# As many columns of a gradient as there are of gates and ups; in halves these are whole groups, and
# a tile may have some of both. Last, how gates and ups lie, if there are any.
GRADIENTS = [
    ("silu_and_mul", ((128, 256), (270, 384), (16, 128)), False),
    ("situ_and_mul", ((130, 256), (5, 768)), True),
    ("swigluoai_and_mul", ((70, 144), (16, 16)), True),
    ("relu_squared", ((130, 144), (128, 256)), False),
]


@pytest.mark.parametrize("recipe", [r for r in TRIED if r.group_size in (32, 64)], ids=str)
@pytest.mark.parametrize(("name", "sizes", "interleaved"), GRADIENTS, ids=str)
@pytest.mark.parametrize("number", range(3))
def test_rows_and_columns_of_a_gradient_are_the_references(
    launcher: Launcher,
    recipe: Recipe,
    name: str,
    sizes: tuple[tuple[int, int], ...],
    number: int,
    *,
    interleaved: bool,
) -> None:
    dtype = ("bfloat16", "float16", "float32")[number]
    intermediate = Intermediate.PRODUCT if number == 0 else Intermediate.FLOAT32
    group = recipe.group_size
    assert isinstance(group, int)
    for num_tokens, width in sizes:
        shape = "kUnalignedRow" if number == 1 else "kMedium"
        traits = Variant(
            name, interleaved, dtype, intermediate, recipe.value, group, recipe.rule,
            recipe.scale_is_byte, ORDERS.get(recipe.layout, "kStrided"), False,
            width % group != 0, shape, gradient=("bfloat16", "float32", "float32")[number],
            quantises=True,
        )  # fmt: skip
        if number == 1:
            traits = replace(traits, gradient="float16")
        numbers, memories = prepare(traits, recipe, num_tokens, width, number)
        plan = launcher.plan(text_of(numbers))
        assert f"OPPARITY_SHAPE={shape}" in plan.defines
        launcher.compile(plan)(plan.launches[0])
        wrong = {key: memory.difference() for key, memory in memories.items()}
        assert not any(wrong.values()), (num_tokens, width, wrong)


def prepare(
    traits: Variant, recipe: Recipe, num_tokens: int, width: int, seed: int
) -> tuple[dict[str, int], dict[str, Memory]]:
    """Return a call's numbers for launches.cpp, and its memory; the width is the output's."""
    draw, producer = torch.Generator().manual_seed(seed), producer_named(traits.producer)
    dtype = getattr(torch, traits.input)
    offset = dtype.itemsize if traits.shape == "kUnalignedRow" else 0
    parameters = [p.default or 1.0 for p in producer.parameters]
    numbers = numbers_of(traits, parameters) | {"num_tokens": num_tokens, "hidden_size": width}
    if traits.gradient is None:
        input = hard_rows(num_tokens, width * (1 + producer.gated), dtype, draw)
        memories = {"input": memory_of(input, offset)}
        products = produce(input, producer, intermediate=traits.intermediate)
    else:
        input = hard_rows(num_tokens, width, dtype, draw)
        like = getattr(torch, traits.gradient)
        gradient = hard_rows(num_tokens, width // (1 + producer.gated), like, draw)
        memories = {"input": memory_of(input, offset), "gradient": memory_of(gradient, offset)}
        numbers["gradient_row_bytes"] = memories["gradient"].strides[0]
        products = differentiate(
            gradient, input, producer, parameters, interleaved=traits.interleaved
        )
        if traits.intermediate is Intermediate.PRODUCT:
            products = products.to(dtype).float()
    for memory in memories.values():
        memory.bytes.copy_(memory.expected)
    is_amax = recipe.rule is ScaleRule.AMAX
    least = torch.tensor(VALUE_FORMATS[recipe.value].minimum_scale if is_amax else 0.0)
    numbers["least"] = int(least.view(torch.int32)) & 0xFFFFFFFF
    for prefix, part in (("", products), ("column_", products.t().contiguous())):
        values, stored = quantise(part, recipe)
        assert stored is not None
        memories[f"{prefix}values"] = memory_of(values, offset)
        placed = layouts.place(stored, recipe)
        written = layouts.place(every_byte(stored), recipe)
        if traits.order == "kInTiles":
            written = torch.ones(written.shape, dtype=torch.uint8)
        memories[f"{prefix}scales"] = Memory.of_scales(placed, written)
        steps = tuple(placed.element_size() * stride for stride in placed.stride())
        place = place_of(traits.order, steps, len(part), stored.shape[1])
        numbers |= {f"{prefix}{name}": number for name, number in place.items()}
    for name, memory in memories.items():
        numbers[name] = memory.address
    numbers |= {
        "shape": -1,
        "input_row_bytes": memories["input"].strides[0],
        "values_row_bytes": memories["values"].strides[0],
        "column_row_bytes": memories["column_values"].strides[0],
    }
    return numbers, memories


def memory_of(rows: Tensor, offset: int) -> Memory:
    return Memory.of_rows(rows, rows.shape[1] * rows.element_size() + (offset or 16), offset=offset)

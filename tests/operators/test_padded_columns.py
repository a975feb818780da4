"""Scales whose columns are padded: what is written, what is left alone, and what is allocated."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import opparity
from opparity import Recipe, ScaleLayout, providers
from opparity.formats import RECIPES
from opparity.operators.fillings import Filling, make_input

POISON = 0xA5
COLUMNS, PACKED = ScaleLayout.COLUMN_MAJOR_PADDED, ScaleLayout.PACKED
every_recipe = pytest.mark.parametrize(
    "recipe",
    [
        *(RECIPES[name].with_layout(COLUMNS) for name in ("fp8_block_64", "mxfp8", "deepgemm")),
        *(RECIPES[name].with_layout(PACKED) for name in ("mxfp8", "deepgemm")),
    ],
    ids=str,
)
# None, below a multiple, the multiples of 4 and 16 themselves, and above.
every_count = pytest.mark.parametrize("num_tokens", [0, 1, 3, 4, 15, 16, 17, 32])
every_width = pytest.mark.parametrize("num_groups", [1, 4, 5])
every_provider = pytest.mark.parametrize("provider", ["native", "reference"])


def input_of(recipe: Recipe, num_tokens: int, num_groups: int) -> Tensor:
    assert isinstance(recipe.group_size, int)
    width = num_groups * recipe.group_size
    input = make_input(Filling.ACTIVATIONS, max(num_tokens, 1), width, "bfloat16", 3)
    return input[:num_tokens, :width].contiguous()


def element_of(recipe: Recipe) -> torch.dtype:
    """Return the dtype of the tensor that holds scales."""
    if recipe.layout is PACKED:
        return torch.int32
    return torch.float8_e8m0fnu if recipe.scale_is_byte else torch.float32


def columns_of(recipe: Recipe, num_groups: int) -> int:
    return -(-num_groups // 4) if recipe.layout is PACKED else num_groups


def expected_memory(
    recipe: Recipe, num_tokens: int, num_groups: int, step: int, memory: Tensor
) -> Tensor:
    """Return what memory holds after a call, by the row-major scales and docs/numerics.md."""
    expected = memory.clone()
    rows = opparity.quantize(
        input_of(recipe, num_tokens, num_groups), recipe.with_layout(ScaleLayout.ROW_MAJOR)
    ).scales
    size = rows.element_size()
    for token in range(num_tokens):
        for group in range(num_groups):
            scale = rows[token, group].reshape(1).view(torch.uint8)
            if recipe.layout is PACKED:
                word = (group // 4 * step + token) * 4
                if group % 4 == 0:
                    expected[word : word + 4] = 0
                expected[word + group % 4] = scale[0]
            else:
                place = (group * step + token) * size
                expected[place : place + size] = scale
    return expected


@every_provider
@every_recipe
@every_count
@every_width
def test_scales_are_written_and_what_lies_between_columns_is_left_alone(
    provider: str, recipe: Recipe, num_tokens: int, num_groups: int
) -> None:
    element = element_of(recipe)
    multiple = 16 // element.itemsize
    input = input_of(recipe, num_tokens, num_groups)
    padded = -(-max(num_tokens, 1) // multiple) * multiple
    for step in (padded, padded + multiple):
        columns = columns_of(recipe, num_groups)
        memory = torch.full(((columns + 1) * step * element.itemsize,), POISON, dtype=torch.uint8)
        expected = expected_memory(recipe, num_tokens, num_groups, step, memory)
        scales = memory.view(element).as_strided((num_tokens, columns), (1, step))
        values = torch.empty(input.shape, dtype=torch.float8_e4m3fn)
        with providers(force=provider):
            torch.ops.opparity.quantize.out(input, str(recipe), values=values, scales=scales)
        assert torch.equal(memory, expected)


@every_provider
@every_recipe
@every_count
@every_width
def test_new_columns_start_at_multiples_of_sixteen_bytes_and_end_with_the_last_token(
    provider: str, recipe: Recipe, num_tokens: int, num_groups: int
) -> None:
    with providers(force=provider):
        scales = opparity.quantize(input_of(recipe, num_tokens, num_groups), recipe).scales
    size, columns = scales.element_size(), columns_of(recipe, num_groups)
    step = scales.stride(1)
    assert (scales.shape, scales.dtype) == ((num_tokens, columns), element_of(recipe))
    assert (scales.stride(0), step * size % 16, scales.data_ptr() % 16) == (1, 0, 0)
    assert 0 <= step - max(num_tokens, 1) < 16 // size
    last = (columns - 1) * step + num_tokens if num_tokens else 0
    assert scales.untyped_storage().nbytes() == last * size

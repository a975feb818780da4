"""docs/experts.md's table of other projects' expert layouts, each served row by that description.

What a project keeps where is written here with plain torch: rows are quantised one by one, and
every scale is looked for at its offset in memory.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import Experts, providers
from opparity.formats import RECIPES, ScaleLayout

if TYPE_CHECKING:
    from collections.abc import Callable

opparity.load()
PAGE = Path(__file__).parents[2] / "docs" / "experts.md"
WIDTH = 640
GROUPS = WIDTH // 128
SERVED: dict[tuple[str, str], Callable[[], None]] = {}


def serves(project: str, layout: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def keep(shown: Callable[[], None]) -> Callable[[], None]:
        SERVED[project, layout] = shown
        return shown

    return keep


def numbers(*given: int) -> Tensor:
    return torch.tensor(given, dtype=torch.int32)


def rows(*leading: int) -> Tensor:
    return (torch.randn(*leading, WIDTH) * 4).bfloat16()


def fp8(row: Tensor) -> tuple[Tensor, list[float]]:
    """Return a row's codes, and a float32 scale for each 128 of its numbers."""
    groups = row.float().view(-1, 128)
    scales = groups.abs().amax(1) / 448
    codes = (groups * (1 / scales)[:, None]).clamp(-448, 448).to(torch.float8_e4m3fn)
    return codes.flatten(), scales.tolist()


def fp8_by_powers(row: Tensor) -> tuple[Tensor, list[int]]:
    """Return a row's codes, and for each 128 of its numbers the biased exponent of its scale."""
    groups = row.float().view(-1, 128)
    fraction, exponents = torch.frexp(groups.abs().amax(1) / 448)
    exponents = exponents - (fraction == 0.5).int()
    codes = (groups / 2.0 ** exponents[:, None]).to(torch.float8_e4m3fn)
    return codes.flatten(), (exponents + 127).tolist()


def mxfp4(row: Tensor) -> tuple[Tensor, list[int]]:
    """Return a row's codes, two a byte, and for each 32 of its numbers a biased exponent."""
    groups = row.float().view(-1, 32)
    bits = groups.abs().amax(1).view(torch.int32)
    exponents = ((bits + (1 << 21)) >> 23) - 2
    scaled = (groups / 2.0 ** (exponents - 127)[:, None]).flatten()
    codes = (scaled < 0).int() * 8
    for place, middle in enumerate((0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)):
        codes += (scaled.abs() > middle).int() + (scaled.abs() == middle).int() * (place % 2)
    return (codes[0::2] + 16 * codes[1::2]).to(torch.uint8), exponents.tolist()


def stored(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return all the memory of a tensor that was allocated for it, in one dimension."""
    return torch.empty(0, dtype=dtype).set_(tensor.untyped_storage())


def aligned(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def assert_masked(values: Tensor, input: Tensor, counts: Tensor) -> None:
    for expert, count in enumerate(counts.tolist()):
        for row in range(count):
            assert_same_bytes(values[expert, row], fp8(input[expert, row])[0])


@serves("DeepGEMM", "masked, sm_90")
def masked_for_sm_90() -> None:
    input, counts = rows(3, 6), numbers(6, 0, 2)
    recipe = RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR_PADDED)
    values, scales = opparity.quantize(input, recipe, experts=Experts.masked(counts))
    assert_masked(values, input, counts)
    memory, column = stored(scales, torch.float32), aligned(6, 4)
    for expert, count in enumerate(counts.tolist()):
        for row in range(count):
            first = expert * GROUPS * column + row
            found = memory[first : first + GROUPS * column : column].tolist()[:GROUPS]
            assert found == fp8(input[expert, row])[1]


def assert_words(scales: Tensor, row: int, exponents: list[int], column: int) -> None:
    """Check a row of words, whose lowest byte is the first of four groups."""
    memory = stored(scales, torch.uint8)
    for group, exponent in enumerate(exponents):
        assert memory[(group // 4 * column + row) * 4 + group % 4] == exponent


@serves("DeepGEMM", "masked, sm_100")
def masked_for_sm_100() -> None:
    input, counts = rows(3, 6), numbers(1, 6, 0)
    values, scales = opparity.quantize(input, "deepgemm", experts=Experts.masked(counts))
    column, words = aligned(6, 4), aligned(GROUPS, 4) // 4
    for expert, count in enumerate(counts.tolist()):
        for row in range(count):
            codes, exponents = fp8_by_powers(input[expert, row])
            assert_same_bytes(values[expert, row], codes)
            exponents += [0] * (4 * words - GROUPS)
            assert_words(scales, expert * words * column + row, exponents, column)


def experts_of_ends(ends: Tensor, multiple: int) -> list[tuple[int, int]]:
    """Return each expert's first row and its end, where the next begins at a multiple."""
    found, before = [], 0
    for end in ends.tolist():
        found.append((aligned(before, multiple), end))
        before = end
    return found


@serves("DeepGEMM", "psum, sm_90")
def psum_for_sm_90() -> None:
    input, ends = rows(90), numbers(5, 40, 70)
    recipe = RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR_PADDED)
    values, scales = opparity.quantize(input, recipe, experts=Experts.by_ends(ends, 32))
    memory, column = stored(scales, torch.float32), aligned(90, 4)
    for first, end in experts_of_ends(ends, 32):
        for row in range(first, end):
            codes, expected = fp8(input[row])
            assert_same_bytes(values[row], codes)
            assert memory[row::column].tolist()[:GROUPS] == expected
    for row in (*range(5, 32), *range(40, 64), *range(70, 90)):
        assert memory[row::column].tolist()[:GROUPS] == [0] * GROUPS


@serves("DeepGEMM", "psum, sm_100")
def psum_for_sm_100() -> None:
    input, ends = rows(90), numbers(5, 40, 70)
    values, scales = opparity.quantize(input, "deepgemm", experts=Experts.by_ends(ends, 32))
    for first, end in experts_of_ends(ends, 32):
        for row in range(first, end):
            codes, exponents = fp8_by_powers(input[row])
            assert_same_bytes(values[row], codes)
            assert_words(scales, row, [*exponents, 0, 0, 0], aligned(90, 4))
    for row in (*range(5, 32), *range(40, 64), *range(70, 90)):
        # Finite, and no NaN: 255.
        assert_words(scales, row, [0] * 8, aligned(90, 4))


@serves("TileKernels", "psum, with `topk_weights`")
def psum_with_weights() -> None:
    input, ends, weights = rows(40), numbers(9, 31), torch.rand(40)
    experts = Experts.by_ends(ends, 16).weighted(weights)
    values, scales = opparity.quantize(input, "fp8_block", experts=experts)
    for first, end in experts_of_ends(ends, 16):
        for row in range(first, end):
            codes, expected = fp8(input[row].float() * weights[row])
            assert_same_bytes(values[row], codes)
            assert stored(scales, torch.float32)[row * GROUPS :][:GROUPS].tolist() == expected


@serves("SGLang", "`masked_m`, float32 scales")
def masked_by_rows() -> None:
    input, counts = rows(4, 5), numbers(0, 5, 1, 3)
    values, scales = opparity.quantize(input, "fp8_block", experts=Experts.masked(counts))
    assert_masked(values, input, counts)
    memory = stored(scales, torch.float32)
    for expert, count in enumerate(counts.tolist()):
        for row in range(count):
            first = (expert * 5 + row) * GROUPS
            assert memory[first : first + GROUPS].tolist() == fp8(input[expert, row])[1]


# `transposed` is the same memory: [num_experts, words, num_tokens], where tokens are aligned.
SERVED["SGLang", "`masked_m`, `scale_ue8m0` and `transposed`"] = masked_for_sm_100


@serves("SGLang", "`masked_m`, a scale for each expert")
def masked_with_given_scales() -> None:
    input, counts, given = rows(3, 4), numbers(4, 0, 2), torch.tensor([0.5, 2.0, 0.25])
    experts = Experts.masked(counts)
    values, _ = opparity.quantize(input, "fp8_tensor", scale=given, experts=experts)
    for expert, count in enumerate(counts.tolist()):
        codes = (input[expert, :count].float() / given[expert]).clamp(-448, 448)
        assert_same_bytes(values[expert, :count], codes.to(torch.float8_e4m3fn))


@serves("AITER", "flat rows, `num_local_tokens`")
def first_rows_with_scales_by_groups() -> None:
    input, tokens = rows(24), numbers(5)
    recipe = RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR)
    experts = Experts.first_rows(tokens, top_k=3)
    values, scales = opparity.quantize(input, recipe, experts=experts)
    for row in range(15):
        codes, expected = fp8(input[row])
        assert_same_bytes(values[row], codes)
        assert stored(scales, torch.float32)[row::24].tolist() == expected


@serves("vLLM", "masked")
def masked_by_columns() -> None:
    input, counts = rows(3, 6), numbers(6, 0, 2)
    recipe = RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR)
    values, scales = opparity.quantize(input, recipe, experts=Experts.masked(counts))
    assert_masked(values, input, counts)
    memory = stored(scales, torch.float32).view(3, GROUPS, 6)
    for expert, count in enumerate(counts.tolist()):
        for row in range(count):
            assert memory[expert, :, row].tolist() == fp8(input[expert, row])[1]


SERVED["vLLM", "psum, before DeepGEMM"] = psum_for_sm_100


@serves("vLLM", "`num_valid_tokens` and `topk`")
def first_rows() -> None:
    input, tokens = rows(20), numbers(4)
    experts = Experts.first_rows(tokens, top_k=4)
    values, scales = opparity.quantize(input, "fp8_block", experts=experts)
    for row in range(16):
        codes, expected = fp8(input[row])
        assert_same_bytes(values[row], codes)
        assert stored(scales, torch.float32)[row * GROUPS :][:GROUPS].tolist() == expected


@serves("vLLM", "MXFP4 and NVFP4 experts")
def tiles_at_offsets() -> None:
    input, offsets, starts = rows(200), numbers(0, 150, 150, 170), numbers(0, 256, 384, 512)
    text = "float4_e2m1/32/float8_e8m0fnu/even/swizzle_128x4"
    experts = Experts.by_offsets(offsets, starts)
    values, scales = opparity.quantize(input, text, experts=experts)
    memory, columns = stored(scales, torch.uint8), WIDTH // 32
    for expert in range(3):
        first, end = offsets[expert : expert + 2].tolist()
        for row in range(first, end):
            codes, exponents = mxfp4(input[row])
            assert_same_bytes(values[row].view(torch.uint8), codes)
            own = row - first
            for group, exponent in enumerate(exponents):
                tile = (own // 128 * (columns // 4) + group // 4) * 512
                place = own % 32 * 16 + own % 128 // 32 * 4 + group % 4
                assert memory[int(starts[expert]) * columns + tile + place] == exponent


@serves("vLLM", "activations that quantise nothing")
def masked_without_a_recipe() -> None:
    input, counts = rows(3, 6), numbers(6, 0, 2)
    found = opparity.relu_squared(input, experts=Experts.masked(counts))
    for expert, count in enumerate(counts.tolist()):
        product = input[expert, :count].float().relu().square()
        assert_same_bytes(found[expert, :count], product.bfloat16())


@pytest.mark.parametrize("provider", ["native", "reference"])
@pytest.mark.parametrize("name", SERVED, ids=": ".join)
def test_a_layout_is_served_as_its_description_says(name: tuple[str, str], provider: str) -> None:
    with providers(force=provider):
        SERVED[name]()


def test_the_page_has_these_rows_and_a_reason_for_each_other() -> None:
    section = PAGE.read_text("utf-8").split("## Layouts of other projects")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    table = {(one.strip(), two.strip()): rest[0].strip() for one, two, *rest in lines[2:]}
    served = {name for name, how in table.items() if how.startswith("`Experts.")}
    assert served == set(SERVED)
    others = [how for name, how in table.items() if name not in served]
    assert all(re.match(r"not served: .{20}|every row: ", how) for how in others), others

"""DeepGEMM itself on what Opparity wrote, on a Hopper GPU with the package deep_gemm."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

import opparity
from opparity import Experts
from opparity.formats import ScaleLayout
from opparity.nn import BlockFP8Linear, ask_for_product
from opparity.nn.products import deep_gemm, exact

pytestmark = pytest.mark.gpu
GPU = torch.device("cuda", 0)
RECIPE = opparity.RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR_PADDED)
WIDTH, COLUMNS = 1024, 384


@pytest.fixture
def package() -> Any:  # noqa: ANN401 -- a package that is not installed where mypy runs
    """Return DeepGEMM's package."""
    reason = deep_gemm.objection(GPU, WIDTH, COLUMNS)
    if reason is not None:
        pytest.skip(f"{reason}; docs/development.md says where it ran")
    return import_module("deep_gemm")


def layer(width: int, columns: int) -> BlockFP8Linear:
    made = BlockFP8Linear.from_weight(torch.randn(columns, width).bfloat16()).to(GPU)
    ask_for_product(made, "deep_gemm")
    return made


def hidden(*shape: int) -> Tensor:
    return torch.randn(shape, device=GPU).bfloat16()


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Check sums of the same codes, whose order and float32 roundings DeepGEMM does not promise."""
    difference = (found.float() - expected.float()).abs().max()
    # bfloat16 rounds a result by 2**-9 of it at most; the rest is for the sums.
    assert difference <= 2**-7 * expected.float().abs().max()


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("rows", "width", "columns"),
    [(1, 256, 128), (4, 512, 384), (37, 7168, 2048), (2048, 2048, 512)],
)
def test_a_layer_gets_its_product(rows: int, width: int, columns: int) -> None:
    linear, x = layer(width, columns), hidden(rows, width)
    found = linear(x)
    ask_for_product(linear, "exact")
    assert_near(found, linear(x))


@pytest.mark.usefixtures("package")
def test_compiled_and_in_a_graph_it_gives_the_same() -> None:
    linear, x = layer(512, 256), hidden(8, 512)
    expected = linear(x)
    compiled = torch.compile(linear, fullgraph=True, dynamic=True)
    assert torch.equal(compiled(x), expected)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.inference_mode():
        found = linear(x)
    x.copy_(hidden(8, 512))
    graph.replay()
    assert torch.equal(found, linear(x))


def experts_weights(count: int) -> tuple[Tensor, Tensor]:
    return opparity.quantize_weight(torch.randn(count, COLUMNS, WIDTH, device=GPU).bfloat16())


def assert_rows(found: Tensor, rows: Tensor, weights: tuple[Tensor, Tensor], expert: int) -> None:
    """Check an expert's results against the exact product of its rows alone."""
    values, scales = opparity.silu_and_mul(rows, "fp8_block")
    weight, weight_scales = weights[0][expert], weights[1][expert]
    assert_near(found, exact.multiply(values, scales, weight, weight_scales, torch.bfloat16))


def test_it_reads_masked_experts(package: Any) -> None:  # noqa: ANN401 -- as above
    x, weights = hidden(4, 150, 2 * WIDTH), experts_weights(4)
    counts = torch.tensor([150, 0, 1, 77], dtype=torch.int32, device=GPU)
    values, scales = opparity.silu_and_mul(x, RECIPE, experts=Experts.masked(counts))
    found = x.new_empty(4, 150, COLUMNS)
    package.fp8_m_grouped_gemm_nt_masked((values, scales), weights, found, counts, 57)
    for expert, count in enumerate(counts.tolist()):
        if count:
            assert_rows(found[expert, :count], x[expert, :count], weights, expert)


def test_it_reads_rows_that_name_their_expert(package: Any) -> None:  # noqa: ANN401 -- as above
    # Experts' rows begin at multiples of 128, and the rows between belong to none: -1.
    x, weights = hidden(512, 2 * WIDTH), experts_weights(3)
    parts = {0: slice(0, 128), 2: slice(128, 328), 1: slice(384, 385)}
    numbers = torch.full((512,), -1, dtype=torch.int32, device=GPU)
    for expert, part in parts.items():
        numbers[part] = expert
    values, scales = opparity.silu_and_mul(x, RECIPE)
    found = x.new_empty(512, COLUMNS)
    package.m_grouped_fp8_gemm_nt_contiguous((values, scales), weights, found, numbers)
    for expert, part in parts.items():
        assert_rows(found[part], x[part], weights, expert)


def test_it_reads_experts_by_their_ends(package: Any) -> None:  # noqa: ANN401 -- as above
    multiple = package.get_mk_alignment_for_contiguous_layout()
    x, weights = hidden(3 * multiple, 2 * WIDTH), experts_weights(3)
    ends = [multiple - 9, multiple + 1, 2 * multiple + 77]
    psum = torch.tensor(ends, dtype=torch.int32, device=GPU)
    experts = Experts.by_ends(psum, multiple)
    values, scales = opparity.silu_and_mul(x, RECIPE, experts=experts)
    found = x.new_empty(3 * multiple, COLUMNS)
    package.m_grouped_fp8_gemm_nt_contiguous(
        (values, scales), weights, found, psum, use_psum_layout=True
    )
    for expert, end in enumerate(ends):
        part = slice(expert * multiple, end)
        assert_rows(found[part], x[part], weights, expert)

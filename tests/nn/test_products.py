"""Products that this machine has no hardware or package for: what they hand over, and when."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

import opparity
from opparity.errors import ArgumentRefused
from opparity.nn import BlockFP8Linear, Int8Linear, MXFP8Linear, ask_for_product
from opparity.nn.products import deep_gemm, dequantised, microscaled_mm, product_named
from opparity.nn.products import hopper as hoppers
from opparity.operators.quantized import Quantized

if TYPE_CHECKING:
    from collections.abc import Callable

BLACKWELL, HOPPER = (10, 0), (9, 0)
GPU = torch.device("cuda", 0)


def quantised(kind: type[BlockFP8Linear | MXFP8Linear], rows: int, width: int) -> tuple[Any, ...]:
    weight = kind.from_weight(torch.randn(48 if kind is MXFP8Linear else 256, width))
    given = opparity.quantize(torch.randn(rows, width), weight.recipe)
    return given.values, given.scales, weight.weight, weight.weight_scales


@pytest.fixture
def blackwell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: BLACKWELL)


@pytest.fixture
def hopper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: HOPPER)


# --- MXFP8 by torch


def exponent(flat: Tensor, row: int, column: int, columns: int) -> int:
    """Return a scale by the formula in cuBLAS's documentation of its block scaling."""
    tile = row // 128 * ((columns + 3) // 4) + column // 4
    return int(flat[tile * 512 + row % 32 * 16 + row % 128 // 32 * 4 + column % 4])


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (33, 4), (128, 5), (200, 9), (300, 16)])
def test_tiles_lie_as_cublas_says_and_as_the_operators_write_them(rows: int, columns: int) -> None:
    x = torch.randn(rows, 32 * columns)
    scales = opparity.quantize(x, "mxfp8").scales
    flat = microscaled_mm.tiles(scales)
    assert flat.dtype == torch.float8_e8m0fnu
    codes, found = scales.view(torch.uint8), flat.view(torch.uint8)
    assert all(
        exponent(found, row, column, columns) == codes[row, column]
        for row in range(rows)
        for column in range(columns)
    )
    in_tiles = opparity.RECIPES["mxfp8"].with_layout(opparity.ScaleLayout.SWIZZLE_128X4)
    assert torch.equal(found, opparity.quantize(x, in_tiles).scales.view(torch.uint8))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_torchs_own_checks_take_what_microscaled_mm_hands_over(dtype: torch.dtype) -> None:
    # torch checks the arguments of a GPU's product without a GPU, where tensors have no contents.
    with FakeTensorMode():
        values = torch.empty(37, 160, device=GPU, dtype=torch.float8_e4m3fn)
        scales = torch.empty(37, 5, device=GPU, dtype=torch.float8_e8m0fnu)
        fewer = torch.empty(37, 4, device=GPU, dtype=torch.float8_e8m0fnu)
        weight = torch.empty(48, 160, device=GPU, dtype=torch.float8_e4m3fn)
        weight_scales = torch.empty(48, 5, device=GPU, dtype=torch.float8_e8m0fnu)
        found = microscaled_mm.multiply(values, scales, weight, weight_scales, dtype)
        assert found.shape == (37, 48)
        assert found.dtype == dtype
        with pytest.raises(RuntimeError, match="for MX scaling scale_a must have"):
            microscaled_mm.multiply(values, fewer, weight, weight_scales, dtype)


def test_what_microscaled_mm_hands_over_stands_for_the_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values, scales, weight, weight_scales = quantised(MXFP8Linear, 130, 160)

    def scaled_mm(left: Tensor, right: Tensor, *given: Any, **named: Any) -> Tensor:  # noqa: ANN401
        scale_a, recipe_a, scale_b, recipe_b = given
        assert recipe_a == recipe_b == functional.ScalingType.BlockWise1x32
        assert named["swizzle_a"] == named["swizzle_b"] == functional.SwizzleType.SWIZZLE_32_4_4
        factors = []
        for matrix, flat in ((left, scale_a), (right.t(), scale_b)):
            rows, columns = matrix.shape[0], matrix.shape[1] // 32
            codes = [[exponent(flat.view(torch.uint8), r, c, columns) for c in range(columns)]
                     for r in range(rows)]  # fmt: skip
            powers = torch.tensor(codes, dtype=torch.float64).sub(127).exp2()
            factors.append(matrix.double() * powers.repeat_interleave(32, 1))
        return (factors[0] @ factors[1].t()).to(named["output_dtype"])

    monkeypatch.setattr(functional, "scaled_mm", scaled_mm)
    found = microscaled_mm.multiply(values, scales, weight, weight_scales, torch.float32)
    expected = dequantised.multiply(values, scales, weight, weight_scales, torch.float32)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-3)


# --- DeepGEMM


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a package in DeepGEMM's place, which checks as its sources do, and multiplies."""

    def fp8_gemm_nt(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], out: Tensor) -> None:
        (values, scales), (weight, weight_scales) = left, right
        (rows, width), columns = values.shape, weight.shape[0]
        assert values.is_contiguous()
        assert weight.is_contiguous()
        assert scales.shape == (rows, width // 128)
        assert scales.dtype == torch.float32
        assert weight_scales.is_contiguous()
        assert weight_scales.shape == (columns // 128, width // 128)
        assert out.is_contiguous()
        # sm90_fp8_gemm_1d2d asks for it.
        assert out.dtype == torch.bfloat16
        out.copy_(dequantised.multiply(values, scales, weight, weight_scales, out.dtype))

    found: Any = ModuleType("deep_gemm")
    found.fp8_gemm_nt = fp8_gemm_nt
    monkeypatch.setitem(sys.modules, "deep_gemm", found)
    stand_in: ModuleType = found
    return stand_in


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("rows", [1, 4, 37])
def test_deep_gemm_gets_what_its_sources_ask_for(rows: int) -> None:
    values, scales, weight, weight_scales = quantised(BlockFP8Linear, rows, 384)
    found = deep_gemm.multiply(values, scales, weight, weight_scales, torch.bfloat16)
    expected = dequantised.multiply(values, scales, weight, weight_scales, torch.bfloat16)
    assert torch.equal(found, expected)


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_deep_gemm_makes_nothing_but_bfloat16(dtype: torch.dtype) -> None:
    given = quantised(BlockFP8Linear, 4, 384)
    with pytest.raises(ArgumentRefused, match=r"allowed: torch\.bfloat16, all that DeepGEMM makes"):
        deep_gemm.multiply(given[0], given[1], given[2], given[3], dtype)


@pytest.fixture
def on_hopper(monkeypatch: pytest.MonkeyPatch, package: ModuleType) -> BlockFP8Linear:
    """Return a layer whose CPU counts as a Hopper GPU with DeepGEMM."""
    del package
    row = product_named("deep_gemm")
    monkeypatch.setattr(hoppers, "objection", lambda *_: None)
    linear = BlockFP8Linear.from_weight(torch.randn(256, 384).bfloat16())
    ask_for_product(linear, "deep_gemm")
    assert linear.product is row
    return linear


def test_deep_gemm_is_compiled_without_a_break(on_hopper: BlockFP8Linear) -> None:
    compiled = torch.compile(on_hopper, fullgraph=True, dynamic=True)
    for tokens in (3, 8):
        x = torch.randn(tokens, 384).bfloat16()
        assert torch.equal(compiled(x), on_hopper(x))


def test_a_compiled_layer_says_so_where_deep_gemm_has_gone(
    on_hopper: BlockFP8Linear, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = torch.compile(on_hopper, fullgraph=True)
    x = torch.randn(4, 384).bfloat16()
    compiled(x)
    monkeypatch.setitem(sys.modules, "deep_gemm", None)
    with pytest.raises(ArgumentRefused, match="no package deep_gemm is installed; ask for another"):
        compiled(x)


def test_deep_gemm_multiplies_under_vmap(on_hopper: BlockFP8Linear) -> None:
    x = torch.randn(3, 5, 384).bfloat16()
    assert torch.equal(torch.func.vmap(on_hopper)(x), torch.stack([on_hopper(rows) for rows in x]))


# --- Who serves where


@pytest.mark.usefixtures("hopper")
def test_deep_gemm_says_why_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deep_gemm", None)
    assert deep_gemm.objection(GPU, 256, 256) == "no package deep_gemm is installed"
    monkeypatch.setitem(sys.modules, "deep_gemm", ModuleType("deep_gemm"))
    assert "has no fp8_gemm_nt; it needs CUDA 12.1" in (deep_gemm.objection(GPU, 256, 256) or "")

    for error, words in {
        OSError("undefined symbol: x"): "OSError: undefined symbol: x",
        ModuleNotFoundError("No module named 'tvm_ffi'", name="tvm_ffi"): (
            "ModuleNotFoundError: No module named 'tvm_ffi'"
        ),
    }.items():
        monkeypatch.setattr(deep_gemm, "import_module", Mock(side_effect=error))
        assert deep_gemm.objection(GPU, 256, 256) == f"deep_gemm does not load: {words}"


@pytest.mark.usefixtures("hopper", "package")
def test_deep_gemm_serves_hopper_in_whole_blocks() -> None:
    assert deep_gemm.objection(GPU, 256, 256) is None
    assert "whole blocks of 128" in (deep_gemm.objection(GPU, 192, 256) or "")
    assert "sm_90" in (microscaled_mm.objection(GPU, 256, 256) or "")


@pytest.mark.usefixtures("blackwell", "package")
def test_microscaled_mm_serves_blackwell_in_whole_groups() -> None:
    assert microscaled_mm.objection(GPU, 256, 256) is None
    assert "whole 16 rows" in (microscaled_mm.objection(GPU, 256, 250) or "")
    assert "on sm_90 alone" in (deep_gemm.objection(GPU, 256, 256) or "")


@pytest.mark.parametrize(
    ("kind", "name"), [(MXFP8Linear, "microscaled_mm"), (BlockFP8Linear, "deep_gemm")]
)
def test_on_a_cpu_neither_serves(kind: type[BlockFP8Linear | MXFP8Linear], name: str) -> None:
    linear = kind.from_weight(torch.randn(128, 256))
    with pytest.raises(ArgumentRefused, match="on NVIDIA alone; the device is cpu"):
        ask_for_product(linear, name)


def test_a_product_that_nobody_has_is_refused_by_the_function_that_was_asked() -> None:
    linear = BlockFP8Linear.from_weight(torch.randn(128, 256))
    with pytest.raises(ArgumentRefused, match=r"^ask_for_product: the product is exakt; allowed"):
        ask_for_product(linear, "exakt")


@pytest.mark.parametrize("layout", ["packed", "swizzle_128x4"])
def test_a_layer_refuses_scales_that_are_not_by_tokens_and_groups(layout: str) -> None:
    linear = MXFP8Linear.from_weight(torch.randn(64, 512))
    recipe = opparity.RECIPES["mxfp8"].with_layout(opparity.ScaleLayout(layout))
    given = opparity.quantize(torch.randn(256, 512), recipe)
    with pytest.raises(ArgumentRefused, match=f"{layout}'; allowed: 'mxfp8' with scales"):
        linear(given)


def test_a_layer_takes_scales_in_any_order_of_tokens_and_groups() -> None:
    linear = MXFP8Linear.from_weight(torch.randn(64, 512))
    x = torch.randn(37, 512)
    expected = linear(x)
    for layout in ("column_major", "column_major_padded"):
        recipe = opparity.RECIPES["mxfp8"].with_layout(opparity.ScaleLayout(layout))
        given: Quantized = opparity.quantize(x, recipe)
        assert torch.equal(linear(given), expected)


WRONG_SCALES = {
    "one for a row": lambda scales: scales[:, :1],
    "one row": lambda scales: scales[:1],
    "transposed": lambda scales: scales.t(),
    "integers": lambda scales: scales.int(),
    "doubles": lambda scales: scales.double(),
}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param(kind, change, id=f"{kind.__name__}, {name}")
        for kind in (BlockFP8Linear, MXFP8Linear, Int8Linear)
        for name, change in WRONG_SCALES.items()
        # One for a row is what int8 has.
        if (kind, name) != (Int8Linear, "one for a row")
    ],
)
def test_a_layer_refuses_scales_that_do_not_belong_to_the_values(
    kind: type[BlockFP8Linear | MXFP8Linear | Int8Linear], change: Callable[[Tensor], Tensor]
) -> None:
    linear = kind.from_weight(torch.randn(128, 512))
    values, scales = opparity.quantize(torch.randn(8, 512), linear.recipe)
    changed = change(scales)
    with pytest.raises(ArgumentRefused, match=r"the input's scales are .*; allowed for"):
        linear(Quantized(values, changed, linear.recipe))

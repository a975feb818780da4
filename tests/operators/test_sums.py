"""Operators that read the int32 sums of an int8 product: the bytes of scaling them first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import opparity
from kernel_calls import hard_sums
from operator_calls import assert_same_bytes
from opparity import Sums, providers
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, Intermediate
from opparity.nn.products import int8
from opparity.operators import ELEMENTWISE, sums_name
from opparity.operators.case import given_scale

if TYPE_CHECKING:
    from opparity.operators.declaration import Producer

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])
every_producer = pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda p: p.name)
DTYPES = ("bfloat16", "float16", "float32")
# One row's piece and several, with and without a rest, and rows of an odd width.
WIDTHS = (1, 33, 128, 500, 4616)


def drawn(tokens: int, width: int, seed: int, *, hostile: bool) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return hard_sums(tokens, width, draw, is_hostile=hostile)


def usual(tokens: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return sums and scales as products of int8 matrices have them."""
    sums = (torch.randn(tokens, width) * 30_000).int()
    return sums, torch.rand(tokens, 1) * 2e-3, torch.rand(width, 1) * 2e-2


def scaled(sums: Tensor, of_tokens: Tensor, of_columns: Tensor, dtype: str) -> Tensor:
    """Return what sums stand for by torch's own operations, step by step."""
    numbers = sums.float() * of_tokens
    numbers = numbers * of_columns.t()
    return numbers.to(getattr(torch, dtype))


def numbers_of(producer: Producer) -> dict[str, float]:
    return {p.name: 3.5 for p in producer.parameters if p.default is None}


def same(got: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> None:
    for one, other in zip(got, expected, strict=True):
        assert one.stride() == other.stride()
        assert_same_bytes(one.contiguous(), other.contiguous())


@every_producer
@pytest.mark.parametrize("recipe", ["int8_token", "fp8_block", "mxfp8", "fp8_tensor", "none"])
def test_it_gives_the_bytes_of_scaling_first(producer: Producer, recipe: str) -> None:
    plain = getattr(OPS, producer.name if producer.name != "identity" else "quantize")
    of_sums = getattr(OPS, sums_name(producer))
    scale = given_scale(RECIPES[recipe])
    given = None if scale is None else torch.tensor(scale)
    turns = [(w, d, i) for w in WIDTHS for d in DTYPES for i in Intermediate]
    for seed, (width, dtype, intermediate) in enumerate(turns):
        wide = width * (1 + producer.gated)
        sums, of_tokens, of_columns = drawn(5, wide, seed, hostile=seed % 2 == 1)
        named: dict[str, object] = {"intermediate": str(intermediate), **numbers_of(producer)}
        if producer.gated:
            named["interleaved"] = seed % 3 == 1
        numbers = scaled(sums, of_tokens, of_columns, dtype)
        got = of_sums(sums, of_tokens, of_columns, recipe, scale=given, dtype=dtype, **named)
        same(got, plain(numbers, recipe, scale=given, **named))


@both
def test_sums_at_the_ends_of_int32_are_rounded_to_even(provider: str) -> None:
    sums = torch.tensor([[-(2**31), 2**31 - 1, 2**24 + 1, 2**24 + 3, 2**25 + 2, 2**25 + 6, 0, -7]])
    expected = [-(2.0**31), 2.0**31, 2.0**24, 2.0**24 + 4, 2.0**25, 2.0**25 + 8, 0.0, -7.0]
    with providers(force=provider):
        found, _ = OPS.quantize_of_sums(
            sums.int(), torch.ones(1, 1), torch.ones(8, 1), "none", dtype="float32"
        )
    assert found.tolist() == [expected]


@both
def test_the_tokens_scale_comes_first_and_nothing_is_fused(provider: str) -> None:
    # In another order the first product would be infinite, or zero.
    sums = torch.tensor([[3, 3], [3, 3]], dtype=torch.int32)
    of_tokens = torch.tensor([[3e-38], [1e38]])
    of_columns = torch.tensor([[2e38], [3e-39]])
    with providers(force=provider):
        found, _ = OPS.quantize_of_sums(sums, of_tokens, of_columns, "none", dtype="float32")
    first = sums.float() * of_tokens
    assert_same_bytes(found, first * of_columns.t())
    assert found[0, 0] == pytest.approx(18.0, rel=1e-5)
    assert found[1, 0] == torch.inf


@both
@pytest.mark.parametrize("dtype", DTYPES)
def test_scales_that_are_no_numbers_give_what_numbers_would(provider: str, dtype: str) -> None:
    special = [torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1e-42, 3e38, -1.0]
    sums = torch.tensor([[0, 1, -1, 2**31 - 1, -(2**31), 77, 0, 5]] * 8, dtype=torch.int32)
    scales = torch.tensor(special).unsqueeze(1)
    with providers(force=provider):
        for recipe in ("none", "int8_token", "fp8_token"):
            got = OPS.quantize_of_sums(sums, scales, scales.flip(0), recipe, dtype=dtype)
            same(got, OPS.quantize(scaled(sums, scales, scales.flip(0), dtype), recipe))


@both
def test_rows_may_lie_apart_and_scales_in_wider_tensors(provider: str) -> None:
    sums, of_tokens, of_columns = drawn(6, 96, 3, hostile=False)
    apart = torch.full((6, 103), 7, dtype=torch.int32)
    apart[:, 3:99] = sums
    values = torch.full((6, 60), 0x55, dtype=torch.int8)
    written = torch.zeros(6, 1)
    with providers(force=provider):
        expected = OPS.silu_and_mul(scaled(sums, of_tokens, of_columns, "bfloat16"), "int8_token")
        OPS.silu_and_mul_of_sums.out(
            apart[:, 3:99], of_tokens, of_columns, "int8_token",
            values=values[:, 2:50], scales=written,
        )  # fmt: skip
    assert_same_bytes(values[:, 2:50].contiguous(), expected[0])
    assert_same_bytes(written, expected[1])
    assert bool((values[:, :2] == 0x55).all())
    assert bool((values[:, 50:] == 0x55).all())


@both
def test_no_tokens_are_answered(provider: str) -> None:
    empty = torch.empty(0, 64, dtype=torch.int32)
    with providers(force=provider):
        values, scales = OPS.silu_and_mul_of_sums(
            empty, torch.empty(0, 1), torch.ones(64, 1), "int8_token"
        )
        product, _ = OPS.quantize_of_sums(empty, torch.empty(0, 1), torch.ones(64, 1), "none")
    assert (values.shape, values.dtype, scales.shape) == ((0, 32), torch.int8, (0, 1))
    assert (product.shape, product.dtype) == ((0, 64), torch.bfloat16)


@every_producer
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_function_takes_sums_of_any_leading_dimensions(producer: Producer, dtype: str) -> None:
    name = "quantize" if producer.name == "identity" else producer.name
    function, numbers = getattr(opparity, name), numbers_of(producer)
    sums, of_tokens, of_columns = drawn(6, 128, 5, hostile=False)
    expected = function(scaled(sums, of_tokens, of_columns, dtype), "fp8_block_64", **numbers)
    shape = (3, 2)
    stand_for = Sums(of_tokens.unflatten(0, shape), of_columns, getattr(torch, dtype))
    found = function(sums.unflatten(0, shape), "fp8_block_64", sums=stand_for, **numbers)
    assert found.shape[:2] == shape
    assert found.recipe == RECIPES["fp8_block_64"]
    same((found.values.flatten(0, 1), found.scales.flatten(0, 1)), tuple(expected))
    one = Sums(of_tokens[0], of_columns, getattr(torch, dtype))
    row = function(sums[0], "fp8_block_64", sums=one, **numbers)
    assert_same_bytes(row.values, expected.values[0])


def test_the_function_without_a_recipe_returns_the_product_in_the_dtype() -> None:
    sums, of_tokens, of_columns = drawn(6, 128, 5, hostile=False)
    found = opparity.silu_and_mul(
        sums, intermediate="product", sums=Sums(of_tokens, of_columns, torch.float16)
    )
    numbers = scaled(sums, of_tokens, of_columns, "float16")
    assert_same_bytes(found, opparity.silu_and_mul(numbers, intermediate="product"))


def test_a_given_scale_and_a_bound_are_taken_with_sums() -> None:
    sums, of_tokens, of_columns = usual(6, 128)
    numbers, stand_for = (
        scaled(sums, of_tokens, of_columns, "bfloat16"),
        Sums(of_tokens, of_columns),
    )
    found = opparity.quantize(sums, "fp8_tensor", sums=stand_for, scale=0.5)
    same(tuple(found), tuple(opparity.quantize(numbers, "fp8_tensor", scale=0.5)))
    found = opparity.quantize(sums, "fp8_token", sums=stand_for, scale_ub=0.01)
    same(tuple(found), tuple(opparity.quantize(numbers, "fp8_token", scale_ub=0.01)))
    assert float(found.scales.max()) <= 0.01


SUMS = Sums(torch.ones(4, 1), torch.ones(64, 1))
INPUT = torch.ones(4, 64, dtype=torch.int32)


def test_what_the_function_cannot_ask_for_is_refused_in_its_name() -> None:
    experts = opparity.Experts.masked(torch.tensor([4], dtype=torch.int32))
    with pytest.raises(
        ArgumentRefused, match=r"^silu_and_mul: experts and sums are given; allowed"
    ):
        opparity.silu_and_mul(INPUT, "int8_token", sums=SUMS, experts=experts)
    with pytest.raises(ArgumentRefused, match=r"^silu_and_mul: sums is of type float; allowed: an"):
        opparity.silu_and_mul(INPUT, "int8_token", sums=1.0)  # type: ignore[call-overload]
    with pytest.raises(ArgumentRefused, match=r"^Sums: token_scales is of type list; allowed: a"):
        Sums([1.0], torch.ones(64, 1))  # type: ignore[arg-type]
    with pytest.raises(
        ArgumentRefused, match=r"^Sums: dtype is of type str; allowed: torch.float1"
    ):
        Sums(torch.ones(4, 1), torch.ones(64, 1), "bfloat16")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"^silu_and_mul: dtype is 'int8'; allowed: float16, bf"):
        opparity.silu_and_mul(INPUT, sums=Sums(SUMS.token_scales, SUMS.weight_scales, torch.int8))
    with pytest.raises(
        RuntimeError, match=r"^quantize: input has dtype float32; allowed: int32, t"
    ):
        opparity.quantize(INPUT.float(), "int8_token", sums=SUMS)
    with pytest.raises(RuntimeError, match=r"^silu_and_mul: token_scales has shape \[3, 1\]; all"):
        opparity.silu_and_mul(INPUT, sums=Sums(torch.ones(3, 1), SUMS.weight_scales))
    with pytest.raises(
        RuntimeError, match=r"^silu_and_mul: input has dtype int32; allowed: float16"
    ):
        opparity.silu_and_mul(INPUT, "int8_token")


def test_a_gradient_and_a_batch_are_refused() -> None:
    wants = torch.ones(4, 1, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"an operator of sums has no gradient; allowed: torch.no"
    ):
        opparity.silu_and_mul(INPUT, sums=Sums(wants, SUMS.weight_scales))
    with pytest.raises(
        RuntimeError, match=r"under torch.vmap; allowed: operators that read numbers"
    ):
        torch.vmap(lambda x: opparity.silu_and_mul(x, sums=SUMS))(INPUT.expand(2, 4, 64))


@pytest.mark.usefixtures("allclose_of_bytes")
@pytest.mark.parametrize("recipe", ["int8_token", "none", "fp8_block"])
def test_the_operators_pass_torchs_own_checks(recipe: str) -> None:
    sums, *scales = usual(5, 96)
    named: dict[str, object] = {"dtype": "float16", "intermediate": "product"}
    torch.library.opcheck(OPS.silu_and_mul_of_sums.default, (sums, *scales, recipe), named)
    values, written = OPS.silu_and_mul_of_sums(sums, *scales, recipe, **named)
    torch.library.opcheck(
        OPS.silu_and_mul_of_sums.out,
        (sums, *scales, recipe),
        named | {"values": values, "scales": written},
    )


def test_compiled_with_any_number_of_tokens_and_by_inductor() -> None:
    def function(sums: Tensor, of_tokens: Tensor, of_columns: Tensor) -> tuple[Tensor, ...]:
        stand_for = Sums(of_tokens, of_columns, torch.float16)
        quantized = opparity.silu_and_mul(sums, "int8_token", sums=stand_for)
        return (*quantized, opparity.gelu_and_mul(sums, sums=stand_for))

    compiled = torch.compile(function, fullgraph=True, dynamic=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for tokens in (40, 64, 133):
            given = drawn(tokens, 128, tokens, hostile=False)
            same(compiled(*given), function(*given))


@both
def test_sums_of_a_product_are_scaled_as_its_linear_layer_scales_them(provider: str) -> None:
    draw = torch.Generator().manual_seed(3)
    values = torch.randint(-128, 128, (20, 64), generator=draw, dtype=torch.int8)
    weight = torch.randint(-128, 128, (48, 64), generator=draw, dtype=torch.int8)
    sums = functional.linear(values.double(), weight.double()).int()
    of_tokens, of_rows = torch.rand(20, 1, generator=draw), torch.rand(48, 1, generator=draw)
    with providers(force=provider):
        found = int8.multiply(values, of_tokens, weight, of_rows, torch.bfloat16)
        expected, _ = OPS.quantize_of_sums(sums, of_tokens, of_rows, "none")
    assert_same_bytes(found, expected)

"""Rows and columns of one read: what a user sees of them, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import Quantized, providers
from opparity.formats import RECIPES, Intermediate, ScaleLayout
from opparity.operators import ELEMENTWISE, general_name

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])
GATED = [general_name(producer) for producer in ELEMENTWISE if producer.gated]
LAYOUTS = [RECIPES["mxfp8"].with_layout(layout) for layout in ScaleLayout]


def same(got: Quantized, expected: Quantized) -> None:
    assert got.scales.stride() == expected.scales.stride()
    for one, other in ((got.values, expected.values), (got.scales, expected.scales)):
        assert_same_bytes(one.contiguous(), other.contiguous())


@both
@pytest.mark.parametrize(
    "recipe", [*LAYOUTS, "fp8_block", "int8_block", "fp8_block_64", "deepgemm"], ids=str
)
@pytest.mark.parametrize("shape", [(256, 384), (37, 136), (130, 48), (1, 16)])
def test_columns_are_the_recipes_of_the_transposed_products(
    provider: str, recipe: opparity.Recipe | str, shape: tuple[int, int]
) -> None:
    input = torch.randn(shape[0], 2 * shape[1]) * 4
    with providers(force=provider):
        rows, columns = opparity.rows_and_columns(input, recipe, producer="silu_and_mul")
        # In float32 the product is not rounded.
        product = opparity.silu_and_mul(input)
        same(rows, opparity.silu_and_mul(input, recipe))
        same(columns, opparity.quantize(product.t().contiguous(), recipe))


@both
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("name", GATED)
def test_every_activation_has_columns(provider: str, name: str, *, interleaved: bool) -> None:
    # The last columns are no whole vectors; those of bfloat16 are in turns unless interleaved.
    input = (torch.randn(40, 2 * 566) * 4).bfloat16()
    numbers = {"limit": 7.0} if name == "silu_and_mul_with_clamp" else {}
    with providers(force=provider):
        rows, columns = opparity.rows_and_columns(
            input,
            "mxfp8",
            producer=name,
            intermediate="product",
            interleaved=interleaved,
            **numbers,
        )
        product = getattr(opparity, name)(
            input, intermediate="product", interleaved=interleaved, **numbers
        )
        same(rows, opparity.quantize(product, "mxfp8"))
        same(columns, opparity.quantize(product.t().contiguous(), "mxfp8"))


@both
def test_a_bound_is_one_of_columns_too(provider: str) -> None:
    input = torch.randn(64, 256) * 100
    with providers(force=provider):
        rows, columns = opparity.rows_and_columns(input, "fp8_block", scale_ub=0.25)
    assert rows.scales.max() == columns.scales.max() == 0.25


@both
def test_no_tokens_have_columns_of_nothing(provider: str) -> None:
    with providers(force=provider):
        rows, columns = opparity.rows_and_columns(torch.empty(0, 64), "mxfp8")
    assert rows.values.shape == (0, 64)
    assert columns.values.shape == (64, 0)
    assert columns.scales.shape == (64, 0)


def test_columns_dequantise_to_the_transposed_rows() -> None:
    input = torch.randn(3, 32, 128)
    rows, columns = opparity.rows_and_columns(input, "mxfp8")
    assert columns.shape == (128, 96)
    difference = rows.dequantize() - columns.dequantize().t()
    assert difference.abs().max() < 0.2 * input.abs().max()


REFUSED = {
    "nvfp4": "allowed: values of eight bits in groups of 32, 64 or 128",
    "mxfp4": "allowed: values of eight bits in groups of 32, 64 or 128",
    "fp8_tensor": "allowed: values of eight bits in groups of 32, 64 or 128",
    "fp8_token": "allowed: values of eight bits in groups of 32, 64 or 128",
    "none": "allowed: values of eight bits in groups of 32, 64 or 128",
    "float8_e4m3fn/256/float32/amax/row_major": "groups of 32, 64 or 128",
}


@both
@pytest.mark.parametrize("text", REFUSED)
def test_recipes_without_groups_of_tokens_are_refused(provider: str, text: str) -> None:
    with providers(force=provider), pytest.raises(RuntimeError) as caught:
        opparity.rows_and_columns(torch.randn(4, 256), text)
    assert REFUSED[text] in str(caught.value)
    assert f"recipe is '{text}'" in str(caught.value)


def test_a_gradient_a_batch_and_an_unknown_producer_are_refused() -> None:
    input = torch.randn(4, 64)
    with pytest.raises(ValueError, match="producer is 'rms_norm'; allowed: quantize, silu_and_mul"):
        opparity.rows_and_columns(input, "mxfp8", producer="rms_norm")
    with pytest.raises(RuntimeError, match="an operator of columns has no gradient"):
        opparity.rows_and_columns(input.clone().requires_grad_(), "mxfp8")
    with pytest.raises(RuntimeError, match="allowed: operators of all rows alone"):
        torch.vmap(lambda x: OPS.quantize_with_columns(x, "mxfp8"))(torch.randn(2, 4, 64))


def test_halves_of_what_has_none_do_not_alternate() -> None:
    with pytest.raises(
        ValueError, match="interleaved is True; allowed: False with quantize, which"
    ):
        opparity.rows_and_columns(torch.randn(4, 64), "mxfp8", interleaved=True)


@pytest.mark.usefixtures("allclose_of_bytes")
@pytest.mark.parametrize("recipe", LAYOUTS[:3], ids=str)
def test_the_operator_passes_torchs_own_checks(recipe: opparity.Recipe) -> None:
    torch.library.opcheck(
        OPS.silu_and_mul_with_columns.default,
        (torch.randn(64, 256), recipe.text),
        {"intermediate": "product"},
    )


def test_compiled_with_any_number_of_tokens() -> None:
    def function(input: Tensor) -> tuple[Tensor, ...]:
        rows, columns = opparity.rows_and_columns(
            input, "mxfp8", producer="silu_and_mul", intermediate=Intermediate.PRODUCT
        )
        return (*rows, *columns)

    compiled = torch.compile(function, fullgraph=True, dynamic=True, backend="aot_eager")
    with torch._dynamo.config.patch(error_on_recompile=True):
        # With one group of tokens torch compiles anew, as for any dimension of size 1.
        for num_tokens in (40, 64, 133):
            input = torch.randn(num_tokens, 128).bfloat16()
            for one, other in zip(compiled(input), function(input), strict=True):
                assert_same_bytes(one, other)

"""opparity's functions and what they return."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

import opparity
from operator_calls import INPUT_DTYPES, assert_same_bytes
from operator_calls import quantise as quantise_by
from opparity import Intermediate, Quantized, Recipe, ScaleLayout
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, accepted_recipes
from opparity.operators import ELEMENTWISE, general_name
from opparity.operators.case import given_scale
from opparity.operators.fillings import Filling, make_input

every_producer = pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda p: p.name)
QUANTISING = {text: recipe for text, recipe in RECIPES.items() if recipe.format is not None}


def input_of(producer: Any, tokens: int = 5, width: int = 256) -> Tensor:  # noqa: ANN401
    input = make_input(Filling.ACTIVATIONS, tokens, width, "bfloat16", 1)
    return input if producer.gated else input[:, :width].contiguous()


@every_producer
def test_signatures_and_documentation_are_those_of_the_table(producer: Any) -> None:  # noqa: ANN401
    function = getattr(opparity, general_name(producer))
    assert function.__name__ == general_name(producer)
    parameters = inspect.signature(function).parameters
    for number in producer.parameters:
        given = parameters[number.name]
        assert given.kind is inspect.Parameter.KEYWORD_ONLY
        expected = inspect.Parameter.empty if number.default is None else number.default
        assert given.default == expected
        assert f"{number.name}: {number.meaning}" in function.__doc__
    assert ("interleaved" in parameters) == producer.gated
    assert list(parameters)[:2] == ["input", "recipe"]


@every_producer
def test_a_function_calls_its_operator_with_all_that_it_was_given(producer: Any) -> None:  # noqa: ANN401
    name = general_name(producer)
    input = input_of(producer)
    numbers = {p.name: 3.5 for p in producer.parameters}
    named: dict[str, Any] = {} if name == "quantize" else {"intermediate": "product"}
    if producer.gated:
        named["interleaved"] = True
    found = getattr(opparity, name)(input, "fp8_block_64", scale_ub=0.002, **named, **numbers)
    operator = getattr(torch.ops.opparity, name).default
    bound = torch.tensor(0.002)
    values, scales = operator(input, "fp8_block_64", **numbers, scale_ub=bound, **named)
    assert_same_bytes(found.values, values)
    assert_same_bytes(found.scales, scales)
    if numbers:
        other = operator(input, "fp8_block_64", **dict.fromkeys(numbers, 0.5), **named)
        assert not torch.equal(other[0].view(torch.uint8), values.view(torch.uint8))


@every_producer
def test_without_a_recipe_a_function_returns_the_product(producer: Any) -> None:  # noqa: ANN401
    if producer.name == "identity":
        with pytest.raises(ArgumentRefused, match="recipe is none; allowed: a recipe with values"):
            opparity.quantize(input_of(producer), "none")
        return
    numbers = {p.name: 3.5 for p in producer.parameters}
    function = getattr(opparity, general_name(producer))
    product = function(input_of(producer), **numbers)
    assert (product.dtype, product.shape) == (torch.bfloat16, (5, 256))
    # E5M2 by groups of 16 comes close to the product of the same call.
    close = function(input_of(producer), "float8_e5m2/16/float32/amax/row_major", **numbers)
    groups = product.float().unflatten(1, (-1, 16))
    error = (close.dequantize() - product.float()).unflatten(1, (-1, 16)).abs()
    assert (error <= 0.13 * groups.abs() + 1e-4 * groups.abs().amax(-1, keepdim=True)).all()


@pytest.mark.parametrize("leading", [(), (4,), (2, 3), (2, 0, 3), (1, 1, 1, 5)])
@pytest.mark.parametrize("text", ["fp8_block_64", "mxfp4", "deepgemm", "none"])
@pytest.mark.parametrize("layout", ScaleLayout)
def test_leading_dimensions_are_those_of_one_list_of_tokens(
    leading: tuple[int, ...], text: str, layout: ScaleLayout
) -> None:
    if f"{RECIPES[text].text.rpartition('/')[0]}/{layout}" not in accepted_recipes():
        assert layout in (ScaleLayout.PACKED, ScaleLayout.SWIZZLE_128X4) or text == "none"
        return
    recipe = RECIPES[text].with_layout(layout)
    count = math.prod(leading)
    tokens = make_input(Filling.ACTIVATIONS, max(count, 1), 256, "float16", 3)[:count]
    found: Any = opparity.silu_and_mul(tokens.view(*leading, 512), recipe)
    expected: Any = opparity.silu_and_mul(tokens, recipe)
    if text == "none":
        assert_same_bytes(found.view(count, 256), expected)
        return
    assert found.shape == (*leading, 256)
    assert_same_bytes(found.values.reshape(expected.values.shape), expected.values)
    if layout is not ScaleLayout.SWIZZLE_128X4:
        assert found.scales.shape == (*leading, expected.scales.shape[1])
    assert_same_bytes(found.scales.reshape(expected.scales.shape), expected.scales)
    assert_same_bytes(found.dequantize().view(count, 256), expected.dequantize())


@pytest.mark.parametrize("dtype", INPUT_DTYPES, ids=str)
@pytest.mark.parametrize("layout", [ScaleLayout.ROW_MAJOR, ScaleLayout.COLUMN_MAJOR])
def test_silu_and_mul_per_block_quant_passes_everything_on(
    dtype: torch.dtype, layout: ScaleLayout
) -> None:
    input = make_input(Filling.ACTIVATIONS, 4, 256, str(dtype).removeprefix("torch."), 7)
    got = opparity.silu_and_mul_per_block_quant(
        input,
        32,
        dtype=torch.int8,
        scale_ub=0.002,
        scale_layout=layout,
        intermediate=Intermediate.INPUT_DTYPE,
    )
    expected = quantise_by(
        "reference", input, 32, dtype=torch.int8, scale_ub=0.002, intermediate="input_dtype"
    )
    assert_same_bytes(got.values, expected[0])
    assert_same_bytes(got.scales.contiguous(), expected[1])
    assert got.scales.stride() == ((8, 1) if layout is ScaleLayout.ROW_MAJOR else (1, 4))
    unbounded = quantise_by("reference", input, 32, dtype=torch.int8)
    assert not torch.equal(got.values, unbounded[0])


def test_the_default_dtype_is_e4m3fn_with_groups_of_128() -> None:
    values, scales = opparity.silu_and_mul_per_block_quant(torch.ones(2, 512))
    assert values.dtype == torch.float8_e4m3fn
    assert scales.shape == (2, 2)


def test_quantised_groups_is_the_first_name_of_quantized() -> None:
    assert opparity.QuantisedGroups is Quantized
    quantized = opparity.silu_and_mul_per_block_quant(torch.ones(2, 512))
    values, scales = quantized
    assert (quantized[0] is values, quantized[1] is scales, len(quantized)) == (True, True, 2)
    assert "float8_e4m3fn/128/float32/amax/row_major" in repr(quantized)


@pytest.mark.parametrize("text", QUANTISING)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_dequantize_is_the_definition(text: str, dtype: torch.dtype) -> None:
    recipe, scale = QUANTISING[text], given_scale(QUANTISING[text])
    input = make_input(Filling.ACTIVATIONS, 5, 208, "bfloat16", 1)[:, :208].contiguous()
    quantized = opparity.quantize(input, recipe, scale=scale)
    codes = quantized.values
    if recipe.value == "float4_e2m1":
        numbers = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
        halves = torch.stack((codes & 15, codes >> 4), dim=-1).flatten(-2).long()
        decoded = numbers[halves & 7] * torch.where(halves > 7, -1.0, 1.0)
    else:
        decoded = codes.float()
    if recipe.group_size is None:
        expected = decoded * (scale or 0.0)
    else:
        scales = quantized.scales
        if recipe.layout is ScaleLayout.PACKED:
            exponents = torch.stack([(scales >> (8 * i)) & 255 for i in range(4)], dim=-1)
            scales = torch.exp2(exponents.flatten(1)[:, : recipe.groups_in(208)] - 127.0)
        multipliers = scales.float() / (scale or 1.0)
        expected = decoded * multipliers.repeat_interleave(recipe.group_in(208), dim=1)[:, :208]
    assert_same_bytes(quantized.dequantize(dtype), expected.to(dtype))
    values, scales = quantized
    again = opparity.dequantize(values, scales, recipe, scale=quantized.scale, dtype=dtype)
    assert_same_bytes(again, expected.to(dtype))


@pytest.mark.parametrize("num_tokens", [1, 5, 130])
def test_dequantize_gives_the_same_from_every_layout(num_tokens: int) -> None:
    input = make_input(Filling.ACTIVATIONS, num_tokens, 176, "bfloat16", 1)
    for text in ("mxfp8", "mxfp4", "nvfp4"):
        found = []
        for layout in ScaleLayout:
            if f"{RECIPES[text].text.rpartition('/')[0]}/{layout}" in accepted_recipes():
                recipe = RECIPES[text].with_layout(layout)
                scale = given_scale(recipe)
                found.append(opparity.silu_and_mul(input, recipe, scale=scale).dequantize())
        assert len(found) >= 4
        for other in found[1:]:
            assert_same_bytes(other, found[0])


def test_dequantize_refuses_in_words_what_is_not_of_the_recipe() -> None:
    values, scales = opparity.silu_and_mul(torch.randn(5, 256), "mxfp8")
    for arguments, words in (
        ((values.view(torch.uint8), scales, "mxfp8"), "values has dtype uint8; allowed: float8_"),
        ((values, scales.float(), "mxfp8"), "scales has dtype float32; allowed: float8_e8m0fnu"),
        ((values, scales[:4], "mxfp8"), r"scales has shape \[4, 4\]; allowed: \[5, 4\] for 5 tok"),
        ((values, scales, "mxfp"), "recipe is 'mxfp'; allowed: fp8_block"),
        ((values, torch.ones(2), "fp8_tensor"), "scale is of 2 elements; allowed: one float32"),
    ):
        with pytest.raises(ArgumentRefused, match=words):
            opparity.dequantize(*arguments)
    for dtype in ("fp8", None, 3, torch.int32, torch.bool, torch.complex64):
        with pytest.raises(ArgumentRefused, match=f"dequantize: dtype is {dtype!r}; allowed: a fl"):
            opparity.dequantize(values, scales, "mxfp8", dtype=dtype)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["fp8", "float8_e4m3fn", torch.float16, ["fp8"], 8])
def test_a_dtype_that_is_none_of_values_is_answered_in_words(dtype: Any) -> None:  # noqa: ANN401
    with pytest.raises(ArgumentRefused) as caught:
        opparity.silu_and_mul_per_block_quant(torch.ones(2, 256), dtype=dtype)
    words = f"silu_and_mul_per_block_quant: dtype is {dtype!r}; allowed: float8_e4m3fn, "
    assert str(caught.value).startswith(words)


def test_what_is_no_text_and_no_layout_of_a_recipe_is_answered_in_words() -> None:
    with pytest.raises(ArgumentRefused, match=r"recipe is torch\.int8; allowed: fp8_block"):
        opparity.tensor_scale(torch.ones(2), torch.int8)  # type: ignore[arg-type]
    with pytest.raises(ArgumentRefused, match=r"'rows' is not a valid ScaleLayout; allowed: row_"):
        QUANTISING["mxfp8"].with_layout("rows")  # type: ignore[arg-type]


def test_a_quantized_is_a_pytree() -> None:
    quantized = opparity.silu_and_mul(torch.randn(5, 256), "nvfp4", scale=2.0)
    leaves, spec = pytree.tree_flatten(quantized)
    assert [leaf.data_ptr() for leaf in leaves[:2]] == [tensor.data_ptr() for tensor in quantized]
    assert_same_bytes(pytree.tree_unflatten(leaves, spec).dequantize(), quantized.dequantize())
    assert pytree.treespec_loads(pytree.treespec_dumps(spec)) == spec


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), 2.0**-150])
@pytest.mark.parametrize("name", ["scale_ub", "scale"])
def test_a_number_that_is_not_above_zero_is_refused(value: float, name: str) -> None:
    recipe = "fp8_block" if name == "scale_ub" else "nvfp4"
    quantise: Any = opparity.silu_and_mul
    with pytest.raises(ArgumentRefused, match=rf"{name} is .*; allowed: a number above 0"):
        quantise(torch.ones(1, 256), recipe, **{name: value})


def test_a_bound_beyond_float32_is_none() -> None:
    input = torch.randn(3, 256)
    for bound in (1e300, float("inf"), 3.4028235677973366e38):
        got = opparity.silu_and_mul(input, "fp8_block", scale_ub=bound)
        assert_same_bytes(got.scales, opparity.silu_and_mul(input, "fp8_block").scales)


@pytest.mark.parametrize(
    ("arguments", "named", "words"),
    [
        ((None,), {}, "input is None; allowed: a tensor; pass one"),
        (([[1.0, 2.0]],), {}, "input is of type list; allowed: a tensor"),
        ((torch.ones(1, 256), 128), {}, "recipe is of type int; allowed: an opparity.Recipe, its"),
        ((torch.ones(1, 256), "fp8_block"), {"scale_ub": "2"}, "scale_ub is of type str; allowed"),
        ((torch.tensor(1.0),), {}, "input has 0 dimensions; allowed: 2"),
        ((torch.ones(2, 3, 0),), {}, "input is 0 wide; allowed: an even width"),
        ((torch.ones(1, 256), "none"), {"intermediate": "half"}, "intermediate is 'half'; allowed"),
    ],
)
def test_what_is_no_argument_at_all_is_answered_in_words(
    arguments: tuple[object, ...], named: dict[str, object], words: str
) -> None:
    with pytest.raises(RuntimeError, match=words):
        opparity.silu_and_mul(*arguments, **named)  # type: ignore[call-overload]


def test_a_number_of_another_producer_is_a_type_error_like_pythons() -> None:
    with pytest.raises(TypeError, match=r"silu_and_mul\(\) got an unexpected keyword argument 'l"):
        opparity.silu_and_mul(torch.ones(1, 256), limit=7.0)
    with pytest.raises(TypeError, match=r"needs the keyword argument 'limit'"):
        opparity.silu_and_mul_with_clamp(torch.ones(1, 256))


def test_errors_are_value_errors_too() -> None:
    for input, group_size in ((None, 128), (torch.ones(1, 256), 0)):
        with pytest.raises(ValueError, match="allowed"):
            opparity.silu_and_mul_per_block_quant(input, group_size)  # type: ignore[arg-type]


def test_every_accepted_recipe_is_its_texts() -> None:
    assert len(set(accepted_recipes().values())) > 400
    for text, recipe in accepted_recipes().items():
        assert Recipe.parse(text) == recipe
        assert accepted_recipes()[str(recipe)] == recipe


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
@every_producer
def test_every_mode_of_autograd_gives_the_operators_tensors(producer: Any, mode: Any) -> None:  # noqa: ANN401
    function, name = getattr(opparity, general_name(producer)), general_name(producer)
    needed = {p.name: 3.5 for p in producer.parameters if p.default is None}
    given = {p.name: 2.5 for p in producer.parameters}
    for recipe in ("fp8_block", RECIPES["mxfp8"]):
        for numbers in (needed, given):
            with mode():
                found = function(input_of(producer), recipe, **numbers)
            text = str(recipe)
            values, scales = getattr(torch.ops.opparity, name)(input_of(producer), text, **numbers)
            assert_same_bytes(found.values, values)
            assert_same_bytes(found.scales, scales)
            assert found.recipe == Recipe.parse(text)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_every_mode_of_autograd_refuses_in_the_same_words(mode: Any) -> None:  # noqa: ANN401
    input = input_of(ELEMENTWISE[1])
    with mode():
        with pytest.raises(TypeError, match=r"needs the keyword argument 'limit'"):
            opparity.silu_and_mul_with_clamp(input, "fp8_block")
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'alpha'"):
            opparity.silu_and_mul(input, "fp8_block", alpha=1.0)
        with pytest.raises(ArgumentRefused, match="recipe is of type int"):
            opparity.silu_and_mul(input, 8)  # type: ignore[call-overload]
        with pytest.raises(ArgumentRefused, match="input is None; allowed: a tensor"):
            opparity.silu_and_mul(None, "fp8_block")  # type: ignore[call-overload]
        with pytest.raises(RuntimeError, match="scale is None; allowed: one float32 number"):
            opparity.silu_and_mul(input, "fp8_tensor")

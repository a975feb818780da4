"""Gradients that are quantised where they are computed: what a user sees of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import Quantized, providers
from opparity.formats import INPUT_DTYPES, RECIPES, Intermediate, Recipe, ScaleLayout
from opparity.operators import (
    ELEMENTWISE,
    general_name,
    has_gradient,
    producer_named,
    quantised_gradient_name,
)
from opparity.operators.case import given_scale
from opparity.operators.fillings import Filling, make_input
from opparity.operators.gradients import backward_of

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])
PRODUCERS = [general_name(producer) for producer in ELEMENTWISE if has_gradient(producer)]
ROWS = {
    text: recipe
    for text, recipe in RECIPES.items()
    if recipe.format is not None and not recipe.by_token
}
LAYOUTS = [RECIPES["mxfp8"].with_layout(layout) for layout in ScaleLayout]
COLUMNS = [*LAYOUTS, RECIPES["fp8_block"], RECIPES["int8_block"], RECIPES["deepgemm"]]


def numbers_of(name: str) -> dict[str, Any]:
    return {p.name: 7.0 for p in producer_named(name).parameters if p.default is None}


def tensors(
    name: str, filling: Filling, sizes: tuple[int, int], dtype: str, seed: int = 1
) -> tuple[Tensor, Tensor]:
    """Return a gradient and an input."""
    num_tokens, width = sizes
    made = make_input(filling, num_tokens, width, dtype, seed)
    gradient = make_input(filling, num_tokens, width, dtype, seed + 1)[:, width:].contiguous()
    gated = producer_named(name).gated
    return gradient, made if gated else made[:, :width].contiguous()


def whole_gradient(name: str, gradient: Tensor, input: Tensor, *, interleaved: bool) -> Tensor:
    """Return what the backward operator writes."""
    producer = producer_named(name)
    numbers = tuple(7.0 if p.default is None else p.default for p in producer.parameters)
    return backward_of(name, gradient, input, numbers, interleaved=interleaved)


def assert_same(got: Quantized, expected: Quantized) -> None:
    assert got.scales.stride() == expected.scales.stride()
    for one, other in ((got.values, expected.values), (got.scales, expected.scales)):
        assert_same_bytes(one.contiguous(), other.contiguous())


@both
@pytest.mark.parametrize("name", PRODUCERS)
@pytest.mark.parametrize("number", range(len(ROWS)), ids=list(ROWS))
def test_rounded_gradients_are_quantised_as_the_backward_operators_are(
    provider: str, name: str, number: int
) -> None:
    recipe = list(ROWS.values())[number]
    dtype = INPUT_DTYPES[number % 3]
    scale = given_scale(recipe)
    interleaved = producer_named(name).gated and number % 2 == 1
    filling = (Filling.ACTIVATIONS, Filling.PATTERNS, Filling.FINITE_PATTERNS)[number // 2 % 3]
    # A last group is short where none could have numbers of both halves.
    width = 264 if interleaved else 256
    gradient, input = tensors(name, filling, (37, width), dtype)
    with providers(force=provider):
        got = opparity.quantize_gradient(
            gradient,
            input,
            recipe,
            producer=name,
            intermediate="product",
            scale=scale,
            interleaved=interleaved,
            **numbers_of(name),
        )
        whole = whole_gradient(name, gradient, input, interleaved=interleaved)
        assert_same(got, opparity.quantize(whole, recipe, scale=scale))


@pytest.mark.parametrize("name", PRODUCERS)
@pytest.mark.parametrize("dtype", INPUT_DTYPES)
@pytest.mark.parametrize("intermediate", ["float32", "product"])
def test_the_kernel_gives_the_references_bytes(name: str, dtype: str, intermediate: str) -> None:
    for seed, text in enumerate(("fp8_block", "mxfp8", "nvfp4", "fp8_tensor", "int8_block")):
        for filling in (Filling.ACTIVATIONS, Filling.PATTERNS):
            gradient, input = tensors(name, filling, (33, 384), dtype, seed)
            like = gradient.float() if seed % 2 else gradient
            found = []
            for provider in ("native", "reference"):
                with providers(force=provider):
                    found.append(
                        opparity.quantize_gradient(
                            like,
                            input,
                            text,
                            producer=name,
                            intermediate=intermediate,
                            scale=given_scale(RECIPES[text]),
                            **numbers_of(name),
                        )
                    )
            assert_same(*found)


@pytest.mark.parametrize("name", PRODUCERS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_sixteen_bit_gate_has_the_references_gradient(name: str, dtype: str) -> None:
    gradient, input = tensors(name, Filling.EVERY_GATE, (64, 1024), dtype)
    results = []
    for provider in ("native", "reference"):
        with providers(force=provider):
            results.append(
                opparity.quantize_gradient(
                    gradient, input, "mxfp8", producer=name, **numbers_of(name)
                )
            )
    assert_same(*results)


@both
@pytest.mark.parametrize("recipe", COLUMNS, ids=str)
@pytest.mark.parametrize(
    ("name", "sizes", "interleaved"),
    [
        ("silu_and_mul", (130, 384), False),
        ("silu_and_mul", (37, 136), True),
        ("situ_and_mul", (256, 128), False),
        ("relu_squared", (70, 144), False),
        ("gelu_quick", (1, 16), False),
    ],
)
def test_columns_are_the_recipes_of_the_transposed_gradient(
    provider: str, recipe: Recipe, name: str, sizes: tuple[int, int], *, interleaved: bool
) -> None:
    gradient, input = tensors(name, Filling.ACTIVATIONS, sizes, "bfloat16")
    named: dict[str, Any] = {"interleaved": True} if interleaved else {}
    with providers(force=provider):
        rows, columns = opparity.gradient_rows_and_columns(
            gradient, input, recipe, producer=name, intermediate=Intermediate.PRODUCT, **named
        )
        whole = whole_gradient(name, gradient, input, interleaved=interleaved)
        assert_same(rows, opparity.quantize(whole, recipe))
        assert_same(columns, opparity.quantize(whole.t().contiguous(), recipe))


@pytest.mark.parametrize("name", PRODUCERS)
def test_columns_of_float32_gradients_are_the_references(name: str) -> None:
    gradient, input = tensors(name, Filling.PATTERNS, (45, 256), "float16")
    results = []
    for provider in ("native", "reference"):
        with providers(force=provider):
            results.append(
                opparity.gradient_rows_and_columns(
                    gradient.float(), input, "mxfp8", producer=name, **numbers_of(name)
                )
            )
    for got, expected in zip(*results, strict=True):
        assert_same(got, expected)


@both
def test_no_tokens_and_leading_dimensions(provider: str) -> None:
    with providers(force=provider):
        empty = opparity.quantize_gradient(
            torch.empty(0, 64), torch.empty(0, 128), "mxfp8", producer="silu_and_mul"
        )
        assert empty.values.shape == (0, 128)
        assert empty.scales.shape == (0, 4)
        rows, columns = opparity.gradient_rows_and_columns(
            torch.empty(0, 64), torch.empty(0, 128), "mxfp8", producer="silu_and_mul"
        )
        assert rows.values.shape == (0, 128)
        assert columns.values.shape == (128, 0)
        gradient, input = torch.randn(2, 3, 64), torch.randn(2, 3, 128)
        whole = opparity.quantize_gradient(
            gradient, input, "nvfp4", producer="silu_and_mul", scale=40
        )
        assert whole.shape == input.shape
        flat = opparity.quantize_gradient(
            gradient.flatten(0, 1), input.flatten(0, 1), "nvfp4", producer="silu_and_mul", scale=40
        )
        assert_same_bytes(whole.scales.flatten(0, 1), flat.scales)
        assert_same_bytes(whole.values.flatten(0, 1), flat.values)


@both
def test_a_bound_is_one_of_a_gradients_scales(provider: str) -> None:
    with providers(force=provider):
        found = opparity.quantize_gradient(
            torch.full((4, 128), 1e4),
            torch.randn(4, 256),
            "fp8_block",
            producer="silu_and_mul",
            scale_ub=0.25,
        )
    assert found.scales.max() == 0.25


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "fp8_token": (
        "fp8_token",
        {},
        "recipe is 'fp8_token' of a gradient; allowed: values in groups",
    ),
    "none": ("none", {}, "recipe is 'none' of a gradient; allowed: values in groups"),
    "a group of both halves": (
        "fp8_block",
        {},
        (
            "hidden_size is 96; allowed: a multiple of 128 where gate and up stand in halves; "
            "pad the projection to 128"
        ),
    ),
    "factors": (
        "mxfp8",
        {"intermediate": "input_dtype"},
        "intermediate is 'input_dtype'; allowed: float32, product; choose one",
    ),
}


@both
@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_kernel_takes_is_refused_in_words(provider: str, kind: str) -> None:
    text, named, words = REFUSED[kind]
    with providers(force=provider), pytest.raises(RuntimeError) as caught:
        opparity.quantize_gradient(
            torch.randn(4, 96), torch.randn(4, 192), text, producer="silu_and_mul", **named
        )
    assert str(caught.value).startswith(f"quantize_gradient: {words}")


@both
def test_a_gradient_of_another_shape_or_dtype_is_refused(provider: str) -> None:
    input = torch.randn(4, 192).bfloat16()
    with providers(force=provider):
        with pytest.raises(RuntimeError, match=r"gradient has shape \[4, 192\]; allowed: \[4, 96"):
            opparity.quantize_gradient(input, input, "mxfp8", producer="silu_and_mul")
        with pytest.raises(RuntimeError, match="gradient has dtype float16; allowed: bfloat16, fl"):
            opparity.quantize_gradient(
                input[:, :96].half(), input, "mxfp8", producer="silu_and_mul"
            )


def test_what_only_python_sees_is_refused_in_words() -> None:
    gradient, input = torch.randn(4, 64), torch.randn(4, 128)
    for function in (opparity.quantize_gradient, opparity.gradient_rows_and_columns):
        with pytest.raises(ValueError, match="producer is 'quantize'; allowed: silu_and_mul"):
            function(gradient, input, "mxfp8", producer="quantize")
        with pytest.raises(ValueError, match="gradient is None; allowed: a tensor"):
            function(None, input, "mxfp8", producer="silu_and_mul")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="interleaved is True; allowed: False with relu_squ"):
            function(gradient, gradient, "mxfp8", producer="relu_squared", interleaved=True)
        with pytest.raises(RuntimeError, match="an operator that quantises a gradient has no grad"):
            function(gradient.requires_grad_(), input, "mxfp8", producer="silu_and_mul")
        gradient = gradient.detach()
        with torch.no_grad():
            function(gradient.requires_grad_(), input, "mxfp8", producer="silu_and_mul")
        gradient = gradient.detach()
    with pytest.raises(RuntimeError, match="allowed: operators of all rows alone"):
        torch.vmap(lambda g, x: getattr(OPS, NAME)(g, x, "mxfp8"))(gradient[None], input[None])


NAME = quantised_gradient_name(producer_named("silu_and_mul"))


@pytest.mark.usefixtures("allclose_of_bytes")
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("recipe", LAYOUTS[:3], ids=str)
def test_the_operators_pass_torchs_own_checks(recipe: Recipe, *, columns: bool) -> None:
    name = quantised_gradient_name(producer_named("silu_and_mul"), columns=columns)
    torch.library.opcheck(
        getattr(OPS, name).default,
        (torch.randn(64, 128), torch.randn(64, 256), recipe.text),
        {"intermediate": "product"},
    )


def test_compiled_with_any_number_of_tokens() -> None:
    def function(gradient: Tensor, input: Tensor) -> tuple[Tensor, ...]:
        rows, columns = opparity.gradient_rows_and_columns(
            gradient, input, "mxfp8", producer="silu_and_mul"
        )
        return (*rows, *columns)

    compiled = torch.compile(function, fullgraph=True, dynamic=True, backend="aot_eager")
    with torch._dynamo.config.patch(error_on_recompile=True):
        for num_tokens in (40, 64, 133):
            gradient, input = torch.randn(num_tokens, 64), torch.randn(num_tokens, 128)
            for one, other in zip(
                compiled(gradient, input), function(gradient, input), strict=True
            ):
                assert_same_bytes(one, other)


@pytest.mark.gpu
@pytest.mark.parametrize("name", PRODUCERS)
def test_a_gpu_gives_the_cpus_bytes_in_every_shape_of_a_launch(name: str) -> None:
    gated = producer_named(name).gated
    texts = ("fp8_block", "mxfp8", "nvfp4", "fp8_tensor", "int8_block", "deepgemm")
    # Few elements, as many as fill the chip once, and many; a pointer that no wide load takes.
    sizes = ((3, 256), (256, 7168), (640, 7168), (4096, 1024), (37, 384))
    for number, (text, (num_tokens, width)) in enumerate((t, s) for t in texts for s in sizes):
        dtype = INPUT_DTYPES[number % 3]
        gradient, input = tensors(name, Filling.ACTIVATIONS, (num_tokens, width), dtype, number)
        input[1::7] *= 1e4
        gradient[2::5, width // 2] = torch.nan
        named: dict[str, Any] = {
            "producer": name,
            "intermediate": ("float32", "product")[number % 2],
            **numbers_of(name),
        }
        if gated and number % 3 == 1:
            named["interleaved"] = True
        scale = given_scale(RECIPES[text])
        far_gradient, far_input = (
            torch.empty(t.numel() + 1, dtype=t.dtype, device="cuda")[1:].view(t.shape).copy_(t)
            if num_tokens == 37
            else t.cuda()
            for t in (gradient, input)
        )
        expected = opparity.quantize_gradient(gradient, input, text, scale=scale, **named)
        got = opparity.quantize_gradient(far_gradient, far_input, text, scale=scale, **named)
        for one, other in zip(got, expected, strict=True):
            assert_same_bytes(one.cpu().contiguous(), other.contiguous())
        if text in ("nvfp4", "fp8_tensor"):
            continue
        of_cpu = opparity.gradient_rows_and_columns(gradient, input, text, **named)
        of_gpu = opparity.gradient_rows_and_columns(far_gradient, far_input, text, **named)
        for on_gpu, on_cpu in zip(of_gpu, of_cpu, strict=True):
            for one, other in zip(on_gpu, on_cpu, strict=True):
                assert_same_bytes(one.cpu().contiguous(), other.contiguous())

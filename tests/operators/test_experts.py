"""Experts' rows: what a user sees of them, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import ExpertLayout, Experts, providers
from opparity.formats import RECIPES, ScaleLayout
from opparity.operators.expert_checks import MOST_EXPERTS
from opparity.operators.reference import layouts

if TYPE_CHECKING:
    from collections.abc import Callable

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])


def numbers(*given: int) -> Tensor:
    return torch.tensor(given, dtype=torch.int32)


def rows(*sizes: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.randn(*sizes, generator=generator) * 4).bfloat16()


@both
def test_masked_rows_are_those_of_each_expert_alone(provider: str) -> None:
    input, counts = rows(3, 10, 512), numbers(10, 0, 4)
    with providers(force=provider):
        values, scales = opparity.silu_and_mul(input, "fp8_block", experts=Experts.masked(counts))
        for expert, count in enumerate(counts.tolist()):
            own = opparity.silu_and_mul(input[expert, :count], "fp8_block")
            assert_same_bytes(values[expert, :count], own.values)
            assert_same_bytes(scales[expert, :count], own.scales)
    assert values.shape == (3, 10, 256)


@both
@pytest.mark.parametrize("layout", ["packed", "column_major_padded", "swizzle_128x4"])
def test_each_masked_expert_has_scales_in_its_own_layout(provider: str, layout: str) -> None:
    recipe = RECIPES["mxfp8"].with_layout(ScaleLayout(layout))
    input = rows(2, 128, 512)
    with providers(force=provider):
        found = opparity.silu_and_mul(input, recipe, experts=Experts.masked(numbers(128, 128)))
        for expert in range(2):
            own = opparity.silu_and_mul(input[expert], recipe)
            assert found.scales[expert].stride() == own.scales.stride()
            assert_same_bytes(found.scales[expert], own.scales)


@both
def test_tiles_begin_at_the_row_that_is_given(provider: str) -> None:
    recipe = RECIPES["nvfp4"].with_layout(ScaleLayout.SWIZZLE_128X4)
    input, offsets = rows(200, 256), numbers(0, 130, 130, 200)
    starts, scale = numbers(0, 256, 256, 384), torch.tensor([40.0, 1.0, 80.0])
    with providers(force=provider):
        values, scales = opparity.silu_and_mul(
            input, recipe, scale=scale, experts=Experts.by_offsets(offsets, starts)
        )
        for first, end, start, number in ((0, 130, 0, 40.0), (130, 200, 256, 80.0)):
            own = opparity.silu_and_mul(input[first:end], recipe, scale=number)
            assert_same_bytes(values[first:end], own.values)
            count = end - first
            tiles = scales.view(torch.uint8).view(-1)[
                start * 8 : (start + -(-count // 128) * 128) * 8
            ]
            got, expected = (
                layouts.by_token(tile, recipe, count, 8) for tile in (tiles, own.scales)
            )
            assert_same_bytes(got.contiguous(), expected.contiguous())
    assert scales.shape == ((200 + 127 * 3) // 128 * 128, 8)


@both
def test_scales_between_experts_are_zero_and_values_stay(provider: str) -> None:
    input, ends = rows(64, 512), numbers(5, 40)
    values = torch.full((64, 256), 0x55, dtype=torch.uint8).view(torch.float8_e4m3fn)
    scales = torch.full((1, 64), 0x55555555, dtype=torch.int32).t()
    with providers(force=provider):
        OPS.silu_and_mul_experts.out(
            input, ends, "deepgemm", experts="psum", multiple=32, values=values, scales=scales
        )
        for first, end in ((0, 5), (32, 40)):
            own = opparity.silu_and_mul(input[first:end], "deepgemm")
            assert_same_bytes(values[first:end], own.values)
            assert_same_bytes(scales[first:end].contiguous(), own.scales.contiguous())
    poisoned = values.view(torch.uint8) == 0x55
    assert poisoned[5:32].all()
    assert poisoned[40:].all()
    assert not scales[5:32].any()
    assert not scales[40:].any()


@both
def test_the_first_rows_of_tokens_are_written_and_no_others(provider: str) -> None:
    input = rows(30, 512)
    values = torch.full((30, 256), 0x55, dtype=torch.uint8).view(torch.float8_e4m3fn)
    scales = torch.full((30, 2), 7.0)
    with providers(force=provider):
        OPS.silu_and_mul_experts.out(
            input, torch.tensor(3, dtype=torch.int32), "fp8_block", experts="tokens", multiple=4,
            values=values, scales=scales,
        )  # fmt: skip
        own = opparity.silu_and_mul(input[:12], "fp8_block")
    assert_same_bytes(values[:12], own.values)
    assert_same_bytes(scales[:12], own.scales)
    assert (values[12:].view(torch.uint8) == 0x55).all()
    assert (scales[12:] == 7.0).all()


@both
@pytest.mark.parametrize("packed", [False, True])
def test_vllms_masked_operator_takes_its_own_scales(provider: str, packed: bool) -> None:
    count, tokens, width = 3, 8, 640
    input, counts = rows(count, tokens, 2 * width), numbers(8, 0, 3)
    y_q = torch.empty(count, tokens, width, dtype=torch.float8_e4m3fn)
    columns, dtype = (2, torch.int32) if packed else (5, torch.float32)
    y_s = torch.zeros(count, columns, tokens, dtype=dtype).transpose(1, 2)
    with providers(force=provider):
        OPS.persistent_masked_m_silu_mul_quant(input, counts, y_q, y_s, packed)
        text = "deepgemm" if packed else "fp8_block"
        for expert, tokens_of_it in enumerate(counts.tolist()):
            own = opparity.silu_and_mul(
                input[expert, :tokens_of_it], text, intermediate="input_dtype"
            )
            assert_same_bytes(y_q[expert, :tokens_of_it], own.values)
            assert_same_bytes(y_s[expert, :tokens_of_it].contiguous(), own.scales.contiguous())
            assert not y_s[expert, tokens_of_it:].any()


@both
@pytest.mark.parametrize("name", ["mxfp4", "nvfp4"])
def test_vllms_operators_of_experts_take_four_bits_and_tiles(provider: str, name: str) -> None:
    input, offsets, starts = rows(20, 512), numbers(0, 5, 20), numbers(0, 128, 256)
    output = torch.empty(20, 128, dtype=torch.uint8)
    columns = {"mxfp4": 8, "nvfp4": 16}[name]
    scales = torch.zeros(512, columns // 4, dtype=torch.int32)
    recipe = RECIPES[name].with_layout(ScaleLayout.SWIZZLE_128X4)
    given = torch.tensor([40.0, 90.0]) if name == "nvfp4" else None
    with providers(force=provider):
        if given is None:
            OPS.silu_and_mul_mxfp4_experts_quant(output, scales, input, offsets, starts, 2)
        else:
            OPS.silu_and_mul_scaled_fp4_experts_quant(output, scales, input, given, offsets, starts)
        expected, placed = opparity.silu_and_mul(
            input, recipe, scale=given, experts=Experts.by_offsets(offsets, starts),
            intermediate="product",
        )  # fmt: skip
    assert_same_bytes(output, expected)
    written = scales.view(torch.uint8).view(-1)[: placed.numel()] != 0
    assert written.any()
    assert_same_bytes(
        scales.view(torch.uint8).view(-1)[: placed.numel()][written],
        placed.view(torch.uint8).view(-1)[written],
    )


@both
def test_one_experts_offset_of_scales_may_have_no_dimension(provider: str) -> None:
    recipe = RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)
    input, offsets = rows(3, 512), numbers(0, 3)
    with providers(force=provider):
        (values, _), (expected, _) = (
            opparity.silu_and_mul(input, recipe, experts=Experts.by_offsets(offsets, starts))
            for starts in (torch.tensor(0, dtype=torch.int32), numbers(0))
        )
    assert_same_bytes(values, expected)


HOSTILE = (0.5, torch.nan, torch.inf, -torch.inf, 0.0, -0.0, -1.5, 1e-42, 3e38, 0.3)


@both
@pytest.mark.parametrize("name", ["fp8_block", "mxfp8", "nvfp4", "fp8_tensor", "int8_token"])
@pytest.mark.parametrize("intermediate", ["float32", "input_dtype", "product"])
def test_a_row_is_multiplied_with_its_weight_before_its_scale(
    provider: str, name: str, intermediate: str
) -> None:
    # 200 columns leave a short group; a float32 input of products is quantised as it is.
    input, weights = rows(len(HOSTILE), 400), torch.tensor(HOSTILE)
    experts = Experts.by_offsets(numbers(0, 3, len(HOSTILE))).weighted(weights)
    scale = {"nvfp4": 40.0, "fp8_tensor": 0.25}.get(name)
    with providers(force=provider):
        found = opparity.silu_and_mul(
            input, name, scale=scale, intermediate=intermediate, experts=experts
        )
        products = opparity.silu_and_mul(input.float())
        if intermediate != "float32":
            products = opparity.silu_and_mul(input, intermediate=intermediate).float()
        expected = opparity.quantize(products * weights[:, None], name, scale=scale)
    assert_same_bytes(found.values, expected.values)
    if name != "fp8_tensor":
        assert_same_bytes(found.scales, expected.scales)


@both
def test_masked_weights_are_those_of_each_expert_alone_and_none_are_ones(provider: str) -> None:
    input, counts = rows(3, 10, 512), numbers(10, 0, 4)
    weights = torch.linspace(-2.0, 3.0, 30).reshape(3, 10)
    with providers(force=provider):
        masked = Experts.masked(counts)
        found = opparity.silu_and_mul(input, experts=masked.weighted(weights))
        ones = opparity.silu_and_mul(input, experts=masked.weighted(torch.ones(3, 10)))
        for expert, count in enumerate(counts.tolist()):
            own = opparity.silu_and_mul(input[expert, :count].float())
            expected = (own * weights[expert, :count, None]).bfloat16()
            assert_same_bytes(found[expert, :count], expected)
            assert_same_bytes(ones[expert, :count], own.bfloat16())


@both
def test_no_tokens_are_no_work(provider: str) -> None:
    with providers(force=provider):
        found = opparity.silu_and_mul(
            torch.empty(3, 0, 512), "fp8_block", experts=Experts.masked(numbers(0, 5, 1))
        )
        assert found.values.shape == (3, 0, 256)
        found = opparity.silu_and_mul(
            torch.empty(0, 512), "fp8_block", experts=Experts.by_offsets(numbers(0, 4))
        )
        assert found.values.shape == (0, 256)


@pytest.mark.parametrize(
    "recipe",
    [
        *(RECIPES["mxfp8"].with_layout(layout) for layout in ScaleLayout),
        *(RECIPES[name] for name in ("fp8_block", "deepgemm", "fp8_token", "none")),
    ],
    ids=str,
)
def test_no_tokens_have_the_same_shapes_and_strides_from_all(recipe: opparity.Recipe) -> None:
    arguments = (numbers(0, 0), recipe.text)
    empty = torch.empty(2, 0, 512)
    places = []
    for provider in ("native", "reference"):
        with providers(force=provider):
            found = OPS.silu_and_mul_experts(empty, *arguments)
            places.append([(tensor.shape, tensor.stride()) for tensor in found])
    found = OPS.silu_and_mul_experts(empty.to("meta"), arguments[0].to("meta"), arguments[1])
    places.append([(tensor.shape, tensor.stride()) for tensor in found])
    assert places[0] == places[1] == places[2]


# Without their types, so that what is wrong may be given.
ANY: Any = Experts
PACKAGE: Any = opparity


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ANY.masked(None), "rows is None; allowed: a tensor of int32 numbers"),
        (lambda: ANY.by_offsets([0, 4]), "rows is of type list; allowed: a tensor of int32"),
        (
            lambda: ANY.by_offsets(numbers(0, 4), [0]),
            "scale_offsets is of type list; allowed: a tensor of int32",
        ),
        (
            lambda: ANY.by_ends(numbers(4), 128.0),
            "multiple is of type float; allowed: an integer; pass one",
        ),
        (
            lambda: ANY.masked(numbers(1, 1)).weighted([0.5]),
            "weights is of type list; allowed: a tensor of float32 numbers",
        ),
        (
            lambda: PACKAGE.silu_and_mul(rows(2, 4, 256), "fp8_block", experts=numbers(4, 4)),
            "silu_and_mul: experts is of type Tensor; allowed: an opparity.Experts, or None",
        ),
        (
            lambda: PACKAGE.quantize(rows(2, 4, 256), "fp8_block", experts=[4, 4]),
            "quantize: experts is of type list; allowed: an opparity.Experts, or None",
        ),
    ],
)
def test_what_is_no_experts_is_refused_in_words(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def call(input: Tensor, given: Tensor, **named: object) -> Callable[[], object]:
    named = {"recipe": "fp8_block", **named}
    return lambda: OPS.silu_and_mul_experts(input, given, **named)


REFUSED = {
    "experts is 'none'; allowed: masked, offsets, psum, tokens": call(
        rows(4, 256), numbers(1), experts="none"
    ),
    "input has 2 dimensions; allowed: 3": call(rows(4, 256), numbers(1)),
    "input has 3 dimensions; allowed: 2": call(rows(1, 4, 256), numbers(0, 4), experts="offsets"),
    "an expert's rows right after the other's": call(rows(2, 4, 256)[:, :3], numbers(1, 1)),
    "rows has dtype int64; allowed: int32": call(rows(2, 4, 256), numbers(1, 1).long()),
    "rows has 3 elements; allowed: 2, one for each expert": call(rows(2, 4, 256), numbers(1, 1, 1)),
    "rows has 2 elements; allowed: 1, the number of tokens": call(
        rows(4, 256), numbers(1, 1), experts="tokens"
    ),
    f"allowed: 1 to {MOST_EXPERTS} experts": call(
        rows(4, 256), torch.zeros(MOST_EXPERTS + 2, dtype=torch.int32), experts="offsets"
    ),
    "rows has 1 elements, of 0 experts": call(rows(4, 256), numbers(0), experts="offsets"),
    "multiple is 2; allowed: 1 with masked": call(rows(2, 4, 256), numbers(1, 1), multiple=2),
    "multiple is 0; allowed: 1 to 2147483647": call(
        rows(4, 256), numbers(1), experts="psum", multiple=0
    ),
    "scale_offsets is given; allowed: None with masked": call(
        rows(2, 4, 256), numbers(1, 1), scale_offsets=numbers(0, 0)
    ),
    "scale_offsets is given; allowed: None with layout 'row_major'": call(
        rows(4, 256), numbers(0, 4), experts="offsets", scale_offsets=numbers(0)
    ),
    "scale_offsets has 3 elements; allowed: 1 or 2": call(
        rows(4, 256), numbers(0, 4), experts="offsets", scale_offsets=numbers(0, 0, 0)
    ),
    "scale has 3 elements; allowed: 1, or a list of 2": call(
        rows(2, 4, 256), numbers(1, 1), recipe="fp8_tensor", scale=torch.ones(3)
    ),
    "row_weights has dtype float64; allowed: float32; cast it": call(
        rows(2, 4, 256), numbers(1, 1), row_weights=torch.ones(2, 4).double()
    ),
    "row_weights has shape [4, 2]; allowed: [2, 4], [num_experts, num_tokens], a weight": call(
        rows(2, 4, 256), numbers(1, 1), row_weights=torch.ones(4, 2)
    ),
    "row_weights has shape [8]; allowed: [2, 4], [num_experts, num_tokens]": call(
        rows(2, 4, 256), numbers(1, 1), row_weights=torch.ones(8)
    ),
    "row_weights has shape [4, 1]; allowed: [4], [num_tokens], a weight for each row": call(
        rows(4, 256), numbers(0, 4), experts="offsets", row_weights=torch.ones(4, 1)
    ),
    "row_weights has strides [2]; allowed: contiguous memory; call contiguous()": call(
        rows(4, 256), numbers(0, 4), experts="offsets", row_weights=torch.ones(8)[::2]
    ),
    "row_weights is on meta and input on cpu; allowed: one device": call(
        rows(4, 256), numbers(0, 4), experts="offsets", row_weights=torch.ones(4, device="meta")
    ),
    "scale is 0; allowed: a finite number that is not 0": call(
        rows(2, 4, 256), numbers(1, 1), recipe="fp8_tensor", scale=torch.tensor([1.0, 0.0])
    ),
}


@both
@pytest.mark.parametrize("words", REFUSED)
def test_what_no_layout_has_is_refused_in_words(provider: str, words: str) -> None:
    with providers(force=provider), pytest.raises(RuntimeError) as caught:
        REFUSED[words]()
    assert words in str(caught.value)


def test_a_gradient_and_vmap_are_refused() -> None:
    input = rows(2, 4, 256).requires_grad_()
    with pytest.raises(RuntimeError, match="an operator of experts has no gradient"):
        opparity.silu_and_mul(input, experts=Experts.masked(numbers(1, 1)))
    experts = Experts.by_offsets(numbers(0, 4))
    whole = rows(4, 256)
    weighted = experts.weighted(torch.ones(4, requires_grad=True))
    with pytest.raises(RuntimeError, match="an operator of experts has no gradient"):
        opparity.silu_and_mul(whole, experts=weighted)
    with pytest.raises(RuntimeError, match="allowed: operators of all rows"):
        torch.vmap(lambda w: opparity.silu_and_mul(whole, experts=experts.weighted(w)))(
            torch.ones(2, 4)
        )
    with pytest.raises(RuntimeError, match="allowed: operators of all rows"):
        torch.vmap(lambda x: opparity.silu_and_mul(x, experts=experts))(rows(2, 4, 256))


@pytest.mark.usefixtures("allclose_of_bytes")
@pytest.mark.parametrize("layout", ExpertLayout)
def test_the_operators_pass_torchs_own_checks(layout: ExpertLayout) -> None:
    masked = layout is ExpertLayout.MASKED
    input = rows(2, 8, 256) if masked else rows(16, 256)
    given = {
        ExpertLayout.MASKED: numbers(8, 8),
        ExpertLayout.OFFSETS: numbers(0, 3, 16),
        ExpertLayout.PSUM: numbers(8, 16),
        ExpertLayout.TOKENS: numbers(8),
    }[layout]
    multiple = {ExpertLayout.PSUM: 8, ExpertLayout.TOKENS: 2}.get(layout, 1)
    named: dict[str, object] = {"experts": str(layout), "multiple": multiple}
    torch.library.opcheck(OPS.silu_and_mul_experts.default, (input, given, "fp8_block"), named)
    named["row_weights"] = torch.ones(input.shape[:-1])
    torch.library.opcheck(OPS.silu_and_mul_experts.default, (input, given, "fp8_block"), named)
    leading = input.shape[:-1]
    values = torch.empty(*leading, 128, dtype=torch.float8_e4m3fn)
    scales = torch.empty(*leading, 1)
    torch.library.opcheck(
        OPS.silu_and_mul_experts.out,
        (input, given, "fp8_block"),
        named | {"values": values, "scales": scales},
    )


def test_a_compiled_function_takes_other_counts_and_tokens_without_compiling_anew() -> None:
    def function(input: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        found = opparity.silu_and_mul(input, "fp8_block", experts=Experts.masked(counts))
        return found.values, found.scales

    compiled = torch.compile(function, fullgraph=True, dynamic=True)
    for tokens, counts in ((8, numbers(8, 3)), (12, numbers(0, 12)), (9, numbers(-1, 100))):
        input = rows(2, tokens, 512)
        got, expected = compiled(input, counts), function(input, counts)
        for expert, count in enumerate(counts.clamp(0, tokens).tolist()):
            for one, other in zip(got, expected, strict=True):
                assert_same_bytes(one[expert, :count], other[expert, :count])

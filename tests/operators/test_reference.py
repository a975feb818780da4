"""The reference as a whole: products, groups, layouts, gradients and what quantised values mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from bit_patterns import same_bits
from opparity.benchmark import eager
from opparity.formats import RECIPES, Intermediate, Recipe, ScaleFormat, ScaleLayout, ScaleRule
from opparity.operators import ELEMENTWISE, producer_named
from opparity.operators.reference import (
    backward,
    compute,
    dequantise,
    layouts,
    produce,
    quantise,
    slices,
)
from opparity.operators.reference.producers import FORMULAS
from opparity.operators.reference.values import decode

if TYPE_CHECKING:
    from opparity.operators.declaration import Producer

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
GIVEN = torch.tensor(0.37)
every_producer = pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda p: p.name)
every_recipe = pytest.mark.parametrize("name", list(RECIPES))


def parameters_of(producer: Producer) -> list[float]:
    return [2.5 if p.default is None else p.default for p in producer.parameters]


def an_input(producer: Producer, dtype: torch.dtype = torch.float32, rows: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    width = 96 * (2 if producer.gated else 1)
    return (torch.randn(rows, width, generator=generator) * 3).to(dtype)


def given_to(recipe: Recipe) -> Tensor | None:
    return GIVEN if recipe.rule in (ScaleRule.GIVEN, ScaleRule.GLOBAL) else None


def exact_product(producer: Producer, input: Tensor) -> Tensor:
    """Return torch's own float64 product."""
    wide = input.double()
    gate, up = wide.chunk(2, dim=-1) if producer.gated else (wide, wide)
    return eager.PRODUCERS[producer.name](gate, up, parameters_of(producer))


@every_producer
def test_products_are_those_of_torch_in_float64(producer: Producer) -> None:
    x = an_input(producer) * 3
    got = produce(x, producer, parameters_of(producer)).double()
    exact = exact_product(producer, x)
    # GELU by tanh has its largest relative errors where it is smallest.
    assert torch.allclose(got, exact, rtol=2e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("producer", "interleaved"),
    [(p, interleaved) for p in ELEMENTWISE for interleaved in (False, True)[: 1 + p.gated]],
    ids=lambda value: getattr(value, "name", value),
)
def test_gradients_are_those_of_autograd_in_float64(producer: Producer, interleaved: bool) -> None:
    x = an_input(producer).double().requires_grad_()
    weights = torch.randn(7, 96, generator=torch.Generator().manual_seed(5))
    (exact,) = torch.autograd.grad((exact_product(producer, x) * weights).sum(), x)
    given = x.detach().float()
    if interleaved:
        given = torch.stack(given.chunk(2, dim=-1), dim=-1).flatten(1)
        exact = torch.stack(exact.chunk(2, dim=-1), dim=-1).flatten(1)
    got = backward(weights, given, producer, parameters_of(producer), interleaved=interleaved)
    assert got.dtype == torch.float32
    assert torch.allclose(got.double(), exact, rtol=2e-6, atol=2e-5)


@every_producer
def test_gradients_are_rounded_once_to_the_inputs_dtype(producer: Producer) -> None:
    x = an_input(producer, torch.bfloat16)
    weights = torch.randn(7, 96, generator=torch.Generator().manual_seed(6))
    got = backward(weights, x, producer, parameters_of(producer))
    precise = backward(weights, x.float(), producer, parameters_of(producer))
    assert same_bits(got, precise.to(torch.bfloat16)).all()


@pytest.mark.parametrize("producer", [p for p in ELEMENTWISE if p.gated], ids=lambda p: p.name)
def test_gate_and_up_may_alternate(producer: Producer) -> None:
    x = an_input(producer)
    alternating = torch.stack(x.chunk(2, dim=-1), dim=-1).flatten(1)
    numbers = parameters_of(producer)
    got = produce(alternating, producer, numbers, interleaved=True)
    assert same_bits(got, produce(x, producer, numbers)).all()


@every_producer
@pytest.mark.parametrize("dtype", DTYPES)
def test_where_the_inputs_dtype_is_rounded_to(producer: Producer, dtype: torch.dtype) -> None:
    x = an_input(producer, dtype)
    formula = FORMULAS[producer.name]
    numbers = parameters_of(producer)
    tensors = [torch.tensor(number) for number in numbers]
    got = {i: produce(x, producer, numbers, intermediate=i) for i in Intermediate}
    once = got[Intermediate.FLOAT32].to(dtype).float()
    assert same_bits(got[Intermediate.PRODUCT], once).all()
    if producer.gated:
        gate, up = x.float().chunk(2, dim=-1)
        gate = formula.gate(gate, tensors).to(dtype).float()
        up = up if formula.up is None else formula.up(up, tensors).to(dtype).float()
        once = (gate * up).to(dtype).float()
    assert same_bits(got[Intermediate.INPUT_DTYPE], once).all()
    if dtype != torch.float32 and producer.gated:
        assert not torch.equal(got[Intermediate.FLOAT32], got[Intermediate.PRODUCT])
        assert not torch.equal(got[Intermediate.INPUT_DTYPE], got[Intermediate.PRODUCT])


def test_an_identity_of_16_bits_is_rounded_by_nothing() -> None:
    x = an_input(producer_named("identity"), torch.bfloat16)
    for intermediate in Intermediate:
        got = produce(x, producer_named("identity"), intermediate=intermediate)
        assert same_bits(got, x.float()).all()


@pytest.mark.parametrize(
    "name", [n for n, recipe in RECIPES.items() if recipe.group_size and not recipe.by_token]
)
def test_a_short_last_group_has_the_scale_of_the_elements_that_exist(name: str) -> None:
    recipe = RECIPES[name]
    size = recipe.group_in(96)
    products = torch.randn(5, 2 * size + 6, generator=torch.Generator().manual_seed(7))
    values, scales = quantise(products, recipe, scale=given_to(recipe))
    short_values, short_scales = quantise(products[:, 2 * size :], recipe, scale=given_to(recipe))
    assert scales is not None
    assert short_scales is not None
    assert scales.shape == (5, 3)
    assert same_bits(scales[:, 2:], short_scales).all()
    assert same_bits(values[:, -short_values.shape[1] :], short_values).all()


@every_recipe
def test_what_is_dequantised_is_near_the_products(name: str) -> None:
    recipe = RECIPES[name]
    products = torch.randn(6, 160, generator=torch.Generator().manual_seed(8)).bfloat16().float()
    values, scales = quantise(products, recipe, dtype=torch.bfloat16, scale=given_to(recipe))
    got = dequantise(values, scales, recipe, 160, scale=given_to(recipe))
    assert got.dtype == torch.float32
    bits = recipe.format.bits if recipe.format else 0
    far = {0: 0.0, 8: 0.27, 4: 0.7}[bits]
    assert (got - products).abs().max().item() <= far


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "none"])
def test_values_stand_for_code_times_scale(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.format is not None
    products = torch.randn(6, 150, generator=torch.Generator().manual_seed(8)) * 100
    values, scales = quantise(products, recipe, scale=given_to(recipe))
    codes = decode(values, recipe.format)
    multipliers = GIVEN.expand(6, 150)
    if scales is not None and recipe.group_size is not None:
        of_groups = scales
        if recipe.scale is ScaleFormat.E8M0:
            of_groups = torch.exp2(scales.float() - 127)
        elif recipe.scale is ScaleFormat.E4M3:
            of_groups = scales.view(torch.float8_e4m3fn).float() / GIVEN
        groups = torch.arange(150) // recipe.group_in(150)
        multipliers = of_groups[:, groups]
    got = dequantise(values, scales, recipe, 150, scale=given_to(recipe))
    assert same_bits(got, codes * multipliers).all()


@every_recipe
@every_producer
def test_slices_of_rows_change_nothing(
    name: str, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, recipe = an_input(producer, torch.bfloat16, rows=11), RECIPES[name]
    numbers = parameters_of(producer)
    whole = compute(x, producer, numbers, recipe, scale=given_to(recipe))
    monkeypatch.setattr(slices, "_SLICE_ELEMENTS", 2 * x.shape[1])
    parts = compute(x, producer, numbers, recipe, scale=given_to(recipe))
    assert same_bits(parts[0], whole[0]).all()
    assert parts[0].dtype == whole[0].dtype
    assert (parts[1] is None) == (whole[1] is None)
    if parts[1] is not None and whole[1] is not None:
        assert same_bits(parts[1], whole[1]).all()


@every_recipe
def test_no_tokens_give_nothing(name: str) -> None:
    recipe, producer = RECIPES[name], producer_named("silu_and_mul")
    x = torch.empty(0, 512, dtype=torch.bfloat16)
    values, scales = compute(x, producer, (), recipe, scale=given_to(recipe))
    assert values.shape == (0, 128 if recipe.value == "float4_e2m1" else 256)
    assert scales is None or scales.shape == (0, recipe.groups_in(256))
    assert backward(torch.empty(0, 256), x, producer).shape == (0, 512)


def layouts_of(recipe: Recipe) -> list[Recipe]:
    found = []
    for layout in ScaleLayout:
        packed = layout in (ScaleLayout.PACKED, ScaleLayout.SWIZZLE_128X4)
        if packed and not recipe.scale_is_byte:
            continue
        if layout is ScaleLayout.PACKED and str(recipe.scale) != "float8_e8m0fnu":
            continue
        found.append(recipe.with_layout(layout))
    return found


ALL_LAYOUTS = [
    recipe for name in ("fp8_block", "mxfp8", "nvfp4") for recipe in layouts_of(RECIPES[name])
]


@pytest.mark.parametrize("recipe", ALL_LAYOUTS, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (130, 9), (256, 8), (0, 4)])
def test_scales_come_back_from_every_layout(recipe: Recipe, shape: tuple[int, int]) -> None:
    codes = torch.randint(1, 255, shape, generator=torch.Generator().manual_seed(9))
    scales = codes.to(torch.uint8) if recipe.scale_is_byte else codes.float()
    stored = layouts.place(scales, recipe)
    assert torch.equal(layouts.by_token(stored, recipe, *shape), scales)


@pytest.mark.parametrize("recipe", ALL_LAYOUTS, ids=str)
def test_each_scale_lies_where_its_layout_says(recipe: Recipe) -> None:
    tokens, groups = 133, 7
    size = 1 if recipe.scale_is_byte else 4
    codes = torch.randint(1, 255, (tokens, groups), generator=torch.Generator().manual_seed(10))
    scales = codes.to(torch.uint8) if recipe.scale_is_byte else codes.float()
    stored = layouts.place(scales, recipe)
    memory = torch.empty(0, dtype=torch.uint8).set_(stored.untyped_storage())
    step = {  # bytes from one group to the next, and from one token to the next
        ScaleLayout.ROW_MAJOR: (size, groups * size),
        ScaleLayout.COLUMN_MAJOR: (tokens * size, size),
        ScaleLayout.COLUMN_MAJOR_PADDED: ((144 if size == 1 else 136 * 4), size),
    }
    seen = torch.zeros_like(memory, dtype=torch.bool)
    for token in range(tokens):
        for group in range(groups):
            if recipe.layout is ScaleLayout.PACKED:
                place = (group // 4 * 136 + token) * 4 + group % 4
            elif recipe.layout is ScaleLayout.SWIZZLE_128X4:
                tile = (token // 128) * 2 + group // 4
                place = tile * 512 + (token % 32) * 16 + (token % 128) // 32 * 4 + group % 4
            else:
                by_group, of_token = step[recipe.layout]
                place = group * by_group + token * of_token
            seen[place : place + size] = True
            here = memory[place : place + size].clone()
            assert torch.equal(here, scales[token, group].reshape(1).view(torch.uint8))
    assert not memory[~seen].any()  # padding


def test_a_quantiser_that_divides_gives_few_other_codes_and_the_same_scales() -> None:
    """transformers' for FineGrainedFP8 divides: docs/numerics.md has the share of a larger draw."""
    x = torch.randn(64, 8192, generator=torch.Generator().manual_seed(12)).bfloat16()
    values, scales = compute(x, producer_named("identity"), (), RECIPES["fp8_block"])
    groups = x.float().unflatten(-1, (-1, 128))
    expected = groups.abs().amax(-1) / torch.tensor(448.0)
    assert scales is not None
    assert torch.equal(scales, expected)
    codes = (groups / expected[..., None]).to(torch.float8_e4m3fn).flatten(-2)
    steps = (codes.view(torch.uint8).int() - values.view(torch.uint8).int()).abs()
    assert steps.max() == 1
    assert 2e-4 < steps.float().mean() < 1e-3


def test_an_unfused_quantiser_by_reciprocal_gives_the_same_codes() -> None:
    x = torch.randn(256, 8192, generator=torch.Generator().manual_seed(11)).bfloat16()
    values, scales = compute(
        x,
        producer_named("silu_and_mul"),
        (),
        RECIPES["fp8_block"],
        intermediate=Intermediate.INPUT_DTYPE,
    )
    gate, up = x.chunk(2, dim=-1)
    groups = (torch.nn.functional.silu(gate) * up).float().unflatten(-1, (-1, 128))
    expected = (groups.abs().amax(dim=-1) / torch.tensor(448.0)).clamp(min=1 / (448 * 512))
    assert scales is not None
    assert torch.equal(scales, expected)
    codes = (groups * (1 / expected)[..., None]).clamp(-448, 448).to(torch.float8_e4m3fn)
    assert same_bits(values, codes.flatten(1)).all()

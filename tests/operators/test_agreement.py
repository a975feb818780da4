"""Every implementation equals the reference in every byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import opparity
from operator_calls import (
    BY_NAME,
    OPERATOR,
    VALUE_DTYPES,
    assert_same_bytes,
    assert_same_case,
    bytes_of,
    every_pattern,
    quantise,
    run_case,
)
from opparity import providers
from opparity.formats import (
    INPUT_DTYPES,
    RECIPES,
    VALUE_FORMATS,
    Intermediate,
    ScaleLayout,
    accepted_recipes,
)
from opparity.operators import ELEMENTWISE, general_name
from opparity.operators.case import Case, given_scale
from opparity.operators.cases import cases
from opparity.operators.declaration import Direction
from opparity.operators.fillings import Filling, make_input

FORWARD = [general_name(producer) for producer in ELEMENTWISE]
GATED = {general_name(producer) for producer in ELEMENTWISE if producer.gated}
BACKWARD = [name for name, row in BY_NAME.items() if row.direction is Direction.BACKWARD]
RECIPES_LISTED = sorted(set(accepted_recipes().values()), key=str)
BOTH = ("native", "reference")


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("intermediate", Intermediate)
def test_every_sixteen_bit_gate_of_every_producer(
    name: str, dtype: str, intermediate: Intermediate
) -> None:
    case = Case(name, Filling.EVERY_GATE, 64, 1024, dtype, RECIPES["none"], intermediate)
    assert_same_case(case)


@pytest.mark.parametrize("name", BACKWARD)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_sixteen_bit_gate_of_every_slope(name: str, dtype: str) -> None:
    assert_same_case(Case(name, Filling.EVERY_GATE, 64, 1024, dtype, RECIPES["none"]))


@pytest.mark.parametrize("value", VALUE_FORMATS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_sixteen_bit_number_in_every_value_format(value: str, dtype: str) -> None:
    for recipe in RECIPES.values():
        if recipe.value == value:
            for scale in {given_scale(recipe), None if given_scale(recipe) is None else 1.0}:
                case = Case("quantize", Filling.EVERY_GATE, 64, 1024, dtype, recipe, scale=scale)
                assert_same_case(case)


@pytest.mark.parametrize("gate_dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
def test_every_sixteen_bit_up_in_calls_large_enough_to_look_silu_up(
    gate_dtype: torch.dtype, dtype: torch.dtype
) -> None:
    patterns = every_pattern(gate_dtype).view(-1, 1024)
    shuffled = patterns.flatten()[torch.randperm(1 << 16)].view(-1, 1024)
    input = torch.cat((shuffled, patterns), dim=1)
    for intermediate in Intermediate:
        codes, scales = quantise("reference", input, 64, dtype=dtype, intermediate=intermediate)
        # Repeated, they are enough for a processor that looks SiLU up.
        repeated = input.repeat(17, 1)
        got = quantise("native", repeated, 64, dtype=dtype, intermediate=intermediate)
        assert_same_bytes(got[0], codes.view(torch.uint8).repeat(17, 1).view(dtype))
        assert_same_bytes(got[1], scales.repeat(17, 1))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_producer_recipe_shape_and_filling(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FORWARD))
    recipe = data.draw(st.sampled_from(RECIPES_LISTED))
    width = data.draw(st.integers(1, 24)) * data.draw(st.sampled_from([8, 16, 56]))
    case = Case(
        name,
        data.draw(
            st.sampled_from([Filling.ACTIVATIONS, Filling.PATTERNS, Filling.FINITE_PATTERNS])
        ),
        data.draw(st.integers(1, 140)) if width < 100 else data.draw(st.integers(1, 9)),
        width,
        data.draw(st.sampled_from(INPUT_DTYPES)),
        recipe,
        data.draw(st.sampled_from(Intermediate)),
        interleaved=name in GATED and data.draw(st.booleans()),
        scale=given_scale(recipe) and data.draw(st.sampled_from([1e-20, 0.37, 3.0, 1e20])),
        scale_ub=data.draw(st.sampled_from([None, 1e-9, 0.003, 7.0, 1e30]))
        if recipe.rule == "amax"
        else None,
        seed=data.draw(st.integers(0, 2**32)),
    )
    assert_same_case(case)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_gradient(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(BACKWARD))
    case = Case(
        name,
        data.draw(
            st.sampled_from([Filling.ACTIVATIONS, Filling.PATTERNS, Filling.FINITE_PATTERNS])
        ),
        data.draw(st.integers(1, 9)),
        data.draw(st.integers(1, 80)) * 8,
        data.draw(st.sampled_from(INPUT_DTYPES)),
        RECIPES["none"],
        interleaved=BY_NAME[name].producer in GATED and data.draw(st.booleans()),
        seed=data.draw(st.integers(0, 2**32)),
    )
    assert_same_case(case)


@pytest.mark.parametrize("width", [1, 2, 3, 7, 15, 17, 33, 127, 129, 255, 257, 1000])
@pytest.mark.parametrize("name", ["quantize", "silu_and_mul", "gelu_and_mul"])
def test_widths_that_nothing_divides(name: str, width: int) -> None:
    input = make_input(Filling.ACTIVATIONS, 3, 1008, "bfloat16", width)
    operator = getattr(torch.ops.opparity, name).default
    part = torch.cat((input[:, :width], input[:, 1008 : 1008 + width]), dim=1)
    part = part if name in GATED else part[:, :width].contiguous()
    for text in ("fp8_block_64", "mxfp8", "int8_block", "none", "mxfp4"):
        if text == "mxfp4" and width % 2:
            continue
        found = []
        for provider in BOTH:
            with providers(force=provider):
                found.append(operator(part, text))
        assert_same_bytes(found[0][0], found[1][0])
        assert_same_bytes(found[0][1], found[1][1])


def test_each_golden_case_was_written_by_the_kernel_and_not_by_the_poison() -> None:
    for case in cases()[::40]:
        values, *_ = run_case("native", case)
        assert not (values.view(torch.uint8) == 0x55).all()


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
def test_row_strides_of_input_out_and_scales_are_honoured(
    provider: str, dtype: torch.dtype
) -> None:
    wide = make_input(Filling.ACTIVATIONS, 7, 640, "bfloat16", 3)
    input = wide[:, 256:768]
    expected = quantise("reference", input.contiguous(), 64, dtype=dtype)
    out = torch.full((7, 400), 0x55, dtype=torch.uint8)
    scales = torch.full((7, 3, 4), -1.0)
    with providers(force=provider):
        OPERATOR(out.view(dtype)[:, 100:356], input, scales[:, 1, :], 64)
    assert_same_bytes(out.view(dtype)[:, 100:356], expected[0])
    assert_same_bytes(scales[:, 1, :], expected[1])
    # Nothing beside the views was written.
    assert (out[:, :100] == 0x55).all()
    assert (out[:, 356:] == 0x55).all()
    assert (scales[:, 0] == -1).all()
    assert (scales[:, 2] == -1).all()


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("num_tokens", [1, 4, 5])
def test_transposed_scales_either_way_round(provider: str, num_tokens: int) -> None:
    input = make_input(Filling.ACTIVATIONS, num_tokens, 256, "bfloat16", 5)
    values, expected = quantise("reference", input, 64)
    # As vLLM pads for TMA, in the last one: a group's scales start every eight places.
    for width, turned in ((num_tokens, False), (num_tokens, True), (8, False)):
        memory = torch.full((4, width), -1.0)
        view = memory[:, :num_tokens]
        out = torch.empty_like(values)
        with providers(force=provider):
            OPERATOR(out, input, view.t() if turned else view, 64, None, True)
        assert_same_bytes(memory[:, :num_tokens].t().contiguous(), expected)
        assert_same_bytes(out, values)


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("layout", ScaleLayout)
@pytest.mark.parametrize("num_tokens", [1, 3, 127, 128, 131])
def test_given_scales_get_what_is_returned_and_their_padding_is_zero(
    provider: str, layout: ScaleLayout, num_tokens: int
) -> None:
    recipe = RECIPES["mxfp8"].with_layout(layout)
    input = make_input(Filling.ACTIVATIONS, num_tokens, 160, "bfloat16", 2)
    rows = torch.ops.opparity.silu_and_mul(input, "mxfp8")[1].view(torch.uint8)
    with providers(force=provider):
        values, scales = torch.ops.opparity.silu_and_mul(input, recipe.text)
        memory = torch.full((4 * scales.untyped_storage().nbytes(),), 0x55, dtype=torch.uint8)
        given = memory.view(scales.dtype).as_strided(scales.shape, scales.stride())
        torch.ops.opparity.silu_and_mul.out(
            input, recipe.text, values=torch.empty_like(values), scales=given
        )
    assert_same_bytes(given, scales)
    # Whatever lies where: the bytes of the scales and zeros, which no scale here is.
    stored = bytes_of(scales)
    assert sorted(stored[stored != 0].tolist()) == sorted(rows.flatten().tolist())
    # Nothing beside the tensor was written, such as what pads its columns.
    untouched = torch.ones_like(memory)
    places = untouched.view(scales.dtype).as_strided(scales.shape, scales.stride())
    places.view(torch.uint8 if places.element_size() == 1 else places.dtype).zero_()
    assert (memory[untouched != 0] == 0x55).all()


@pytest.mark.parametrize("width", [1, 16, 31, 33, 65, 129])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_what_is_behind_a_row_is_no_largest_magnitude(width: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(width)
    gate = torch.randn(3, width, generator=draw).clamp(max=1.0)
    up = torch.full((3, width), -7.0)
    results: list[torch.Tensor] = []
    for provider in BOTH:
        with providers(force=provider):
            # With up at its limit the sum is finite in float16; zero and this offset's is not.
            results += opparity.swigluoai_and_mul(
                torch.cat((gate, up), dim=1).to(dtype),
                "int8_token",
                intermediate="input_dtype",
                beta=65520.0,
            )
    values, scales, expected_values, expected_scales = results
    assert_same_bytes(values, expected_values)
    assert_same_bytes(scales, expected_scales)
    assert scales.isfinite().all()


@pytest.mark.parametrize("provider", BOTH)
def test_an_expanded_input_row_is_read_and_no_tokens_give_nothing(provider: str) -> None:
    row = make_input(Filling.ACTIVATIONS, 1, 128, "float16", 1)
    values, scales = quantise(provider, row.expand(5, -1), 32)
    expected = quantise("reference", row, 32)
    assert_same_bytes(
        values, expected[0].view(torch.uint8).expand(5, -1).contiguous().view(values.dtype)
    )
    assert_same_bytes(scales, expected[1].expand(5, -1))
    with providers(force=provider):
        for name in FORWARD:
            numbers = {p.name: 1.0 for p in ELEMENTWISE[FORWARD.index(name)].parameters}
            for text in ("fp8_block", "mxfp4", "deepgemm", "none"):
                operator = getattr(torch.ops.opparity, name).default
                found = operator(torch.empty(0, 256), text, **numbers)
                assert found[0].shape[0] == 0
                assert found[1].numel() == 0
        assert torch.ops.opparity.silu_and_mul_backward(
            torch.empty(0, 128), torch.empty(0, 256)
        ).shape == (0, 256)


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
def test_a_nan_is_never_lost_and_stays_in_its_group(provider: str, dtype: torch.dtype) -> None:
    input = torch.ones(2, 256)
    input[0, 5] = float("nan")
    input[1, 128 + 70] = float("nan")
    values, scales = quantise(provider, input, 32, dtype=dtype)
    assert scales.isnan().nonzero().tolist() == [[0, 0], [1, 2]]
    if dtype != torch.int8:
        assert values.float().isnan().nonzero().tolist() == (
            [[0, column] for column in range(32)] + [[1, column] for column in range(64, 96)]
        )


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("value", ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "int8"])
def test_a_zero_group_has_the_least_scale_and_zero_codes(provider: str, value: str) -> None:
    dtype: torch.dtype = getattr(torch, value)
    values, scales = quantise(provider, torch.zeros(1, 64), 32, dtype=dtype)
    assert scales.tolist() == [[VALUE_FORMATS[value].minimum_scale]]
    assert (values.view(torch.uint8) == 0).all()


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("name", FORWARD)
def test_splitting_or_permuting_tokens_changes_nothing(provider: str, name: str) -> None:
    numbers = {p.name: 1.0 for p in ELEMENTWISE[FORWARD.index(name)].parameters}
    input = make_input(Filling.ACTIVATIONS, 31, 256, "bfloat16", 8)
    operator = getattr(torch.ops.opparity, name).default
    with providers(force=provider):
        values, scales = operator(input, "mxfp8", **numbers)
        order = torch.randperm(31)
        permuted = operator(input[order], "mxfp8", **numbers)
        parts = [operator(input[s], "mxfp8", **numbers) for s in (slice(0, 1), slice(1, 31))]
    assert_same_bytes(permuted[0], values.view(torch.uint8)[order].view(values.dtype))
    assert_same_bytes(permuted[1], scales.view(torch.uint8)[order].view(scales.dtype))
    joined = torch.cat([part[0].view(torch.uint8) for part in parts]).view(values.dtype)
    assert_same_bytes(joined, values)


def test_values_times_scales_are_within_half_a_step_of_the_product() -> None:
    input = make_input(Filling.ACTIVATIONS, 64, 1024, "float32", 2)
    values, scales = quantise("native", input, 128)
    gate, up = input.double().chunk(2, dim=1)
    product = (torch.nn.functional.silu(gate) * up).unflatten(1, (-1, 128))
    error = (values.double().unflatten(1, (-1, 128)) * scales.double()[..., None] - product).abs()
    amax = product.abs().amax(dim=-1, keepdim=True)
    # E4M3's widest step below 448 is 32: half of it is 1/28 of the maximum.
    assert (error / amax).max().item() <= 1 / 28 + 1e-6


@pytest.mark.parametrize("name", FORWARD)
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    numbers = {p.name: 1.0 for p in ELEMENTWISE[FORWARD.index(name)].parameters}
    input = make_input(Filling.ACTIVATIONS, 65, 2048, "bfloat16", 4)
    operator = getattr(torch.ops.opparity, name).default
    threads = torch.get_num_threads()
    try:
        results = []
        for number in (1, 2, 3, 7):
            torch.set_num_threads(number)
            results.append(operator(input, "fp8_block_64", **numbers))
    finally:
        torch.set_num_threads(threads)
    for values, scales in results[1:]:
        assert_same_bytes(values, results[0][0])
        assert_same_bytes(scales, results[0][1])


def test_flushing_subnormals_in_the_callers_thread_changes_nothing() -> None:
    # Subnormal gates times huge numbers: products that count.
    gate = torch.arange(1, 2049, dtype=torch.int32).view(16, 128) * 4001
    input = torch.cat((gate.view(torch.float32), torch.full((16, 128), 2.0**125)), dim=1)
    expected = quantise("native", input, 64, dtype=torch.int8)
    assert_same_bytes(expected[0], quantise("reference", input, 64, dtype=torch.int8)[0])
    assert (expected[0] > 0).all()
    if not torch.set_flush_denormal(True):
        pytest.fail("this processor cannot flush subnormals, so the test would show nothing")
    try:
        got = quantise("native", input, 64, dtype=torch.int8)
        # The caller's setting is as it was, and it does change what torch computes.
        assert (torch.tensor(2.0**-100) * 2.0**-40).item() == 0.0
        flushed = quantise("reference", input, 64, dtype=torch.int8)
    finally:
        torch.set_flush_denormal(False)
    assert_same_bytes(got[0], expected[0])
    assert_same_bytes(got[1], expected[1])
    assert not torch.equal(flushed[0], expected[0])


@pytest.mark.parametrize("capability", ["baseline", "avx2", "avx512", "neon"])
def test_each_capability_of_the_cpu_gives_the_golden_bits_or_says_that_it_cannot_run(
    capability: str,
) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "opparity", "verify", "--output-format", "json"],
        env={**os.environ, "OPPARITY_CPU_CAPABILITY": capability, "OPPARITY_FORBID": "reference"},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        flags = " ".join(f for f in ("avx2", "fma", "avx512f", "avx512bw") if f in _cpu_flags())
        assert f"OPPARITY_CPU_CAPABILITY is '{capability}'; allowed on this processor: " in (
            completed.stderr
        ), completed.stderr
        assert {"baseline": False, "avx2": "fma" not in flags, "neon": True}.get(
            capability, "avx512bw" not in flags
        )
    else:
        assert '"provider": "native"' in completed.stdout
        assert '"status": "equal"' in completed.stdout
        assert '"status": "different"' not in completed.stdout


def _cpu_flags() -> str:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8")


def test_offsets_beyond_two_to_the_31_elements() -> None:
    # Pages that nothing touches cost no memory, so rows lie far apart instead of being many.
    stride = (1 << 30) + 64
    small = make_input(Filling.ACTIVATIONS, 3, 64, "bfloat16", 9)
    input = torch.empty(2 * stride + 128, dtype=torch.bfloat16).as_strided((3, 128), (stride, 1))
    input.copy_(small)
    out = torch.empty(2 * stride + 64, dtype=torch.int8).as_strided((3, 64), (stride, 1))
    scales = torch.empty(2 * stride + 4, dtype=torch.float32).as_strided((3, 4), (stride, 1))
    OPERATOR(out, input, scales, 16)
    expected = quantise("reference", small, 16, dtype=torch.int8)
    assert_same_bytes(out, expected[0])
    assert_same_bytes(scales, expected[1])
    gradient = torch.ops.opparity.silu_and_mul_backward(torch.ones(3, 64), input)
    with providers(force="reference"):
        assert_same_bytes(
            gradient, torch.ops.opparity.silu_and_mul_backward(torch.ones(3, 64), small)
        )

"""Every implementation equals the reference in every byte."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from operator_calls import (
    INTERMEDIATES,
    OPERATOR,
    VALUE_DTYPES,
    assert_same_bytes,
    every_pattern,
    quantise,
)
from opparity import providers
from opparity.formats import GROUP_SIZES
from opparity.formats import INPUT_DTYPES as INPUT_NAMES
from opparity.operators.silu_and_mul_per_block_quant.cases import Filling, make_input

CPU_PROVIDERS = ("native",)


@pytest.mark.parametrize("provider", CPU_PROVIDERS)
@pytest.mark.parametrize("intermediate", INTERMEDIATES)
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
@pytest.mark.parametrize("gate_dtype", [torch.float16, torch.bfloat16], ids=str)
def test_every_sixteen_bit_gate_and_every_sixteen_bit_up(
    provider: str, gate_dtype: torch.dtype, dtype: torch.dtype, intermediate: str
) -> None:
    patterns = every_pattern(gate_dtype).view(-1, 1024)
    shuffled = patterns.flatten()[torch.randperm(1 << 16)].view(-1, 1024)
    for gate, up in ((patterns, torch.ones_like(patterns)), (shuffled, patterns)):
        input = torch.cat((gate, up), dim=1)
        codes, scales = quantise("reference", input, 64, dtype=dtype, intermediate=intermediate)
        # Repeated, they are enough for a processor that looks SiLU up.
        for repeats in (1, 17):
            got = quantise(
                provider, input.repeat(repeats, 1), 64, dtype=dtype, intermediate=intermediate
            )
            assert_same_bytes(got[0], codes.view(torch.uint8).repeat(repeats, 1).view(dtype))
            assert_same_bytes(got[1], scales.repeat(repeats, 1))


@pytest.mark.parametrize("provider", CPU_PROVIDERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_shape_filling_and_format(provider: str, data: st.DataObject) -> None:
    group_size = data.draw(st.sampled_from(GROUP_SIZES))
    num_groups = data.draw(st.integers(1, 9))
    num_tokens = data.draw(st.integers(1, 9))
    filling = data.draw(
        st.sampled_from([Filling.ACTIVATIONS, Filling.PATTERNS, Filling.FINITE_PATTERNS])
    )
    input_dtype = data.draw(st.sampled_from(INPUT_NAMES))
    seed = data.draw(st.integers(0, 2**32))
    input = make_input(filling, num_tokens, num_groups * group_size, input_dtype, seed)
    dtype = data.draw(st.sampled_from(VALUE_DTYPES))
    scale_ub = data.draw(st.sampled_from([None, 1e-9, 0.003, 7.0, 1e30]))
    intermediate = data.draw(st.sampled_from(INTERMEDIATES))
    is_scale_transposed = data.draw(st.booleans())
    got, expected = (
        quantise(
            name,
            input,
            group_size,
            dtype=dtype,
            scale_ub=scale_ub,
            intermediate=intermediate,
            is_scale_transposed=is_scale_transposed,
        )
        for name in (provider, "reference")
    )
    assert_same_bytes(got[0], expected[0])
    assert_same_bytes(got[1], expected[1])


@pytest.mark.parametrize("provider", [*CPU_PROVIDERS, "reference"])
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


@pytest.mark.parametrize("provider", [*CPU_PROVIDERS, "reference"])
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


@pytest.mark.parametrize("provider", [*CPU_PROVIDERS, "reference"])
def test_an_expanded_input_row_is_read_and_no_tokens_give_nothing(provider: str) -> None:
    row = make_input(Filling.ACTIVATIONS, 1, 128, "float16", 1)
    values, scales = quantise(provider, row.expand(5, -1), 32)
    expected = quantise("reference", row, 32)
    assert_same_bytes(
        values, expected[0].view(torch.uint8).expand(5, -1).contiguous().view(values.dtype)
    )
    assert_same_bytes(scales, expected[1].expand(5, -1))
    values, scales = quantise(provider, row[:0], 32)
    assert values.shape == (0, 128)
    assert scales.shape == (0, 4)


@pytest.mark.parametrize("provider", [*CPU_PROVIDERS, "reference"])
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


@pytest.mark.parametrize("provider", [*CPU_PROVIDERS, "reference"])
@pytest.mark.parametrize("dtype", VALUE_DTYPES, ids=str)
def test_a_zero_group_has_the_least_scale_and_zero_codes(provider: str, dtype: torch.dtype) -> None:
    values, scales = quantise(provider, torch.zeros(1, 64), 32, dtype=dtype)
    floor = 2.0**-23 if dtype == torch.int8 else 1.0 / (512 * torch.finfo(dtype).max)
    if dtype == torch.float8_e4m3fnuz:
        floor = 1.0 / (512 * 224)
    assert scales.tolist() == [[torch.tensor(floor).item()]]
    assert (values.view(torch.uint8) == 0).all()


@pytest.mark.parametrize("provider", [*CPU_PROVIDERS, "reference"])
def test_splitting_or_permuting_tokens_changes_nothing(provider: str) -> None:
    input = make_input(Filling.ACTIVATIONS, 31, 512, "bfloat16", 8)
    values, scales = quantise(provider, input, 128)
    order = torch.randperm(31)
    permuted = quantise(provider, input[order], 128)
    assert_same_bytes(permuted[0], values.view(torch.uint8)[order].view(values.dtype))
    assert_same_bytes(permuted[1], scales[order])
    for part in (slice(0, 1), slice(1, 20), slice(20, 31)):
        got = quantise(provider, input[part], 128)
        assert_same_bytes(got[0], values[part])
        assert_same_bytes(got[1], scales[part])


def test_values_times_scales_are_within_half_a_step_of_the_product() -> None:
    input = make_input(Filling.ACTIVATIONS, 64, 1024, "float32", 2)
    values, scales = quantise("native", input, 128)
    gate, up = input.double().chunk(2, dim=1)
    product = (torch.nn.functional.silu(gate) * up).unflatten(1, (-1, 128))
    error = (values.double().unflatten(1, (-1, 128)) * scales.double()[..., None] - product).abs()
    amax = product.abs().amax(dim=-1, keepdim=True)
    # E4M3's widest step below 448 is 32: half of it is 1/28 of the maximum.
    assert (error / amax).max().item() <= 1 / 28 + 1e-6


def test_any_number_of_threads_gives_the_same_bits() -> None:
    input = make_input(Filling.ACTIVATIONS, 65, 2048, "bfloat16", 4)
    threads = torch.get_num_threads()
    try:
        results = []
        for number in (1, 2, 3, 7):
            torch.set_num_threads(number)
            results.append(quantise("native", input, 64))
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
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


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

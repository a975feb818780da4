from __future__ import annotations

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import INPUT_DTYPES, assert_same_bytes
from opparity import providers

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])
every_dtype = pytest.mark.parametrize("dtype", INPUT_DTYPES, ids=str)


def gate_and_up(dtype: torch.dtype = torch.bfloat16, size: float = 4.0) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return (torch.randn(6, 512, generator=generator) * size).to(dtype)


@both
@every_dtype
def test_a_clamp_with_alpha_and_beta_is_the_oai_form(provider: str, dtype: torch.dtype) -> None:
    input, out = gate_and_up(dtype), torch.empty(6, 256, dtype=dtype)
    with providers(force=provider):
        OPS.silu_and_mul_with_clamp.vllm(out, input, 3.0, 1.702, 1.0)
        expected = opparity.swigluoai_and_mul(
            input, intermediate="input_dtype", alpha=1.702, limit=3.0, beta=1.0
        )
    assert_same_bytes(out, expected)


@both
@every_dtype
def test_a_clamp_without_them_is_silu(provider: str, dtype: torch.dtype) -> None:
    input, out = gate_and_up(dtype), torch.empty(6, 256, dtype=dtype)
    with providers(force=provider):
        OPS.silu_and_mul_with_clamp.vllm(out, input, 3.0)
        expected = opparity.silu_and_mul_with_clamp(input, intermediate="input_dtype", limit=3.0)
    assert_same_bytes(out, expected)


@both
@pytest.mark.parametrize("linear_beta", [-1.0, 0.0])
def test_a_linear_beta_that_is_not_positive_leaves_up_alone(
    provider: str, linear_beta: float
) -> None:
    input = gate_and_up(torch.float32, 40.0)
    gate, up = input.chunk(2, dim=1)
    ones = torch.cat((gate, torch.ones_like(up)), dim=1)
    with providers(force=provider):
        got = opparity.situ_and_mul(input, beta=4.0, linear_beta=linear_beta)
        gates = opparity.situ_and_mul(ones, beta=4.0, linear_beta=linear_beta)
        gradient = OPS.situ_and_mul_backward(torch.ones_like(up), input, 4.0, linear_beta)
    assert_same_bytes(got, gates * up)
    assert_same_bytes(gradient[:, 256:].contiguous(), gates)


@both
def test_gate_and_up_of_swigluoai_alternate_in_vllms_schema(provider: str) -> None:
    input, out = gate_and_up(), torch.empty(6, 256, dtype=torch.bfloat16)
    with providers(force=provider):
        OPS.swigluoai_and_mul.vllm(out, input)
        expected = opparity.swigluoai_and_mul(input, interleaved=True)
    assert_same_bytes(out, expected)


@both
@pytest.mark.parametrize("name", ["silu_and_mul", "gelu_and_mul", "gelu_tanh_and_mul"])
def test_activations_round_twice_in_vllms_schema(provider: str, name: str) -> None:
    input, out = gate_and_up(), torch.empty(6, 256, dtype=torch.bfloat16)
    gate, up = input.chunk(2, dim=1)
    ones = torch.cat((gate, torch.ones_like(up)), dim=1)
    with providers(force=provider):
        getattr(OPS, name).vllm(out, input)
        activated = getattr(opparity, name)(ones)
    assert_same_bytes(out, activated * up)
    assert not torch.equal(out, getattr(opparity, name)(input))


@both
def test_static_quantisation_after_silu_is_that_of_two_operators(provider: str) -> None:
    input, scale = gate_and_up(), torch.tensor(0.03)
    product = torch.empty(6, 256, dtype=torch.bfloat16)
    fused, apart = (torch.empty(6, 256, dtype=torch.float8_e4m3fn) for _ in range(2))
    with providers(force=provider):
        OPS.silu_and_mul_quant(fused, input, scale)
        OPS.silu_and_mul.vllm(product, input)
        OPS.static_scaled_fp8_quant(apart, product, scale, [-1, -1])
    assert_same_bytes(fused, apart)


@both
def test_a_negative_scale_turns_the_signs(provider: str) -> None:
    # vLLM's own test of silu_and_mul_quant draws such a scale.
    input = gate_and_up()
    negative, positive = (torch.empty(6, 256, dtype=torch.float8_e4m3fn) for _ in range(2))
    with providers(force=provider):
        OPS.silu_and_mul_quant(negative, input, torch.tensor(-0.03))
        OPS.silu_and_mul_quant(positive, input, torch.tensor(0.03))
        restored, expected = (
            opparity.silu_and_mul(input, "fp8_tensor", scale=s).dequantize() for s in (-0.03, 0.03)
        )
    assert_same_bytes(negative.view(torch.uint8) ^ 0x80, positive.view(torch.uint8))
    assert_same_bytes(restored, expected)


@both
def test_situ_is_rounded_to_the_inputs_dtype_before_it_is_quantised(provider: str) -> None:
    input = gate_and_up()
    out, scale = torch.empty(6, 256, dtype=torch.float8_e4m3fn), torch.empty(6, 2)
    with providers(force=provider):
        OPS.situ_and_mul_quant(out, scale, input, 4.0, 25.0, 128)
        values, scales = opparity.quantize(opparity.situ_and_mul(input), "fp8_block")
    assert_same_bytes(out, values)
    assert_same_bytes(scale, scales)


@both
@pytest.mark.parametrize(
    ("amax", "exponent"),
    [(0.0, 94), (448e-10, 94), (2.0**-33 * 448, 94), (2.0**-33 * 450, 95)],
)
def test_no_exponent_is_below_that_of_1e_10_in_vllms_schemas(
    provider: str, amax: float, exponent: int
) -> None:
    input = torch.zeros(3, 128)
    input[:, 5] = amax
    values = torch.empty(3, 128, dtype=torch.float8_e4m3fn)
    words, scales = torch.empty(3, 1, dtype=torch.int32), torch.empty(3, 1)
    limits = (128, 1e-10, -448.0, 448.0)
    with providers(force=provider):
        OPS.per_token_group_fp8_quant_packed(input, values, words, *limits)
        OPS.per_token_group_fp8_quant(input, values, scales, *limits, True, False, False)
    assert words.flatten().tolist() == [exponent] * 3
    assert scales.flatten().tolist() == [2.0 ** (exponent - 127)] * 3


@both
@pytest.mark.parametrize(("step", "between"), [(4, 0), (8, 0x55555555)])
def test_the_rows_that_pad_packed_columns_are_cleared_and_nothing_else(
    provider: str, step: int, between: int
) -> None:
    storage = torch.full((24,), 0x55555555, dtype=torch.int32)
    words = storage[2:].as_strided((3, 2), (1, step))
    values = torch.empty(3, 640, dtype=torch.float8_e4m3fn)
    with providers(force=provider):
        OPS.per_token_group_fp8_quant_packed(
            gate_and_up()[:3].repeat(1, 2)[:, :640].contiguous(),
            values, words, 128, 1e-10, -448.0, 448.0,
        )  # fmt: skip
    assert storage[:2].tolist() == [0x55555555] * 2
    assert storage[5:6].tolist() == [between]
    assert storage[2 + step + 3 :].tolist() == [0x55555555] * (24 - 5 - step)
    assert 0 < int(words[0, 1]) < 256


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.int32], ids=str)
def test_experts_of_tiny_numbers_get_the_least_scale(provider: str, dtype: torch.dtype) -> None:
    """1e-10, rounded up to a power of two, though the operator has no eps."""
    input = torch.full((1, 2, 256), 1e-20)
    counts = torch.tensor([2], dtype=torch.int32)
    values = torch.empty(1, 2, 128, dtype=torch.float8_e4m3fn)
    scales = torch.zeros(1, 2, 1, dtype=dtype)
    with providers(force=provider):
        OPS.persistent_masked_m_silu_mul_quant(input, counts, values, scales, True)
    least = 2.0**-33 if dtype == torch.float32 else 127 - 33
    assert (scales == least).all()

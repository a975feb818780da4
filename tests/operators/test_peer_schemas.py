from __future__ import annotations

import re

import pytest
import torch

import opparity
from opparity.operators import OPERATORS

opparity.load()

# csrc/torch_bindings.cpp of vLLM 0.33.0, without line breaks.
VLLM = {
    "gelu_and_mul": "(Tensor! out, Tensor input) -> ()",
    "gelu_quick": "(Tensor! out, Tensor input) -> ()",
    "gelu_tanh_and_mul": "(Tensor! out, Tensor input) -> ()",
    "per_token_group_fp8_quant": "(Tensor input, Tensor! output_q, Tensor! output_s, "
    "int group_size, float eps, float fp8_min, float fp8_max, bool scale_ue8m0, "
    "bool dummy_is_scale_transposed, bool dummy_is_tma_aligned) -> ()",
    "per_token_group_fp8_quant_packed": "(Tensor input, Tensor! output_q, Tensor! output_s_packed, "
    "int group_size, float eps, float fp8_min, float fp8_max) -> ()",
    "per_token_group_quant_int8": "(Tensor input, Tensor! output_q, Tensor! output_s, "
    "int group_size, float eps, float int8_min, float int8_max) -> ()",
    "relu_squared": "(Tensor! out, Tensor input) -> ()",
    "silu_and_mul": "(Tensor! result, Tensor input) -> ()",
    "silu_and_mul_nvfp4_quant": "(Tensor! result, Tensor! result_block_scale, Tensor input, "
    "Tensor input_global_scale) -> ()",
    "silu_and_mul_per_block_quant": "(Tensor! out, Tensor input, Tensor! scales, int group_size, "
    "Tensor? scale_ub=None, bool is_scale_transposed=False) -> ()",
    "silu_and_mul_quant": "(Tensor! result, Tensor input, Tensor scale) -> ()",
    "silu_and_mul_with_clamp": "(Tensor! result, Tensor input, float limit, float alpha=1.0, "
    "float beta=0.0) -> ()",
    "situ_and_mul": "(Tensor! out, Tensor input, float beta=1.0, float linear_beta=-1.0) -> ()",
    "situ_and_mul_quant": "(Tensor! out, Tensor! scale, Tensor input, float beta=1.0, "
    "float linear_beta=-1.0, int group_size=0, Tensor? num_valid_tokens=None, int topk=1) -> ()",
    "dynamic_per_token_scaled_fp8_quant": "(Tensor! result, Tensor input, Tensor! scale, "
    "Tensor? scale_ub) -> ()",
    "dynamic_scaled_int8_quant": "(Tensor! result, Tensor input, Tensor! scale, Tensor!? azp) "
    "-> ()",
    "fused_add_rms_norm": "(Tensor! input, Tensor! residual, Tensor? weight, float epsilon) -> ()",
    "fused_add_rms_norm_static_fp8_quant": "(Tensor! result, Tensor input, Tensor! residual, "
    "Tensor weight, Tensor scale, float epsilon) -> ()",
    "rms_norm": "(Tensor! result, Tensor input, Tensor? weight, float epsilon) -> ()",
    "rms_norm_dynamic_per_token_quant": "(Tensor! result, Tensor input, Tensor weight, "
    "Tensor! scale, float epsilon, Tensor? scale_ub, Tensor!? residual) -> ()",
    "rms_norm_per_block_quant": "(Tensor! result, Tensor input, Tensor weight, Tensor! scale, "
    "float epsilon, Tensor? scale_ub, Tensor!? residual, int group_size, "
    "bool is_scale_transposed) -> ()",
    "rms_norm_static_fp8_quant": "(Tensor! result, Tensor input, Tensor weight, Tensor scale, "
    "float epsilon) -> ()",
    "static_scaled_fp8_quant": "(Tensor! result, Tensor input, Tensor scale, "
    "int[]? group_shape=None) -> ()",
    "persistent_masked_m_silu_mul_quant": "(Tensor input, Tensor counts, Tensor! y_q, Tensor! y_s, "
    "bool use_ue8m0) -> ()",
    "scaled_fp4_experts_quant": "(Tensor! output, Tensor! output_scale, Tensor input, "
    "Tensor input_global_scale, Tensor input_offset_by_experts, "
    "Tensor output_scale_offset_by_experts) -> ()",
    "silu_and_mul_scaled_fp4_experts_quant": "(Tensor! output, Tensor! output_scale, "
    "Tensor input, Tensor input_global_scale, Tensor input_offset_by_experts, "
    "Tensor output_scale_offset_by_experts) -> ()",
    "mxfp4_experts_quant": "(Tensor! output, Tensor! output_scale, Tensor input, "
    "Tensor input_offset_by_experts, Tensor output_scale_offset_by_experts, int n_experts) -> ()",
    "silu_and_mul_mxfp4_experts_quant": "(Tensor! output, Tensor! output_scale, Tensor input, "
    "Tensor input_offset_by_experts, Tensor output_scale_offset_by_experts, int n_experts) -> ()",
    "swigluoai_and_mul": "(Tensor! out, Tensor input, float alpha=1.702, float limit=7.0) -> ()",
}
PEERS = {row.name: row for row in OPERATORS if row.peer == "vLLM 0.33"}


def test_every_operator_that_names_vllm_is_compared() -> None:
    assert set(PEERS) == set(VLLM)


@pytest.mark.parametrize("name", VLLM)
def test_the_schema_is_vllms_but_for_the_names_of_aliases(name: str) -> None:
    row = PEERS[name]
    registered = getattr(getattr(torch.ops.opparity, name), row.overload or "default")._schema
    assert re.sub(r"\(.!\)", "!", row.schema) == VLLM[name]
    # As torch understands it, order, types, defaults and mutation alike.
    assert _facts(registered) == _facts(torch._C.parse_schema(f"x::{name}{_aliased(VLLM[name])}"))


def _aliased(schema: str) -> str:
    letters = iter("abcdef")
    return re.sub("!", lambda _: f"({next(letters)}!)", schema)


def _facts(schema: torch._C.FunctionSchema) -> list[tuple[object, ...]]:
    return [
        (a.name, str(a.type), a.default_value, a.alias_info is not None and a.alias_info.is_write)
        for a in schema.arguments
    ]

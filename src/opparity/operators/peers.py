"""Operators with a peer's name and schema: `torch.ops.opparity` where `torch.ops._C` was.

`intermediate` is where the peer's kernel rounds.
"""

from __future__ import annotations

from opparity.formats import ExpertLayout, Intermediate, ScaleFormat, ScaleRule
from opparity.operators.declaration import Operator, Role

_VLLM = "vLLM 0.33"
_OUT = {"out": Role.VALUES}
_RESULT = {"result": Role.VALUES}
_SCALE_WRITTEN = {"scale": Role.SCALES}
_PER_TOKEN_GROUP = {
    "output_q": Role.VALUES,
    "output_s": Role.SCALES,
    "output_s_packed": Role.SCALES,
    "fp8_min": Role.CODE_MINIMUM,
    "fp8_max": Role.CODE_MAXIMUM,
    "int8_min": Role.CODE_MINIMUM,
    "int8_max": Role.CODE_MAXIMUM,
    "dummy_is_scale_transposed": Role.UNUSED,
    "dummy_is_tma_aligned": Role.UNUSED,
}

_EXPERTS = {
    "output": Role.VALUES,
    "output_scale": Role.SCALES,
    "input_global_scale": Role.SCALE,
    "input_offset_by_experts": Role.ROWS,
    "output_scale_offset_by_experts": Role.SCALE_OFFSETS,
    "n_experts": Role.UNUSED,
}
_NVFP4_IN_TILES = "float4_e2m1/16/float8_e4m3fn/global/swizzle_128x4"
_MXFP4_IN_TILES = "float4_e2m1/32/float8_e8m0fnu/even/swizzle_128x4"


def _experts(name: str, producer: str, global_scale: str, last: str, recipe: str) -> Operator:
    """Return an operator of vLLM's for experts one after another, with scales in tiles."""
    return Operator(
        name,
        producer,
        f"(Tensor(a!) output, Tensor(b!) output_scale, Tensor input{global_scale}, "
        "Tensor input_offset_by_experts, Tensor output_scale_offset_by_experts"
        f"{last}) -> ()",
        roles=_EXPERTS,
        intermediate=Intermediate.PRODUCT,
        experts=ExpertLayout.OFFSETS,
        recipe=recipe,
        peer=_VLLM,
    )


def _activation(
    name: str,
    output: str,
    numbers: str = "",
    *,
    producer: str = "",
    interleaved: bool = False,
    intermediate: Intermediate = Intermediate.FLOAT32,
) -> Operator:
    """Return an activation of vLLM's that quantises nothing."""
    return Operator(
        name,
        producer or name,
        f"(Tensor(a!) {output}, Tensor input{numbers}) -> ()",
        overload="vllm",
        roles={output: Role.VALUES},
        rule=ScaleRule.NONE,
        scale=ScaleFormat.NONE,
        unquantised=True,
        interleaved=interleaved,
        intermediate=intermediate,
        peer=_VLLM,
    )


PEER_OPERATORS: tuple[Operator, ...] = (
    Operator(
        "silu_and_mul_per_block_quant",
        "silu_and_mul",
        "(Tensor(a!) out, Tensor input, Tensor(b!) scales, int group_size, Tensor? scale_ub=None, "
        "bool is_scale_transposed=False) -> ()",
        roles=_OUT,
        peer=_VLLM,
    ),
    Operator(
        "silu_and_mul_per_block_quant",
        "silu_and_mul",
        "(Tensor(a!) out, Tensor input, Tensor(b!) scales, int group_size, Tensor? scale_ub, "
        "bool is_scale_transposed, str intermediate) -> ()",
        overload="intermediate",
        roles=_OUT,
    ),
    Operator(
        "silu_and_mul_quant",
        "silu_and_mul",
        "(Tensor(a!) result, Tensor input, Tensor scale) -> ()",
        roles=_RESULT,
        rule=ScaleRule.GIVEN,
        intermediate=Intermediate.INPUT_DTYPE,
        peer=_VLLM,
    ),
    Operator(
        "silu_and_mul_nvfp4_quant",
        "silu_and_mul",
        "(Tensor(a!) result, Tensor(b!) result_block_scale, Tensor input, "
        "Tensor input_global_scale) -> ()",
        roles={
            "result": Role.VALUES,
            "result_block_scale": Role.SCALES,
            "input_global_scale": Role.SCALE,
        },
        rule=ScaleRule.GLOBAL,
        scale=ScaleFormat.E4M3,
        swizzled=True,
        intermediate=Intermediate.PRODUCT,
        peer=_VLLM,
    ),
    Operator(
        "situ_and_mul_quant",
        "situ_and_mul",
        "(Tensor(a!) out, Tensor(b!) scale, Tensor input, float beta=1.0, float linear_beta=-1.0, "
        "int group_size=0, Tensor? num_valid_tokens=None, int topk=1) -> ()",
        roles=_OUT | {"scale": Role.SCALES, "num_valid_tokens": Role.ROWS, "topk": Role.MULTIPLE},
        intermediate=Intermediate.PRODUCT,
        experts=ExpertLayout.TOKENS,
        # Its kernel leaves the other rows' values, and what reads scales finds finite ones.
        scale_of_others=1.0,
        peer=_VLLM,
    ),
    Operator(
        "per_token_group_fp8_quant",
        "identity",
        "(Tensor input, Tensor(a!) output_q, Tensor(b!) output_s, int group_size, float eps, "
        "float fp8_min, float fp8_max, bool scale_ue8m0, bool dummy_is_scale_transposed, "
        "bool dummy_is_tma_aligned) -> ()",
        roles=_PER_TOKEN_GROUP,
        least_scale=1e-10,
        peer=_VLLM,
    ),
    Operator(
        "per_token_group_fp8_quant_packed",
        "identity",
        "(Tensor input, Tensor(a!) output_q, Tensor(b!) output_s_packed, int group_size, "
        "float eps, float fp8_min, float fp8_max) -> ()",
        roles=_PER_TOKEN_GROUP,
        rule=ScaleRule.CEIL,
        scale=ScaleFormat.E8M0,
        least_scale=1e-10,
        peer=_VLLM,
    ),
    Operator(
        "per_token_group_quant_int8",
        "identity",
        "(Tensor input, Tensor(a!) output_q, Tensor(b!) output_s, int group_size, float eps, "
        "float int8_min, float int8_max) -> ()",
        roles=_PER_TOKEN_GROUP,
        peer=_VLLM,
    ),
    Operator(
        "static_scaled_fp8_quant",
        "identity",
        "(Tensor(a!) result, Tensor input, Tensor scale, int[]? group_shape=None) -> ()",
        roles=_RESULT,
        rule=ScaleRule.GIVEN,
        peer=_VLLM,
    ),
    _activation("silu_and_mul", "result", intermediate=Intermediate.INPUT_DTYPE),
    _activation("gelu_and_mul", "out", intermediate=Intermediate.INPUT_DTYPE),
    _activation("gelu_tanh_and_mul", "out", intermediate=Intermediate.INPUT_DTYPE),
    _activation(
        "silu_and_mul_with_clamp",
        "result",
        ", float limit, float alpha=1.0, float beta=0.0",
        producer="swigluoai_and_mul",
        intermediate=Intermediate.INPUT_DTYPE,
    ),
    _activation(
        "swigluoai_and_mul", "out", ", float alpha=1.702, float limit=7.0", interleaved=True
    ),
    _activation("situ_and_mul", "out", ", float beta=1.0, float linear_beta=-1.0"),
    _activation("relu_squared", "out"),
    _activation("gelu_quick", "out"),
    # vLLM adds the residual in the tensors' dtype here, and the norm reads that sum.
    Operator(
        "rms_norm",
        "rms_norm",
        "(Tensor(a!) result, Tensor input, Tensor? weight, float epsilon) -> ()",
        overload="vllm",
        roles=_RESULT,
        rule=ScaleRule.NONE,
        scale=ScaleFormat.NONE,
        unquantised=True,
        peer=_VLLM,
    ),
    Operator(
        "fused_add_rms_norm",
        "rms_norm",
        "(Tensor(a!) input, Tensor(b!) residual, Tensor? weight, float epsilon) -> ()",
        rule=ScaleRule.NONE,
        scale=ScaleFormat.NONE,
        unquantised=True,
        in_place=True,
        peer=_VLLM,
    ),
    Operator(
        "rms_norm_static_fp8_quant",
        "rms_norm",
        "(Tensor(a!) result, Tensor input, Tensor weight, Tensor scale, float epsilon) -> ()",
        roles=_RESULT,
        rule=ScaleRule.GIVEN,
        intermediate=Intermediate.PRODUCT,
        peer=_VLLM,
    ),
    Operator(
        "fused_add_rms_norm_static_fp8_quant",
        "rms_norm",
        "(Tensor(a!) result, Tensor input, Tensor(b!) residual, Tensor weight, Tensor scale, "
        "float epsilon) -> ()",
        roles=_RESULT,
        rule=ScaleRule.GIVEN,
        intermediate=Intermediate.PRODUCT,
        peer=_VLLM,
    ),
    # Here its kernels add in float32, and round the normalised number before the weight.
    Operator(
        "rms_norm_dynamic_per_token_quant",
        "rms_norm",
        "(Tensor(a!) result, Tensor input, Tensor weight, Tensor(b!) scale, float epsilon, "
        "Tensor? scale_ub, Tensor(c!)? residual) -> ()",
        roles=_RESULT | _SCALE_WRITTEN,
        intermediate=Intermediate.INPUT_DTYPE,
        by_token=True,
        bounds_amax=True,
        keeps_sum=True,
        peer=_VLLM,
    ),
    Operator(
        "rms_norm_per_block_quant",
        "rms_norm",
        "(Tensor(a!) result, Tensor input, Tensor weight, Tensor(b!) scale, float epsilon, "
        "Tensor? scale_ub, Tensor(c!)? residual, int group_size, bool is_scale_transposed) -> ()",
        roles=_RESULT | _SCALE_WRITTEN,
        intermediate=Intermediate.INPUT_DTYPE,
        bounds_amax=True,
        keeps_sum=True,
        peer=_VLLM,
    ),
    Operator(
        "dynamic_per_token_scaled_fp8_quant",
        "identity",
        "(Tensor(a!) result, Tensor input, Tensor(b!) scale, Tensor? scale_ub) -> ()",
        roles=_RESULT | _SCALE_WRITTEN,
        by_token=True,
        bounds_amax=True,
        peer=_VLLM,
    ),
    Operator(
        "dynamic_scaled_int8_quant",
        "identity",
        "(Tensor(a!) result, Tensor input, Tensor(b!) scale, Tensor(c!)? azp) -> ()",
        roles=_RESULT | _SCALE_WRITTEN,
        by_token=True,
        peer=_VLLM,
    ),
    # Its kernel computes in bfloat16.
    Operator(
        "persistent_masked_m_silu_mul_quant",
        "silu_and_mul",
        "(Tensor input, Tensor counts, Tensor(a!) y_q, Tensor(b!) y_s, bool use_ue8m0) -> ()",
        roles={
            "counts": Role.ROWS,
            "y_q": Role.VALUES,
            "y_s": Role.SCALES,
            "use_ue8m0": Role.SCALE_UE8M0,
        },
        intermediate=Intermediate.INPUT_DTYPE,
        least_scale=1e-10,
        experts=ExpertLayout.MASKED,
        peer=_VLLM,
    ),
    *(
        _experts(f"{prefix}{name}", producer, scale, last, recipe)
        for prefix, producer in (("", "identity"), ("silu_and_mul_", "silu_and_mul"))
        for name, scale, last, recipe in (
            ("scaled_fp4_experts_quant", ", Tensor input_global_scale", "", _NVFP4_IN_TILES),
            ("mxfp4_experts_quant", "", ", int n_experts", _MXFP4_IN_TILES),
        )
    ),
)

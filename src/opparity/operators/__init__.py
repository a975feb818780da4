"""THE tables: producers, operators and implementations, one line each. Free of torch."""

from __future__ import annotations

from opparity.formats import Intermediate, ScaleFormat, ScaleRule
from opparity.operators.declaration import (
    Direction,
    Implementation,
    Operator,
    Parameter,
    Producer,
    Role,
)
from opparity.platforms import Platform

_LIMIT = Parameter("limit", "upper bound of the gate, and bound of up's magnitude")
_ALPHA = Parameter("alpha", "factor of the sigmoid's argument", 1.702)

PRODUCERS: tuple[Producer, ...] = (
    Producer("identity", "Identity", "x", gated=False, used_by="attention and routers"),
    Producer(
        "silu_and_mul",
        "SiluAndMul",
        "silu(gate) * up",
        gated=True,
        used_by="DeepSeek V3, Qwen3, GLM, Llama, MiniMax M2",
    ),
    Producer(
        "silu_and_mul_with_clamp",
        "SiluAndMulWithClamp",
        "silu(min(gate, limit)) * clamp(up, -limit, limit)",
        gated=True,
        parameters=(_LIMIT,),
        used_by="DeepSeek V4, GLM 5.3 Flash",
    ),
    Producer(
        "swigluoai_and_mul",
        "SwigluOaiAndMul",
        "g * sigmoid(alpha * g) * (clamp(up, -limit, limit) + beta) with g = min(gate, limit)",
        gated=True,
        parameters=(
            _ALPHA,
            Parameter("limit", _LIMIT.meaning, 7.0),
            Parameter("beta", "what is added to up", 1.0, positive=False),
        ),
        used_by="gpt-oss (interleaved), MiniMax M3",
    ),
    Producer(
        "situ_and_mul",
        "SituAndMul",
        "beta * tanh(gate / beta) * sigmoid(gate) * linear_beta * tanh(up / linear_beta)",
        gated=True,
        parameters=(
            Parameter("beta", "the gate's soft limit", 4.0),
            Parameter(
                "linear_beta", "up's soft limit; none if not above zero", 25.0, positive=False
            ),
        ),
        used_by="Kimi K3",
    ),
    Producer(
        "swiglustep_and_mul",
        "SwigluStepAndMul",
        "min(silu(gate), limit) * clamp(up, -limit, limit)",
        gated=True,
        parameters=(Parameter("limit", "upper bound of SiLU, and bound of up's magnitude", 7.0),),
        used_by="Step 3.5 to 5",
    ),
    Producer(
        "gelu_and_mul",
        "GeluAndMul",
        "gate * (1 + erf(gate / sqrt(2))) / 2 * up",
        gated=True,
        used_by="Gemma with exact GELU",
    ),
    Producer(
        "gelu_tanh_and_mul",
        "GeluTanhAndMul",
        "gate * (1 + tanh(sqrt(2 / pi) * (gate + 0.044715 * gate**3))) / 2 * up",
        gated=True,
        used_by="Gemma 3 and 4",
    ),
    Producer("relu_squared", "ReluSquared", "max(x, 0) ** 2", gated=False, used_by="Nemotron"),
    Producer(
        "gelu_quick",
        "GeluQuick",
        "x * sigmoid(alpha * x)",
        gated=False,
        parameters=(_ALPHA,),
        used_by="CLIP, Qwen2-VL's vision encoder",
    ),
)


def producer_named(name: str) -> Producer:
    """Return a row of PRODUCERS by its name."""
    return next(producer for producer in PRODUCERS if producer.name == name)


def general_name(producer: Producer) -> str:
    """Return the name of a producer's general operator."""
    return "quantize" if producer.name == "identity" else producer.name


def _general(producer: Producer) -> tuple[Operator, ...]:
    """Return a producer's general operators: functional, mutating, and its gradient."""
    name = general_name(producer)
    numbers = "".join(
        f", float {p.name}" + ("" if p.default is None else f"={p.default!r}")
        for p in producer.parameters
    )
    interleaved = ", bool interleaved=False" if producer.gated else ""
    # torch registers gradients and vmap's rule for no tensor that is given by its name alone.
    shared = (
        f"Tensor input, str recipe{numbers}, Tensor? scale=None, Tensor? scale_ub=None, *, "
        f"str intermediate='float32'{interleaved}"
    )
    listed = [
        Operator(name, producer.name, f"({shared}) -> (Tensor values, Tensor scales)"),
        Operator(
            name,
            producer.name,
            f"({shared}, Tensor(a!) values, Tensor(b!) scales) -> ()",
            overload="out",
        ),
    ]
    if producer.name != "identity":
        listed.append(
            Operator(
                f"{name}_backward",
                producer.name,
                f"(Tensor gradient, Tensor input{numbers}, *{interleaved or ''}) -> Tensor"
                if producer.gated
                else f"(Tensor gradient, Tensor input{numbers}) -> Tensor",
                direction=Direction.BACKWARD,
            )
        )
    return tuple(listed)


_VLLM = "vLLM 0.33"
_OUT = {"out": Role.VALUES}
_RESULT = {"result": Role.VALUES}
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


# Operators with a peer's name and schema, so that `torch.ops.opparity` serves where `torch.ops._C`
# did. `intermediate` is where the peer's kernel rounds.
_NAMED: tuple[Operator, ...] = (
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
        # What num_valid_tokens is multiplied with.
        roles=_OUT | {"scale": Role.SCALES, "topk": Role.UNUSED},
        intermediate=Intermediate.PRODUCT,
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
)

OPERATORS: tuple[Operator, ...] = (
    *(operator for producer in PRODUCERS for operator in _general(producer)),
    *_NAMED,
)

IMPLEMENTATIONS: tuple[Implementation, ...] = (
    Implementation(
        provider="native",
        platforms=frozenset(Platform),
        availability="opparity.operators.native_library:availability",
    ),
    Implementation(
        provider="reference",
        platforms=frozenset(Platform),
        availability="opparity.operators.torch_build:objection",
        kernel="opparity.operators.reference.kernel:kernel",
    ),
)

PROVIDERS: tuple[str, ...] = tuple(row.provider for row in IMPLEMENTATIONS)

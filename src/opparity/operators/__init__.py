"""THE tables: producers, operators and implementations, one line each. Free of torch."""

from __future__ import annotations

from opparity.operators.declaration import (
    Direction,
    Implementation,
    Operator,
    Parameter,
    Producer,
)
from opparity.operators.peers import PEER_OPERATORS
from opparity.platforms import Platform

_LIMIT = Parameter("limit", "upper bound of the gate, and bound of up's magnitude")
_NORM = (
    Parameter("epsilon", "what is added to the mean of a row's squares", 1e-6),
    Parameter("offset", "what is added to the weight: 1 in Gemma", 0.0, positive=False),
)
_ALPHA = Parameter("alpha", "factor of the sigmoid's argument", 1.702)

PRODUCERS: tuple[Producer, ...] = (
    Producer("identity", "Identity", "x", used_by="attention and routers"),
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
    Producer("relu_squared", "ReluSquared", "max(x, 0) ** 2", used_by="Nemotron"),
    Producer(
        "rms_norm",
        "RmsNorm",
        "x / sqrt(mean(x**2) + epsilon) * (weight + offset)",
        reduces=True,
        parameters=_NORM,
        used_by="most models, twice a layer; with offset 1 Gemma and Qwen3-Next",
    ),
    Producer(
        "gated_rms_norm",
        "GatedRmsNorm",
        "x / sqrt(mean(x**2) + epsilon) * (weight + offset) * silu(gate)",
        reduces=True,
        takes_gate=True,
        parameters=_NORM,
        used_by="Qwen3-Next, Qwen3.5, OLMo Hybrid",
    ),
    Producer(
        "gelu_quick",
        "GeluQuick",
        "x * sigmoid(alpha * x)",
        parameters=(_ALPHA,),
        used_by="CLIP, Qwen2-VL's vision encoder",
    ),
)

# Those that compute each product from an element, or from a gate and an up.
ELEMENTWISE: tuple[Producer, ...] = tuple(row for row in PRODUCERS if not row.reduces)


def producer_named(name: str) -> Producer:
    """Return a row of PRODUCERS by its name."""
    return next(producer for producer in PRODUCERS if producer.name == name)


def general_name(producer: Producer) -> str:
    """Return the name of a producer's general operator."""
    return "quantize" if producer.name == "identity" else producer.name


def added_name(producer: Producer) -> str | None:
    """Return the name of the operator that adds a residual first, if the producer has one."""
    return f"add_{producer.name}" if producer.reduces and not producer.takes_gate else None


def _general(producer: Producer) -> tuple[Operator, ...]:
    """Return a producer's general operators: functional, mutating, and its gradient."""
    name = general_name(producer)
    numbers = _numbers(producer)
    interleaved = ", bool interleaved=False" if producer.gated else ""
    # torch registers gradients and vmap's rule for no tensor that is given by its name alone.
    shared = (
        f"str recipe{numbers}, Tensor? scale=None, Tensor? scale_ub=None, *, "
        f"str intermediate='float32'{interleaved}"
    )
    written = "Tensor(a!) values, Tensor(b!) scales"
    gate = "Tensor gate, " if producer.takes_gate else ""
    weight = "Tensor? weight, " if producer.reduces else ""
    listed = [
        Operator(
            name,
            producer.name,
            f"(Tensor input, {gate}{weight}{shared}) -> (Tensor values, Tensor scales)",
        ),
        Operator(
            name,
            producer.name,
            f"(Tensor input, {gate}{weight}{shared}, {written}) -> ()",
            overload="out",
        ),
    ]
    added = added_name(producer)
    if added is not None:
        listed += [
            Operator(
                added,
                producer.name,
                f"(Tensor input, Tensor residual, {weight}{shared}) "
                "-> (Tensor values, Tensor scales, Tensor sum)",
            ),
            Operator(
                added,
                producer.name,
                f"(Tensor input, Tensor(c!) residual, {weight}{shared}, {written}) -> ()",
                overload="out",
            ),
        ]
    if producer.reduces:
        gates = "Tensor gate_gradient, " if producer.takes_gate else ""
        added_to = "" if producer.takes_gate else ", Tensor? sum_gradient=None"
        listed.append(
            Operator(
                f"{name}_backward",
                producer.name,
                f"(Tensor gradient, Tensor input, {gate}{weight[:-2]}{numbers}{added_to}) -> "
                f"(Tensor input_gradient, {gates}Tensor weight_gradient)",
                direction=Direction.BACKWARD,
            )
        )
    elif has_gradient(producer):
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


def experts_name(producer: Producer) -> str:
    """Return the name of a producer's operator of experts' rows."""
    return f"{general_name(producer)}_experts"


def _of_experts(producer: Producer) -> tuple[Operator, ...]:
    """Return the operators of a producer for experts' rows: functional and mutating."""
    name = experts_name(producer)
    interleaved = ", bool interleaved=False" if producer.gated else ""
    shared = (
        f"Tensor input, Tensor rows, str recipe{_numbers(producer)}, Tensor? scale=None, "
        "Tensor? scale_ub=None, Tensor? scale_offsets=None, *, str experts='masked', "
        f"int multiple=1, str intermediate='float32'{interleaved}, Tensor? row_weights=None"
    )
    written = "Tensor(a!) values, Tensor(b!) scales"
    return (
        Operator(name, producer.name, f"({shared}) -> (Tensor values, Tensor scales)"),
        Operator(name, producer.name, f"({shared}, {written}) -> ()", overload="out"),
    )


def columns_name(producer: Producer) -> str:
    """Return the name of a producer's operator of rows and columns."""
    return f"{general_name(producer)}_with_columns"


def _with_columns(producer: Producer) -> Operator:
    """Return a producer's operator that quantises rows and columns."""
    interleaved = ", bool interleaved=False" if producer.gated else ""
    return Operator(
        columns_name(producer),
        producer.name,
        f"(Tensor input, str recipe{_numbers(producer)}, Tensor? scale_ub=None, *, "
        f"str intermediate='float32'{interleaved}) -> (Tensor values, Tensor scales, "
        "Tensor column_values, Tensor column_scales)",
    )


def quantised_gradient_name(producer: Producer, *, columns: bool = False) -> str:
    """Return the name of a producer's operator that quantises its gradient."""
    return f"{producer.name}_backward_{'with_columns' if columns else 'quantized'}"


def _of_gradients(producer: Producer) -> tuple[Operator, ...]:
    """Return the operators that quantise a producer's gradient: by rows, and by columns too."""
    if not has_gradient(producer):
        return ()
    interleaved = ", bool interleaved=False" if producer.gated else ""
    shared = f"Tensor gradient, Tensor input, str recipe{_numbers(producer)}"
    named = f"Tensor? scale_ub=None, *, str intermediate='float32'{interleaved}"
    results = "Tensor values, Tensor scales"
    return (
        Operator(
            quantised_gradient_name(producer),
            producer.name,
            f"({shared}, Tensor? scale=None, {named}) -> ({results})",
            direction=Direction.QUANTISED_GRADIENT,
        ),
        Operator(
            quantised_gradient_name(producer, columns=True),
            producer.name,
            f"({shared}, {named}) -> ({results}, Tensor column_values, Tensor column_scales)",
            direction=Direction.QUANTISED_GRADIENT,
        ),
    )


def sums_name(producer: Producer) -> str:
    """Return the name of a producer's operator of the int32 sums of an int8 product."""
    return f"{general_name(producer)}_of_sums"


def _of_sums(producer: Producer) -> tuple[Operator, ...]:
    """Return a producer's operators of sums: functional and mutating."""
    name = sums_name(producer)
    interleaved = ", bool interleaved=False" if producer.gated else ""
    shared = (
        f"Tensor input, Tensor token_scales, Tensor weight_scales, str recipe{_numbers(producer)}, "
        "Tensor? scale=None, Tensor? scale_ub=None, *, str dtype='bfloat16', "
        f"str intermediate='float32'{interleaved}"
    )
    written = "Tensor(a!) values, Tensor(b!) scales"
    return (
        Operator(name, producer.name, f"({shared}) -> (Tensor values, Tensor scales)"),
        Operator(name, producer.name, f"({shared}, {written}) -> ()", overload="out"),
    )


def _numbers(producer: Producer) -> str:
    """Return a producer's numbers as a schema has them."""
    return "".join(
        f", float {p.name}" + ("" if p.default is None else f"={p.default!r}")
        for p in producer.parameters
    )


def has_gradient(producer: Producer) -> bool:
    """Return whether a producer has an operator for its gradient."""
    return producer.name != "identity"


OPERATORS: tuple[Operator, ...] = (
    *(operator for producer in PRODUCERS for operator in _general(producer)),
    *(operator for producer in ELEMENTWISE for operator in _of_experts(producer)),
    *(_with_columns(producer) for producer in ELEMENTWISE),
    *(operator for producer in ELEMENTWISE for operator in _of_sums(producer)),
    *(operator for producer in ELEMENTWISE for operator in _of_gradients(producer)),
    *PEER_OPERATORS,
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

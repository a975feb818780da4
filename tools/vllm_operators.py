"""vLLM's operators of torch.ops._C, each ours where there is one of that name.

Their schemas are read from the sdist's csrc/torch_bindings.cpp. An operator that is not ours skips
the test that calls it, by its name. The fused functions that vLLM has in Triton are replaced too.
"""

from __future__ import annotations

import importlib
import math
import re
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

import opparity
from opparity.formats import ExpertLayout
from opparity.operators import OPERATORS
from opparity.operators.declaration import Role
from opparity.operators.gradients import overload_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opparity.operators.declaration import Operator

NAMESPACE = "_C"
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_DEFINITION = re.compile(rf"ops\.def\(\s*((?:{_TEXT}\s*)+)")
_keep: list[torch.library.Library] = []


def schemas(source: Path) -> dict[str, str]:
    """Return vLLM's schemas by operator, from "(" on, as they stand in its sources."""
    text = (source / "csrc" / "torch_bindings.cpp").read_text("utf-8")
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        definition = "".join(re.findall(_TEXT, match.group(1))).replace('\\"', '"')
        name, bracket, rest = definition.partition("(")
        found.setdefault(name.strip(), re.sub(r"\s+", " ", bracket + rest))
    return found


def ours() -> dict[str, Operator]:
    """Return our operators with a schema of vLLM's, by name."""
    return {operator.name: operator for operator in OPERATORS if operator.peer.startswith("vLLM")}


def install(source: Path) -> list[str]:
    """Define torch.ops._C; return the names of those that are ours."""
    opparity.load()
    _keep_our_fakes()
    library = torch.library.Library(NAMESPACE, "FRAGMENT")
    _keep.append(library)
    mine = ours()
    for name, schema in schemas(source).items():
        library.define(name + schema, tags=(torch.Tag.pt2_compliant_tag,))
        if schema.endswith("-> bool"):
            # Asked at import whether a kernel of vLLM's is there.
            library.impl(name, lambda *_: False, "CompositeExplicitAutograd")
            continue
        run = _ours(mine[name]) if name in mine else _absent(name)
        for key in ("CPU", "CUDA"):
            library.impl(name, run, key)
        torch.library.register_fake(f"{NAMESPACE}::{name}", run, lib=library)
    return sorted(mine)


def _keep_our_fakes() -> None:
    """Let vLLM's modules, which give operators of its own their fakes, find these given already.

    torch 2.11 refuses a second fake.
    """
    register = torch.library.register_fake

    def register_first(name: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 -- torch's
        if name.startswith(f"{NAMESPACE}::") and not arguments:
            return lambda function: function
        return register(name, *arguments, **named)

    torch.library.register_fake = register_first  # type: ignore[assignment]


def _absent(name: str) -> Callable[..., None]:
    def skip(*_: object, **__: object) -> None:
        pytest.skip(f"torch.ops._C.{name} is not one of Opparity's")

    return skip


def _ours(operator: Operator) -> Callable[..., None]:
    """Return an operator of ours as a function that takes leading dimensions, as vLLM's do."""
    call = overload_of(operator)
    if operator.experts is ExpertLayout.MASKED:
        # Its experts are a dimension of its own.
        return call
    names = [argument.name for argument in operator.arguments]
    matrices = {
        argument.name
        for argument in operator.arguments
        if argument.role in (Role.INPUT, Role.VALUES, Role.SCALES)
    }

    def run(*positional: object, **named: object) -> None:
        given: dict[str, Any] = dict(zip(names, positional, strict=False)) | named
        for name in matrices & given.keys():
            given[name] = _flat(given[name])
        _refuse_bound(operator.name, given.get("scale_ub"))
        call(**given)

    return run


def _refuse_bound(name: str, bound: object) -> None:
    """Refuse a GPU's bound that is none, as an operator does that can look at it.

    With such a bound ours makes NaN of every scale, which would be told as a wrong result.
    """
    if type(bound) is not Tensor or bound.device.type != "cuda":
        return
    number = bound.item()
    if not number > 0:
        message = f"{name}: scale_ub is {number:g} and makes NaN scales; allowed: a number above 0"
        raise ValueError(message)


def _flat(tensor: Tensor) -> Tensor:
    """Return a view [num_tokens, width]."""
    if tensor.dim() == 2:  # noqa: PLR2004 -- a matrix
        return tensor
    return tensor.view(math.prod(tensor.shape[:-1]), tensor.shape[-1])


def replace_functions() -> list[str]:
    """Put our operators where vLLM fuses in Triton; return the names of what was replaced."""
    replaced = []
    functions: tuple[Callable[..., object], ...] = (
        swiglustep_and_mul_triton,
        silu_mul_per_token_group_quant_fp8_colmajor,
        silu_mul_quant_fp8_packed_triton,
        _relu_squared_static_fp8_quant(),
    )
    for function in functions:
        module = importlib.import_module(_MODULES[function.__name__])
        assert callable(getattr(module, function.__name__))
        setattr(module, function.__name__, function)
        replaced.append(f"{module.__name__}.{function.__name__}")
    return replaced


_LAYERS = "vllm.model_executor.layers"
_MODULES = {
    "swiglustep_and_mul_triton": f"{_LAYERS}.activation",
    "silu_mul_per_token_group_quant_fp8_colmajor": f"{_LAYERS}.quantization.utils.fp8_utils",
    "silu_mul_quant_fp8_packed_triton": f"{_LAYERS}.quantization.utils.fp8_utils",
    "relu_squared_static_fp8_quant": f"{_LAYERS}.fusion.relu2_fp8_quant",
}


def call_norms() -> None:
    """Let RMSNorm, where custom operators are on, call vLLM's operators, which are ours.

    vLLM gives its layer's two ways the same choice of kernels, native outside of an engine, and
    so its tests would compare native code with itself.
    """
    ir = importlib.import_module("vllm.ir").ops
    layer = importlib.import_module(f"{_LAYERS}.layernorm").RMSNorm

    def forward_cuda(self: Any, x: Tensor, residual: Tensor | None = None) -> object:  # noqa: ANN401 -- vLLM's layer
        operator = ir.rms_norm if residual is None else ir.fused_add_rms_norm
        tensors = (x,) if residual is None else (x, residual)
        given = (*tensors, self.weight.data if self.has_weight else None, self.variance_epsilon)
        kernel = operator.impls["vllm_c"]
        assert kernel.supports_args(*given)
        return kernel.impl_fn(*given)

    layer.forward_cuda = forward_cuda


def swiglustep_and_mul_triton(output: Tensor, input: Tensor, limit: float = 7.0) -> None:
    """Write silu(gate), limited, times up, limited."""
    overload = torch.ops.opparity.swiglustep_and_mul.out
    nothing = output.new_empty(0, dtype=torch.float32)
    overload(input, "none", limit, values=output, scales=nothing)


def silu_mul_per_token_group_quant_fp8_colmajor(
    input: Tensor,
    output: Tensor | None = None,
    use_ue8m0: bool | None = None,
    eps: float = 1e-10,
    clamp_limit: float | None = None,
    group_size: int = 128,
    alpha: float = 1.0,
    beta: float = 0.0,
    **experts: object,
) -> tuple[Tensor, Tensor]:
    """Return FP8 values and column-major scales; vLLM rounds each step to the input's dtype."""
    _refuse_experts(experts)
    assert eps == 1e-10  # noqa: PLR2004 -- no test asks for another
    scale = "ue8m0_float32/ceil" if use_ue8m0 else "float32/amax"
    recipe = f"float8_e4m3fn/{group_size}/{scale}/column_major"
    found = _gated(input, recipe, "input_dtype", clamp_limit, alpha, beta)
    return _into(output, found.values), found.scales


def silu_mul_quant_fp8_packed_triton(
    input: Tensor,
    group_size: int = 128,
    output_q: Tensor | None = None,
    clamp_limit: float | None = None,
    alpha: float = 1.0,
    beta: float = 0.0,
    **experts: object,
) -> tuple[Tensor, Tensor]:
    """Return FP8 values and packed exponents; vLLM rounds the product to bfloat16."""
    _refuse_experts(experts)
    recipe = f"float8_e4m3fn/{group_size}/float8_e8m0fnu/ceil/packed"
    found = _gated(input, recipe, "product", clamp_limit, alpha, beta)
    return _into(output_q, found.values), found.scales


def _relu_squared_static_fp8_quant() -> Callable[..., object]:
    """Return ReLU squared under a layer's scale as vLLM's QuantizedActivation.

    The names are looked up beforehand, since one of the tests compiles the function whole.
    """
    activation = importlib.import_module(f"{_LAYERS}.fusion.quant_activation").QuantizedActivation
    keys = importlib.import_module(f"{_LAYERS}.quantization.utils.quant_utils")
    key, quantise = keys.kFp8StaticTensorSym, opparity.relu_squared

    def relu_squared_static_fp8_quant(x: Tensor, linear: Any) -> object:  # noqa: ANN401 -- vLLM's layer
        scale = linear.input_scale
        if x.numel() == 0:
            values = x.new_empty(x.shape, dtype=torch.float8_e4m3fn)
        else:
            values = quantise(x, "fp8_tensor", intermediate="product", scale=scale).values
        return activation(values, scale, x.dtype, x.shape, key)

    return relu_squared_static_fp8_quant


def _gated(
    input: Tensor, recipe: str, intermediate: str, limit: float | None, alpha: float, beta: float
) -> opparity.Quantized:
    if (alpha, beta) != (1.0, 0.0):
        return opparity.swigluoai_and_mul(
            input, recipe, intermediate=intermediate, alpha=alpha, limit=limit or 1e30, beta=beta
        )
    if limit is None:
        return opparity.silu_and_mul(input, recipe, intermediate=intermediate)
    return opparity.silu_and_mul_with_clamp(input, recipe, intermediate=intermediate, limit=limit)


def _refuse_experts(experts: dict[str, object]) -> None:
    if experts.get("expert_ends") is not None:
        pytest.skip("expert_ends, rows with gaps between experts, is not one of Opparity's layouts")


def _into(output: Tensor | None, values: Tensor) -> Tensor:
    if output is None:
        return values
    output.view(torch.uint8).copy_(values.view(torch.uint8))
    return output

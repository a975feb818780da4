from collections.abc import Callable
from typing import Any

import torch

from vllm.model_executor.layers.activation import SiluAndMul
from vllm.model_executor.layers.fusion.quant_activation import (
    QuantizedActivation,
    get_input_quant_key,
)
from vllm.model_executor.layers.quantization.utils.quant_utils import (
    kFp8Dynamic128Sym,
    kFp8StaticTensorSym,
)
from vllm.platforms import current_platform


def _silu_and_mul_fp8_static(x: torch.Tensor, linear: Any) -> QuantizedActivation:
    shape = torch.Size((*x.shape[:-1], x.shape[-1] // 2))
    codes = torch.empty(shape, dtype=torch.float8_e4m3fn)
    torch.ops._C.silu_and_mul_quant(codes, x, linear.input_scale)
    return QuantizedActivation(codes, linear.input_scale, x.dtype, shape, kFp8StaticTensorSym)


def _silu_and_mul_fp8_dynamic_128(x: torch.Tensor, linear: Any) -> QuantizedActivation:
    shape = torch.Size((*x.shape[:-1], x.shape[-1] // 2))
    flat = x.reshape(-1, x.shape[-1])
    codes = torch.empty(flat.shape[0], shape[-1], dtype=torch.float8_e4m3fn)
    scales = torch.empty(flat.shape[0], shape[-1] // 128)
    torch.ops._C.silu_and_mul_per_block_quant(
        out=codes,
        input=flat,
        scales=scales,
        group_size=128,
        scale_ub=None,
        is_scale_transposed=False,
    )
    return QuantizedActivation(
        codes.view(shape), scales.view(*shape[:-1], -1), x.dtype, shape, kFp8Dynamic128Sym
    )


_FUSED_ACT_QUANT: dict[tuple[type, Any], Callable[..., Any]] = {
    (SiluAndMul, kFp8StaticTensorSym): _silu_and_mul_fp8_static
}
_FUSED_ACT_QUANT_SUPPORT: dict[tuple[type, Any], Callable[..., bool]] = {}
if current_platform.is_cuda_alike():
    _FUSED_ACT_QUANT[SiluAndMul, kFp8Dynamic128Sym] = _silu_and_mul_fp8_dynamic_128


def maybe_fused_act_quant(act_fn: torch.nn.Module, x: torch.Tensor, linear: Any) -> Any:
    row = (type(act_fn), get_input_quant_key(linear))
    fits = _FUSED_ACT_QUANT_SUPPORT.get(row)
    if row in _FUSED_ACT_QUANT and (fits is None or fits(act_fn, x, linear)):
        return _FUSED_ACT_QUANT[row](x, linear)
    return act_fn(x)

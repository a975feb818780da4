"""Compile vLLM's own unfused layers and operators with the pass; print what it found in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from vllm.config import DeviceConfig, VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.activation import SiluAndMul
from vllm.model_executor.layers.quantization.input_quant_fp8 import QuantFP8
from vllm.model_executor.layers.quantization.utils.quant_utils import GroupShape
from vllm.platforms import current_platform

from real_packages.spelled import print_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Pair = tuple[Tensor, Tensor]

current_platform.import_kernels()
with set_current_vllm_config(VllmConfig(device_config=DeviceConfig(device="cpu"))):
    activation = SiluAndMul()
    quantisers = {
        "blocks": QuantFP8(static=False, group_shape=GroupShape(1, 128)),
        "tokens": QuantFP8(static=False, group_shape=GroupShape.PER_TOKEN),
        "UE8M0": QuantFP8(static=False, group_shape=GroupShape(1, 128), use_ue8m0=True),
    }


def layer(quantiser: QuantFP8) -> Callable[[Tensor], Pair]:
    """Return both layers as vLLM writes them in torch."""
    return lambda input: quantiser.forward_native(activation.forward_native(input))


def written(input: Tensor) -> Tensor:
    """Return the product that vLLM's operator writes."""
    out = input.new_empty((input.shape[0], input.shape[1] // 2))
    torch.ops._C.silu_and_mul(out, input)
    return out


def written_codes(product: Tensor) -> Pair:
    """Return the codes and scales that vLLM's operator writes."""
    codes = torch.empty_like(product, dtype=torch.int8)
    scales = product.new_empty((product.shape[0], 1), dtype=torch.float32)
    torch.ops._C.dynamic_scaled_int8_quant(codes, product, scales, None)
    return codes, scales


torch.manual_seed(0)
input = torch.randn(48, 1024).bfloat16()
layers = {name: layer(quantiser) for name, quantiser in quantisers.items()}
print_results(layers, input, changed_codes=0.005, word="NEAR")
operators = {
    "written, tokens": lambda input: quantisers["tokens"].forward_native(written(input)),
    "written, int8 written": lambda input: written_codes(written(input)),
    "int8 written": written_codes,
}
print_results(layers | operators, input)

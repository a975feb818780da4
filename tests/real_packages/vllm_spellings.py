"""Compile vLLM's own unfused layers with Opparity's pass; print what it found in each."""

from __future__ import annotations

import json

import torch
from vllm.config import DeviceConfig, VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.activation import SiluAndMul
from vllm.model_executor.layers.quantization.input_quant_fp8 import QuantFP8
from vllm.model_executor.layers.quantization.utils.quant_utils import GroupShape

from opparity.integrations.compile_pass import install

torch._inductor.config.fx_graph_cache = False
torch._functorch.config.enable_autograd_cache = False
with set_current_vllm_config(VllmConfig(device_config=DeviceConfig(device="cpu"))):
    activation = SiluAndMul()
    quantisers = {
        "blocks": QuantFP8(static=False, group_shape=GroupShape(1, 128)),
        "tokens": QuantFP8(static=False, group_shape=GroupShape.PER_TOKEN),
        "UE8M0": QuantFP8(static=False, group_shape=GroupShape(1, 128), use_ue8m0=True),
    }
installed = install()
results = {}
for name, quantiser in quantisers.items():

    def layer(
        input: torch.Tensor, quantiser: QuantFP8 = quantiser
    ) -> tuple[torch.Tensor, torch.Tensor]:
        found: tuple[torch.Tensor, torch.Tensor] = quantiser.forward_native(
            activation.forward_native(input)
        )
        return found

    torch.manual_seed(0)
    input = torch.randn(48, 1024).bfloat16()
    installed.matches.clear()
    values, scales = torch.compile(layer, dynamic=False)(input)
    plain, plain_scales = layer(input)
    results[name] = {
        "matches": [str(match) for match in installed.matches],
        "codes": (values.view(torch.uint8) != plain.view(torch.uint8)).float().mean().item(),
        "scales": int((scales != plain_scales).sum()),
    }
print(f"RESULT {json.dumps(results)}")  # noqa: T201 -- the test reads it

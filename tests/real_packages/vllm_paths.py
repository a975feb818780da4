"""Call what vLLM calls where an operator's presence matters on the CPU, and print what came."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import torch
from vllm.plugins import load_general_plugins

import opparity


def main() -> None:
    load_general_plugins()
    from vllm import _custom_ops  # noqa: PLC0415 -- after the plugins, as in an engine
    from vllm.config import VllmConfig, set_current_vllm_config  # noqa: PLC0415
    from vllm.model_executor.layers.activation import SiluAndMul  # noqa: PLC0415
    from vllm.model_executor.layers.fusion import fused_act_quant as fusing  # noqa: PLC0415
    from vllm.model_executor.layers.quantization.utils import quant_utils  # noqa: PLC0415

    from opparity.integrations.vllm import calls  # noqa: PLC0415

    with set_current_vllm_config(VllmConfig(), check_compile=False):
        silu = SiluAndMul()
    torch.manual_seed(0)
    x = torch.randn(6, 1024, dtype=torch.bfloat16)
    said: dict[str, object] = {}

    def compare(name: str, codes: torch.Tensor, exact: torch.Tensor) -> None:
        said[name] = torch.equal(codes.view(torch.uint8), exact.view(torch.uint8))

    scale = torch.tensor([0.02])
    key = quant_utils.kFp8StaticTensorSym
    linear = SimpleNamespace(_input_quant_key=key, input_scale=scale)
    try:
        found = fusing.maybe_fused_act_quant(silu, x, linear)
        exact = opparity.silu_and_mul(x, "fp8_tensor", scale=scale, intermediate="input_dtype")
        compare("static", found.data, exact.values)
    except AttributeError as error:
        said["static"] = str(error)
    key = quant_utils.kFp8Dynamic128Sym
    found = fusing.maybe_fused_act_quant(silu, x, SimpleNamespace(_input_quant_key=key))
    said["row"] = type(found).__name__
    block = opparity.silu_and_mul(x, "fp8_block")
    if said["row"] == "QuantizedActivation":
        compare("block", found.data, block.values)
    for transposed in (False, True):
        try:
            codes, _ = _custom_ops.silu_and_mul_per_block_quant(
                x, 128, torch.float8_e4m3fn, None, transposed
            )
            compare(f"transposed {transposed}", codes, block.values)
        except AttributeError as error:
            said[f"transposed {transposed}"] = str(error)
    said["calls"] = calls()
    sys.stdout.write(f"\nRESULT {json.dumps(said)}\n")


if __name__ == "__main__":
    main()

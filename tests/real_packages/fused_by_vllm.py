"""Compile SiLU and a block quantisation with vLLM's own fusion pass, and print what came of it.

vLLM makes the pass for GPUs alone. Where DEVICE is "cpu" it is told that this is one, and its
tensors stay on the CPU; where it is "cuda" nothing is pretended. Run in a process of its own, with
vLLM and the plugin; see test_vllm_patterns.py.

Usage: python fused_by_vllm.py PLATFORM TRANSPOSED UE8M0 ALIGNED [DEVICE]
"""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor

GROUP, WIDTH = 128, 512
# What modules of vLLM take while they are imported, and Opparity has not.
FURTHER = """
rotary_embedding(Tensor positions, Tensor(a!) query, Tensor(b!)? key, int head_size, \
Tensor cos_sin_cache, bool is_neox, int rope_dim_offset=0, bool inverse=False) -> ()
dynamic_scaled_fp8_quant(Tensor(a!) result, Tensor input, Tensor(b!) scale) -> ()
"""


def hide_libraries() -> None:
    """Have vLLM find no library of its own, which would define what is defined here."""
    for name in ("_C", "_C_AVX2", "_C_AVX512"):
        sys.modules[f"vllm.{name}"] = None  # type: ignore[assignment] # so that it is not found


def pretend(platform: str) -> None:
    """Have vLLM believe that this is a GPU of a platform."""
    from vllm.platforms import current_platform  # noqa: PLC0415 -- after its libraries are hidden

    kind: Any = type(current_platform)
    kind.device_type = kind.device_name = "cpu"
    kind.dispatch_key = "CPU"
    kind.is_cuda = lambda _: platform == "cuda"
    kind.is_rocm = lambda _: platform == "rocm"
    kind.is_cpu = kind.is_unspecified = lambda _: False
    kind.is_cuda_alike = lambda _: True
    kind.import_kernels = classmethod(lambda _: None)
    kind.has_device_capability = classmethod(lambda *_, **__: False)
    kind.get_device_capability = classmethod(lambda *_, **__: None)
    if platform == "rocm":
        # vLLM's modules for ROCm ask for the chip while they are imported.
        chip: Any = SimpleNamespace(gcnArchName="gfx950", multi_processor_count=256, name="gfx950")
        torch.cuda.get_device_properties = lambda *_: chip


def fusion_pass(device: str) -> Any:  # noqa: ANN401 -- vLLM's pass
    from vllm.config import (  # noqa: PLC0415 -- after the platform is pretended
        CompilationConfig,
        DeviceConfig,
        VllmConfig,
        set_current_vllm_config,
    )

    config = VllmConfig(
        compilation_config=CompilationConfig(custom_ops=["+quant_fp8", "+silu_and_mul"]),
        device_config=DeviceConfig(device=device),
    )
    with set_current_vllm_config(config, check_compile=False):
        from vllm.compilation.passes.fusion.act_quant_fusion import (  # noqa: PLC0415
            ActivationQuantFusionPass,
        )

        return ActivationQuantFusionPass(config)


def unfused(x: Tensor, *, transposed: bool, ue8m0: bool, aligned: bool) -> tuple[Tensor, Tensor]:
    """Call what vLLM's layers call: the activation, then the quantisation."""
    tokens, groups, device = x.shape[0], WIDTH // GROUP, x.device
    activated = torch.empty(tokens, WIDTH, dtype=x.dtype, device=device)
    torch.ops._C.silu_and_mul(activated, x)
    values = torch.empty(tokens, WIDTH, dtype=torch.float8_e4m3fn, device=device)
    if transposed and aligned:
        strides = (1, (tokens + 3) // 4 * 4)
        scales = torch.empty_strided((tokens, groups), strides, device=device)
    elif transposed:
        scales = torch.empty(groups, tokens, device=device).permute(-1, -2)
    else:
        scales = torch.empty(tokens, groups, device=device)
    torch.ops._C.per_token_group_fp8_quant(
        activated, values, scales, GROUP, 1e-10, -448.0, 448.0, ue8m0, transposed, aligned
    )
    return values.view(torch.uint8), scales


def main() -> None:
    platform = sys.argv[1]
    transposed, ue8m0, aligned = (word == "1" for word in sys.argv[2:5])
    device = sys.argv[5] if len(sys.argv) > 5 else "cpu"
    hide_libraries()
    if device == "cpu":
        pretend(platform)
    else:
        # vLLM's platform for CUDA is refused without it; its operators are Opparity's here.
        sys.modules["vllm._C_stable_libtorch"] = ModuleType("vllm._C_stable_libtorch")
    library = torch.library.Library("_C", "FRAGMENT")
    for schema in FURTHER.strip().splitlines():
        library.define(schema)
    library.define("cutlass_scaled_mm_supports_block_fp8(int capability) -> bool")
    library.impl(
        "cutlass_scaled_mm_supports_block_fp8", lambda _: False, "CompositeExplicitAutograd"
    )
    from opparity.integrations.vllm import calls, register  # noqa: PLC0415 -- see above

    register()
    fusing = fusion_pass(device)
    torch._inductor.config.post_grad_custom_post_pass = fusing
    torch._inductor.config.force_disable_caches = True
    torch._inductor.config.enable_auto_functionalized_v2 = False  # as vLLM sets it
    from vllm.compilation.passes.inductor_pass import pass_context  # noqa: PLC0415
    from vllm.config.utils import Range  # noqa: PLC0415

    def model(x: Tensor) -> tuple[Tensor, Tensor]:
        return unfused(x, transposed=transposed, ue8m0=ue8m0, aligned=aligned)

    compiled = torch.compile(model, fullgraph=True)
    torch.manual_seed(0)
    rows = []
    for tokens in (33, 6):
        x = torch.randn(tokens, 2 * WIDTH, dtype=torch.bfloat16).to(device)
        torch._dynamo.mark_dynamic(x, 0)  # as vLLM does with the number of tokens
        with pass_context(Range(1, 100)):
            values, scales = compiled(x)
        mantissas, _ = torch.frexp(scales)
        import opparity  # noqa: PLC0415

        exact = opparity.silu_and_mul(x, "fp8_block_ue8m0" if ue8m0 else "fp8_block")
        rows.append(
            {
                "stride": list(scales.stride()),
                "powers_of_two": bool((mantissas == 0.5).all()),
                "same_codes": bool(torch.equal(values, exact.values.view(torch.uint8))),
                "same_scales": bool(torch.equal(scales, exact.scales)),
            }
        )
    patterns = sum(len(found) for found in fusing.pm_pass.patterns.values())
    said = {"matched": fusing.matched_count, "patterns": patterns, "rows": rows, "calls": calls()}
    sys.stdout.write(f"RESULT {json.dumps(said | {'uuid': fusing.uuid()})}\n")


if __name__ == "__main__":
    main()
